"""Where results become answers: recorded, counted, told as the policy says, and published."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import chain
from typing import Final

from nbgrader.api import Gradebook, SubmittedAssignment

from grader.course import Course, Lab
from grader.errors import GraderError
from grader.grading.record import record_some
from grader.grading.results import read_result, write_result
from grader.grading.spelling import refuse_two_spellings
from grader.service import answers, best
from grader.service.answers import Results
from grader.service.attempts import Attempt, Journal, State, iso
from grader.service.exchange import Exchange
from grader.service.policy import Counts, Policy, Tell, policy_in, policy_of, read_policies
from grader.service.telling import DueDates, Moment, decide, may_tell_more, told_today

_DATES_AGE: Final = timedelta(seconds=5)


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
    _dates: tuple[datetime, DueDates] | None = None
    _kept: Gradebook | None = None
    open: dict[tuple[str, str, str], HandIn] = field(default_factory=dict)
    """Those of which more may be told later, or that are not published yet."""

    @contextmanager
    def _gradebook(self) -> Iterator[Gradebook]:
        """The gradebook, kept open: SQLAlchemy compiles each query once for a connection.

        Nothing of it is remembered from one use to the next, and no lock is held between them.
        """
        with self.course.database_errors():
            if self._kept is None:
                directory = self.course.directory
                self._kept = Gradebook(directory.db_url, directory.course_id)
            try:
                self._kept.db.expire_all()
                yield self._kept
                self._kept.db.rollback()
            except BaseException:
                self.close()
                raise

    def close(self) -> None:
        """Close the gradebook, which is opened again when it is needed."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None

    def dates(self) -> DueDates:
        """The due dates, read anew every few seconds."""
        now = self.clock()
        if self._dates is None or now - self._dates[0] > _DATES_AGE:
            with self._gradebook() as gradebook:
                self._dates = now, DueDates.of(self.course, gradebook)
        return self._dates[1]

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
        policy, dates = policy_of(self.course, lab.name), self.dates()
        hand_in = HandIn(lab, student, attempt)
        at = self._moment(dates, lab.name, student)
        why = decide(policy, replace(attempt, counts=True), self._others(hand_in), at).why
        hand_in = self._note(replace(hand_in, attempt=replace(attempt, why=why)))
        with suppress(GraderError):  # the answer tells as much
            self._publish(hand_in, policy, dates)
            attempt = replace(hand_in.attempt, published=why is not None)
            hand_in = self._note(replace(hand_in, attempt=attempt))
        return hand_in

    def give_up(self, hand_in: HandIn, why: str) -> HandIn:
        """Leave to a person what cannot be graded."""
        attempt = replace(hand_in.attempt, state=State.TROUBLE, look=(why,))
        hand_in = self._note(replace(hand_in, attempt=attempt))
        self._publish(hand_in, policy_of(self.course, hand_in.lab.name), self.dates())
        return hand_in

    def settle(self, lab: Lab, graded: Iterable[tuple[HandIn, Results]]) -> Iterator[HandIn]:
        """Record hand-ins of one lab, and tell their students what they may know; those done.

        Raises:
            GraderError: at the end, if some could not be done; called with these again, it goes on.
        """
        policy = policy_of(self.course, lab.name)
        failures: list[GraderError] = []
        with self._gradebook() as gradebook:
            graded, others = self._of_one_name(gradebook, lab, graded)
            yield from others
            self._record(gradebook, lab, [results for _, results in graded])
            totals = _totals(gradebook, lab, [hand_in.student for hand_in, _ in graded])
            dates = DueDates.of(self.course, gradebook)
            for hand_in, results in graded:
                try:
                    attempt = _graded(gradebook, hand_in, results, totals[hand_in.student])
                    if policy.counts is Counts.BEST:
                        attempt = self._best(gradebook, replace(hand_in, attempt=attempt), results)
                    settled = self._note(replace(hand_in, attempt=attempt))
                    self._tell(gradebook, settled, policy, dates, results)
                except GraderError as error:  # of one student's files, or of a disk that is full
                    failures.append(error)
                else:
                    yield hand_in
        if failures:
            raise failures[0]

    def review(self) -> None:
        """Tell what may be told by now: due dates pass, policies and extensions change.

        Raises:
            GraderError: at the end, if some could not be told.
        """
        policies = read_policies(self.course)
        failures: list[GraderError] = []
        with self._gradebook() as gradebook:
            dates = DueDates.of(self.course, gradebook)
            for hand_in in list(self.open.values()):
                try:
                    self._review(gradebook, hand_in, policy_in(policies, hand_in.lab.name), dates)
                except GraderError as error:
                    failures.append(error)
        if failures:
            raise failures[0]

    def _review(
        self, gradebook: Gradebook, hand_in: HandIn, policy: Policy, dates: DueDates
    ) -> None:
        lab, student, handed_in = hand_in.key
        decision = decide(policy, hand_in.attempt, (), self._moment(dates, lab, student))
        if hand_in.attempt.published and not may_tell_more(hand_in.attempt, decision):
            return
        now = self.journal.attempt(lab, student, handed_in)
        if now is None:  # its file was removed
            del self.open[hand_in.key]
            return
        hand_in = replace(hand_in, attempt=now)
        self._tell(gradebook, hand_in, policy, dates, self._recorded(hand_in))

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
        self, gradebook: Gradebook, lab: Lab, graded: Iterable[tuple[HandIn, Results]]
    ) -> tuple[list[tuple[HandIn, Results]], list[HandIn]]:
        """Those of students with one name; the others are left to a person."""
        everybody = lab.students()
        found, others = [], []
        for hand_in, results in graded:
            name = hand_in.student.casefold()
            try:
                same = [other for other in everybody if other.casefold() == name]
                refuse_two_spellings(gradebook, lab.name, same)
                found.append((hand_in, results))
            except GraderError as error:
                others.append(self.give_up(hand_in, str(error)))
        return found, others

    def _record(self, gradebook: Gradebook, lab: Lab, found: list[Results]) -> None:
        for part in lab.parts:
            record_some(gradebook, part, [results[part.notebook_name] for results in found])

    def _best(self, gradebook: Gradebook, hand_in: HandIn, results: Results) -> Attempt:
        """The attempt, which counts unless an earlier one was better: that is then put back."""
        lab, student, attempt = hand_in.lab, hand_in.student, hand_in.attempt
        before = [a for a in self._others(hand_in) if a.counts and a.total > attempt.total]
        if not before or not best.is_kept(lab, student):
            best.keep(lab, student, results)
            return attempt
        kept = best.put_back(lab, student)
        for part in lab.parts:
            write_result(part.results, kept[part.notebook_name])
        self._record(gradebook, lab, [kept])
        return replace(attempt, counts=False)

    # ---- Told

    def _tell(
        self,
        gradebook: Gradebook,
        hand_in: HandIn,
        policy: Policy,
        dates: DueDates,
        results: Results | None,
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
            if attempt.told is Tell.HINTS and results:
                answers.publish_pages(self.exchange, gradebook, hand_in.lab, attempt, results)
            self._publish(hand_in, policy, dates)
            self._note(replace(hand_in, attempt=replace(attempt, published=True)))

    def _publish(self, hand_in: HandIn, policy: Policy, dates: DueDates) -> None:
        lab, attempt = hand_in.lab, hand_in.attempt
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
            mine = [other for key, other in self.open.items() if key[:2] == hand_in.key[:2]]
            for other in mine:
                if other.attempt.published:  # the others are still to be
                    del self.open[other.key]
        self._follow(hand_in)
        return hand_in

    def _follow(self, hand_in: HandIn) -> None:
        attempt = hand_in.attempt
        more = attempt.counts and (attempt.told is Tell.NOTHING or attempt.kept_back)
        if attempt.state is State.GRADED and (more or not attempt.published):
            self.open[hand_in.key] = hand_in
        else:
            self.open.pop(hand_in.key, None)


def _totals(gradebook: Gradebook, lab: Lab, students: list[str]) -> dict[str, float]:
    """By student, as the gradebook has them, the penalty for lateness taken off."""
    mine = gradebook.db.query(SubmittedAssignment).filter(
        SubmittedAssignment.assignment.has(name=lab.name),
        SubmittedAssignment.student_id.in_(students),
    )
    return {
        entry.student_id: max(0.0, entry.score - (entry.late_submission_penalty or 0.0))
        for entry in mine
    }


def _graded(gradebook: Gradebook, hand_in: HandIn, results: Results, total: float) -> Attempt:
    return replace(
        hand_in.attempt,
        state=State.GRADED,
        points=tuple(answers.points(gradebook, hand_in.lab, results)),
        total=total,
        look=tuple(chain.from_iterable(result.attention for result in results.values())),
        counts=True,
    )
