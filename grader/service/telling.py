"""May this be told now? A function of the policy, the due dates and what was told before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo

from nbgrader.api import Assignment, Gradebook

from grader.course import Course
from grader.grading.extensions import Extensions, extended, read_extensions
from grader.service.attempts import Attempt, Why, moment
from grader.service.policy import Policy, Tell, When


@dataclass(frozen=True)
class DueDates:
    """The due dates of a course, extensions included; with their zone."""

    labs: dict[str, datetime | None]
    extensions: Extensions

    @classmethod
    def of(cls, course: Course, gradebook: Gradebook | None = None) -> DueDates:
        """Read them; from the gradebook that is open, if one is."""
        if gradebook is None:
            with course.gradebook() as gradebook:
                return cls.of(course, gradebook)
        found = gradebook.db.query(Assignment.name, Assignment.duedate).all()
        labs = {name: due and due.replace(tzinfo=UTC) for name, due in found}
        return cls(labs, read_extensions(course))

    def student(self, lab: str, student: str) -> datetime | None:
        """One student's; None for a lab without one."""
        moved = extended(self.extensions, lab, student)
        return moved.replace(tzinfo=UTC) if moved else self.labs.get(lab)

    def everybody(self, lab: str) -> datetime | None:
        """The last of the class: one who has more time may have friends."""
        due = self.labs.get(lab)
        moved = [until for (name, _), until in self.extensions.items() if name == lab]
        return max([due, *moved]) if due else None


@dataclass(frozen=True)
class Decision:
    """What is told now of a hand-in; nothing, for a reason."""

    tell: Tell
    why: Why | None = None
    kept_back: tuple[str, ...] = ()


@dataclass(frozen=True)
class Moment:
    """When a decision is taken, and the dates that it depends on."""

    now: datetime
    due: datetime | None
    """The student's own."""
    everybody: datetime | None
    zone: tzinfo | None

    @property
    def is_over(self) -> bool:
        return self.due is not None and self.now > self.due

    @property
    def is_over_for_all(self) -> bool:
        return self.everybody is not None and self.now > self.everybody


def decide(policy: Policy, attempt: Attempt, others: Iterable[Attempt], at: Moment) -> Decision:
    """What may be told of a graded attempt now.

    Before the due date, `policy.per_day` answers in a day. After it, the attempt in time that
    counts, whatever was told before; and of late ones so many a day again.

    Args:
        others: the student's other attempts of this lab.
    """
    if policy.tell is Tell.NOTHING:
        return Decision(Tell.NOTHING, Why.POLICY)
    in_time = at.due is None or moment(attempt.handed_in) <= at.due
    if at.is_over and in_time and not attempt.counts:
        return Decision(Tell.NOTHING, Why.OTHER_COUNTS)
    if not at.is_over and policy.when is When.AFTER:
        return Decision(Tell.NOTHING, Why.DUE_DATE)
    limited = not (at.is_over and in_time)
    if limited and told_today(others, at) >= policy.per_day:
        return Decision(Tell.NOTHING, Why.LIMIT)
    if policy.kept_back and not at.is_over_for_all:
        # No outputs either: a later cell could show what the tests of an earlier one have sent.
        return Decision(Tell.POINTS, None, policy.kept_back)
    return Decision(policy.tell)


def told_today(attempts: Iterable[Attempt], at: Moment) -> int:
    """The answers that a student had today."""
    today = _day(at.now, at.zone)
    return sum(bool(a.answered) and _day(moment(a.answered), at.zone) == today for a in attempts)


def _day(date: datetime, zone: tzinfo | None) -> date:
    return date.astimezone(zone).date()


def may_tell_more(attempt: Attempt, decision: Decision) -> bool:
    """Whether a decision taken again gives more than what was told already."""
    if decision.tell is Tell.NOTHING:
        return False
    levels = list(Tell)
    more = levels.index(decision.tell) > levels.index(attempt.told)
    return more or bool(set(attempt.kept_back) - set(decision.kept_back))
