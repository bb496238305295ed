"""The author's own solutions, graded like a submission: what they fail is no student's fault.

A test may do what works in one process only, or need what is not there at grading. Whatever the
reason, the answer key then fails it too, and nobody loses its points in silence.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from grader import settings
from grader.beside import digest
from grader.course import Lab
from grader.engine import Job, Outcome, Report, Status, Verdict
from grader.engine.french import STATUS, name_raised, not_a_test
from grader.engine.outputs import error_output
from grader.grading.results import Result, find_result, write_result
from grader.notebook import Notebook, grade_id, plain

_JOB: Final = ""  # no student has this name
_FILE: Final = "answer_key"

Flaws = Mapping[str, str]
"""By test: what it does to the answer key."""


class AnswerKey:
    """The answer key of a lab, run once for each version of the lab.

    Args:
        salt: a digest of what all results of this version depend on.
        folder: of the results.
    """

    def __init__(self, lab: Lab, source: Notebook, salt: str, folder: Path) -> None:
        self.source = source
        self.files = lab.example_files()
        self.mark = settings.solution_mark(lab.course.config)
        self.folder = folder / ".key"
        self.digest = hashlib.sha256(f"{salt}{digest(self.files.items())}".encode()).hexdigest()
        known = find_result(self.folder, _FILE, self.digest)
        self.flaws: Flaws | None = flaws(known.outcome.report, source, self.mark) if known else None

    def jobs(self) -> Iterator[Job]:
        """What is to be run to know it: nothing, when this version was."""
        if self.flaws is None:
            yield Job(_JOB, plain(self.source), self.source, self.files)

    def settled(self, outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
        """The students' outcomes, in which no test that the key fails counts as their failure."""
        waiting = []
        for outcome in outcomes:
            if outcome.key == _JOB:
                self.flaws = flaws(outcome.report, self.source, self.mark)
                write_result(self.folder, Result(_FILE, self.digest, (), outcome))
            else:
                waiting.append(outcome)
            if self.flaws is not None:
                yield from (settled(each, self.flaws) for each in waiting)
                waiting.clear()
        yield from waiting


def flaws(report: Report, source: Notebook, mark: str) -> Flaws:
    """The tests that the answer key does not pass; none for a source without solutions.

    One whose tests all need shared mode earns nothing either: what begins a solution, `mark`, then
    tells that it has some.
    """
    marked = any(mark in cell["source"] for cell in source["cells"])
    if not marked and not any(verdict.score for verdict in report.verdicts):
        return {}
    return {
        verdict.grade_id: (
            f"the answer key itself has {verdict.score:g} of {verdict.max_score:g}:"
            f" {verdict.message}"
        )
        for verdict in report.verdicts
        if verdict.score < verdict.max_score
        and name_raised(verdict.message) != NotImplementedError.__name__
    }


def settled(outcome: Outcome, flaws: Flaws) -> Outcome:
    """An outcome whose report tells which of its failures are those of the tests."""
    report = outcome.report
    hit = {v.grade_id for v in report.verdicts if v.grade_id in flaws and _lost(v)}
    if not hit:
        return outcome
    for cell in outcome.notebook["cells"]:
        if grade_id(cell) in hit and cell["outputs"][-1]["output_type"] == "error":
            cell["outputs"][-1] = error_output(STATUS[Status.ERROR], not_a_test())
    verdicts = tuple(_no_failure(v) if v.grade_id in hit else v for v in report.verdicts)
    incidents = tuple(
        f"{name}: {flaws[name]}. grader rehearse tells which mode suits" for name in sorted(hit)
    )
    report = replace(report, verdicts=verdicts, incidents=(*report.incidents, *incidents))
    return replace(outcome, report=report)


def _lost(verdict: Verdict) -> bool:
    return verdict.score < verdict.max_score and verdict.status is not Status.ERROR


def _no_failure(verdict: Verdict) -> Verdict:
    if verdict.status is not Status.FAILED:
        return verdict
    return replace(verdict, status=Status.ERROR, message=not_a_test())
