"""Results in the terminal: students × exercises, what needs attention, why one got this score."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from grader.engine import Report, Status, Verdict
from grader.text import duration, escape, rounded
from labo.coursework.notebook import TEST_PREFIX

if TYPE_CHECKING:
    from grader.grading.lateness import LateWork
    from grader.grading.record import Revision, ScoreChange
    from grader.grading.regrade import Preview
    from grader.grading.results import Result

_STYLES = {
    Status.PASSED: "green",
    Status.PARTIAL: "yellow",
    Status.FAILED: "red",
    Status.ERROR: "red",
    Status.TIMEOUT: "magenta",
    Status.NOT_RUN: "dim",
}


def show(
    lab: str, results: Sequence[Result], console: Console, late: Mapping[str, LateWork]
) -> None:
    """The class: one line per student, one column per test, and lateness where there is some."""
    tests = results[0].outcome.report.verdicts
    late = {result.student: late[result.student] for result in results if result.student in late}
    caption = "automatic points; written answers are graded by a person"
    table = Table(title=lab, caption=caption + ("; lateness is not taken off" if late else ""))
    table.add_column("student", no_wrap=True)
    for number, test in enumerate(tests, start=1):
        table.add_column(f"{number}\n/{test.max_score:g}", justify="right")
    points = sum(test.max_score for test in tests)
    table.add_column(f"total\n/{points:g}", justify="right", style="bold")
    if late:
        table.add_column("late", no_wrap=True)
    for result in results:
        verdicts = {verdict.grade_id: verdict for verdict in result.outcome.report.verdicts}
        cells = [_score(verdicts.get(test.grade_id)) for test in tests]
        warning = " [yellow]![/]" if result.attention else ""
        lateness = [_late(late.get(result.student))] if late else []
        table.add_row(escape(result.student) + warning, *cells, f"{result.score:g}", *lateness)
    console.print(table)
    names = (test.grade_id.removeprefix(TEST_PREFIX) for test in tests)
    legend = ", ".join(f"{number} {name}" for number, name in enumerate(names, start=1))
    console.print(f"[dim]{escape(legend)}[/]")
    confirmed = [report.confirmed for r in results if (report := r.outcome.report).confirmed]
    if confirmed:
        console.print(
            f"[dim]{sum(confirmed)} tests of {len(confirmed)} students were confirmed by a whole"
            " run[/]"
        )
    for result in filter(lambda result: result.attention, results):
        reasons = "; ".join(result.attention)
        console.print(f"[yellow]![/] {escape(result.student)}: {escape(reasons)}", soft_wrap=True)


def _late(work: LateWork | None) -> str:
    if work is None:
        return ""
    penalty = f", -{rounded(work.penalty, 2)}" if work.penalty else ""
    return duration(max(work.seconds, 0.1)) + penalty


def show_regrading(preview: Preview, console: Console) -> None:
    """The changes that a corrected lab makes; students who lose come first."""
    edited = ", ".join(sorted(preview.edited)) or "none of the tests was edited"
    console.print(f"[bold]{preview.lab}[/], corrected: {escape(edited)}")
    if preview.revisions:
        table = Table("student", "tests", caption="with what a person graded, and lateness")
        table.add_column("total", justify="right")
        for revision in sorted(preview.revisions, key=lambda r: r.after >= r.before):
            tests = "\n".join(_change(preview, revision, test) for test in revision.tests)
            total = _arrow(revision.before, revision.after)
            table.add_row(escape(revision.student), tests, total)
        console.print(table)
    winners, losers, changed = map(len, (preview.winners, preview.losers, preview.revisions))
    console.print(
        f"{len(preview.results)} regraded: [green]{winners} gain[/], [red]{losers} lose[/],"
        f" {len(preview.results) - winners - losers} keep their total"
        + (f" ({changed - winners - losers} with other scores)" * (changed > winners + losers))
    )
    for test, students in preview.surprises.items():
        names = escape(", ".join(students))
        console.print(f"[yellow]![/] {escape(test)} was not edited, and changes for: {names}")
    for why in dict.fromkeys(preview.left.values()):
        names = ", ".join(student for student, reason in preview.left.items() if reason == why)
        console.print(f"[yellow]![/] {why}: {escape(names)}", soft_wrap=True)


def _change(preview: Preview, revision: Revision, test: ScoreChange) -> str:
    stays = " [yellow](graded by hand: stays)[/]" if test.by_hand else ""
    loses = test.after < test.before
    why = preview.message(revision.student, test.name).partition("\n")[0] if loses else ""
    reason = f"\n[dim]{escape(why)}[/]" if why else ""
    return f"{escape(test.name)} {_arrow(test.before, test.after)}{stays}{reason}"


def _arrow(before: float, after: float) -> str:
    style = "red" if after < before else "green" if after > before else "dim"
    return f"[{style}]{before:g} → {after:g}[/]"


def _score(verdict: Verdict | None) -> str:
    if verdict is None:
        return ""
    return f"[{_STYLES[verdict.status]}]{verdict.score:g}[/]"


def explain(result: Result, console: Console) -> None:
    """The reasons of a student's score: each verdict with its message, problems, incidents."""
    report = result.outcome.report
    points = sum(verdict.max_score for verdict in report.verdicts)
    console.print(f"[bold]{escape(result.student)}[/]: {result.score:g} of {points:g}")
    for verdict in report.verdicts:
        style = _STYLES[verdict.status]
        score = f"{verdict.score:g}/{verdict.max_score:g}"
        console.print(f"  [{style}]{score:>7}  {verdict.status:8}[/] {escape(verdict.grade_id)}")
        if verdict.message:
            console.print(Panel(escape(verdict.message), border_style="dim"))
    for problem in result.problems:
        console.print(f"  [yellow]![/] {escape(problem.message)}")
    for incident in report.incidents:
        console.print(f"  [yellow]![/] {escape(incident)}")
    console.print(
        f"  [dim]{report.mode}, sandbox: {report.level or 'not run'}, {report.seconds:g} s,"
        f" {report.peak_mb:g} MB{_extent(report)}[/]"
    )


def _extent(report: Report) -> str:
    if report.confirmed:
        return f", {report.confirmed} tests confirmed by a whole run"
    return f", {report.left_out} cells left out that no test needs" if report.left_out else ""


def to_json(results: Sequence[Result], late: Mapping[str, LateWork]) -> str:
    """The results for a program."""
    facts = [_facts(result) | _lateness(late.get(result.student)) for result in results]
    return json.dumps(facts, ensure_ascii=False, indent=2)


def _lateness(work: LateWork | None) -> dict[str, float]:
    seconds, penalty = (work.seconds, work.penalty) if work else (0.0, 0.0)
    return {"seconds_late": seconds, "late_penalty": penalty}


def _facts(result: Result) -> dict[str, Any]:
    report = result.outcome.report
    return {
        "student": result.student,
        "score": result.score,
        "attention": list(result.attention),
        "problems": [problem.message for problem in result.problems],
        "level": report.level,
        "mode": report.mode,
        "left_out": report.left_out,
        "confirmed": report.confirmed,
        "tests": [
            {
                "name": verdict.grade_id,
                "status": verdict.status,
                "score": verdict.score,
                "max_score": verdict.max_score,
                "message": verdict.message,
                "seconds": verdict.seconds,
            }
            for verdict in report.verdicts
        ],
    }
