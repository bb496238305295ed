"""The one writer of nbgrader's gradebook: what its own autograding would write, in batches.

nbgrader opens the gradebook several times per notebook and commits after each cell. Here one
session serves a batch: nbgrader's own methods create students and submissions, its own
`determine_grade` reads each score, but the database is asked once, and committed once.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import nbformat
from nbgrader import utils
from nbgrader.api import (
    Comment,
    Grade,
    Gradebook,
    SubmittedAssignment,
    SubmittedNotebook,
)
from sqlalchemy.orm import joinedload

from grader.course import Lab, Submission
from grader.files import write_atomically
from grader.grading import lateness
from grader.grading.copies import executed_notebook, files_beside, write_copy
from grader.grading.results import Result
from grader.grading.spelling import unite
from grader.grading.submission import Unreadable, read_timestamp
from grader.notebook import graded_cells

_BATCH = 100
_NO_RESPONSE = "No response."  # nbgrader's own words, which formgrader shows


def record(lab: Lab, results: Sequence[Result]) -> None:
    """Write results to autograded/ and to the gradebook, unless they hold these already.

    What a person has graded since is left alone. Killed in between, the next call writes the rest.
    The penalties for lateness of the whole course are brought up to date.
    """
    with lab.course.gradebook() as gradebook:
        _record(gradebook, lab, results)
        lateness.refresh(lab.course, gradebook)
        gradebook.db.commit()


def record_some(gradebook: Gradebook, lab: Lab, results: Sequence[Result]) -> None:
    """Likewise, at a cost that does not grow with the course: the penalties of these students."""
    _record(gradebook, lab, results)
    lateness.refresh(lab.course, gradebook, {result.student for result in results})
    gradebook.db.commit()


def _record(gradebook: Gradebook, lab: Lab, results: Sequence[Result]) -> None:
    recorded = RecordedDigests(lab)
    known = graded_students(gradebook, lab)
    due = [r for r in results if r.student not in known or not recorded.has(r)]
    checksums = _checksums(gradebook, lab)
    author = lab.author_files().own if due else {}

    def write(result: Result) -> None:
        write_copy(lab.submission(result.student), result, checksums, author)

    for batch in _batches(due):
        with ThreadPoolExecutor() as pool, _one_commit(gradebook):
            copies = pool.map(write, batch)  # a disk takes its time to write each
            _record_batch(gradebook, lab, batch, checksums)
            unite(gradebook, [result.student for result in batch])
            deque(copies, maxlen=0)
        recorded.add(batch)


def is_recorded(lab: Lab, results: Sequence[Result]) -> bool:
    """True if autograded/ and the gradebook hold all these results already."""
    return all(map(RecordedDigests(lab).has, results))


@dataclass(frozen=True)
class ScoreChange:
    """A test whose score changes."""

    name: str
    before: float
    after: float
    by_hand: bool
    """True if a person has graded this test: their mark stays what it is."""


@dataclass(frozen=True)
class Revision:
    """The changes that new results make in the gradebook for one student."""

    student: str
    tests: tuple[ScoreChange, ...]
    before: float
    """Of the whole lab, what a person graded and the penalty for lateness included."""
    after: float


def revise(lab: Lab, results: Sequence[Result], *, keep: bool) -> tuple[Revision, ...]:
    """Put new scores in the place of recorded ones; what changes.

    Only scores of tests change, and the penalties for lateness, which follow from them. Grades that
    a person gave, comments, and what still waits to be read stay.

    Args:
        results: of students who are in the gradebook.
        keep: False only says what would change, and writes nothing.
    """
    with lab.course.gradebook() as gradebook:
        if keep:
            checksums = _checksums(gradebook, lab)
            author = lab.author_files().own
            for result in results:
                write_copy(lab.submission(result.student), result, checksums, author)
        with _one_commit(gradebook, keep=keep):
            changes = [change for r in results if (change := _change_scores(gradebook, lab, r))]
            gradebook.db.flush()
            lateness.refresh(lab.course, gradebook)
            revisions = tuple(
                Revision(notebook.student.id, tests, before, _total(gradebook, notebook))
                for notebook, tests, before in changes
            )
    if keep:
        RecordedDigests(lab).add(results)
    return revisions


class RecordedDigests:
    """Per student, a digest of what was last recorded, so that unchanged students are skipped."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.path = lab.results / ".recorded"
        self.digests: dict[str, str] = {}
        with suppress(OSError, ValueError):  # none yet: all is recorded again
            self.digests = json.loads(self.path.read_text("utf-8"))

    def has(self, result: Result) -> bool:
        copy = self.lab.submission(result.student).autograded / self.lab.file_name
        return copy.is_file() and self.digests.get(result.student) == self._digest(result)

    def add(self, results: Sequence[Result]) -> None:
        self.digests |= {result.student: self._digest(result) for result in results}
        write_atomically(self.path, json.dumps(self.digests).encode())

    def _digest(self, result: Result) -> str:
        """Of the result, and of the names, sizes and dates of the files submitted beside it."""
        digest = hashlib.sha256(result.to_json().encode())
        submission = self.lab.submission(result.student)
        for path in files_beside(submission):
            status = path.lstat()
            name = path.relative_to(submission.submitted)
            facts = f"{name}|{status.st_size}|{status.st_mtime_ns}"
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


# ---- Reading the gradebook


