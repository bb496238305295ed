"""Commands between the gradebook and a course platform: import-roster, export."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from grader.terminal import AsJson, DryRun, errors_shown, fail
from grader.text import escape

if TYPE_CHECKING:
    from grader.platforms.export import Export
    from grader.platforms.roster import Plan, Roster


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
    from grader.platforms import roster as rosters

    with errors_shown():
        course = Course.here()
        roster = rosters.read_roster(file, id_column)
        plan = rosters.compare(course, roster)
        if not dry_run:
            rosters.enter(course, plan)
    if as_json:
        print(rosters.to_json(plan, written=not dry_run))
        return
    show_roster(roster, plan, Console())
    print("Nothing was written: a dry run." if dry_run else "Written.")


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
    from grader.platforms import export as exporting
    from grader.platforms import sheet
    from grader.platforms.columns import IDENTIFIERS
    from grader.platforms.mismatches import CHOICES

    choices = {
        "no-identity": no_identity,
        "not-in-gradebook": not_in_gradebook,
        "no-submission": no_submission,
        "ungraded": ungraded,
    }
    if form not in IDENTIFIERS:
        raise typer.BadParameter(f"--format is one of {', '.join(IDENTIFIERS)}.")
    for kind, choice in choices.items():
        if choice not in (None, *CHOICES[kind]):
            raise typer.BadParameter(f"--{kind} is one of {', '.join(CHOICES[kind])}.")
    if any(not title.partition("=")[2] for title in column or ()):
        raise typer.BadParameter('--column is LAB=TITLE: "laboratoire_01=Laboratoire 1 (4242)".')
    if output is None and not dry_run:
        raise typer.BadParameter("--output says where to write; --dry-run only looks.")
    titles = dict(title.split("=", 1) for title in column or ())
    with errors_shown():
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
        show_export(found, Console())
        print(f"{output}: written." if written else "Nothing was written.")
    raise typer.Exit(bool(found.refused))


def show_roster(roster: Roster, plan: Plan, console: Console) -> None:
    """What a class list changes in the gradebook."""
    columns = ", ".join(f"{field} from {name!r}" for field, name in roster.columns.items())
    console.print(f"[dim]{escape(columns)}[/]", soft_wrap=True)
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
    console.print(
        f"{len(plan.added)} to add, {len(plan.changed)} to change, {plan.unchanged} as they are,"
        f" {len(plan.missing)} in the gradebook only (nobody is removed)"
    )


def show_export(export: Export, console: Console) -> None:
    """Who does not fit in an exported table, and what may be done about it."""
    from grader.platforms.mismatches import listed, remedies

    for note in export.notes:
        console.print(f"[dim]{escape(note)}[/]", soft_wrap=True)
    for line in listed(export.settled):
        console.print(f"[dim]as you said:[/] {escape(line)}", soft_wrap=True)
    for line in listed(export.refused):
        console.print(f"[red]{escape(line)}[/]", soft_wrap=True)
    if options := remedies(export.refused):
        console.print(f"say what to do with them: {escape('  '.join(options))}", soft_wrap=True)
    console.print(f"{len(export.rows)} lines")
