"""`grader report`: one page about a whole class, for those who teach it.

What is on it comes from the gradebook and from the results of grading; the numbers are those of
`grader.reporting.statistics`. Names and messages are of others: the page escapes them, and runs
nothing.
"""

from __future__ import annotations

import io
import json
import shlex
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter, date2num
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from grader.course import Lab
from grader.errors import GraderError
from grader.files import write_atomically
from grader.grading.results import results
from grader.notebook import Notebook, grade_id, is_solution, is_test
from grader.reporting import statistics, term
from grader.reporting.statistics import (
    Attention,
    ConceptStatistics,
    Exercise,
    ExerciseStatistics,
    Failure,
    Late,
    Progress,
    Summary,
    Times,
)
from grader.text import printable

_BARS = 24  # of a histogram, about
_AROUND = timedelta(days=10)  # a date of handing in further away counts at this edge
# A figure's colours are the page's, light or dark: each stands for one of its CSS variables.
_COLOURS = {"#000001": "ink", "#000002": "soft", "#000003": "bar", "#000004": "band"}
_INK, _SOFT, _BAR, _BAND = _COLOURS


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
    progress: list[Progress]


def gather(lab: Lab) -> ClassReport:
    """The statistics of one lab.

    Raises:
        GraderError: it has not been graded, or not been built here.
    """
    lab.check_released()
    whole_term = term.read(lab.course)
    grades = whole_term.lab(lab.name)
    submissions = list(grades.submissions.values())
    known = [one for one in results(lab) if one.student in grades.submissions]
    submitted = {*lab.students(), *grades.submissions}
    expected = {*whole_term.students, *submitted}
    graded = exercises_of(lab.author_notebook())
    labs = [(one.most, one.submissions) for one in whole_term.labs]
    return ClassReport(
        lab=lab.name,
        made=datetime.now(UTC).replace(tzinfo=None),
        due=grades.due,
        summary=statistics.summary(submissions, grades.most, len(expected), len(submitted)),
        totals=tuple(one.total for one in submissions),
        exercises=statistics.by_exercise(graded, submissions),
        failures=statistics.failures(graded, known),
        unexplained=len(submissions) - len(known),
        concepts=statistics.by_concept(graded, submissions),
        times=statistics.times(graded, known),
        handed_in=tuple(sorted(one.handed_in for one in submissions if one.handed_in)),
        attention=statistics.attention(known, expected - submitted),
        late=statistics.late(submissions),
        labs=tuple(one.name for one in whole_term.labs),
        progress=statistics.progress(labs, expected),
    )


def exercises_of(source: Notebook) -> list[Exercise]:
    """The exercises and written answers of a lab, each with the tests that follow it."""
    found: list[Exercise] = []
    for cell in source["cells"]:
        name = grade_id(cell)
        if name is None:
            continue
        points = float(cell["metadata"]["nbgrader"].get("points", 0))
        concepts = tuple(cell["metadata"].get("tags", ()))
        if is_solution(cell):
            written = cell["cell_type"] == "markdown"
            found.append(Exercise(name, {name: points} if points else {}, written, concepts))
        elif is_test(cell) and found and not found[-1].written:
            last = found.pop()
            found.append(Exercise(last.name, {**last.points, name: points}, False, last.concepts))
        elif is_test(cell):
            found.append(Exercise(name, {name: points}))
    return [exercise for exercise in found if exercise.most]


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
    write_atomically(path, page(report).encode())
    return path


