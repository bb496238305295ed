"""A corrected source beside what was graded: what can be compared, and which tests were edited."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from nbgrader.api import Gradebook

from grader.course import Lab, Submission
from grader.errors import GraderError
from grader.grading.copies import files_differ, read_copy
from grader.grading.intake import take_in, unreadable_notebook
from grader.grading.record import graded_students
from grader.notebook import Cell, Notebook, grade_id, graded_cells, is_solution, is_test

_HANDED_IN_AGAIN = "handed in again since they were graded (grader autograde takes them)"
_GONE = "nothing of theirs is in submitted/ any more: their grades stay as they are"
_NO_COPY = "no readable copy in autograded/ says what was graded (grader autograde makes one)"


# ---- The source that was graded with, and the corrected one


def comparable_students(lab: Lab, source: Notebook) -> list[str]:
    """The students whose scores can be compared with those that the source gives.

    Raises:
        GraderError: there are none, or the source has other graded cells.
    """
    with lab.course.gradebook() as gradebook:
        students = graded_students(gradebook, lab)
        if not students:
            raise GraderError(
                f"{lab.name} has not been graded: grader release {lab.name}, then grader autograde"
                f" {lab.name}, take the source as it is now"
            )
        before = _recorded_kinds(gradebook, lab)
    if wrong := _differences(before, _source_kinds(source)):
        raise GraderError(
            "\n".join(
                [
                    f"{lab.name}: these cells are not those that were graded, so that the scores"
                    " before and after cannot be compared:",
                    *wrong,
                    "Regrading changes what tests check, not which there are nor their points. Put"
                    " these back, or, for points alone, enter them without a comparison: grader"
                    f" release {lab.name}, then grader autograde {lab.name}.",
                ]
            )
        )
    return sorted(students)


def _recorded_kinds(gradebook: Gradebook, lab: Lab) -> dict[str, str]:
    notebook = gradebook.find_notebook(lab.notebook_name, lab.name)
    points = {cell.name: cell.max_score for cell in notebook.grade_cells}
    return _kinds(points, {cell.name for cell in notebook.solution_cells})


def _source_kinds(source: Notebook) -> dict[str, str]:
    metadata = [cell["metadata"]["nbgrader"] for cell in graded_cells(source).values()]
    points = {meta["grade_id"]: float(meta["points"]) for meta in metadata if meta["grade"]}
    return _kinds(points, {meta["grade_id"] for meta in metadata if meta["solution"]})


def _kinds(points: Mapping[str, float], solutions: set[str]) -> dict[str, str]:
    """Each graded cell in words: "a test of 2"."""
    graded = {
        name: f"{'an answer' if name in solutions else 'a test'} of {value:g}"
        for name, value in points.items()
    }
    return {name: "an exercise" for name in solutions} | graded


def _differences(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    return [
        f"  {name}: was {before.get(name, 'not there')}, is {after.get(name, 'not there')}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]


# ---- The notebooks that were graded


class _LeftOut(Exception):
    """A graded student who cannot be regraded; the message says why."""


def graded_copies(
    lab: Lab, students: Sequence[str], source: Notebook
) -> tuple[dict[str, Notebook], dict[str, str]]:
    """The graded copy of each student who can be regraded; why the others cannot."""
    copies, left = {}, {}
    for student in students:
        try:
            copies[student] = _graded_copy(lab.submission(student), source)
        except _LeftOut as reason:
            left[student] = str(reason)
    return copies, left


def _graded_copy(submission: Submission, source: Notebook) -> Notebook:
    """The notebook that was graded, if it is still the one that is submitted.

    Raises:
        _LeftOut: it is not.
    """
    if not submission.submitted.is_dir():
        raise _LeftOut(_GONE)
    copy = read_copy(submission)
    if copy is None:
        raise _LeftOut(_NO_COPY)
    intake = take_in(
        submission.submitted, submission.lab.file_name, source, submission.lab.siblings
    )
    submitted = intake.notebook or unreadable_notebook(source)
    if _student_texts(submitted) != _student_texts(copy) or files_differ(submission):
        raise _LeftOut(_HANDED_IN_AGAIN)
    return copy


def _student_texts(notebook: Notebook) -> list[str]:
    """The text of each cell that the student may write in."""
    return [_text(c) for c in notebook["cells"] if grade_id(c) is None or is_solution(c)]


def edited_tests(copies: Iterable[Notebook], source: Notebook) -> frozenset[str]:
    """The names of the tests that differ from those of the copies."""
    tests = {name: _text(cell) for name, cell in graded_cells(source).items() if is_test(cell)}
    return frozenset(
        name
        for copy in copies
        for name, cell in graded_cells(copy).items()
        if name in tests and _text(cell) != tests[name]
    )


def _text(cell: Cell) -> str:
    return "".join(cell["source"])  # files have it as lines
