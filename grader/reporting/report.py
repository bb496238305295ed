"""`grader report`: one page about a whole class, for those who teach it.

It shows the gradebook and the results of grading; the numbers are those of
`grader.reporting.statistics` and `grader.reporting.diagnostics`.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, tzinfo
from itertools import groupby
from pathlib import Path

from grader.course import Lab
from grader.errors import GraderError
from grader.files import write_atomically
from grader.grading import lateness
from grader.grading.results import read_results
from grader.notebook import Notebook, concepts, grade_id, is_solution, is_test
from grader.reporting import diagnostics, pages, statistics, term
from grader.reporting.diagnostics import Attention, Failure, Times
from grader.reporting.statistics import (
    ConceptStatistics,
    Exercise,
    ExerciseStatistics,
    Late,
    Summary,
    TermProgress,
)
from grader.text import printable


@dataclass(frozen=True)
class ClassReport:
    """All that the page shows about one lab; dates are in UTC."""

    lab: str
    made: datetime
    due: datetime | None
    summary: Summary
    totals: tuple[float, ...]
    exercises: list[ExerciseStatistics]
    failures: list[Failure]
    unexplained: int
    """Submissions graded by nbgrader's own command, which leaves no messages here."""
    concepts: list[ConceptStatistics]
    times: Times
    handed_in: tuple[datetime, ...]
    attention: list[Attention]
    late: list[Late]
    labs: tuple[str, ...]
    progress: list[TermProgress]


def gather(lab: Lab) -> ClassReport:
    """The statistics of one lab.

    Raises:
        GraderError: it has not been graded, or not been built here.
    """
    lab.check_released()
    lateness.refresh(lab.course)
    whole_term = term.read(lab.course)
    grades = whole_term.lab(lab.name)
    submissions = list(grades.submissions.values())
    known = [result for result in read_results(lab) if result.student in grades.submissions]
    submitted = {*lab.students(), *grades.submissions}
    expected = {*whole_term.students, *submitted}
    exercises = exercises_of(lab.author_notebook())
    return ClassReport(
        lab=lab.name,
        made=datetime.now(UTC).replace(tzinfo=None),
        due=grades.due,
        summary=statistics.summary(submissions, grades.max_score, len(expected), len(submitted)),
        totals=tuple(submission.total for submission in submissions),
        exercises=statistics.by_exercise(exercises, submissions),
        failures=diagnostics.failures(exercises, known),
        unexplained=len(submissions) - len(known),
        concepts=statistics.by_concept(exercises, submissions),
        times=diagnostics.times(exercises, known),
        handed_in=tuple(sorted(work.handed_in for work in submissions if work.handed_in)),
        attention=diagnostics.attention(known, expected - submitted),
        late=statistics.late(submissions),
        labs=tuple(lab.name for lab in whole_term.labs),
        progress=statistics.term_progress(whole_term.labs, expected),
    )


def exercises_of(source: Notebook) -> list[Exercise]:
    """The exercises and written answers of a lab, each with the tests that follow it."""
    found: list[Exercise] = []
    for cell in source["cells"]:
        name = grade_id(cell)
        if name is None:
            continue
        points = float(cell["metadata"]["nbgrader"].get("points", 0))
        if is_solution(cell):
            written = cell["cell_type"] == "markdown"
            found.append(Exercise(name, {name: points} if points else {}, written, concepts(cell)))
        elif is_test(cell) and found and not found[-1].written:
            found[-1] = replace(found[-1], points={**found[-1].points, name: points})
        elif is_test(cell):
            found.append(Exercise(name, {name: points}))
    return [exercise for exercise in found if exercise.max_score]


def to_json(report: ClassReport) -> str:
    """The statistics for a program."""
    return json.dumps(asdict(report), default=_plain, ensure_ascii=False, indent=1)


def _plain(value: object) -> object:
    if isinstance(value, datetime):
        return value.replace(tzinfo=UTC).isoformat()
    raise TypeError(f"{type(value).__name__} has no form in JSON")


# ---- The page


def write_page(lab: Lab, report: ClassReport, path: Path | None = None) -> Path:
    """Write the page; where it is."""
    path = path or lab.results / "report.html"
    if path.is_dir():
        raise GraderError(f"{path} is a folder: name a file, --output {path / 'report.html'}")
    write_atomically(path, page(report, lab.course.zone).encode())
    return path


def page(report: ClassReport, zone: tzinfo | None = None) -> str:
    """The HTML page, complete in itself; its dates are in `zone`."""
    from grader.reporting.figures import distribution, spark, timeline  # matplotlib: not for --json

    return pages.render(
        "report.html.j2",
        report=report,
        zone=zone,
        distribution=distribution(report.totals, report.summary),
        timeline=timeline(report.handed_in, report.due, zone),
        tests=_by_test(report.failures),
        show=lambda student: _show(student, report.lab),
        spark=spark,
    )


def _show(student: str, lab: str) -> str:
    """The command that shows more of a student, safe to paste into a shell."""
    student = printable(student)
    return shlex.join(["grader", "show", *["--"] * student.startswith("-"), student, lab])


def _by_test(failures: Sequence[Failure]) -> list[tuple[str, int, list[Failure]]]:
    """Each test with the number of students it failed, and how; the most frequent first."""
    ordered = sorted(failures, key=lambda failure: failure.test)
    tests = []
    for test, group in groupby(ordered, lambda failure: failure.test):
        ways = list(group)
        tests.append((test, sum(len(failure.students) for failure in ways), ways))
    return sorted(tests, key=lambda item: item[1], reverse=True)
