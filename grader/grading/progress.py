"""Grading with a bar on stderr that shows how far it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from grader.course import Lab
from grader.engine import Engine, EngineConfig
from grader.grading.autograde import MakeEngine, autograde
from grader.grading.results import OnResult, Result


def grade_with_progress(
    lab: Lab,
    config: EngineConfig,
    students: Sequence[str] = (),
    force: bool = False,
    make_engine: MakeEngine = Engine,
) -> list[Result]:
    """As `autograde`, with a bar on stderr."""
    total = len(students) or len(lab.students())
    with progress(f"grading {lab.name}", total) as on_result:
        return autograde(
            lab,
            config,
            students=students,
            force=force,
            on_result=on_result,
            make_engine=make_engine,
        )


@contextmanager
def progress(title: str, total: int) -> Iterator[OnResult]:
    """A bar on stderr: how many are right, in part or not, to look at, and the time left."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=10),
        MofNCompleteColumn(),
        TextColumn("{task.fields[counts]}"),
        TimeRemainingColumn(),
    )
    tally = dict.fromkeys(("right", "partly right", "at 0", "to look at"), 0)
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(title, total=total, counts="")

        def on_result(result: Result) -> None:
            tally[_success(result)] += 1
            tally["to look at"] += bool(result.attention)
            counts = ", ".join(f"{count} {name}" for name, count in tally.items() if count)
            bar.update(task, advance=1, counts=counts)

        yield on_result


def _success(result: Result) -> str:
    if result.passed:
        return "right"
    return "partly right" if result.score > 0 else "at 0"
