"""Commands about a graded class: feedback, report, similarity."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from grader.terminal import errors_shown
from grader.text import escape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from grader.reporting.similarity import Pair

_SHOWN_PAIRS = 20


def feedback(lab: Annotated[str, typer.Argument(metavar="LAB")]) -> None:
    """Write the feedback of a graded lab, without its hidden tests, into feedback/.

    \b
    grader feedback laboratoire_01
    """
    from grader.course import Course
    from grader.reporting.feedback import write_all

    with errors_shown():
        (folder, *_) = [write_all(part) for part in Course.here().known_lab(lab).parts]
    print(f"{folder}: nbgrader release_feedback {lab} hands it back to the students")


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
    from grader.reporting.report import gather, to_json, write_page

    with errors_shown():
        assignment = Course.here().known_lab(lab).one
        report = gather(assignment)
        if as_json:
            print(to_json(report))
            return
        print(write_page(assignment, report, output))


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
    from grader.reporting.similarity import alike, to_json, write_page

    with errors_shown():
        assignment = Course.here().known_lab(lab).one
        pairs = alike(assignment, threshold)
        page = write_page(assignment, pairs)
    if as_json:
        print(to_json(pairs))
        return
    show_pairs(pairs, Console())
    print(f"{page}: side by side. A likeness is a reason to look, not a proof.")


def show_pairs(pairs: Sequence[Pair], console: Console) -> None:
    """Submissions that are alike, most alike first."""
    from grader.reporting.pages import percent

    table = Table("students", "share of each one's own code", "characters", title="alike")
    for pair in pairs[:_SHOWN_PAIRS]:
        shares = " and ".join(map(percent, pair.shares))
        table.add_row(escape(", ".join(pair.students)), shares, str(pair.length))
    console.print(table)
    if len(pairs) > _SHOWN_PAIRS:
        console.print(f"[dim]and {len(pairs) - _SHOWN_PAIRS} more, on the page[/]")
