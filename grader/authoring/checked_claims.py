"""The claims of an executed answer key: which were checked, what was measured, which hold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbformat import NotebookNode
from rich.table import Table
from rich.text import Text

from grader.authoring.claims import MIME, Verdict
from grader.authoring.source import SourceCell
from grader.errors import shown
from labo.data.catalogue import catalogue, find
from labo.settings import Profile

WORDS = {True: "yes", False: "NO", None: "not checked"}


@dataclass(frozen=True)
class CheckedClaim:
    """One claim of a cell, or the reason why a whole cell was not checked, or failed.

    Args:
        name: of its cell.
        line: in the source.
        holds: None when it was not checked.
    """

    name: str
    line: int
    text: str
    measured: str = ""
    wanted: str = ""
    holds: bool | None = None


def why_not_checked(claim: SourceCell, profile: Profile) -> str | None:
    """What keeps a claim from being checked in this profile, on this machine."""
    assert claim.role is not None
    if profile not in claim.role.profiles:
        return f"only in the profile {' or '.join(claim.role.profiles)}"
    data = claim.role.data
    if data and find(catalogue()[data]) is None:
        return f"{catalogue()[data].title} is not on this machine (LABO_DATA_DIR)"
    return None


def not_checked(claim: SourceCell, why: str) -> CheckedClaim:
    assert claim.role is not None
    return CheckedClaim(claim.role.name, claim.line, f"not checked: {why}")


def checked(
    claim: SourceCell, outputs: Sequence[NotebookNode], error: tuple[int, str] | None
) -> Iterator[CheckedClaim]:
    """The claims of a cell.

    Args:
        outputs: of all that was executed for it.
        error: the line and the message of what it raised, if it did.
    """
    assert claim.role is not None
    name = claim.role.name
    found = [output.data[MIME] for output in outputs if MIME in output.get("data", {})]
    verdicts = [Verdict(**values) for cell in found for values in cell]
    for v in verdicts:
        line = claim.body_line + v.line - 1
        yield CheckedClaim(name, line, v.text, v.measured, v.wanted, v.holds)
    if error is not None:
        line, message = error
        yield CheckedClaim(name, line, message, holds=False)
    elif not verdicts:
        yield CheckedClaim(name, claim.line, "this cell claims nothing", holds=False)


def problems(path: Path, claims: Sequence[CheckedClaim]) -> list[str]:
    """A sentence for each claim that does not hold, with its line in the source."""
    return [f"{shown(path)}:{c.line}: {_problem(c)}" for c in claims if c.holds is False]


def _problem(claim: CheckedClaim) -> str:
    if not claim.wanted:
        return f"the claim '{claim.name}': {claim.text}"
    measured = f"measured {claim.measured}, wanted {claim.wanted}"
    return f"the claim '{claim.name}' does not hold: {measured}: {claim.text}"


def table(title: str, claims: Sequence[CheckedClaim]) -> Table:
    """What a person reads of the claims of a lab."""
    columns = ("line", "claim", "text", "measured", "wanted", "holds")
    shown_table = Table(*columns, title=title, title_justify="left")
    for c in claims:
        values = (str(c.line), c.name, c.text, c.measured, c.wanted)
        holds = Text(WORDS[c.holds], "red" if c.holds is False else "")
        shown_table.add_row(*map(Text, values), holds)
    return shown_table
