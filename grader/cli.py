"""The instructor's command: ``grader``. Each verb lives in the module that does the work."""

from __future__ import annotations

import typer

app = typer.Typer(
    help="Build, release, grade and report on the labs.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
