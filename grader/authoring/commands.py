"""Commands of those who write labs: build, release, answers."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from grader.terminal import Labs, errors_shown


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
    from grader.course import Course

    if check + from_notebook + force > 1:
        raise typer.BadParameter("--check, --from-notebook and --force exclude each other.")
    with errors_shown():
        course = Course.here()
        found = course.labs(labs or ())
        if check:
            builder.check_all(course, found)
        else:
            builder.build_all(found, from_notebook=from_notebook, force=force)


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
    from grader.course import Course

    with errors_shown():
        builder.release_lab(*Course.here().labs([lab]), duedate)


def answers(
    labs: Labs = None,
    profile: Annotated[str, typer.Option(help="tiny, small or full.")] = "small",
) -> None:
    """Execute the answer keys into answers/*.html, with figures.

    \b
    grader answers laboratoire_01 --profile tiny
    """
    from grader.authoring import answer_keys as keys
    from grader.course import Course

    if profile not in keys.PROFILES:
        raise typer.BadParameter(f"--profile is one of {', '.join(keys.PROFILES)}.")
    with errors_shown():
        keys.write_all(Course.here().labs(labs or ()), profile)
