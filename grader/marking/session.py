"""`grader mark`: a class's answers to one question, one after the other, from the keyboard.

Each mark is in the gradebook as soon as it is given, so that a session may end at any moment.
"""

from __future__ import annotations

import json
import signal
from collections import Counter, deque
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from decimal import Decimal, InvalidOperation
from itertools import dropwhile
from pathlib import Path

from rich.console import Console
from rich.table import Table

from grader.course import Course, Lab
from grader.errors import GraderError
from grader.marking import answers as marking
from grader.marking.answers import Answer, Changed, Draft, Mark, Question, State
from grader.marking.claims import Claims, holders
from grader.marking.keyboard import RESIZED, Keys
from grader.marking.screen import Screen, View
from labo.french import compact


@dataclass(frozen=True)
class Standing:
    """How far the marking of a question is."""

    question: str
    points: float
    waiting: int
    marked: int
    unanswered: int
    open: list[str]
    """Who has an answer on the screen now."""


def standings(lab: Lab) -> list[Standing]:
    """How far a lab is, question by question."""
    return [
        _standing(
            lab.course, question, Counter(a.state for a in marking.answers(lab.course, question))
        )
        for question in marking.questions(lab)
    ]


def _standing(course: Course, question: Question, count: Counter[State]) -> Standing:
    return Standing(
        question=question.name,
        points=question.points,
        waiting=count[State.WAITING],
        marked=count[State.MARKED],
        unanswered=count[State.UNANSWERED],
        open=holders(claims_folder(course, question)),
    )


def show(lab: str, found: list[Standing], console: Console) -> None:
    """The questions of a lab, in a table."""
    table = Table(title=lab, caption=f"grader mark {lab} QUESTION")
    table.add_column("question", style="bold")
    for title in ("points", "waiting", "marked", "unanswered"):
        table.add_column(title, justify="right")
    table.add_column("open now")
    for one in found:
        counts = one.waiting, one.marked, one.unanswered
        table.add_row(one.question, f"{one.points:g}", *map(str, counts), ", ".join(one.open))
    console.print(table)


def to_json(found: list[Standing]) -> str:
    """The same, for a program."""
    return json.dumps([asdict(one) for one in found], ensure_ascii=False, indent=1)


def claims_folder(course: Course, question: Question) -> Path:
    """Where graders of a question see who has what."""
    return course.lab(question.lab).results / ".claims" / question.name


@contextmanager
def hanging_up_interrupts() -> Iterator[None]:
    """A window that is closed, as Ctrl-C, gives back what is claimed."""
    signals = signal.SIGHUP, signal.SIGTERM
    before = [signal.signal(number, signal.default_int_handler) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, before, strict=True):
            signal.signal(number, handler)


@dataclass(frozen=True)
class Step:
    """What was done with an answer: marked, or skipped where `after` is None."""

    answer: Answer
    before: Mark
    after: Mark | None


def mark(
    course: Course, question: Question, wanted: Collection[State], keys: Keys, console: Console
) -> str:
    """Have a person mark the answers that are in a `wanted` state; what was done, in words."""
    with Claims(claims_folder(course, question)) as claims, Screen(console) as screen, keys:
        session = Session(course, question, wanted, claims, keys, screen)
        session.run()
    return session.summary()


