"""The grades of the term, read from nbgrader's gradebook in a few queries."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime

from nbgrader.api import (
    Assignment,
    BaseCell,
    Grade,
    Gradebook,
    Student,
    SubmittedAssignment,
    SubmittedNotebook,
)

from grader.course import Course
from grader.errors import GraderError
from grader.reporting.statistics import LabGrades, SubmissionGrades


@dataclass(frozen=True)
class Term:
    """The class, and the labs that have grades, in the order in which they were due."""

    students: tuple[str, ...]
    labs: tuple[LabGrades, ...]

    def lab(self, name: str) -> LabGrades:
        """One of the labs.

        Raises:
            GraderError: it has no grades.
        """
        for lab in self.labs:
            if lab.name == name:
                return lab
        raise GraderError(f"{name} has not been graded: grader autograde {name}")


def read(course: Course) -> Term:
    """All that the gradebook holds."""
    with course.gradebook() as gradebook:
        submissions = _submissions(gradebook)
        labs = [
            LabGrades(lab.name, lab.max_score or 0.0, lab.duedate, submissions[lab.name])
            for lab in gradebook.db.query(Assignment).all()
            if lab.name in submissions
        ]
        students = tuple(sorted(name for (name,) in gradebook.db.query(Student.id)))
    labs.sort(key=lambda lab: (lab.due is None, lab.due or datetime.min, lab.name))
    return Term(students, tuple(labs))


def _submissions(gradebook: Gradebook) -> dict[str, dict[str, SubmissionGrades]]:
    """By lab, then by student."""
    grades = _grades(gradebook)
    query = gradebook.db.query(SubmittedAssignment, Assignment.name, SubmittedNotebook)
    query = query.join(Assignment, SubmittedAssignment.assignment_id == Assignment.id)
    query = query.join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
    found: dict[str, dict[str, SubmissionGrades]] = defaultdict(dict)
    pointless = {lab.name for lab in gradebook.db.query(Assignment) if not lab.max_score}
    for submitted, lab, notebook in query:
        if notebook.id in grades or lab in pointless:
            scores, waiting = grades.get(notebook.id, ({}, set()))
            work = SubmissionGrades(
                student=submitted.student_id,
                scores=scores,
                waiting=frozenset(waiting),
                penalty=notebook.late_submission_penalty or 0.0,
                handed_in=submitted.timestamp,
                seconds_late=submitted.total_seconds_late,
            )
            other = found[lab].get(submitted.student_id)
            found[lab][submitted.student_id] = _together(other, work) if other else work
    return found


def _together(first: SubmissionGrades, second: SubmissionGrades) -> SubmissionGrades:
    """The grades of two notebooks of one assignment."""
    both = first.scores.keys() & second.scores.keys()
    second_scores = {
        f"{name} (2)" if name in both else name: s for name, s in second.scores.items()
    }
    return replace(
        first,
        scores={**first.scores, **second_scores},
        waiting=first.waiting | second.waiting,
        penalty=first.penalty + second.penalty,
    )


def _grades(gradebook: Gradebook) -> dict[str, tuple[dict[str, float], set[str]]]:
    """Scores and what waits for a person, of each notebook that was graded."""
    query = gradebook.db.query(
        Grade.notebook_id,
        BaseCell.name,
        Grade.score,
        Grade.needs_manual_grade,
        Grade.auto_score,
        Grade.manual_score,
    ).join(BaseCell, Grade.cell_id == BaseCell.id)
    grades: dict[str, tuple[dict[str, float], set[str]]] = defaultdict(lambda: ({}, set()))
    graded = set()
    for notebook, cell, score, needed, automatic, manual in query:
        scores, waiting = grades[notebook]
        scores[cell] = score
        if needed:
            waiting.add(cell)
        if automatic is not None or manual is not None:
            graded.add(notebook)
    return {notebook: grades[notebook] for notebook in graded}