def graded_students(gradebook: Gradebook, lab: Lab) -> set[str]:
    """The students whose scores the gradebook has."""
    query = (
        gradebook.db.query(SubmittedAssignment.student_id)
        .join(SubmittedNotebook, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Grade, Grade.notebook_id == SubmittedNotebook.id)
        .filter(
            SubmittedAssignment.assignment.has(name=lab.name),
            SubmittedNotebook.notebook.has(name=lab.notebook_name),
            Grade.auto_score.isnot(None),
        )
        .distinct()
    )
    return {student for (student,) in query}


def _checksums(gradebook: Gradebook, lab: Lab) -> dict[str, str]:
    """The checksum of each cell as students received it, by grade_id."""
    notebook = gradebook.find_notebook(lab.notebook_name, lab.name)
    return {cell.name: cell.checksum for cell in notebook.source_cells}


def _with_cells(
    gradebook: Gradebook, kind: type[Grade | Comment], notebooks: Sequence[SubmittedNotebook]
) -> dict[str, list[Any]]:
    """The grades, or the comments, of each of these notebooks, by its id."""
    wanted = kind.notebook_id.in_([notebook.id for notebook in notebooks])
    found: dict[str, list[Any]] = defaultdict(list)
    for one in gradebook.db.query(kind).options(joinedload(kind.cell)).filter(wanted):
        found[one.notebook_id].append(one)
    return found


def _computed_score(gradebook: Gradebook, notebook: SubmittedNotebook) -> float:
    """The sum of the grades, which the database computes."""
    gradebook.db.flush()
    gradebook.db.refresh(notebook, ["score"])
    return notebook.score


def _total(gradebook: Gradebook, notebook: SubmittedNotebook) -> float:
    """The score that nbgrader exports: less the penalty, and never below 0."""
    penalty = notebook.late_submission_penalty or 0.0
    return max(0.0, _computed_score(gradebook, notebook) - penalty)


# ---- Writing to it


def _record_batch(
    gradebook: Gradebook, lab: Lab, batch: Sequence[Result], checksums: dict[str, str]
) -> None:
    """Students, then submissions, then grades and comments: the database is asked once for each."""
    with _one_flush(gradebook):
        for result in batch:
            gradebook.update_or_create_student(result.student)
    with _one_flush(gradebook):
        entries = [_enter_submission(gradebook, lab.submission(r.student)) for r in batch]
    notebooks = [
        next(n for n in entry.notebooks if n.name == lab.notebook_name) for entry in entries
    ]
    grades = _with_cells(gradebook, Grade, notebooks)
    comments = _with_cells(gradebook, Comment, notebooks)
    for notebook, result in zip(notebooks, batch, strict=True):
        graded = graded_cells(executed_notebook(result, checksums))
        cells = {name: nbformat.from_dict(cell) for name, cell in graded.items()}
        for grade in grades[notebook.id]:
            _set_grade(grade, result, cells.get(grade.cell.name))
        for comment in comments[notebook.id]:
            _set_comment(comment, cells.get(comment.cell.name))


@contextmanager
def _one_flush(gradebook: Gradebook) -> Iterator[None]:
    """Let nbgrader's methods, which write at each step, write together at the end."""
    session = gradebook.db
    commit = session.commit
    session.commit = _nothing
    try:
        yield
    finally:
        session.commit = commit
    session.flush()


def _nothing() -> None:
    pass


def _change_scores(
    gradebook: Gradebook, lab: Lab, result: Result
) -> tuple[SubmittedNotebook, tuple[ScoreChange, ...], float] | None:
    """A notebook whose scores change, the changes, and its total before; None without any."""
    notebook = gradebook.find_submission_notebook(lab.notebook_name, lab.name, result.student)
    scores = result.scores
    grades = _with_cells(gradebook, Grade, [notebook])[notebook.id]
    changed = [g for g in grades if scores.get(g.cell.name, g.auto_score) != g.auto_score]
    if not changed:
        return None
    before = _total(gradebook, notebook)
    return notebook, tuple(_change_score(g, scores[g.cell.name]) for g in changed), before


def _change_score(grade: Grade, score: float) -> ScoreChange:
    before = grade.auto_score or 0.0
    grade.auto_score = score
    return ScoreChange(grade.cell.name, before, score, grade.manual_score is not None)


def _enter_submission(gradebook: Gradebook, submission: Submission) -> SubmittedAssignment:
    timestamp = None
    with suppress(Unreadable):  # which the result tells
        timestamp = read_timestamp(submission.submitted)
    dates = {"timestamp": timestamp} if timestamp else {}
    return gradebook.update_or_create_submission(submission.lab.name, submission.student, **dates)


def _set_grade(grade: Grade, result: Result, cell: nbformat.NotebookNode | None) -> None:
    if cell is None or not result.was_run:  # as nbgrader does for a missing notebook
        grade.auto_score, grade.needs_manual_grade = 0, False
    elif utils.is_grade(cell):  # a task is graded by a person only
        score = result.scores.get(grade.cell.name, _written_score(cell))
        grade.auto_score = score
        grade.needs_manual_grade = grade.manual_score is not None or score is None


def _written_score(cell: nbformat.NotebookNode) -> float | None:
    """0 for an answer left as it was given; otherwise a person must read it."""
    return utils.determine_grade(cell)[0] if utils.is_solution(cell) else 0


def _set_comment(comment: Comment, cell: nbformat.NotebookNode | None) -> None:
    unanswered = cell is not None and _is_unanswered(cell)
    comment.auto_comment = _NO_RESPONSE if unanswered else None


def _is_unanswered(cell: nbformat.NotebookNode) -> bool:
    same = cell.metadata.nbgrader.get("checksum") == utils.compute_checksum(cell)
    return same and not utils.is_task(cell)
