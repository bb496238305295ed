"""Commands of the service: serve, policy."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Annotated

import typer

from grader.grading.commands import (
    CellSeconds,
    Isolation,
    Jobs,
    MemoryMb,
    NotebookSeconds,
    OnCluster,
    OutputKb,
    Required,
    Scheduler,
    Shared,
    Workers,
    check_cluster_options,
    engine_config,
    engine_maker,
)
from grader.terminal import errors_shown

if TYPE_CHECKING:
    from grader.course import Course, Lab
    from grader.engine import EngineConfig
    from grader.grading.autograde import MakeEngine

_CLUSTER_GROUP = 64


def serve(
    once: Annotated[
        bool, typer.Option("--once", help="Answer what is there, and end: for cron.")
    ] = False,
    workers: Workers = None,
    cell_seconds: CellSeconds = None,
    notebook_seconds: NotebookSeconds = 600,
    memory_mb: MemoryMb = 2048,
    output_kb: OutputKb = 1000,
    isolation: Required = Isolation.NAMESPACES,
    shared: Shared = None,
    cluster: OnCluster = None,
    jobs: Jobs = None,
    scheduler: Scheduler = "",
) -> None:
    """Take, grade and answer what students hand in, within seconds, until Ctrl-C.

    `grader policy` says what they are told. Killed at any moment, the same command goes on.

    \b
    grader serve            until Ctrl-C
    grader serve --once     what is there now
    """
    from grader.course import Course

    check_cluster_options(cluster, jobs, scheduler)
    budgets = cell_seconds, notebook_seconds, memory_mb, output_kb

    @cache  # it warns of what it leaves out
    def config_of(lab: Lab) -> EngineConfig:
        return engine_config(lab, workers, *budgets, isolation, shared)

    with errors_shown():
        course = Course.here()
        here = cluster is None
        make = None if here else engine_maker(cluster, course.lab("*"), jobs, scheduler, workers)
        _serve(course, config_of, make, once)


def _serve(
    course: Course,
    config_of: Callable[[Lab], EngineConfig],
    make_cluster: MakeEngine | None,
    once: bool,
) -> None:
    from grader.service.holder import alone
    from grader.service.runner import Kept, KeptCluster, SharedEngine
    from grader.service.running import Means
    from grader.service.server import Service

    stopping = threading.Event()

    def stop(number: int, _frame: object) -> None:
        """Wait for what runs; asked again, end at once, which loses nothing either."""
        stopping.set()
        signal.signal(number, signal.SIG_DFL)

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, stop)
    with alone(course):
        if make_cluster is None:
            kept = Kept(SharedEngine)
            threads, group = config_of(course.lab("*")).workers, 1
        else:
            kept = Kept(lambda config: KeptCluster(make_cluster(config)), most=1)
            threads, group = 1, _CLUSTER_GROUP
        means = Means(config_of, kept.lent, threads, group, kept.close_unused)
        try:
            service = Service(course, means, _say)
            _say(f"Serving {service.exchange.inbound}. Ctrl-C ends it, and loses nothing.")
            service.run(stopping.is_set, once)
        finally:
            kept.close()


def _say(line: str) -> None:
    typer.echo(line, err=True)


def policy(
    lab: Annotated[
        str | None, typer.Argument(metavar="[LAB]", help='laboratoire_01 ..., or "*" for all.')
    ] = None,
    tell: Annotated[str | None, typer.Option(help="nothing, points or hints.")] = None,
    when: Annotated[str | None, typer.Option(help='"at once", or "after" the due date.')] = None,
    per_day: Annotated[int | None, typer.Option(min=1, help="Answers a day.")] = None,
    counts: Annotated[str | None, typer.Option(help="The last hand-in, or the best.")] = None,
    keep_back: Annotated[
        list[str] | None,
        typer.Option(metavar="EXERCISE", help="Not told before the due date (may be repeated)."),
    ] = None,
) -> None:
    """Say what students are told of a hand-in; without options, show it.

    \b
    grader policy                                             of all labs
    grader policy laboratoire_01 --tell points --per-day 3
    grader policy tp2 --tell points --keep-back final    nothing of this exercise
    """
    from grader.course import Course
    from grader.service.policy import change_policy, lines

    given = {"tell": tell, "when": when, "counts": counts}
    values = {name: value for name, value in given.items() if value is not None}
    if per_day is not None:
        values["per_day"] = str(per_day)
    if keep_back is not None:
        values["kept_back"] = " ".join(keep_back)
    if values and lab is None:
        raise typer.BadParameter("Options are for one LAB.")
    with errors_shown():
        course = Course.here()
        if values and lab is not None:
            change_policy(course, lab, values)
        for line in lines(course, lab):
            print(line)


def page(
    instructors: Annotated[
        str, typer.Option(metavar="GROUP", help="The hub's group that sets policies.")
    ] = "instructors",
    assistants: Annotated[
        str, typer.Option(metavar="GROUP", help="The hub's group that sees the class.")
    ] = "assistants",
) -> None:
    """Show students their hand-ins and points, and teachers the class, as a service of JupyterHub.

    The hub starts it: docs/service.md.

    \b
    grader page --instructors enseignants --assistants auxiliaires
    """
    from grader.course import Course
    from grader.service.web import Groups, run

    with errors_shown():
        run(Course.here(), Groups(instructors, assistants))
