"""A hidden test was wrong: what its correction changes, for whom, and then writing it.

The corrected source is rehearsed on what was handed in, into a folder of its own, and the scores
are put into the gradebook and taken out again: what is shown is what would be written. Nothing
that is recorded changes until the instructor agrees; then the lab is built and released again, and
the rehearsed results take the place of the recorded ones, without running anything twice.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from nbgrader.api import Gradebook

from grader.authoring.build import build, enter, would_build
from grader.course import Lab, Submission
from grader.engine import EngineConfig
from grader.errors import GraderError
from grader.grading import intake
from grader.grading.autograde import alone, rehearse
from grader.grading.progress import progress
from grader.grading.record import Revision, graded_students, is_recorded, revise
from grader.grading.results import Result, save
from grader.notebook import Cell, Notebook, grade_id, is_solution, is_test, plain

_NOT_GRADED = "not graded yet (grader autograde takes them)"
_HANDED_IN_AGAIN = "handed in again since they were graded (grader autograde takes them)"
_GONE = "nothing of theirs is in submitted/ any more: their grades stay as they are"
_NO_COPY = "no readable copy in autograded/ says what was graded (grader autograde makes one)"


@dataclass(frozen=True)
class Preview:
    """What a corrected source would change; nothing is written yet."""

    lab: str
    source: Notebook = field(repr=False)
    results: tuple[Result, ...] = field(repr=False)
    """Of everybody who is regraded, whether their scores change or not."""
    edited: frozenset[str]
    """The tests that are not those that were graded with."""
    revisions: tuple[Revision, ...]
    left: Mapping[str, str]
    """Who is not regraded, and why."""
    settled: bool
    """Whether what is recorded are the results of this very source: there is nothing to write."""

    @property
    def losers(self) -> tuple[Revision, ...]:
        return tuple(one for one in self.revisions if one.after < one.before)

    @property
    def winners(self) -> tuple[Revision, ...]:
        return tuple(one for one in self.revisions if one.after > one.before)

    def message(self, student: str, test: str) -> str:
        """What a test now tells a student, "" if it passes."""
        verdicts = (g.outcome.report.verdicts for g in self.results if g.student == student)
        found = (one.message for many in verdicts for one in many if one.grade_id == test)
        return next(found, "")

    @property
    def surprises(self) -> dict[str, list[str]]:
        """Tests that give other scores although they were not edited, and to whom."""
        found: dict[str, list[str]] = {}
        for revision in self.revisions:
            for test, *_ in revision.tests:
                if test not in self.edited:
                    found.setdefault(test, []).append(revision.student)
        return found


def regrade(
    lab: Lab, config: EngineConfig, agreed: Callable[[Preview], bool]
) -> tuple[Preview, bool]:
    """Rehearse a corrected lab on what was graded, and write the new results if `agreed` says so.

    Returns:
        What changes, and whether it was written.

    Raises:
        GraderError: nobody was graded, the corrected lab cannot be built or compared, or something
            cannot be written; it says what to do.
    """
    lab.check_released()
    lab.course.labs([lab.name])  # refuses one that has no source
    with alone(lab):
        preview = _preview(lab, config)
        if preview.settled or not agreed(preview):
            return preview, False
        try:
            _write(lab, preview)
        except KeyboardInterrupt:
            raise GraderError(
                f"Interrupted while writing: grader regrade {lab.name} goes on from there"
            ) from None
    return preview, True


def to_json(preview: Preview, written: bool) -> str:
    """What changes, for a program."""
    facts = {
        "lab": preview.lab,
        "written": written,
        "edited": sorted(preview.edited),
        "regraded": len(preview.results),
        "left": dict(preview.left),
        "changes": [
            {
                "student": one.student,
                "before": one.before,
                "after": one.after,
                "tests": [
                    {
                        "name": name,
                        "before": before,
                        "after": after,
                        "by_hand": name in one.by_hand,
                        "message": preview.message(one.student, name),
                    }
                    for name, before, after in one.tests
                ],
            }
            for one in preview.revisions
        ],
    }
    return json.dumps(facts, ensure_ascii=False, indent=1)


def _rehearsal(lab: Lab) -> Path:
    return lab.results / ".rehearsal"


def _preview(lab: Lab, config: EngineConfig) -> Preview:
    source = plain(would_build(lab))
    with lab.course.gradebook() as gradebook:
        graded = graded_students(gradebook, lab.name)
        if not graded:
            raise GraderError(
                f"{lab.name} has not been graded: grader release {lab.name}, then grader autograde"
                f" {lab.name}, take the source as it is now"
            )
        _check_comparable(gradebook, lab.name, source)
    copies = {student: _copy(lab.submission(student)) for student in sorted(graded)}
    left = {
        student: why
        for student, copy in copies.items()
        if (why := _why_left(lab.submission(student), copy, source))
    }
    left |= {name: _NOT_GRADED for name in lab.students() if name not in graded}
    students = [student for student in copies if student not in left]
    with progress(f"rehearsing {lab.name}", len(students)) as on_result:
        results = rehearse(lab, config, source, students, _rehearsal(lab), on_result)
    revisions = revise(lab, results, keep=False)
    return Preview(
        lab=lab.name,
        source=source,
        results=tuple(results),
        edited=_edited((copies[student] for student in students), source),
        revisions=revisions,
        left=left,
        settled=not revisions and is_recorded(lab, results),
    )


def _write(lab: Lab, preview: Preview) -> None:
    """The lab is released first: killed at any moment, the same command goes on from there."""
    if plain(would_build(lab)) != preview.source:
        raise GraderError(f"{lab.name} was edited meanwhile: nothing was written, look again")
    build(lab)
    enter(lab)
    for graded in preview.results:
        save(lab.results, graded)
    revise(lab, preview.results, keep=True)
    shutil.rmtree(_rehearsal(lab), ignore_errors=True)


# ---- What can be compared


def _check_comparable(gradebook: Gradebook, lab: str, source: Notebook) -> None:
    """Refuse a source whose graded cells are not those that the gradebook has scores for."""
    recorded = gradebook.find_notebook(lab, lab)
    before = _kinds(
        {cell.name: cell.max_score for cell in recorded.grade_cells},
        {cell.name for cell in recorded.solution_cells},
    )
    graded = [cell["metadata"]["nbgrader"] for cell in source["cells"] if grade_id(cell)]
    after = _kinds(
        {meta["grade_id"]: float(meta["points"]) for meta in graded if meta["grade"]},
        {meta["grade_id"] for meta in graded if meta["solution"]},
    )
    wrong = [
        f"  {name}: was {before.get(name, 'not there')}, is {after.get(name, 'not there')}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]
    if wrong:
        raise GraderError(
            "\n".join(
                [
                    f"{lab}: these cells are not those that were graded, so that the scores before"
                    " and after cannot be compared:",
                    *wrong,
                    "Regrading changes what tests check, not which there are nor their points. Put"
                    " these back, or, for points alone, enter them without a comparison: grader"
                    f" release {lab}, then grader autograde {lab}.",
                ]
            )
        )


def _kinds(points: Mapping[str, float], solutions: set[str]) -> dict[str, str]:
    """What each graded cell is, in words."""
    graded = {
        name: f"{'an answer' if name in solutions else 'a test'} of {most:g}"
        for name, most in points.items()
    }
    return {name: "an exercise" for name in solutions} | graded


def _why_left(submission: Submission, copy: Notebook | None, source: Notebook) -> str | None:
    """Why a graded student cannot be regraded; None if they can."""
    folder = submission.submitted
    if not folder.is_dir():
        return _GONE
    if copy is None:
        return _NO_COPY
    taken = intake.take_in(folder, submission.lab.file_name, source).notebook
    same = _own(taken or intake.unreadable_notebook(source)) == _own(copy)
    return None if same else _HANDED_IN_AGAIN


def _copy(submission: Submission) -> Notebook | None:
    """The notebook that a student's recorded scores are those of, with its tests."""
    path = submission.autograded / submission.lab.file_name
    with suppress(OSError, ValueError):
        return json.loads(path.read_text("utf-8"))
    return None


def _own(notebook: Notebook) -> list[str]:
    """What the student wrote, cell after cell."""
    return [_text(c) for c in notebook["cells"] if grade_id(c) is None or is_solution(c)]


def _edited(copies: Iterable[Notebook], source: Notebook) -> frozenset[str]:
    """The names of the tests that differ from those of the copies."""
    tests = {grade_id(cell): _text(cell) for cell in source["cells"] if is_test(cell)}
    return frozenset(
        name
        for copy in copies
        for cell in copy["cells"]
        if (name := grade_id(cell)) in tests and _text(cell) != tests[name]
    )


def _text(cell: Cell) -> str:
    return "".join(cell["source"])  # files have it as lines
