"""Penalties for lateness, which follow from dates, extensions, the policy and the score.

nbgrader computes a penalty once, when it autogrades. Here it is a derived value: `refresh` computes
all of them anew, before whatever reads them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from typing import Any, Final

from nbgrader.api import Assignment, Grade, Gradebook, SubmittedAssignment, SubmittedNotebook
from sqlalchemy import func
from sqlalchemy.orm import joinedload
from sqlalchemy.orm.attributes import set_committed_value

from grader.course import Course, Lab
from grader.grading.extensions import extended, read_extensions

_NAMED: Final = 500  # notebooks that a query names; beyond, it reads all


def refresh(
    course: Course, gradebook: Gradebook | None = None, students: Collection[str] | None = None
) -> int:
    """Bring extensions and penalties of the gradebook up to date; the notebooks that change.

    Args:
        gradebook: of the course, when it is open; the caller then commits.
        students: only theirs; everybody's by default.
    """
    if gradebook is None:
        with course.gradebook() as gradebook:
            changed = refresh(course, gradebook, students)
            gradebook.db.commit()
            return changed
    extensions = read_extensions(course)
    with gradebook.db.no_autoflush:
        submissions = _by_student(gradebook, students).values()
        for entry in chain(*submissions):
            extend(entry, extended(extensions, entry.assignment.name, entry.student_id))
        concerned = [entries for entries in submissions if any(map(_is_concerned, entries))]
        if not concerned:
            return 0
        policy = _Policy(course)
        _read_scores(gradebook, chain(*concerned))
        return sum(_refresh_one(policy, entries) for entries in concerned)


def _by_student(
    gradebook: Gradebook, students: Collection[str] | None
) -> dict[str, list[SubmittedAssignment]]:
    """What each student has handed in, in the order of the labs' due dates."""
    query = gradebook.db.query(SubmittedAssignment).options(
        joinedload(SubmittedAssignment.assignment),
        joinedload(SubmittedAssignment.notebooks),
        joinedload(SubmittedAssignment.student),
    )
    if students is not None:
        query = query.filter(SubmittedAssignment.student_id.in_(students))
    found: dict[str, list[SubmittedAssignment]] = defaultdict(list)
    for entry in query:
        found[entry.student_id].append(entry)
    for entries in found.values():
        entries.sort(key=lambda entry: _due(entry.assignment))
    return found


def _due(assignment: Assignment) -> tuple[bool, datetime, str]:
    return assignment.duedate is None, assignment.duedate or datetime.min, assignment.name


def _is_concerned(entry: SubmittedAssignment) -> bool:
    return seconds_late(entry) > 0 or bool(_penalised(entry))


def _read_scores(gradebook: Gradebook, entries: Iterable[SubmittedAssignment]) -> None:
    """Bring the scores of notebooks up to date by one query.

    nbgrader's own reads the grades of the whole course for each notebook.
    """
    notebooks = {notebook.id: notebook for entry in entries for notebook in entry.notebooks}
    query = gradebook.db.query(Grade.notebook_id, func.sum(Grade.score)).group_by(Grade.notebook_id)
    if len(notebooks) < _NAMED:
        query = query.filter(Grade.notebook_id.in_(notebooks))
    scores = {identity: score for identity, score in query}
    for identity, notebook in notebooks.items():
        set_committed_value(notebook, "score", scores.get(identity) or 0.0)


def _refresh_one(policy: _Policy, entries: Iterable[SubmittedAssignment]) -> int:
    """The entries of one student."""
    slips = policy.slip_days
    changed = 0
    for entry in entries:
        late, used = policy.charged(seconds_late(entry), slips)
        slips -= used
        for notebook in entry.notebooks if late > 0 else _penalised(entry):
            penalty = policy.penalty(notebook, late)
            if (notebook.late_submission_penalty or 0.0) != (penalty or 0.0):
                notebook.late_submission_penalty = penalty
                changed += 1
    return changed


def _penalised(entry: SubmittedAssignment) -> list[SubmittedNotebook]:
    """Notebooks that had a penalty, which no longer are late."""
    return [notebook for notebook in entry.notebooks if notebook.late_submission_penalty]


def extend(entry: SubmittedAssignment, until: datetime | None) -> None:
    """Move the due date of what was handed in; None leaves it to the gradebook."""
    due = entry.assignment.duedate
    if until is not None and due is not None and entry.extension != until - due:
        entry.extension = until - due


def seconds_late(entry: SubmittedAssignment) -> float:
    """0 for what has no due date, which nbgrader cannot extend."""
    return 0.0 if entry.assignment.duedate is None else float(entry.total_seconds_late)


@dataclass(frozen=True)
class LateWork:
    """By how much a student was late, their extension included, and what it costs."""

    seconds: float
    penalty: float
    """Points."""


def late_work(lab: Lab) -> dict[str, LateWork]:
    """Who handed a lab in late, by student; as the gradebook has it."""
    query = SubmittedAssignment.assignment.has(name=lab.name)
    with lab.course.gradebook() as gradebook:
        return {
            entry.student_id: LateWork(seconds, entry.late_submission_penalty or 0.0)
            for entry in gradebook.db.query(SubmittedAssignment).filter(query)
            if (seconds := seconds_late(entry)) > 0
        }


class _Policy:
    """The course's late-submission plugin, whichever it is, called as nbgrader calls it."""

    def __init__(self, course: Course) -> None:
        from nbgrader.preprocessors import AssignLatePenalties  # with all of nbconvert

        self.step = AssignLatePenalties(config=course.config)
        self.step.init_plugin()
        self.plugin: Any = self.step.plugin_inst
        self.slip_days: int = getattr(self.plugin, "slip_days", 0)

    def charged(self, seconds: float, slips: int) -> tuple[float, int]:
        """The lateness, in seconds, that is left once days that cost nothing are taken off."""
        if not slips:
            return seconds, 0
        days = self.plugin.days_late(seconds)
        used = min(slips, days)
        return (days - used) * 86_400.0, used

    def penalty(self, notebook: SubmittedNotebook, seconds: float) -> float | None:
        if seconds <= 0:
            return None
        score = notebook.score or 0.0
        penalty = self.plugin.late_submission_penalty(notebook.student.id, score, seconds)
        return None if penalty is None else self.step._check_late_penalty(notebook, penalty)
