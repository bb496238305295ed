"""Options that commands share, and errors shown to the user as one message."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from grader.errors import GraderError

Labs = Annotated[
    list[str] | None, typer.Argument(metavar="LAB", help="laboratoire_01 ... (default: all)")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show what would be written.")]
AsJson = Annotated[bool, typer.Option("--json", help="For a program to read.")]


@contextmanager
def errors_shown() -> Iterator[None]:
    """Show a GraderError in red, without a traceback, and exit with 1."""
    try:
        yield
    except GraderError as error:
        fail(str(error))


def warn(message: str) -> None:
    """Show what goes on otherwise than one might think."""
    Console(stderr=True, highlight=False).print(
        message, style="yellow", markup=False, soft_wrap=True
    )


def fail(message: str, code: int = 1) -> NoReturn:
    Console(stderr=True, highlight=False).print(message, style="red", markup=False, soft_wrap=True)
    raise typer.Exit(code)
