"""What the pages show: the journal, the due dates and the policies, put together for one reader."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from nbgrader.api import Student

from grader.course import Course, Lab
from grader.dates import local
from grader.errors import GraderError
from grader.reporting.feedback import title_of
from grader.service.answers import told_page
from grader.service.attempts import Attempt, Journal, State, moment
from grader.service.policy import Counts, Policy, Tell, policy_in, read_policies
from grader.service.status import Status, read_status, utc_now
from grader.service.telling import DueDates, Moment, told_today
from labo.french import NO_BREAK_SPACE

_MONTHS = (
    *("janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août"),
    *("septembre", "octobre", "novembre", "décembre"),
)


@dataclass(frozen=True)
class StudentLab:
    """A lab, as one student sees it."""

    name: str
    title: str
    due: datetime | None
    is_extended: bool
    policy: Policy
    attempts: tuple[Attempt, ...]
    """The last one first."""
    left_today: int
    is_over: bool

    @property
    def told(self) -> Attempt | None:
        """The attempt that counts, if its points were told; otherwise the last such one."""
        told = [attempt for attempt in self.attempts if attempt.told_points]
        return next((attempt for attempt in told if attempt.counts), told[0] if told else None)

    def shows_as_counting(self, attempt: Attempt) -> bool:
        """The last counts, whether it has run or not; which one is the best is told last."""
        if self.policy.counts is Counts.LAST:
            return attempt is self.attempts[0]
        return attempt.counts and self.is_over

    @property
    def score(self) -> float:
        return sum(p.score for p in self.told.told_points if not p.waiting) if self.told else 0.0

    @property
    def max_score(self) -> float:
        told = self.told.told_points if self.told else ()
        return sum(p.max_score for p in told if not p.waiting)


@dataclass(frozen=True)
class Exercise:
    """An exercise of a lab in the class: of those who handed in, how many have all its points."""

    name: str
    right: int
    wrong: int
    """Without any point."""
    total: int

    @property
    def share(self) -> float:
        return self.right / self.total if self.total else 0.0


@dataclass(frozen=True)
class ClassLab:
    """A lab, as those who teach see it."""

    name: str
    title: str
    due: datetime | None
    policy: Policy
    students: int
    """In the class."""
    counting: dict[str, Attempt]
    """By student, the hand-in that stands in the gradebook, or the last one."""
    attempts: dict[str, int]

    @property
    def graded(self) -> list[Attempt]:
        return [each for each in self.counting.values() if each.state is State.GRADED]

    @property
    def to_look_at(self) -> dict[str, Attempt]:
        return {student: each for student, each in self.counting.items() if each.look}

    @property
    def average(self) -> float | None:
        graded = self.graded
        return sum(each.total for each in graded) / len(graded) if graded else None

    @property
    def exercises(self) -> list[Exercise]:
        """Those of tests, the one that resists most first."""
        points = [p for each in self.graded for p in each.points if not p.waiting]
        names = dict.fromkeys(p.exercise for p in points)
        found = [_exercise(name, [p for p in points if p.exercise == name]) for name in names]
        return sorted(found, key=lambda exercise: exercise.share)


def _exercise(name: str, points: list) -> Exercise:
    right = sum(p.score >= p.max_score for p in points)
    return Exercise(name, right, sum(p.score <= 0 for p in points), len(points))


def has_page(part: Lab, student: str, attempt: Attempt) -> bool:
    return attempt.told is Tell.HINTS and told_page(part, student, attempt.handed_in).is_file()


@dataclass
class Site:
    """The course, read anew for each page; one object per request."""

    course: Course
    clock: Callable[[], datetime] = utc_now
    titles: dict[str, str] = field(default_factory=dict)

    @cached_property
    def dates(self) -> DueDates:
        return DueDates.of(self.course)

    @cached_property
    def policies(self) -> dict[str, Policy]:
        return read_policies(self.course)

    @cached_property
    def journal(self) -> Journal:
        return Journal(self.course)

    @property
    def status(self) -> Status:
        return read_status(self.course)

    @property
    def labs(self) -> list[str]:
        """In the order of their due dates."""
        dated = self.dates.labs.items()
        late = datetime.max.replace(tzinfo=self.clock().tzinfo)
        return [name for name, due in sorted(dated, key=lambda one: (one[1] or late, one[0]))]

    def title(self, lab: str) -> str:
        if lab not in self.titles:
            self.titles[lab] = title_of(self.course.lab(lab).parts[0])
        return self.titles[lab]

    def known(self, lab: str) -> str:
        """The lab of this name.

        Raises:
            GraderError: there is none.
        """
        if lab not in self.dates.labs:
            raise GraderError(f"no lab {lab}")
        return lab

    # ---- For a student

    def student(self, student: str) -> Iterator[StudentLab]:
        for lab in self.labs:
            yield self.student_lab(lab, student)

    def student_lab(self, lab: str, student: str) -> StudentLab:
        attempts = self.journal.of(lab, student)
        policy = policy_in(self.policies, lab)
        due = self.dates.student(lab, student)
        at = Moment(self.clock(), due, self.dates.everybody(lab), self.course.zone)
        left = max(0, policy.per_day - told_today(attempts, at))
        extended = due != self.dates.labs.get(lab)
        title, last_first = self.title(lab), attempts[::-1]
        return StudentLab(lab, title, due, extended, policy, last_first, left, at.is_over)

    def page(self, lab: str, student: str, handed_in: str) -> str:
        """The feedback page of an attempt, that its student was told.

        Raises:
            GraderError: there is none.
        """
        attempt = self.journal.attempt(self.known(lab), student, handed_in)
        part = self.course.lab(lab).parts[0]
        if attempt is None or not has_page(part, student, attempt):
            raise GraderError("no such page")
        return told_page(part, student, attempt.handed_in).read_text("utf-8")

    # ---- For those who teach

    def class_labs(self) -> list[ClassLab]:
        return [self.class_lab(lab) for lab in self.labs]

    def class_lab(self, lab: str) -> ClassLab:
        counting, number = {}, {}
        for (_, student), attempts in self.journal.all(self.known(lab)):
            counts = [attempt for attempt in attempts if attempt.counts]
            counting[student] = counts[0] if counts else attempts[-1]
            number[student] = len(attempts)
        return ClassLab(
            lab,
            self.title(lab),
            self.dates.labs[lab],
            policy_in(self.policies, lab),
            len(self.class_list),
            counting,
            number,
        )

    @cached_property
    def class_list(self) -> list[str]:
        with self.course.gradebook() as gradebook:
            return sorted(name for (name,) in gradebook.db.query(Student.id))

    @property
    def extensions(self) -> list[tuple[str, str, datetime]]:
        return [(lab, who, until) for (lab, who), until in sorted(self.dates.extensions.items())]

    # ---- How dates are written

    def french_date(self, date: datetime | str) -> str:
        """As « 1er décembre 2026, 18 h 05 », in the course's zone."""
        here = local(moment(date) if isinstance(date, str) else date, self.course.zone)
        day = "1er" if here.day == 1 else str(here.day)
        hour = f"{here:%H} h {here:%M}".replace(" ", NO_BREAK_SPACE)
        return f"{day} {_MONTHS[here.month - 1]} {here.year}, {hour}"

    def english_date(self, date: datetime | str) -> str:
        here = local(moment(date) if isinstance(date, str) else date, self.course.zone)
        return f"{here:%Y-%m-%d %H:%M}"
