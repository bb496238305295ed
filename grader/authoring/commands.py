"""Commands of those who write labs: build, rehearse, release, answers, audit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from grader.dates import read_date, shown_date
from grader.errors import GraderError, shown
from grader.terminal import AsJson, Labs, errors_shown
from labo.settings import Profile

if TYPE_CHECKING:
    from grader.course import Lab


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
    from grader.authoring.check import check_labs
    from grader.course import Course

    if check + from_notebook + force > 1:
        raise typer.BadParameter("--check, --from-notebook and --force exclude each other.")
    with errors_shown():
        course = Course.here()
        chosen = course.labs(labs or ())
        if not check:
            _for_each(chosen, lambda lab: _build(lab, from_notebook, force))
        elif problems := check_labs(course, chosen):
            raise GraderError("\n".join(problems))
        else:
            typer.echo(f"labs/ is up to date ({len(chosen)} checked)")


def release(
    lab: Annotated[str, typer.Argument(metavar="LAB", help="laboratoire_01 ...")],
    duedate: Annotated[
        str | None,
        typer.Option(metavar='"YYYY-MM-DD HH:MM"', help="When it is due, in the course's zone."),
    ] = None,
    rehearsed: Annotated[
        bool,
        typer.Option(
            "--rehearse/--no-rehearse", help="Grade the answer key and the skeleton first."
        ),
    ] = True,
) -> None:
    """Build a lab, rehearse its grading, and enter it in the gradebook, which grading needs.

    \b
    grader release laboratoire_01 --duedate "2026-12-01 23:59"
    """
    from grader.authoring.build import enter
    from grader.course import Course

    with errors_shown():
        (chosen,) = Course.here().labs([lab])
        zone = chosen.course.zone
        date = read_date(duedate, zone) if duedate else None
        typer.echo(_build(chosen))
        if rehearsed:
            typer.echo(_rehearse(chosen))
        enter(chosen, date)
        due = f", due {shown_date(date, zone)}" if date else ""
        typer.echo(f"{chosen.name}: in the gradebook{due}")


def rehearse(labs: Labs = None) -> None:
    """Grade the answer key, which must earn every point, and the skeleton, which must earn none.

    It says which mode suits. Assignments that have a source notebook only are rehearsed too.

    \b
    grader rehearse laboratoire_01
    """
    from grader.course import Course

    with errors_shown():
        course = Course.here()
        chosen = [course.known_lab(name) for name in labs or ()] or course.labs()
        _for_each([part for lab in chosen for part in lab.parts], _rehearse)


def adopt(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A course made for nbgrader.")],
    labs: Annotated[
        list[str] | None, typer.Argument(metavar="[ASSIGNMENT]", help="Only these (default: all).")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Change its configuration unasked.")] = False,
) -> None:
    """Look at an existing nbgrader course: grade its solutions in both modes, say what it needs.

    Nothing is converted. After a question, lines are added to its nbgrader_config.py, by which
    nbgrader's own commands and formgrader grade in the sandbox too.

    \b
    grader adopt ~/cours/apprentissage
    grader adopt ~/cours/apprentissage ps1 ps2
    """
    from grader.authoring import adoption
    from grader.engine import Mode

    with errors_shown():
        course = adoption.course_at(path)
        table = Table("assignment", "tests", "files", "isolated", "shared", "of", "mode that suits")
        losses = []
        with Console(stderr=True).status("grading the solutions ..."):
            for look in adoption.looks(course, labs or ()):
                scores = (f"{look.keys.get(mode, 0):g}" for mode in Mode)
                counts = str(look.tests), str(look.files)
                table.add_row(look.title, *counts, *scores, f"{look.points:g}", look.advice)
                losses += [f"{look.title}: {loss}" for loss in look.losses]
        Console().print(table)
        for line in (*losses, *adoption.told_of_configuration(course)):
            Console(highlight=False).print(line, markup=False, soft_wrap=True)
        if adoption.is_configured(course):
            return
        typer.echo(f"To add to nbgrader_config.py:\n{adoption.LINES}")
        if yes or typer.confirm("Add these lines?"):
            typer.echo(f"{adoption.configure(course)}: written")


def answers(
    labs: Labs = None,
    profile: Annotated[Profile, typer.Option(help="Size of data and trainings.")] = Profile.SMALL,
) -> None:
    """Execute the answer keys into answers/*.html, with figures, and check what the labs claim.

    \b
    grader answers laboratoire_01 --profile tiny
    """
    from grader.course import Course

    with errors_shown():
        _for_each(Course.here().labs(labs or ()), lambda lab: _write_answer_key(lab, profile))


def audit(
    lab: Annotated[str, typer.Argument(metavar="LAB", help="laboratoire_01 ...")],
    exercises: Annotated[
        list[str] | None, typer.Option("--exercise", help="This one only; may be repeated.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Show those that are listed as equivalent too.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make small mistakes in the references, and show those that the tests accept.

    It exits with 1 when some of them are left, or when a listed equivalent is none.

    \b
    grader audit laboratoire_01
    grader audit laboratoire_01 --exercise hinge_loss
    """
    from grader.authoring import audit_shown
    from grader.authoring.audit import audit
    from grader.course import Course

    with errors_shown():
        (chosen,) = Course.here().labs([lab])
        with Console(stderr=True).status(f"{chosen.name} ..."):
            audits = audit(chosen, exercises or ())
    if as_json:
        typer.echo(audit_shown.to_json(chosen, audits))
    else:
        audit_shown.show(chosen, audits, Console(), everything=everything)
    raise typer.Exit(any(found.left or found.stale for found in audits))


def _for_each(labs: Sequence[Lab], act: Callable[[Lab], str]) -> None:
    """Say what was done for each lab; the mistakes of all of them are raised together."""
    failures = []
    for lab in labs:
        try:
            typer.echo(act(lab))
        except GraderError as error:
            failures.append(str(error))
    if failures:
        raise GraderError("\n".join(failures))


def _build(lab: Lab, from_notebook: bool = False, force: bool = False) -> str:
    from grader.authoring.bring_back import bring_back
    from grader.authoring.build import build

    changed = bring_back(lab) if from_notebook else build(lab, force=force)
    files = ", ".join(str(shown(path)) for path in changed)
    nothing = "no edit to bring back" if from_notebook else "up to date"
    return f"{lab.name}: {f'wrote {files}' if changed else nothing}"


def _rehearse(lab: Lab) -> str:
    from grader.authoring.rehearsal import rehearse

    with Console(stderr=True).status(f"{lab.title} ..."):
        found = rehearse(lab)
    if found.problems:
        lines = [f"{lab.title} cannot grade a class in {found.mode} mode:", *found.problems]
        raise GraderError("\n".join([*lines, *filter(None, [found.advice])]))
    told = f"{lab.title}: the answer key earns every point, the skeleton none"
    return "\n".join(filter(None, [told, found.advice]))


def _write_answer_key(lab: Lab, profile: Profile) -> str:
    from grader.authoring.answer_keys import write_answer_key
    from grader.authoring.checked_claims import problems, table

    with Console().status(f"{lab.name} ..."):
        path, key = write_answer_key(lab, profile)
    if key.claims:
        Console().print(table(f"{lab.name}, profile {profile}", key.claims))
    if wrong := problems(lab.source, key.claims):
        raise GraderError("\n".join(wrong))
    return f"{shown(path)}  {key.seconds:.1f} s"
