"""Where results become answers: recorded, counted, told as the policy says, and published."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain

from nbgrader.api import SubmittedAssignment

from grader.course import Course, Lab
from grader.errors import GraderError
from grader.grading.record import record
from grader.grading.results import read_result, write_result
from grader.grading.spelling import refuse_two_spellings
from grader.service import answers, best
from grader.service.answers import Results
from grader.service.attempts import Attempt, Journal, State, iso
from grader.service.exchange import Exchange
from grader.service.policy import Counts, Policy, Tell, policy_in, policy_of, read_policies
from grader.service.telling import DueDates, Moment, decide, may_tell_more, told_today


@dataclass(frozen=True)
class HandIn:
    """An attempt, of whom and of what."""

    lab: Lab
    student: str
    attempt: Attempt

    @property
    def key(self) -> tuple[str, str, str]:
        return self.lab.name, self.student, self.attempt.handed_in


@dataclass
class Desk:
    """Records what was graded, and answers students.

    What it cannot write raises GraderError: called again, it goes on from there.
    """

    course: Course
    exchange: Exchange
    journal: Journal
    clock: Callable[[], datetime]
    open: dict[tuple[str, str, str], HandIn] = field(default_factory=dict)
    """Those of which more may be told later, or that are not published yet."""

    def receive(self, lab: Lab, student: str, handed_in: datetime) -> HandIn:
        """Note what lies among the submitted now, and give its student a receipt.

        If nothing will be told of it, the receipt is all, and says why: how long it takes to run
        would tell something.
        """
        attempt = Attempt(
            iso(handed_in),
            iso(self.clock()),
            answers.digest(lab, student),
            answers.addresses(lab, student),
        )
        policy, dates = policy_of(self.course, lab.name), DueDates.of(self.course)
        hand_in = HandIn(lab, student, attempt)
        at = self._moment(dates, lab.name, student)
        why = decide(policy, replace(attempt, counts=True), self._others(hand_in), at).why
        hand_in = self._note(replace(hand_in, attempt=replace(attempt, why=why)))
        with suppress(GraderError):  # the answer tells as much
            self._publish(hand_in, policy, dates)
            attempt = replace(hand_in.attempt, published=why is not None)
            hand_in = self._note(replace(hand_in, attempt=attempt))
        return hand_in

    def give_up(self, hand_in: HandIn, why: str) -> None:
        """Leave to a person what cannot be graded."""
        attempt = replace(hand_in.attempt, state=State.TROUBLE, look=(why,))
        hand_in = self._note(replace(hand_in, attempt=attempt))
        self._publish(hand_in, policy_of(self.course, hand_in.lab.name), DueDates.of(self.course))

    def settle(self, lab: Lab, graded: Iterable[tuple[HandIn, Results]]) -> None:
        """Record hand-ins of one lab, and tell their students what they may know."""
        graded = list(self._of_one_name(lab, graded))
        self._record(lab, [results for _, results in graded])
        policy = policy_of(self.course, lab.name)
        totals = self._totals(lab)
        settled = []
        for hand_in, results in graded:
            attempt = self._graded(hand_in, results, totals[hand_in.student])
            if policy.counts is Counts.BEST:
                attempt = self._best(replace(hand_in, attempt=attempt), results)
            settled.append((self._note(replace(hand_in, attempt=attempt)), results))
        dates = DueDates.of(self.course)
        for hand_in, results in settled:
            self._tell(hand_in, policy, dates, results)

    def review(self) -> None:
        """Tell what may be told by now: due dates pass, policies and extensions change."""
        dates, policies = DueDates.of(self.course), read_policies(self.course)
        for hand_in in list(self.open.values()):
            lab, student, handed_in = hand_in.key
            policy = policy_in(policies, lab)
            decision = decide(policy, hand_in.attempt, (), self._moment(dates, lab, student))
            if hand_in.attempt.published and not may_tell_more(hand_in.attempt, decision):
                continue
            now = self.journal.attempt(lab, student, handed_in)
            if now is None:  # its file was removed
                del self.open[hand_in.key]
                continue
            hand_in = replace(hand_in, attempt=now)
            self._tell(hand_in, policy, dates, self._recorded(hand_in))

    def resume(self) -> list[HandIn]:
        """What was on its way when the service ended: taken, and not graded."""
        waiting = []
        for (lab, student), attempts in self.journal.all():
            for attempt in attempts:
                hand_in = HandIn(self.course.lab(lab), student, attempt)
                self._follow(hand_in)
                if attempt.state is not State.GRADED:
                    waiting.append(hand_in)
        return waiting

    # ---- Recorded, and counted

    def _of_one_name(
        self, lab: Lab, graded: Iterable[tuple[HandIn, Results]]
    ) -> Iterator[tuple[HandIn, Results]]:
        """Without those of a student under two names, which a person has to settle."""
        everybody = lab.students()
        with self.course.gradebook() as gradebook:
            for hand_in, results in graded:
                name = hand_in.student.casefold()
                try:
                    same = [other for other in everybody if other.casefold() == name]
                    refuse_two_spellings(gradebook, lab.name, same)
                except GraderError as error:
                    self.give_up(hand_in, str(error))
                else:
                    yield hand_in, results

    def _record(self, lab: Lab, found: list[Results]) -> None:
        for part in lab.parts:
            record(part, [results[part.notebook_name] for results in found])

    def _totals(self, lab: Lab) -> dict[str, float]:
        """By student, as the gradebook has them, the penalty for lateness taken off."""
        mine = SubmittedAssignment.assignment.has(name=lab.name)
        with self.course.gradebook() as gradebook:
            return {
                entry.student_id: max(0.0, entry.score - (entry.late_submission_penalty or 0.0))
                for entry in gradebook.db.query(SubmittedAssignment).filter(mine)
            }

    def _graded(self, hand_in: HandIn, results: Results, total: float) -> Attempt:
        with self.course.gradebook() as gradebook:
            points = tuple(answers.points(gradebook, hand_in.lab, results))
        look = tuple(chain.from_iterable(r.attention for r in results.values()))
        return replace(
            hand_in.attempt,
            state=State.GRADED,
            points=points,
            total=total,
            look=look,
            counts=True,
        )

    def _best(self, hand_in: HandIn, results: Results) -> Attempt:
        """The attempt, which counts unless an earlier one was better: that is then put back."""
        lab, student, attempt = hand_in.lab, hand_in.student, hand_in.attempt
        before = [a for a in self._others(hand_in) if a.counts and a.total > attempt.total]
        if not before or not best.is_kept(lab, student):
            best.keep(lab, student, results)
            return attempt
        kept = best.put_back(lab, student)
        for part in lab.parts:
            write_result(part.results, kept[part.notebook_name])
        self._record(lab, [kept])
        return replace(attempt, counts=False)

    # ---- Told

    def _tell(
        self, hand_in: HandIn, policy: Policy, dates: DueDates, results: Results | None
    ) -> None:
        attempt = hand_in.attempt
        at = self._moment(dates, hand_in.lab.name, hand_in.student)
        decision = decide(policy, attempt, self._others(hand_in), at)
        if may_tell_more(attempt, decision):
            attempt = replace(
                attempt,
                told=decision.tell,
                why=None,
                kept_back=decision.kept_back,
                answered=attempt.answered or iso(at.now),
                published=False,
            )
        elif attempt.told is Tell.NOTHING and attempt.why is None:
            attempt = replace(attempt, why=decision.why, published=False)
        hand_in = replace(hand_in, attempt=attempt)
        if not attempt.published:
            self._note(hand_in)  # before it is told: who is killed here tells no more than this
            self._publish(hand_in, policy, dates, results)
            self._note(replace(hand_in, attempt=replace(attempt, published=True)))

    def _publish(
        self, hand_in: HandIn, policy: Policy, dates: DueDates, results: Results | None = None
    ) -> None:
        lab, attempt = hand_in.lab, hand_in.attempt
        if attempt.told is Tell.HINTS and results:
            with self.course.gradebook() as gradebook:
                answers.publish_pages(self.exchange, gradebook, lab, attempt, results)
        at = self._moment(dates, lab.name, hand_in.student)
        today = told_today((attempt, *self._others(hand_in)), at)
        facts = answers.answer(lab, attempt, policy, today, at.due)
        answers.publish(self.exchange, lab, attempt, facts)

    def _moment(self, dates: DueDates, lab: str, student: str) -> Moment:
        due = dates.student(lab, student)
        return Moment(self.clock(), due, dates.everybody(lab), self.course.zone)

    def _recorded(self, hand_in: HandIn) -> Results | None:
        """The results in the gradebook, if they are those of this attempt."""
        if not hand_in.attempt.counts:
            return None
        return {
            part.notebook_name: read_result(part.submission(hand_in.student))
            for part in hand_in.lab.parts
        }

    # ---- The journal

    def _others(self, hand_in: HandIn) -> list[Attempt]:
        lab, student, handed_in = hand_in.key
        return [a for a in self.journal.of(lab, student) if a.handed_in != handed_in]

    def _note(self, hand_in: HandIn) -> HandIn:
        self.journal.put(hand_in.lab.name, hand_in.student, hand_in.attempt)
        if hand_in.attempt.counts:
            for key in [k for k in self.open if k[:2] == hand_in.key[:2]]:
                del self.open[key]
        self._follow(hand_in)
        return hand_in

    def _follow(self, hand_in: HandIn) -> None:
        attempt = hand_in.attempt
        more = attempt.counts and (attempt.told is Tell.NOTHING or attempt.kept_back)
        if attempt.state is State.GRADED and (more or not attempt.published):
            self.open[hand_in.key] = hand_in
        else:
            self.open.pop(hand_in.key, None)
