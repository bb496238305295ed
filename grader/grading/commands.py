"""Commands that grade: autograde, regrade, show."""

from __future__ import annotations

from contextlib import nullcontext
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from grader.cluster import ClusterKind
from grader.terminal import AsJson, errors_shown, fail, warn

if TYPE_CHECKING:
    from grader.course import Lab
    from grader.engine import EngineConfig
    from grader.grading.autograde import MakeEngine


class Isolation(StrEnum):
    """Names of `grader.engine.Level`, which takes long to import."""

    NONE = "none"
    RLIMITS = "rlimits"
    SECCOMP = "seccomp"
    LANDLOCK = "landlock"
    NAMESPACES = "namespaces"


# Options of what runs notebooks, of which `engine_config` makes one object.
Workers = Annotated[
    int | None, typer.Option(min=1, help="Notebooks run at a time (default: what fits here).")
]
CellSeconds = Annotated[
    float | None, typer.Option(help="Time of one cell (default: c.Execute.timeout, or 60).")
]
NotebookSeconds = Annotated[float, typer.Option(help="Time of one notebook.")]
MemoryMb = Annotated[int, typer.Option(help="Memory of one notebook.")]
OutputKb = Annotated[int, typer.Option(help="Outputs kept of one cell.")]
Required = Annotated[Isolation, typer.Option(help="Refuse to run below this level.")]
Shared = Annotated[
    bool | None,
    typer.Option(
        "--shared/--isolated",
        help="Tests among the student's objects, as nbgrader, or not (default: c.Grader.mode).",
    ),
]

Whole = Annotated[
    bool | None,
    typer.Option(
        "--whole/--short",
        help="Run every cell, or what tests need (default: short; whole with --shared).",
    ),
]
OnCluster = Annotated[
    ClusterKind | None, typer.Option(help="Grade on a cluster; dask needs --scheduler.")
]
Jobs = Annotated[int | None, typer.Option(min=1, help="Slurm jobs to grade in.")]
Scheduler = Annotated[str, typer.Option(help="Of a dask cluster: tls://head:8786.")]


def engine_config(
    lab: Lab,
    workers: int | None,
    cell_seconds: float | None,
    notebook_seconds: float,
    memory_mb: int,
    output_kb: int,
    isolation: Isolation,
    shared: bool | None,
    whole: bool | None = None,
) -> EngineConfig:
    """The engine's configuration, from the options of the command line and the course's own."""
    from grader import settings
    from grader.course import CONFIG_FILE
    from grader.engine import EngineConfig, Level, Mode
    from grader.engine.capacity import Capacity

    mode = lab.mode if shared is None else settings.MODES[shared]
    for option in settings.ignored(lab.course.config):
        warn(f"{option} in {CONFIG_FILE} is nbgrader's own, and has no effect on this grading.")
    return EngineConfig(
        workers=workers or Capacity.here().workers(memory_mb),
        cell_seconds=min(
            cell_seconds or settings.cell_seconds(lab.course.config) or 60.0, notebook_seconds
        ),
        notebook_seconds=notebook_seconds,
        memory_mb=memory_mb,
        output_kb=output_kb,
        required=Level[isolation.name],
        mode=Mode(mode),
        whole=whole,
    )


