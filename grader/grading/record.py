"""The one writer of nbgrader's gradebook: what its own autograding would write, in batches.

nbgrader opens the gradebook several times per notebook and commits after each cell. Here one
session serves a batch: nbgrader's own methods create students and submissions, its own
`determine_grade` reads each score, and its late-submission plugin gives the penalties, but the
database is asked once, and committed once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import nbformat
from nbgrader import utils
from nbgrader.api import (
    Comment,
    Grade,
    Gradebook,
    SubmittedAssignment,
    SubmittedNotebook,
)
from nbgrader.preprocessors import AssignLatePenalties
from sqlalchemy.orm import joinedload

from grader.course import Course, Lab
from grader.files import write_atomically
from grader.grading.copies import _as_node, _beside, _write_files
from grader.grading.submission import Unreadable, read_timestamp

if TYPE_CHECKING:
    from grader.grading.results import Result

_BATCH = 100
_NO_RESPONSE = "No response."  # nbgrader's own words, which formgrader shows


def record(lab: Lab, results: Sequence[Result]) -> None:
    """Write results to autograded/ and to the gradebook, unless they hold these already.

    What a person has graded since is left alone. Killed in between, the next call writes the rest.
    """
    marks = _Marks(lab)
    with lab.course.gradebook() as gradebook:
        known = graded_students(gradebook, lab.name)
        due = [g for g in results if g.student not in known or not marks.has(g)]
        checksums = _checksums(gradebook, lab.name)
        for batch in _batches(due):
            for graded in batch:
                _write_files(lab.submission(graded.student), graded, checksums)
            with _one_commit(gradebook):
                for graded in batch:
                    _record_one(lab, gradebook, graded, checksums)
            marks.add(batch)


def is_recorded(lab: Lab, results: Sequence[Result]) -> bool:
    """Whether autograded/ and the gradebook hold all these results already."""
    marks = _Marks(lab)
    return all(map(marks.has, results))


@dataclass(frozen=True)
class Revision:
    """What new results change in the gradebook for one student."""

    student: str
    tests: tuple[tuple[str, float, float], ...]
    """Of each test whose score changes: its name, the score before, the score after."""
    by_hand: tuple[str, ...]
    """Those of them that a person has graded, whose grade stays what it is."""
    before: float
    """Of the whole lab, what a person graded and the penalty for lateness included."""
    after: float


def revise(lab: Lab, results: Sequence[Result], *, keep: bool) -> tuple[Revision, ...]:
    """Put new scores in the place of recorded ones; what changes.

    Only scores of tests change, and the penalty for lateness of those whose scores do. Grades that
    a person gave, comments, and what still waits to be read stay.

    Args:
        results: of students who are in the gradebook.
        keep: False only says what would change, and writes nothing.
    """
    with lab.course.gradebook() as gradebook:
        if keep:
            checksums = _checksums(gradebook, lab.name)
            for graded in results:
                _write_files(lab.submission(graded.student), graded, checksums)
        with _one_commit(gradebook, keep=keep):
            found = [_revise_one(lab, gradebook, graded) for graded in results]
    if keep:
        _Marks(lab).add(results)
    return tuple(revision for revision in found if revision is not None)


class _Marks:
    """What was recorded last of each student: a result, and the submission's date and files."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.path = lab.results / ".recorded"
        self.marks: dict[str, str] = {}
        with suppress(OSError, ValueError):  # none yet: all is recorded again
            self.marks = json.loads(self.path.read_text("utf-8"))

    def has(self, graded: Result) -> bool:
        copy = self.lab.submission(graded.student).autograded / self.lab.file_name
        return copy.is_file() and self.marks.get(graded.student) == self._mark(graded)

    def add(self, batch: Sequence[Result]) -> None:
        self.marks |= {graded.student: self._mark(graded) for graded in batch}
        write_atomically(self.path, json.dumps(self.marks).encode())

    def _mark(self, graded: Result) -> str:
        digest = hashlib.sha256(graded.to_json().encode())
        folder = self.lab.submission(graded.student).submitted
        for path in _beside(self.lab.course, folder):
            status = path.lstat()
            facts = f"{path.relative_to(folder)}|{status.st_size}|{status.st_mtime_ns}"
            digest.update(facts.encode(errors="replace"))
        return digest.hexdigest()


def _batches(results: list[Result]) -> Iterator[Sequence[Result]]:
    for start in range(0, len(results), _BATCH):
        yield results[start : start + _BATCH]


@contextmanager
def _one_commit(gradebook: Gradebook, *, keep: bool = True) -> Iterator[None]:
    """Let nbgrader's methods, which commit at each step, write together: all or nothing.

    With `keep` False it is nothing: what was written can be read until the end, then is undone.
    """
    session = gradebook.db
    commit = session.commit
    session.commit = session.flush
    try:
        with session.no_autoflush:  # nbgrader's methods flush when they would have committed
            yield
    except BaseException:
        session.rollback()
        raise
    finally:
        session.commit = commit
    if keep:
        session.commit()
    else:
        session.rollback()


