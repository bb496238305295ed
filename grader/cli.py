"""The instructor's command: ``grader``. Each verb lives in the module that does the work.

Exit codes: 0 done; 1 refused or failed, with a message that says why; 2 wrong usage;
130 interrupted, nothing lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from rich.console import Console

if TYPE_CHECKING:
    from grader.engine import EngineConfig

app = typer.Typer(
    help="Build, release, grade and report on the labs.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


@contextmanager
def told() -> Iterator[None]:
    """A user's mistake is told in red, without a traceback, and the command exits with 1."""
    from grader.errors import GraderError

    try:
        yield
    except GraderError as error:
        fail(str(error))


def fail(message: str, code: int = 1) -> NoReturn:
    Console(stderr=True, highlight=False).print(message, style="red", markup=False, soft_wrap=True)
    raise typer.Exit(code)


Labs = Annotated[
    list[str] | None, typer.Argument(metavar="LAB", help="laboratoire_01 ... (default: all)")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would be written.")]
AsJson = Annotated[bool, typer.Option("--json", help="For a program to read.")]


@app.command()
def build(
    labs: Labs = None,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; fail if labs/ is out of date or leaks.")
    ] = False,
    from_notebook: Annotated[
        bool, typer.Option("--from-notebook", help="Bring edits of the notebook back to the .py.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite a built notebook that was edited.")
    ] = False,
) -> None:
    """Build labs/ from solutions/*.py.

    \b
    grader build                       all of them, if they changed
    grader build --check               change nothing, fail if labs/ is out of date
    grader build --from-notebook laboratoire_01
    """
    from grader.authoring import build as builder

    if check + from_notebook + force > 1:
        raise typer.BadParameter("--check, --from-notebook and --force exclude each other.")
    with told():
        root = builder.course_root()
        found = builder.find_labs(root, labs or ())
        if check:
            builder.check_all(root, found)
        else:
            builder.build_all(found, from_notebook=from_notebook, force=force)


@app.command()
def release(
    lab: Annotated[str, typer.Argument(metavar="LAB", help="laboratoire_01 ...")],
    duedate: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M"], help="When it is due, in local time."
        ),
    ] = None,
) -> None:
    """Build a lab and enter it in the gradebook, which grading needs.

    \b
    grader release laboratoire_01 --duedate "2026-12-01 23:59"
    """
    from grader.authoring import build as builder

    with told():
        root = builder.course_root()
        builder.release_lab(builder.find_labs(root, [lab])[0], duedate)


