"""The instructor's command: ``grader``. Each room's commands are in its `commands.py`.

Exit codes: 0 done; 1 refused or failed, with a message that says why; 2 wrong usage;
130 interrupted, nothing lost.
"""

from __future__ import annotations

import io
import sys
from typing import Annotated

import typer
from rich.console import Console

from grader import __version__
from grader.authoring import commands as authoring
from grader.grading import commands as grading
from grader.marking import commands as marking
from grader.platforms import commands as platforms
from grader.reporting import commands as reporting
from grader.service import commands as service
from grader.terminal import errors_shown
from grader.upkeep import commands as upkeep

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False)


def _print_version(asked: bool) -> None:
    if asked:
        print(f"grader {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Build, release, grade and report on the labs."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # names and messages may have what it lacks
            stream.reconfigure(errors="replace")


def doctor(
    required: Annotated[
        grading.Isolation, typer.Option(help="Isolation to insist on.")
    ] = grading.Isolation.NAMESPACES,
    as_json: Annotated[bool, typer.Option("--json", help="For a program to read.")] = False,
) -> None:
    """Check that this machine can grade, and try to escape from the sandbox.

    \b
    grader doctor
    grader doctor --json
    """
    from grader import doctor as doctoring

    with errors_shown():
        diagnosis = doctoring.examine_here(required.name)
    if as_json:
        print(doctoring.to_json(diagnosis))
    else:
        doctoring.show(diagnosis, Console())
    raise typer.Exit(not diagnosis.fit)


def demo() -> None:
    """Grade a small class from nothing, in .demo/, and show the result.

    \b
    grader demo
    """
    from grader.demo import run

    with errors_shown():
        run(Console())


for command in (
    authoring.build,
    authoring.rehearse,
    authoring.adopt,
    authoring.audit,
    authoring.release,
    platforms.import_roster,
    authoring.answers,
    doctor,
    grading.autograde,
    grading.regrade,
    grading.show,
    grading.extend,
    marking.mark,
    service.serve,
    service.policy,
    service.page,
    reporting.feedback,
    platforms.export,
    reporting.similarity,
    reporting.report,
    upkeep.preflight,
    upkeep.backup,
    upkeep.restore,
    demo,
):
    app.command()(command)
