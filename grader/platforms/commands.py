"""Commands between the gradebook and a course platform: import-roster, export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from grader.platforms.columns import Excel, Format
from grader.platforms.mismatches import (
    Choices,
    NoIdentity,
    NoSubmission,
    NotInGradebook,
    Ungraded,
    listed,
    remedies,
)
from grader.terminal import AsJson, DryRun, errors_shown, fail
from grader.text import escape

if TYPE_CHECKING:
    from grader.platforms.export import Export
    from grader.platforms.roster import Plan, Roster


def import_roster(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A platform's class list, .csv or .xlsx.")
    ],
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

    Takes what Moodle, Canvas and Brightspace export, in English or French, as .xlsx or CSV in any
    usual encoding.
    Nobody is removed, and nothing is written if a line is wrong.

    \b
    grader import-roster participants.csv --dry-run
    grader import-roster grades.csv --id-column "SIS Login ID"
    """
    from grader.course import Course
    from grader.platforms.roster import compare, enter, read_roster, to_json

    with errors_shown():
        course = Course.here()
        roster = read_roster(file, id_column)
        plan = compare(course, roster)
        if not dry_run:
            enter(course, plan)
    if as_json:
        print(to_json(plan, written=not dry_run))
        return
    show_roster(roster, plan, Console())
    print("Nothing was written: a dry run." if dry_run else "Written.")


def export(
    labs: Annotated[list[str], typer.Argument(metavar="LAB...", help="laboratoire_01 ...")],
    form: Annotated[
        Format, typer.Option("--format", help="Whose table: plain has all that the gradebook says.")
    ] = Format.PLAIN,
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
        NoIdentity | None, typer.Option(help="Who is in the gradebook only.")
    ] = None,
    not_in_gradebook: Annotated[
        NotInGradebook | None, typer.Option(help="Who is on the platform only.")
    ] = None,
    no_submission: Annotated[
        NoSubmission | None, typer.Option(help="Who handed in nothing.")
    ] = None,
    ungraded: Annotated[
        Ungraded | None, typer.Option(help="Whose answers nobody has read.")
    ] = None,
    excel: Annotated[
        Excel | None, typer.Option(help="A plain table that an Excel in French opens right.")
    ] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Write grades as a course platform imports them, late penalties deducted.

    Nobody is left out in silence: each student who does not fit is named, and nothing is written
    before an option says what to do.

    \b
    grader export laboratoire_01 --output notes.csv
    grader export laboratoire_01 --excel fr --output notes.csv
    grader export laboratoire_01 --format canvas --identities canvas.csv --dry-run
    grader export laboratoire_01 laboratoire_02 --format moodle \\
        --identities participants.csv --no-submission zero --output notes.csv
    """
    from grader.course import Course
    from grader.platforms import sheet
    from grader.platforms.export import prepare, to_json

    if any(not title.partition("=")[2] for title in column or ()):
        raise typer.BadParameter('--column is LAB=TITLE: "laboratoire_01=Laboratoire 1 (4242)".')
    if output is None and not dry_run:
        raise typer.BadParameter("--output says where to write; --dry-run only looks.")
    if excel and form is not Format.PLAIN:
        raise typer.BadParameter(f"--excel is for reading: what {form} imports has its own form.")
    titles = dict(title.split("=", 1) for title in column or ())
    choices = Choices(no_identity, not_in_gradebook, no_submission, ungraded)
    with errors_shown():
        if output and identities and output.resolve() == identities.resolve():
            fail("--output would overwrite the identities: give it another name.")
        found = prepare(Course.here(), labs, form, identities, choices, titles, french=bool(excel))
        target = None if dry_run or found.refused else output
        if target:
            sheet.write(target, [*found.header, *found.rows], french_excel=bool(excel))
    if as_json:
        print(to_json(found, written=target is not None))
    else:
        show_export(found, Console())
        print(f"{target}: written." if target else "Nothing was written.")
    raise typer.Exit(bool(found.refused))


def show_roster(roster: Roster, plan: Plan, console: Console) -> None:
    """Show the changes that a class list makes in the gradebook."""
    columns = ", ".join(f"{field} from {name!r}" for field, name in roster.columns.items())
    console.print(f"[dim]{escape(columns)} ({roster.encoding})[/]", soft_wrap=True)
    for line in roster.skipped:
        console.print(f"[dim]nobody's: {escape(line)}[/]", soft_wrap=True)
    table = Table("", "student", "fields")
    for name, fields in plan.added.items():
        table.add_row("[green]add[/]", escape(name), escape(", ".join(fields.values())))
    for name, changes in plan.changed.items():
        lines = (f"{field}: {old or 'none'} → {new}" for field, (old, new) in changes.items())
        table.add_row("[yellow]change[/]", escape(name), escape("\n".join(lines)))
    for name in plan.missing:
        table.add_row("[dim]keep[/]", escape(name), "[dim]not in this file[/]")
    if table.row_count:
        console.print(table)
    for name, known in plan.respelled.items():
        console.print(f"{escape(name)} is {escape(known)} in the gradebook", soft_wrap=True)
    console.print(
        f"{len(plan.added)} to add, {len(plan.changed)} to change, {plan.unchanged} as they are,"
        f" {len(plan.missing)} in the gradebook only (nobody is removed)"
    )


def show_export(export: Export, console: Console) -> None:
    """Show everybody who does not fit in an exported table, and the options that settle it."""
    for note in export.notes:
        console.print(f"[dim]{escape(note)}[/]", soft_wrap=True)
    for line in listed(export.settled):
        console.print(f"[dim]as you said:[/] {escape(line)}", soft_wrap=True)
    for line in listed(export.refused):
        console.print(f"[red]{escape(line)}[/]", soft_wrap=True)
    if options := remedies(export.refused):
        console.print(f"say what to do with them: {escape('  '.join(options))}", soft_wrap=True)
    console.print(f"{len(export.rows)} lines")