def graded_students(gradebook: Gradebook, lab: str) -> set[str]:
    """Students whose scores the gradebook has."""
    query = (
        gradebook.db.query(SubmittedAssignment.student_id)
        .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Grade, Grade.notebook_id == SubmittedNotebook.id)
        .filter(SubmittedAssignment.assignment.has(name=lab), Grade.auto_score.isnot(None))
        .distinct()
    )
    return {student for (student,) in query}


def _checksums(gradebook: Gradebook, lab: str) -> dict[str, str]:
    """The checksum of each cell as students received it, by grade_id."""
    notebook = gradebook.find_notebook(lab, lab)
    return {cell.name: cell.checksum for cell in notebook.source_cells}


def _record_one(lab: Lab, gradebook: Gradebook, graded: Result, checksums: dict[str, str]) -> None:
    folder = lab.submission(graded.student).submitted
    timestamp = None
    with suppress(Unreadable):  # which the result tells
        timestamp = read_timestamp(folder)
    gradebook.update_or_create_student(graded.student)
    dates = {"timestamp": timestamp} if timestamp else {}
    submission = gradebook.update_or_create_submission(lab.name, graded.student, **dates)
    notebook = next(n for n in submission.notebooks if n.name == lab.name)
    cells = {
        cell.metadata.nbgrader["grade_id"]: cell
        for cell in _as_node(graded, checksums).cells
        if "nbgrader" in cell.metadata
    }
    scores = {verdict.grade_id: verdict.score for verdict in graded.outcome.report.verdicts}
    for grade in _with_cells(gradebook, Grade, notebook):
        name = grade.cell.name
        if not graded.was_run or name not in cells:  # as nbgrader does for a missing notebook
            grade.auto_score, grade.needs_manual_grade = 0, False
        elif utils.is_grade(cells[name]):  # a task is graded by a person only
            _set_grade(grade, scores.get(name, _written_score(cells[name])))
    for comment in _with_cells(gradebook, Comment, notebook):
        cell = cells.get(comment.cell.name)
        unanswered = cell is not None and _is_unanswered(cell)
        comment.auto_comment = _NO_RESPONSE if unanswered else None
    _set_penalty(lab.course, gradebook, submission, notebook)


def _revise_one(lab: Lab, gradebook: Gradebook, graded: Result) -> Revision | None:
    notebook = gradebook.find_submission_notebook(lab.name, lab.name, graded.student)
    scores = {verdict.grade_id: verdict.score for verdict in graded.outcome.report.verdicts}
    grades = _with_cells(gradebook, Grade, notebook)
    changed = [g for g in grades if scores.get(g.cell.name, g.auto_score) != g.auto_score]
    if not changed:
        return None
    tests = tuple((g.cell.name, g.auto_score or 0.0, scores[g.cell.name]) for g in changed)
    before = _total(gradebook, notebook)
    for grade in changed:
        grade.auto_score = scores[grade.cell.name]
    _set_penalty(lab.course, gradebook, notebook.assignment, notebook)
    by_hand = tuple(grade.cell.name for grade in changed if grade.manual_score is not None)
    return Revision(graded.student, tests, by_hand, before, _total(gradebook, notebook))


def _total(gradebook: Gradebook, notebook: SubmittedNotebook) -> float:
    """What nbgrader exports: the score, less the penalty, and never below 0."""
    gradebook.db.flush()
    gradebook.db.refresh(notebook, ["score"])  # computed by the database
    return max(0.0, notebook.score - (notebook.late_submission_penalty or 0.0))


def _with_cells(gradebook: Gradebook, kind: type, notebook: SubmittedNotebook) -> list[Any]:
    query = gradebook.db.query(kind).options(joinedload(kind.cell))
    return query.filter(kind.notebook_id == notebook.id).all()


def _set_grade(grade: Grade, auto_score: float | None) -> None:
    grade.auto_score = auto_score
    grade.needs_manual_grade = grade.manual_score is not None or auto_score is None


def _written_score(cell: nbformat.NotebookNode) -> float | None:
    """0 for an answer left as it was given; otherwise a person must read it."""
    return utils.determine_grade(cell)[0] if utils.is_solution(cell) else 0


def _is_unanswered(cell: nbformat.NotebookNode) -> bool:
    same = cell.metadata.nbgrader.get("checksum") == utils.compute_checksum(cell)
    return same and not utils.is_task(cell)


def _set_penalty(
    course: Course,
    gradebook: Gradebook,
    submission: SubmittedAssignment,
    notebook: SubmittedNotebook,
) -> None:
    notebook.late_submission_penalty = None
    if submission.total_seconds_late <= 0:
        return
    policy = AssignLatePenalties(config=course.config)
    policy.init_plugin()
    gradebook.db.flush()
    gradebook.db.refresh(notebook, ["score"])  # computed by the database
    penalty = policy.plugin_inst.late_submission_penalty(
        submission.student_id, notebook.score, submission.total_seconds_late
    )
    if penalty is not None:
        notebook.late_submission_penalty = policy._check_late_penalty(notebook, penalty)
