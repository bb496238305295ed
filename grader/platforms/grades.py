"""The grades of a lab, as the gradebook has them, for an exported table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from nbgrader.api import Gradebook, SubmittedAssignment

from grader.course import Course
from grader.platforms.mismatches import Choices, Kind, NoSubmission, Ungraded


@dataclass(frozen=True)
class LabGrade:
    """One student's grade in a lab, as nbgrader exports it."""

    submitted: datetime | None
    raw_score: float
    penalty: float
    waiting: bool
    """For a person to read an answer."""

    @property
    def score(self) -> float:
        return max(0.0, self.raw_score - self.penalty)


@dataclass(frozen=True)
class LabColumn:
    """The grades of one lab, by student."""

    name: str
    max_score: float
    grades: Mapping[str, LabGrade]
    pending: frozenset[str]
    """Students whose submission has not been graded yet."""

    def mismatch(self, student: str) -> Kind | None:
        """The reason why a student has no final score, when it is for the instructor to settle."""
        if grade := self.grades.get(student):
            return Kind.UNGRADED if grade.waiting else None
        return None if student in self.pending else Kind.NO_SUBMISSION

    def score(self, student: str, choices: Choices) -> float | None:
        """The score to write; None for an empty cell."""
        grade = self.grades.get(student)
        if grade is None:
            missing = student not in self.pending
            return 0.0 if missing and choices.no_submission is NoSubmission.ZERO else None
        if grade.waiting and choices.ungraded is not Ungraded.AS_IS:
            return None
        return grade.score


def read_lab(course: Course, gradebook: Gradebook, name: str) -> LabColumn:
    """The grades of a lab.

    Raises:
        GraderError: the gradebook does not know it.
    """
    course.lab(name).check_released()
    assignment = gradebook.find_assignment(name)
    entry = SubmittedAssignment
    query = gradebook.db.query(
        entry.student_id,
        entry.timestamp,
        entry.score,
        entry.late_submission_penalty,
        entry.needs_manual_grade,
    ).filter(entry.assignment_id == assignment.id)
    grades = {
        student: LabGrade(submitted, score or 0.0, penalty or 0.0, bool(waiting))
        for student, submitted, score, penalty, waiting in query
    }
    pending = frozenset(course.lab(name).students()) - grades.keys()
    return LabColumn(name, assignment.max_score, grades, pending)
