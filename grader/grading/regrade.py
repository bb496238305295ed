"""A hidden test was wrong: what its correction changes, for whom, and then writing it.

The corrected source is rehearsed on what was handed in, into a folder of its own, and the scores
are put into the gradebook and taken out again: what is shown is what would be written. Nothing
that is recorded changes until the instructor agrees; then the lab is built and released again, and
the rehearsed results take the place of the recorded ones, without running anything twice.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from grader.authoring.build import build, enter, would_build
from grader.course import Lab
from grader.engine import Engine, EngineConfig
from grader.errors import GraderError
from grader.grading.autograde import MakeEngine, locked, rehearse
from grader.grading.comparison import comparable_students, edited_tests, graded_copies
from grader.grading.progress import progress
from grader.grading.record import Revision, is_recorded, revise
from grader.grading.results import Result, write_result
from grader.notebook import Notebook, plain

_NOT_GRADED = "not graded yet (grader autograde takes them)"


@dataclass(frozen=True)
class Preview:
    """The changes that a corrected source would make; nothing is written yet."""

    lab: str
    source: Notebook = field(repr=False)
    results: tuple[Result, ...] = field(repr=False)
    """Of everybody who is regraded, whether their scores change or not."""
    edited: frozenset[str]
    """The tests that are not those that were graded with."""
    revisions: tuple[Revision, ...]
    left: Mapping[str, str]
    """The students who are not regraded, and why."""
    settled: bool
    """True if the results of this very source are recorded already: there is nothing to write."""

    @property
    def losers(self) -> tuple[Revision, ...]:
        return tuple(revision for revision in self.revisions if revision.after < revision.before)

    @property
    def winners(self) -> tuple[Revision, ...]:
        return tuple(revision for revision in self.revisions if revision.after > revision.before)

    def message(self, student: str, test: str) -> str:
        """The new message of a test to a student, "" if it passes."""
        results = (result for result in self.results if result.student == student)
        verdicts = (verdict for result in results for verdict in result.outcome.report.verdicts)
        return next((v.message for v in verdicts if v.grade_id == test), "")

    @property
    def surprises(self) -> dict[str, list[str]]:
        """The tests that give other scores although they were not edited, and to whom."""
        found: dict[str, list[str]] = {}
        for revision in self.revisions:
            for test in revision.tests:
                if test.name not in self.edited:
                    found.setdefault(test.name, []).append(revision.student)
        return found


def regrade(
    lab: Lab,
    config: EngineConfig,
    agreed: Callable[[Preview], bool],
    make_engine: MakeEngine = Engine,
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
    with locked(lab):
        preview = _preview(lab, config, make_engine)
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
    """The changes, for a program."""
    facts = {
        "lab": preview.lab,
        "written": written,
        "edited": sorted(preview.edited),
        "regraded": len(preview.results),
        "left": dict(preview.left),
        "changes": [_facts(preview, revision) for revision in preview.revisions],
    }
    return json.dumps(facts, ensure_ascii=False, indent=1)


def _facts(preview: Preview, revision: Revision) -> dict[str, Any]:
    student = revision.student
    return {
        "student": student,
        "before": revision.before,
        "after": revision.after,
        "tests": [
            asdict(test) | {"message": preview.message(student, test.name)}
            for test in revision.tests
        ],
    }


def _rehearsal(lab: Lab) -> Path:
    return lab.results / ".rehearsal"


def _preview(lab: Lab, config: EngineConfig, make_engine: MakeEngine) -> Preview:
    source = plain(would_build(lab))
    graded = comparable_students(lab, source)
    copies, left = graded_copies(lab, graded, source)
    left |= {name: _NOT_GRADED for name in lab.students() if name not in graded}
    with progress(f"rehearsing {lab.name}", len(copies)) as on_result:
        results = rehearse(
            lab, config, source, list(copies), _rehearsal(lab), on_result, make_engine
        )
    revisions = revise(lab, results, keep=False)
    return Preview(
        lab=lab.name,
        source=source,
        results=tuple(results),
        edited=edited_tests(copies.values(), source),
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
    for result in preview.results:
        write_result(lab.results, result)
    revise(lab, preview.results, keep=True)
    shutil.rmtree(_rehearsal(lab), ignore_errors=True)