def autograde(
    lab: Annotated[str, typer.Argument(metavar="LAB", help="laboratoire_01 ...")],
    student: Annotated[
        list[str] | None, typer.Option(help="Only this student (may be repeated).")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Run again what has not changed.")] = False,
    workers: Workers = None,
    cell_seconds: CellSeconds = None,
    notebook_seconds: NotebookSeconds = 600,
    memory_mb: MemoryMb = 2048,
    output_kb: OutputKb = 1000,
    isolation: Required = Isolation.NAMESPACES,
    shared: Shared = None,
    whole: Whole = None,
    cluster: OnCluster = None,
    jobs: Jobs = None,
    scheduler: Scheduler = "",
    as_json: AsJson = False,
) -> None:
    """Grade what was submitted: only what is new, several at a time, in a sandbox.

    Ctrl-C loses nothing: the same command goes on from there.

    \b
    grader autograde laboratoire_01                     on this machine
    grader autograde laboratoire_01 --cluster slurm     docs/cluster.md
    """
    from grader.engine.zygote_client import started_ahead

    check_cluster_options(cluster, jobs, scheduler)
    with started_ahead() if cluster is None else nullcontext(), errors_shown():
        from grader.course import Course
        from grader.grading import table
        from grader.grading.lateness import late_work
        from grader.grading.progress import grade_with_progress

        found = Course.here().known_lab(lab)
        budgets = cell_seconds, notebook_seconds, memory_mb, output_kb
        config = engine_config(found, workers, *budgets, isolation, shared, whole)
        make_engine = engine_maker(cluster, found, jobs, scheduler, workers)
        graded = []
        try:
            for part in found.parts:
                results = grade_with_progress(part, config, student or (), force, make_engine)
                graded.append((part, results))
            late = late_work(found)
        except KeyboardInterrupt:
            fail(f"Interrupted. What was run is recorded: grader autograde {lab} goes on.", 130)
    for part, results in graded:
        if as_json:
            print(table.to_json(results, late))
        else:
            table.show(part.title, results, Console(), late)


def check_cluster_options(cluster: ClusterKind | None, jobs: int | None, scheduler: str) -> None:
    """Refuse, as wrong usage, options of another cluster, or of none."""
    if bool(scheduler) != (cluster is ClusterKind.DASK) or (jobs and cluster != ClusterKind.SLURM):
        raise typer.BadParameter("--scheduler goes with --cluster dask, --jobs with slurm.")


def engine_maker(
    cluster: ClusterKind | None, lab: Lab, jobs: int | None, scheduler: str, workers: int | None
) -> MakeEngine:
    """What makes the runner of notebooks: this machine's, or a cluster's."""
    if cluster is None:
        from grader.engine import Engine

        return Engine
    from grader.cluster.cluster import Cluster
    from grader.cluster.places import place

    return partial(Cluster, place=place(cluster, lab, jobs, scheduler), workers=workers)


def regrade(
    lab: Annotated[str, typer.Argument(metavar="LAB", help="laboratoire_01 ...")],
    yes: Annotated[bool, typer.Option("--yes", help="Write without asking.")] = False,
    workers: Workers = None,
    cell_seconds: CellSeconds = None,
    notebook_seconds: NotebookSeconds = 600,
    memory_mb: MemoryMb = 2048,
    output_kb: OutputKb = 1000,
    isolation: Required = Isolation.NAMESPACES,
    shared: Shared = None,
    whole: Whole = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="For a program to read; without --yes, only look.")
    ] = False,
) -> None:
    """Correct a hidden test after grading: see who gains and who loses, then write it.

    Correct solutions/LAB.py first. Grades and comments given by hand stay, and late work stays
    late. Until you agree, nothing is written, neither grades nor the lab.

    \b
    grader regrade laboratoire_01           shows what changes, then asks
    grader regrade laboratoire_01 --json    only shows it
    """
    from grader.engine.zygote_client import started_ahead

    with started_ahead(), errors_shown():
        from grader.course import Course
        from grader.grading import regrade as regrading
        from grader.grading import table

        def agreed(preview: regrading.Preview) -> bool:
            if as_json:
                return yes
            table.show_regrading(preview, Console())
            return yes or typer.confirm("Release the corrected lab and write these grades?")

        try:
            found = Course.here().known_lab(lab)
            budgets = cell_seconds, notebook_seconds, memory_mb, output_kb
            config = engine_config(found, workers, *budgets, isolation, shared, whole)
            preview, written = regrading.regrade(found, config, agreed)
        except KeyboardInterrupt:
            fail("Interrupted: nothing was written.", 130)
        except typer.Abort:  # Ctrl-C at the question, or nobody there to answer it
            fail("Nothing was written. --yes writes without asking.")
    if as_json:
        print(regrading.to_json(preview, written))
    elif preview.settled:
        print(f"{lab}: what is recorded was graded with these very tests, nothing changes")
    elif written:
        print(f"Written. For pages with the new points: grader feedback {lab}")
    else:
        fail("Nothing was written.")


def show(
    student: Annotated[str, typer.Argument(metavar="STUDENT")],
    lab: Annotated[str, typer.Argument(metavar="LAB")],
) -> None:
    """Say why a student got this score.

    \b
    grader show alice laboratoire_01
    """
    from grader.course import Course
    from grader.grading import table
    from grader.grading.results import graded_parts, read_result

    with errors_shown():
        for part in graded_parts(Course.here().known_lab(lab)):
            table.explain(read_result(part.submission(student)), Console())


def extend(
    lab: Annotated[
        str | None, typer.Argument(metavar="[LAB]", help="laboratoire_01 ... (default: all)")
    ] = None,
    student: Annotated[str | None, typer.Argument(metavar="[STUDENT]")] = None,
    until: Annotated[
        str | None, typer.Option(metavar='"YYYY-MM-DD HH:MM"', help="In the course's zone.")
    ] = None,
    remove: Annotated[bool, typer.Option("--remove", help="Back to the lab's due date.")] = False,
    table: Annotated[
        Path | None, typer.Option("--from", help="A CSV file: lab, student, until.")
    ] = None,
) -> None:
    """Give a student more time; without a date, show who has some.

    \b
    grader extend                                                  who has more time, everywhere
    grader extend laboratoire_01 ana --until "2026-12-05 23:59"
    grader extend laboratoire_01 ana --remove
    grader extend --from extensions_du_trimestre.csv
    """
    from grader.course import Course
    from grader.grading import extending

    if bool(until) + remove + bool(table) > 1:
        raise typer.BadParameter("--until, --remove and --from exclude each other.")
    if (until or remove) and not student:
        raise typer.BadParameter("--until and --remove are for one LAB and STUDENT.")
    with errors_shown():
        course = Course.here()
        if until and lab and student:
            extending.give(course, lab, student, until)
        elif remove and lab and student:
            extending.take_back(course, lab, student)
        elif table:
            extending.give_all(course, table)
        for line in extending.lines(course, lab, student):
            print(line)