def page(report: ClassReport) -> str:
    """The HTML page, complete in itself."""
    loader = PackageLoader("grader.reporting", "templates")
    environment = Environment(
        loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters |= {
        "percent": _percent,
        "number": lambda value: f"{value:.1f}".removesuffix(".0"),
        "duration": _duration,
        "local": lambda date: f"{_local(date):%Y-%m-%d %H:%M}",
        "shown": printable,
    }
    return environment.get_template("report.html.j2").render(
        report=report,
        distribution=_distribution(report.totals, report.summary),
        timeline=_timeline(report.handed_in, report.due),
        tests=_by_test(report.failures),
        show=lambda student: _show(student, report.lab),
        spark=_spark,
    )


def _show(student: str, lab: str) -> str:
    """The command that tells more, safe to paste into a shell."""
    student = printable(student)
    return shlex.join(["grader", "show", *["--"] * student.startswith("-"), student, lab])


def _by_test(failures: Sequence[Failure]) -> list[tuple[str, int, list[Failure]]]:
    """Each test with the number of students it failed, and how; the most frequent first."""
    ordered = sorted(failures, key=lambda failure: failure.test)
    groups = [(test, list(own)) for test, own in groupby(ordered, lambda failure: failure.test)]
    counted = [(test, sum(len(one.students) for one in own), own) for test, own in groups]
    return sorted(counted, key=lambda group: group[1], reverse=True)


def _percent(share: float | None) -> str:
    return "n/a" if share is None else f"{100 * share:.0f} %"


def _duration(seconds: float) -> str:
    """The two largest units: "2 d 4 h", "35 min", "1.5 s", "20 ms"."""
    if seconds < 0.1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 100:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    days, rest = divmod(round(seconds), 86_400)
    hours, rest = divmod(rest, 3_600)
    parts = [(days, "d"), (hours, "h"), (rest // 60, "min")]
    first = next((i for i, (count, _) in enumerate(parts) if count), 2)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count)


def _local(date: datetime) -> datetime:
    return date.replace(tzinfo=UTC).astimezone()


def _spark(shares: Sequence[float | None]) -> Markup:
    """A line through the term, with gaps where nothing was handed in."""
    step = 60 / max(len(shares) - 1, 1)
    points = [
        None if share is None else (3 + step * i, 21 - 18 * min(share, 1.0))
        for i, share in enumerate(shares)
    ]
    runs = [list(run) for there, run in groupby(points, lambda point: point is not None) if there]
    lines = "".join(
        f'<polyline points="{" ".join(f"{x:.1f},{y:.1f}" for x, y in run)}"/>' for run in runs
    )
    dots = "".join(f'<circle cx="{run[-1][0]:.1f}" cy="{run[-1][1]:.1f}" r="2"/>' for run in runs)
    return Markup(f'<svg class="spark" viewBox="0 0 66 24" aria-hidden="true">{lines}{dots}</svg>')


# ---- Figures


def _distribution(totals: Sequence[float], summary: Summary) -> Markup:
    """How many students have how many points; the middle half of the class on a band."""
    width = max(1, round(summary.most / _BARS))
    edges = np.arange(-width / 2, max(summary.most, *totals) + width, width)
    figure, axes = _figure("points")
    low, high = summary.quartiles
    axes.axvspan(low, high, color=_BAND, lw=0, zorder=0)
    axes.hist(totals, bins=edges, color=_BAR, rwidth=0.9)
    axes.axvline(summary.median, color=_INK, lw=1.5)
    label = {"xytext": (4, -2), "textcoords": "offset points", "va": "top", "color": _INK}
    top = axes.set_ylim(top=1.18 * axes.get_ylim()[1])[1]
    axes.annotate(f"median {summary.median:.3g}", (summary.median, top), **label)
    axes.set_xlim(edges[0], edges[-1])
    return _svg(figure, "Distribution of the totals")


def _timeline(dates: Sequence[datetime], due: datetime | None) -> Markup | None:
    """When the class handed in, in local time."""
    if not dates:
        return None
    centre = due or dates[len(dates) // 2]
    moments = [_local(min(max(date, centre - _AROUND), centre + _AROUND)) for date in dates]
    numbers = date2num(moments)
    figure, axes = _figure("")
    axes.hist(numbers, bins=max(2 * _BARS, 1), color=_BAR, rwidth=0.9)
    if due:
        axes.axvline(date2num(_local(due)), color=_INK, lw=1.5)
        label = {"xytext": (-4, -2), "textcoords": "offset points", "va": "top", "ha": "right"}
        top = axes.set_ylim(top=1.18 * axes.get_ylim()[1])[1]
        axes.annotate("due", (date2num(_local(due)), top), color=_INK, **label)
    zone = moments[0].tzinfo
    locator = AutoDateLocator(tz=zone)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=zone, show_offset=False))
    return _svg(figure, "When the class handed in")


def _figure(x: str) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(7.2, 2.5), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color(_SOFT)
    axes.tick_params(colors=_SOFT, labelcolor=_SOFT, length=3)
    axes.tick_params(axis="y", length=0)
    axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axes.set_xlabel(x, color=_SOFT)
    axes.set_ylabel("students", color=_SOFT)
    return figure, axes


def _svg(figure: Figure, title: str) -> Markup:
    """The figure as part of the page, in the page's fonts and colours."""
    stream = io.StringIO()
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": title, "svg.id": None}):
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    text = "<svg" + stream.getvalue().partition("<svg")[2]
    for colour, name in _COLOURS.items():
        text = text.replace(colour, f"var(--{name})")
    return Markup(f'<div class="figure" role="img" aria-label="{title}">{text}</div>')
