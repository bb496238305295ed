"""An audit, for an author to read and for a program."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from grader.authoring.audit import Audit
from grader.authoring.equivalents import equivalents_file
from grader.authoring.mutations import Mutant
from grader.course import Lab
from grader.errors import shown

_COLOURS = {"@": "cyan", "-": "red", "+": "green"}


def to_json(lab: Lab, audits: Sequence[Audit]) -> str:
    exercises = [
        asdict(audit)
        | {"killed": audit.killed}
        | {"equivalent": [asdict(m) | {"reason": why} for m, why in audit.equivalent]}
        for audit in audits
    ]
    return json.dumps({"lab": lab.name, "exercises": exercises}, indent=2, ensure_ascii=False)


def show(lab: Lab, audits: Sequence[Audit], console: Console, *, everything: bool = False) -> None:
    """A table, then the mutants that the tests accept.

    Args:
        everything: those with a reason too.
    """
    table = Table("exercise", *("made", "killed", "equivalent", "left"), title=lab.name)
    for column in table.columns[1:]:
        column.justify = "right"
    for audit in audits:
        numbers = audit.made, audit.killed, len(audit.equivalent), len(audit.left)
        table.add_row(audit.exercise, *map(str, numbers))
    console.print(table)
    for text in _accepted(lab, audits, everything):
        console.print(text, soft_wrap=True)


def _accepted(lab: Lab, audits: Sequence[Audit], everything: bool) -> Iterator[Text]:
    for audit in audits:
        for mutant in audit.left:
            yield _told(lab, audit, mutant)
        for mutant, reason in audit.equivalent if everything else ():
            yield _told(lab, audit, mutant, f"equivalent: {reason}")
        for entry in audit.stale:
            yield Text.assemble(
                f"{shown(equivalents_file(lab))}: {audit.exercise}: ",
                ("no mutant that the tests accept", "red"),
                f"\n    {entry.before} => {entry.after}\n",
            )


def _told(lab: Lab, audit: Audit, mutant: Mutant, reason: str = "") -> Text:
    head = f"{shown(lab.source)}:{mutant.line}: {audit.exercise}: {mutant.what}"
    text = Text.assemble((head, "bold"), "\n", f"    {reason}\n" if reason else "")
    for line in mutant.diff.splitlines():
        text.append(f"{line}\n", _COLOURS.get(line[:1]))
    return text
