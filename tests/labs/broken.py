"""Broken answer keys: a mistake put into a lab, on which its claims must fail.

`tests/labs/broken_keys/<lab>.py` lists them, as `BROKEN`: the name of the mistake, its edits of the
source's text, and the names of the claims that must then fail.
"""

from __future__ import annotations

import importlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from grader.authoring.answer_keys import executed
from grader.authoring.checked_claims import CheckedClaim
from grader.authoring.reading import parse
from grader.authoring.source import Source, SourceCell
from labo.coursework.needed import Cell, Role, needed
from labo.coursework.notebook import CellKind
from labo.settings import Profile
from tests.labs.harness import ROOT, files


@dataclass(frozen=True)
class BrokenKey:
    """A mistake in a lab's source.

    Args:
        edits: pieces of the source's text, each there once, and what takes their place.
        claims: names of those that must fail.
    """

    mistake: str
    edits: Sequence[tuple[str, str]]
    claims: Sequence[str]


def broken_keys(lab: str) -> list[BrokenKey]:
    """Those of a lab; none when it has no such file."""
    if not (ROOT / f"tests/labs/broken_keys/{lab}.py").exists():
        return []
    listed = importlib.import_module(f"tests.labs.broken_keys.{lab}").BROKEN
    return [BrokenKey(*key) for key in listed]


def claim_names(source: Source) -> list[str]:
    return [c.role.name for c in source.written if c.role and c.kind is CellKind.CLAIM]


def problems_of(source: Source, keys: Sequence[BrokenKey]) -> list[str]:
    """What is wrong with a list of broken keys, before any is executed."""
    known = claim_names(source)
    found = []
    for key in keys:
        for old, _ in key.edits:
            if (count := source.text.count(old)) != 1:
                found.append(f"{key.mistake}: {old!r} is there {count} times, not once")
        found += [f"{key.mistake}: no claim '{name}'" for name in key.claims if name not in known]
        if not key.claims:
            found.append(f"{key.mistake}: names no claim")
    covered = {name for key in keys for name in key.claims}
    return found + [
        f"the claim '{name}' has no broken key" for name in known if name not in covered
    ]


def broken(source: Source, key: BrokenKey) -> Source:
    """The source with the mistake: the claims concerned, and what they depend on.

    Tests would stop at the mistake, and all else would only take time.
    """
    text = source.text
    for old, new in key.edits:
        text = text.replace(old, new)
    written = parse(text, source.path).written
    last = max(i for i, c in enumerate(written) if _is_claim_of(c, key.claims))
    kept = [
        cell
        for cell in written[: last + 1]
        if cell.kind not in (CellKind.TEST, CellKind.CLAIM) or _is_claim_of(cell, key.claims)
    ]
    return replace(source, written=tuple(_needed_by_claims(kept)))


def _needed_by_claims(cells: Sequence[SourceCell]) -> Iterator[SourceCell]:
    code = [cell for cell in cells if cell.type == "code"]
    roles = [Role.TEST if cell.kind is CellKind.CLAIM else Role.FREE for cell in code]
    texts = needed([Cell(cell.source, role) for cell, role in zip(code, roles, strict=True)])
    for cell, text in zip(code, texts, strict=True):
        if text is not None:
            yield replace(cell, source=text)


def _is_claim_of(cell, names: Collection[str]) -> bool:
    return cell.kind is CellKind.CLAIM and cell.role.name in names


def try_key(
    source: Source, key: BrokenKey, profile: Profile, root: Path = ROOT
) -> tuple[list[CheckedClaim], list[str]]:
    """What the claims say of a broken key, and for each that should have failed and has not, why.

    Raises:
        GraderError: the broken key stops before the claims.
    """
    beside = files(source.path.stem)
    found = executed(broken(source, key), root, profile, beside).claims
    wrong = []
    for name in key.claims:
        of_name = [claim for claim in found if claim.name == name]
        errors = [c.text for c in of_name if c.holds is False and not c.wanted]
        if errors:
            wrong.append(f"{key.mistake}: the claim '{name}' stops on an error: {errors[0]}")
        elif not any(claim.holds is False for claim in of_name):
            why = of_name[0].text if of_name[0].holds is None else "it holds"
            wrong.append(f"{key.mistake}: the claim '{name}' does not fail: {why}")
    return list(found), wrong
