"""What the gradebook says of a lab, for an exported table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from nbgrader.api import Gradebook, SubmittedAssignment

from grader.course import Course


@dataclass(frozen=True)
class Standing:
    """What the gradebook says of one student's lab, as nbgrader exports it."""

    submitted: datetime | None
    raw: float
    penalty: float
    waiting: bool
    """Whether an answer waits for a person."""

    @property
    def score(self) -> float:
        return max(0.0, self.raw - self.penalty)


@dataclass(frozen=True)
class Lab:
    name: str
    most: float
    standings: Mapping[str, Standing]
    pending: frozenset[str]
    """Who has handed in what was not graded yet."""


def read_lab(course: Course, gradebook: Gradebook, name: str) -> Lab:
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
    standings = {
        student: Standing(when, score or 0.0, penalty or 0.0, bool(waiting))
        for student, when, score, penalty, waiting in query
    }
    pending = frozenset(course.lab(name).students()) - standings.keys()
    return Lab(name, assignment.max_score, standings, pending)