@app.command()
def import_roster(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="A platform's class list.")],
    id_column: Annotated[
        str | None,
        typer.Option(help="The column of names on the hub (default: found by its title)."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would change.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Enter the class in the gradebook: user names, names, addresses, LMS identifiers.

    Takes what Moodle, Canvas and Brightspace export, in English or French, in any usual encoding.
    Nobody is removed, and nothing is written if a line is wrong.

    \b
    grader import-roster participants.csv --dry-run
    grader import-roster grades.csv --id-column "SIS Login ID"
    """
    from grader.course import Course
    from grader.grading import table
    from grader.platforms import roster as rosters

    with told():
        course = Course.here()
        roster = rosters.read_roster(file, id_column)
        plan = rosters.compare(course, roster)
        if not dry_run:
            rosters.enter(course, plan)
    if as_json:
        print(rosters.to_json(plan, written=not dry_run))
        return
    table.show_roster(roster, plan, Console())
    print("Nothing was written: a dry run." if dry_run else "Written.")


@app.command()
def answers(
    labs: Labs = None,
    profile: Annotated[str, typer.Option(help="tiny, small or full.")] = "small",
) -> None:
    """Execute the answer keys into answers/*.html, with figures.

    \b
    grader answers laboratoire_01 --profile tiny
    """
    from grader.authoring import answer_keys as keys
    from grader.authoring import build as builder

    if profile not in keys.PROFILES:
        raise typer.BadParameter(f"--profile is one of {', '.join(keys.PROFILES)}.")
    with told():
        keys.write_all(builder.find_labs(builder.course_root(), labs or ()), profile)


@app.command()
def doctor(
    required: Annotated[
        str, typer.Option(help="Isolation to insist on: rlimits, seccomp, landlock, namespaces.")
    ] = "namespaces",
    as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
) -> None:
    """Check that this machine can grade, and try to escape from the sandbox.

    \b
    grader doctor
    grader doctor --json
    """
    from grader import doctor as doctoring

    with told():
        diagnosis = doctoring.examine_here(required)
    if as_json:
        print(doctoring.to_json(diagnosis))
    else:
        doctoring.show(diagnosis, Console())
    raise typer.Exit(not diagnosis.fit)


# What `autograde` and `regrade` run notebooks with: `engine_config` makes one object of it.
Workers = Annotated[
    int | None, typer.Option(min=1, help="Notebooks run at a time (default: what fits here).")
]
CellSeconds = Annotated[float, typer.Option(help="Time of one cell.")]
NotebookSeconds = Annotated[float, typer.Option(help="Time of one notebook.")]
MemoryMb = Annotated[int, typer.Option(help="Memory of one notebook.")]
OutputKb = Annotated[int, typer.Option(help="Outputs kept of one cell.")]
Isolation = Annotated[
    str, typer.Option(help="Refuse to run below: rlimits, seccomp, landlock, namespaces.")
]
Shared = Annotated[
    bool, typer.Option("--shared", help="Run tests among the student's objects, as nbgrader.")
]


def engine_config(
    workers: int | None,
    cell_seconds: float,
    notebook_seconds: float,
    memory_mb: int,
    output_kb: int,
    isolation: str,
    shared: bool,
) -> EngineConfig:
    """How notebooks are run, from the options of the command line."""
    from grader.doctor import Room
    from grader.engine import EngineConfig, Level

    levels = {level.name.lower(): level for level in Level}
    if isolation not in levels:
        raise typer.BadParameter(f"--isolation is one of {', '.join(levels)}.")
    return EngineConfig(
        workers=workers or Room.here().workers(memory_mb),
        cell_seconds=cell_seconds,
        notebook_seconds=notebook_seconds,
        memory_mb=memory_mb,
        output_kb=output_kb,
        required=levels[isolation],
        mode="shared" if shared else "isolated",
    )


@app.command()
def autograde(
    lab: Annotated[str, typer.Argument(metavar="LAB", help="laboratoire_01 ...")],
    student: Annotated[
        list[str] | None, typer.Option(help="Only this student (may be repeated).")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Run again what has not changed.")] = False,
    workers: Workers = None,
    cell_seconds: CellSeconds = 60,
    notebook_seconds: NotebookSeconds = 600,
    memory_mb: MemoryMb = 2048,
    output_kb: OutputKb = 1000,
    isolation: Isolation = "namespaces",
    shared: Shared = False,
    cluster: Annotated[
        str, typer.Option(help="Grade on a cluster: slurm, or dask with --scheduler.")
    ] = "",
    jobs: Annotated[int | None, typer.Option(min=1, help="Slurm jobs to grade in.")] = None,
    scheduler: Annotated[str, typer.Option(help="Of a dask cluster: tls://head:8786.")] = "",
    as_json: AsJson = False,
) -> None:
    """Grade what was submitted: only what is new, several at a time, in a sandbox.

    Ctrl-C loses nothing: the same command goes on from there.

    \b
    grader autograde laboratoire_01                     on this machine
    grader autograde laboratoire_01 --cluster slurm     docs/cluster.md
    """
    from functools import partial

    from grader.course import Course
    from grader.engine import Engine
    from grader.grading import table
    from grader.grading.autograde import grade_with_progress

    if cluster not in ("", "slurm", "dask"):
        raise typer.BadParameter("--cluster is slurm or dask.")
    if bool(scheduler) != (cluster == "dask") or (jobs and cluster != "slurm"):
        raise typer.BadParameter("--scheduler goes with --cluster dask, --jobs with slurm.")
    config = engine_config(
        workers, cell_seconds, notebook_seconds, memory_mb, output_kb, isolation, shared
    )
    with told():
        try:
            course, engine = Course.here(), Engine
            if cluster:
                from grader.cluster.cluster import Cluster, place

                where = place(cluster, course, lab, jobs, scheduler)
                engine = partial(Cluster, place=where, workers=workers)
            results = grade_with_progress(course, lab, config, student or (), force, engine)
        except KeyboardInterrupt:
            fail(f"Interrupted. What was run is recorded: grader autograde {lab} goes on.", 130)
    if as_json:
        print(table.to_json(results))
    else:
        table.show(lab, results, Console())


@app.command()
def regrade(
    lab: Annotated[str, typer.Argument(metavar="LAB", help="laboratoire_01 ...")],
    yes: Annotated[bool, typer.Option("--yes", help="Write without asking.")] = False,
    workers: Workers = None,
    cell_seconds: CellSeconds = 60,
    notebook_seconds: NotebookSeconds = 600,
    memory_mb: MemoryMb = 2048,
    output_kb: OutputKb = 1000,
    isolation: Isolation = "namespaces",
    shared: Shared = False,
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
    from grader.course import Course
    from grader.grading import regrade as regrading
    from grader.grading import table

    config = engine_config(
        workers, cell_seconds, notebook_seconds, memory_mb, output_kb, isolation, shared
    )

    def agreed(preview: regrading.Preview) -> bool:
        if as_json:
            return yes
        table.show_regrading(preview, Console())
        return yes or typer.confirm("Release the corrected lab and write these grades?")

    with told():
        try:
            preview, written = regrading.regrade(Course.here(), lab, config, agreed)
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


@app.command()
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
    from grader.grading.autograde import result_of

    with told():
        table.explain(result_of(Course.here(), lab, student), Console())


@app.command()
def mark(
    lab: Annotated[str, typer.Argument(metavar="LAB", help="laboratoire_01 ...")],
    question: Annotated[
        str | None, typer.Argument(metavar="[QUESTION]", help="q1 ... (default: how far each is)")
    ] = None,
    redo: Annotated[
        bool, typer.Option("--redo", help="Those that were marked, instead of those that wait.")
    ] = False,
    unanswered: Annotated[
        bool, typer.Option("--all", help="Also those where nothing was written, which have 0.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="How far each question is.")] = False,
) -> None:
    """Mark written answers from the keyboard, without names, several graders at a time.

    Each mark is in the gradebook at once, as if given in formgrader.

    grader mark laboratoire_01            which questions wait

    grader mark laboratoire_01 q1         mark one: 1-9 tick the barème, Enter saves

    grader mark laboratoire_01 q1 --redo  look again at what was marked
    """
    from grader.course import Course
    from grader.marking import session as marking
    from grader.marking.answers import State, find
    from grader.marking.keyboard import Keys

    if question is None and (redo or unanswered):
        raise typer.BadParameter("--redo and --all are for one QUESTION.")
    with told():
        course = Course.here()
        if question is None or as_json:
            found = [s for s in marking.standings(course, lab) if question in (None, s.question)]
            if as_json:
                print(marking.to_json(found))
            else:
                marking.show(lab, found, Console())
            return
        wanted = {State.MARKED if redo else State.WAITING}
        wanted |= {State.UNANSWERED} if unanswered else set()
        try:
            with marking.hanging_up_interrupts():
                summary = marking.mark(
                    course, find(course, lab, question), wanted, Keys(), Console()
                )
        except KeyboardInterrupt:
            fail("Interrupted. Every mark that was given is saved.", 130)
    print(f"{question}: {summary}. grader feedback {lab} writes the pages anew")


@app.command()
def feedback(lab: Annotated[str, typer.Argument(metavar="LAB")]) -> None:
    """Write the feedback of a graded lab, without its hidden tests, into feedback/.

    \b
    grader feedback laboratoire_01
    """
    from grader.course import Course
    from grader.reporting.feedback import write_all

    with told():
        folder = write_all(Course.here(), lab)
    print(f"{folder}: nbgrader release_feedback {lab} hands it back to the students")


@app.command()
def export(
    labs: Annotated[list[str], typer.Argument(metavar="LAB...", help="laboratoire_01 ...")],
    form: Annotated[
        str, typer.Option("--format", help="plain, moodle, canvas or brightspace.")
    ] = "plain",
    identities: Annotated[
        Path | None,
        typer.Option(help="What the platform calls each student: its export, or your own table."),
    ] = None,
    output: Annotated[Path | None, typer.Option(help="The file to write.")] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(metavar="LAB=TITLE", help="The platform's column of a lab (repeatable)."),
    ] = None,
    no_identity: Annotated[
        str | None, typer.Option(help="In the gradebook only: leave-out.")
    ] = None,
    not_in_gradebook: Annotated[
        str | None, typer.Option(help="On the platform only: leave-out, blank or zero.")
    ] = None,
    no_submission: Annotated[
        str | None, typer.Option(help="Who handed in nothing: zero or blank.")
    ] = None,
    ungraded: Annotated[
        str | None, typer.Option(help="Whose answers nobody has read: as-is or blank.")
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Write grades as a course platform imports them, late penalties deducted.

    Nobody is left out in silence: each student who does not fit is named, and nothing is written
    before an option says what to do.

    \b
    grader export laboratoire_01 --output notes.csv
    grader export laboratoire_01 --format canvas --identities canvas.csv --dry-run
    grader export laboratoire_01 laboratoire_02 --format moodle \\
        --identities participants.csv --no-submission zero --output notes.csv
    """
    from grader.course import Course
    from grader.grading import table
    from grader.platforms import export as exporting
    from grader.platforms import sheet

    choices = {
        "no-identity": no_identity,
        "not-in-gradebook": not_in_gradebook,
        "no-submission": no_submission,
        "ungraded": ungraded,
    }
    if form not in exporting.IDENTIFIERS:
        raise typer.BadParameter(f"--format is one of {', '.join(exporting.IDENTIFIERS)}.")
    for kind, choice in choices.items():
        if choice not in (None, *exporting.CHOICES[kind]):
            raise typer.BadParameter(f"--{kind} is one of {', '.join(exporting.CHOICES[kind])}.")
    if any(not title.partition("=")[2] for title in column or ()):
        raise typer.BadParameter('--column is LAB=TITLE: "laboratoire_01=Laboratoire 1 (4242)".')
    if output is None and not dry_run:
        raise typer.BadParameter("--output says where to write; --dry-run only looks.")
    titles = dict(title.split("=", 1) for title in column or ())
    with told():
        if (
            output is not None
            and identities is not None
            and output.resolve() == identities.resolve()
        ):
            fail("--output would overwrite the identities: give it another name.")
        found = exporting.prepare(Course.here(), labs, form, identities, choices, titles)
        written = not (dry_run or found.refused)
        if written:
            sheet.write(output, [*found.header, *found.rows])
    if as_json:
        print(exporting.to_json(found, written))
    else:
        table.show_export(found, Console())
        print(f"{output}: written." if written else "Nothing was written.")
    raise typer.Exit(bool(found.refused))


@app.command()
def similarity(
    lab: Annotated[str, typer.Argument(metavar="LAB")],
    threshold: Annotated[
        float, typer.Option(min=0, max=1, help="Part of one's own code found in the other's.")
    ] = 0.5,
    as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
) -> None:
    """Show which submissions are alike, the skeleton and the reference left out.

    \b
    grader similarity laboratoire_01 --threshold 0.8
    """
    from grader.course import Course
    from grader.grading import table
    from grader.reporting import similarity

    with told():
        course = Course.here()
        pairs = similarity.alike(course, lab, threshold)
        page = similarity.write_page(course, lab, pairs)
    if as_json:
        print(similarity.to_json(pairs))
        return
    table.show_pairs(pairs, Console())
    print(f"{page}: side by side. A likeness is a reason to look, not a proof.")


@app.command()
def report(
    lab: Annotated[str, typer.Argument(metavar="LAB", help="laboratoire_01 ...")],
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the page there.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="The statistics for a program, and no page.")
    ] = False,
) -> None:
    """Write a page about the class: grades, what fails and for whom, who needs attention.

    \b
    grader report laboratoire_01            writes the page, and says where
    grader report laboratoire_01 --json     its numbers, for a program
    """
    from grader.course import Course
    from grader.reporting import report as reporting

    with told():
        course = Course.here()
        report = reporting.gather(course, lab)
        if as_json:
            print(reporting.to_json(report))
            return
        print(reporting.write_page(course, report, output))


@app.command()
def demo() -> None:
    """Grade a small class from nothing, in .demo/, and show the result.

    \b
    grader demo
    """
    from grader.demo import run

    with told():
        run(Console())
