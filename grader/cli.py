"""The instructor's command: ``grader``. Each verb lives in the module that does the work.

Exit codes: 0 done; 1 refused or failed, with a message that says why; 2 wrong usage.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, NoReturn

import typer
from rich.console import Console

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


def fail(message: str) -> NoReturn:
    Console(stderr=True, highlight=False).print(message, style="red", markup=False, soft_wrap=True)
    raise typer.Exit(1)


Labs = Annotated[
    list[str] | None, typer.Argument(metavar="LAB", help="laboratoire_01 ... (default: all)")
]


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
    """Build labs/ from solutions/*.py."""
    from grader import build as builder

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
    """Build a lab and enter it in the gradebook, which grading needs."""
    from grader import build as builder

    with told():
        root = builder.course_root()
        builder.release_lab(builder.find_labs(root, [lab])[0], duedate)


@app.command()
def answers(
    labs: Labs = None,
    profile: Annotated[str, typer.Option(help="tiny, small or full.")] = "small",
) -> None:
    """Execute the answer keys into answers/*.html, with figures."""
    from grader import answers as keys
    from grader import build as builder

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
    """Check that this machine can grade, and try to escape from the sandbox."""
    from grader import doctor as doctoring

    with told():
        diagnosis = doctoring.examine_here(required)
    if as_json:
        print(doctoring.to_json(diagnosis))
    else:
        doctoring.show(diagnosis, Console())
    raise typer.Exit(not diagnosis.fit)