class Session:
    """One grader, one question."""

    def __init__(
        self,
        course: Course,
        question: Question,
        wanted: Collection[State],
        claims: Claims,
        keys: Keys,
        screen: Screen,
    ) -> None:
        self.course, self.question, self.wanted = course, question, wanted
        self.claims, self.keys, self.screen = claims, keys, screen
        self.queue: deque[Answer] = deque()
        self.seen: set[str] = set()
        self.past: list[Step] = []
        self.drafts: dict[str, Draft] = {}
        self.notice = ""

    @property
    def marked(self) -> int:
        return sum(step.after is not None for step in self.past)

    def run(self) -> None:
        """Until nothing waits, or the grader leaves."""
        going_on = True
        while going_on:
            answer = self._next()
            going_on = self._stay_with(answer) if answer else self._at_the_end()

    # ---- Which answer

    def _next(self) -> Answer | None:
        """The next answer that is free and still to be marked, claimed; None if there is none."""
        while self.queue or self._look_again():
            answer = self.queue.popleft()
            if not self.claims.take(answer.id):
                continue
            self.before = marking.current(self.course, self.question, answer)
            if self.before.state in self.wanted:
                self.seen.add(answer.id)
                return answer
            self.claims.give_back(answer.id)
        return None

    def _look_again(self) -> bool:
        """What others gave back, or what came in, since the last look; False if all is taken."""
        found = marking.answers(self.course, self.question)
        due = [a for a in found if a.state in self.wanted and a.id not in self.seen]
        self.queue.extend(dropwhile(lambda answer: not self.claims.take(answer.id), due))
        return bool(self.queue)

    def _at_the_end(self) -> bool:
        """Nothing is left for this grader; the last mark may still be taken back."""
        key = RESIZED
        while key == RESIZED or (key == "u" and not self._undo()):
            self.screen.say(
                f"{self.question.lab} {self.question.name}: {self.summary()}.\n"
                "What is left was skipped, or is on the screen of other graders.\n\n"
                f"u takes the last one back, any other key leaves.  {self.notice}"
            )
            self.notice = ""
            key = self.keys.read()
        return key == "u"

    def summary(self) -> str:
        """What was done, and what is not."""
        done = {step.answer.id for step in self.past if step.after}
        found = marking.answers(self.course, self.question)
        left = sum(a.state in self.wanted and a.id not in done for a in found)
        return f"{self.marked} marked, {left} left"

    # ---- One answer

    def _stay_with(self, answer: Answer) -> bool:
        """Show an answer until it is marked, skipped or left; False to leave altogether."""
        self.answer, self.screen.top, self.raw = answer, 0, False
        self.draft = self.drafts.setdefault(answer.id, Draft.of(self.question.key, self.before))
        try:
            self.text = marking.text(self.course, self.question, answer)
        except GraderError as error:
            self.notice = str(error)
            return self._skip()
        self.asked_to_leave = False
        while True:
            self.screen.show(self._view())
            self.notice = ""
            key = self.keys.read()
            if (going_on := self._do(key)) is not None:
                return going_on

    def _view(self) -> View:
        again = self.before.waiting and self.before.score is not None
        parts = [
            f"{self.question.lab} {self.question.name}",
            f"answer {self.answer.number} of {self.answer.of}",
            f"{self.marked} marked, {len(self.queue) + 1} left",
            *(["marked before, then graded again"] if again else []),
            *([self.before.state.value] if not self.before.waiting else []),
        ]
        title = " · ".join(parts)
        return View(self.question, self.draft, title, self.text, self.notice, self.raw)

    def _do(self, key: str) -> bool | None:
        """What a key does; True goes on with another answer, False leaves, None stays."""
        leaving, self.asked_to_leave = self.asked_to_leave, False
        match key:
            case "enter":
                return self._save()
            case "k":
                return self._skip()
            case "u":
                return self._undo() or None
            case "q":
                return self._leave(leaving)
            case "s":
                self._ask_score()
            case "c":
                self._ask_words()
            case "f":
                self._set(ticks=frozenset(self.question.key.items), own=None)
                if self.draft.score is None:
                    self._set(own=Decimal(str(self.question.points)))
            case "0":
                self._set(ticks=frozenset(), own=Decimal(0))
            case "r":
                self.raw = not self.raw
            case "up" | "down":
                self.screen.scroll(-1 if key == "up" else 1)
            case "page up" | "page down":
                self.screen.scroll(self.screen.page * (-1 if key == "page up" else 1))
            case _ if key.isdecimal():
                self._toggle(int(key))
            case _:
                pass
        return None

    def _set(self, **changes: object) -> None:
        self.draft = self.drafts[self.answer.id] = replace(self.draft, **changes)

    def _toggle(self, number: int) -> None:
        items = self.question.key.items
        if number > len(items):
            self.notice = f"the barème has {len(items)} lines" if items else "no barème: s, f or 0"
            return
        self._set(ticks=self.draft.ticks ^ {items[number - 1]}, own=None)

    def _ask_score(self) -> None:
        most = self.question.points
        self.screen.prompt()
        typed = self.keys.line(f"score, from 0 to {compact(most)}: ")
        if not typed:
            return
        try:
            score = Decimal(typed.strip().replace(",", "."))
        except InvalidOperation:
            self.notice = f"{typed!r} is not a number"
            return
        if not (score.is_finite() and 0 <= score <= Decimal(str(most))):
            self.notice = f"{typed} is not between 0 and {compact(most)}"
            return
        self._set(own=score)

    def _ask_words(self) -> None:
        self.screen.prompt()
        typed = self.keys.line("comment (¶ for a new line): ", self.draft.words.replace("\n", "¶"))
        if typed is not None:
            self._set(words="\n".join(line.strip() for line in typed.split("¶")).strip())

    def _save(self) -> bool | None:
        if self.draft.score is None:
            self.notice = "nothing is decided yet: 0 for no points, f for all, k to skip"
            return None
        if not self.claims.has(self.answer.id):
            self.notice = f"answer {self.answer.number} went to another grader meanwhile: not saved"
            return self._done(None)
        after = self.draft.mark(self.question.key, self.before)
        try:
            marking.write(self.course, self.question, self.answer, self.before, after)
        except Changed as error:
            self.notice = f"{error}: left as it is now"
            return self._done(None)
        except GraderError as error:
            self.notice = f"not saved, Enter tries again. {error}"
            return None
        self.notice = f"answer {self.answer.number}: {compact(after.score)} saved"
        return self._done(after)

    def _skip(self) -> bool:
        return self._done(None)

    def _done(self, after: Mark | None) -> bool:
        self.past.append(Step(self.answer, self.before, after))
        self.claims.give_back(self.answer.id)
        return True

    def _leave(self, leaving: bool) -> bool | None:
        unsaved = self.draft != Draft.of(self.question.key, self.before)
        if unsaved and not leaving:
            self.asked_to_leave = True
            self.notice = "this answer is not saved: Enter saves it, q again leaves it unmarked"
            return None
        return False

    # ---- Back

    def _undo(self) -> bool:
        """Go back to the answer before, as it was; False, with a notice, if that cannot be."""
        if not self.past:
            self.notice = "nothing to undo"
            return False
        step = self.past[-1]
        name = f"answer {step.answer.number}"
        if not self.claims.take(step.answer.id):
            self.notice = f"{name} is with another grader now"
            return False
        if step.after:
            try:
                marking.write(self.course, self.question, step.answer, step.after, step.before)
            except GraderError as error:
                self.claims.give_back(step.answer.id)
                self.notice = f"{name} keeps its mark: {error}"
                return False
            self.notice = f"{name} is unmarked again"
        self.past.pop()
        self._put_back_current(step.answer)
        self.queue.appendleft(step.answer)
        return True

    def _put_back_current(self, previous: Answer) -> None:
        current = self.answer
        if current.id != previous.id and self.claims.has(current.id):
            self.queue.appendleft(current)
            self.claims.give_back(current.id)
