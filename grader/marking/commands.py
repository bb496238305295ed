"""The command of those who read written answers: mark."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from grader.terminal import errors_shown, fail


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
    from grader.marking.answers import State, find_question
    from grader.marking.application import mark_question
    from grader.marking.progress import marking_progress, show, to_json

    if question is None and (redo or unanswered):
        raise typer.BadParameter("--redo and --all are for one QUESTION.")
    with errors_shown():
        assignment = Course.here().known_lab(lab)
        if question is None or as_json:
            found = [p for p in marking_progress(assignment) if question in (None, p.question)]
            if as_json:
                print(to_json(found))
            else:
                show(lab, found, Console())
            return
        wanted = {State.MARKED if redo else State.WAITING}
        wanted |= {State.UNANSWERED} if unanswered else set()
        try:
            summary = mark_question(find_question(assignment, question), wanted)
        except KeyboardInterrupt:
            fail("Interrupted. Every mark that was given is saved.", 130)
    print(f"{question}: {summary}. grader feedback {lab} writes the pages anew")
