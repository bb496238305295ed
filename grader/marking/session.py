"""A grading session: a queue of answers, the one on the screen, and what was done with others.

It knows neither keys nor terminal. Each mark is in the gradebook as soon as it is given, so that a
session may end at any moment.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import Enum, auto
from itertools import dropwhile

from grader.errors import GraderError
from grader.marking.answers import (
    Answer,
    Changed,
    Draft,
    Mark,
    Question,
    State,
    answer_text,
    answers_to,
    current_mark,
    write_mark,
)
from grader.marking.claims import Claims
from labo.french import compact

NEW_LINE = "¶"  # in a comment as it is typed


class Next(Enum):
    """The consequence of an action."""

    STAY = auto()
    """The same answer stays on the screen."""
    CONFIRM = auto()
    """It stays, and is left unmarked when the grader asks to leave once more."""
    ANOTHER = auto()
    """Another answer comes up."""
    LEAVE = auto()
    """The session is over."""


@dataclass(frozen=True)
class Current:
    """The answer on the screen: its text, its mark when it came up, and the mark in the making."""

    answer: Answer
    text: str
    before: Mark
    draft: Draft


@dataclass(frozen=True)
class View:
    """All that is on the screen at a time."""

    question: Question
    draft: Draft
    title: str
    text: str
    notice: str = ""


@dataclass(frozen=True)
class Step:
    """An answer that was marked, or skipped where `after` is None."""

    answer: Answer
    before: Mark
    after: Mark | None


class Session:
    """One grader, one question. `current` is None before `open_next`, and at the end."""

    def __init__(self, question: Question, wanted: Collection[State], claims: Claims) -> None:
        self.question, self.wanted, self.claims = question, wanted, claims
        self.queue: deque[Answer] = deque()
        self.seen: set[str] = set()
        self.steps: list[Step] = []
        self.drafts: dict[str, Draft] = {}
        self.current: Current | None = None
        self.last = Next.ANOTHER
        self.notice = ""

    @property
    def marked(self) -> int:
        return sum(step.after is not None for step in self.steps)

    @property
    def view(self) -> View | None:
        """All that is on the screen; None at the end, when `farewell` is."""
        if not self.current:
            return None
        question, current = self.question, self.current
        again = current.before.waiting and current.before.score is not None
        parts = [
            f"{question.lab.name} {question.name}",
            f"answer {current.answer.number} of {current.answer.total}",
            f"{self.marked} marked, {len(self.queue) + 1} left",
            *(["marked before, then graded again"] if again else []),
            *([current.before.state.value] if not current.before.waiting else []),
        ]
        return View(question, current.draft, " · ".join(parts), current.text, self.notice)

    def farewell(self) -> str:
        """The text of the end, when no answer is left for this grader."""
        return (
            f"{self.question.lab.name} {self.question.name}: {self.summary()}.\n"
            "What is left was skipped, or is on the screen of other graders.\n\n"
            f"u takes the last one back, any other key leaves.  {self.notice}"
        )

    def summary(self) -> str:
        """The numbers of answers that were marked, and that still are to be."""
        done = {step.answer.id for step in self.steps if step.after}
        answers = answers_to(self.question)
        left = sum(a.state in self.wanted and a.id not in done for a in answers)
        return f"{self.marked} marked, {left} left"

    # ---- The queue

    def open_next(self) -> None:
        """Bring up the next answer that is free, still to be marked, and readable, if any."""
        self.current = None
        while not self.current and (answer := self._claim_next()):
            before = current_mark(self.question, answer)
            if before.state in self.wanted:
                self._open(answer, before)
            else:
                self.claims.give_back(answer.id)

    def _open(self, answer: Answer, before: Mark) -> None:
        self.seen.add(answer.id)
        try:
            text = answer_text(self.question, answer)
        except GraderError as error:
            self.notice = str(error)
            self._put_away(answer, before, None)
            return
        draft = self.drafts.setdefault(answer.id, Draft.of(self.question.key, before))
        self.current = Current(answer, text, before, draft)

    def _put_away(self, answer: Answer, before: Mark, after: Mark | None) -> None:
        self.steps.append(Step(answer, before, after))
        self.claims.give_back(answer.id)

    def _claim_next(self) -> Answer | None:
        """The next answer that no other grader has; None if there is none."""
        while self.queue or self._look_again():
            answer = self.queue.popleft()
            if self.claims.take(answer.id):
                return answer
        return None

    def _look_again(self) -> bool:
        """Queue what others gave back, or what came in, since the last look; False if nothing."""
        due = [
            answer
            for answer in answers_to(self.question)
            if answer.state in self.wanted and answer.id not in self.seen
        ]
        self.queue.extend(dropwhile(lambda answer: not self.claims.take(answer.id), due))
        return bool(self.queue)

    # ---- Actions

    def do(self, action: Action) -> Next:
        """Act on the answer on the screen; at the end, when there is none, any action leaves."""
        self.notice = ""
        return self._follow(action(self, self.current) if self.current else Next.LEAVE)

    def undo(self) -> Next:
        """Go back to the answer before, unmarked again; at the end too."""
        self.notice = ""
        return self._follow(self._take_back())

    def _follow(self, step: Next) -> Next:
        if step is Next.ANOTHER:
            self.open_next()
        self.last = step
        return step

    def save(self, current: Current) -> Next:
        """Write the mark, if something was decided, and go on."""
        answer, before, draft = current.answer, current.before, current.draft
        if draft.score is None:
            self.notice = "nothing is decided yet: 0 for no points, f for all, k to skip"
            return Next.STAY
        if not self.claims.has(answer.id):
            self.notice = f"answer {answer.number} went to another grader meanwhile: not saved"
            return self.skip(current)
        after = draft.mark(self.question.key, before)
        try:
            write_mark(self.question, answer, before, after)
        except Changed as error:
            self.notice = f"{error}: left as it is now"
            return self.skip(current)
        except GraderError as error:
            self.notice = f"not saved, Enter tries again. {error}"
            return Next.STAY
        self.notice = f"answer {answer.number}: {compact(draft.score)} saved"
        self._put_away(answer, before, after)
        return Next.ANOTHER

    def skip(self, current: Current) -> Next:
        """Go on without a mark."""
        self._put_away(current.answer, current.before, None)
        return Next.ANOTHER

    def leave(self, current: Current) -> Next:
        """End the session; asked once more first, where a mark would be lost."""
        unsaved = current.draft != Draft.of(self.question.key, current.before)
        if unsaved and self.last is not Next.CONFIRM:
            self.notice = "this answer is not saved: Enter saves it, q again leaves it unmarked"
            return Next.CONFIRM
        return Next.LEAVE

    def stay(self, current: Current) -> Next:
        """Nothing, but that the notice was read."""
        return Next.STAY

    # ---- The mark in the making

    def toggle(self, current: Current, number: int) -> Next:
        """Tick a line of the barème, or no longer."""
        items = self.question.key.items
        if number <= len(items):
            current.draft.tick(current.draft.ticks ^ {items[number - 1]})
        else:
            self.notice = f"the barème has {len(items)} lines" if items else "no barème: s, f or 0"
        return Next.STAY

    def give_all(self, current: Current) -> Next:
        """All points: every line of the barème, if there is one."""
        items = frozenset(self.question.key.items)
        current.draft.tick(items)
        if not items:
            current.draft.override = Decimal(str(self.question.points))
        return Next.STAY

    def give_nothing(self, current: Current) -> Next:
        """No points."""
        current.draft.tick(frozenset())
        current.draft.override = Decimal(0)
        return Next.STAY

    def give(self, current: Current, typed: str) -> Next:
        """A score as it was typed; the ticks stay."""
        points = self.question.points
        try:
            score = Decimal(typed.strip().replace(",", "."))
        except InvalidOperation:
            self.notice = f"{typed!r} is not a number" if typed else ""
            return Next.STAY
        if score.is_finite() and 0 <= score <= Decimal(str(points)):
            current.draft.override = score
        else:
            self.notice = f"{typed} is not between 0 and {compact(points)}"
        return Next.STAY

    def comment(self, current: Current, typed: str) -> Next:
        """A comment as it was typed, where ¶ begins a new line."""
        lines = typed.split(NEW_LINE)
        current.draft.comment = "\n".join(line.strip() for line in lines).strip()
        return Next.STAY

    # ---- Back

    def _take_back(self) -> Next:
        if not self.steps:
            self.notice = "nothing to undo"
            return Next.STAY
        step = self.steps[-1]
        answer, name = step.answer, f"answer {step.answer.number}"
        if not self.claims.take(answer.id):
            self.notice = f"{name} is with another grader now"
            return Next.STAY
        if step.after:
            try:
                write_mark(self.question, answer, step.after, step.before)
            except GraderError as error:
                self.claims.give_back(answer.id)
                self.notice = f"{name} keeps its mark: {error}"
                return Next.STAY
            self.notice = f"{name} is unmarked again"
        self.steps.pop()
        self._put_back_current()
        self.queue.appendleft(answer)
        return Next.ANOTHER

    def _put_back_current(self) -> None:
        """Queue the answer on the screen, unless another grader has taken it meanwhile."""
        if self.current and self.claims.has(self.current.answer.id):
            self.queue.appendleft(self.current.answer)
            self.claims.give_back(self.current.answer.id)


Action = Callable[[Session, Current], Next]
TypedAction = Callable[[Session, Current, str], Next]
