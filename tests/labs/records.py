"""The records that `make claims` writes and that are committed: of what they speak."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum
from pathlib import Path

from grader.authoring.reading import read_source
from grader.authoring.source import Source, SourceCell
from labo.coursework.needed import Cell, Role, needed
from labo.coursework.notebook import CellKind
from tests.labs.harness import ROOT

FOLDER = ROOT / "bench/records/labs"
_LINE = re.compile(r"^\| `([^`]+)` \| `([0-9a-f]{64})` \|$", re.MULTILINE)
_SOURCE = "solutions/{lab}.py"
_FILES = {
    "claims": ("tests/labs/broken_keys/{lab}.py",),
    "answers": (
        "solutions/{lab}.equivalent.toml",
        "tests/labs/mutants/{lab}.py",
        "tests/labs/right/{lab}.py",
    ),
}


class Part(StrEnum):
    """What is measured of a lab; each part has a record of its own."""

    CLAIMS = "claims"  # of the text, and what should break them
    ANSWERS = "answers"  # right ones and wrong ones, and the audit of the tests


def record(lab: str, part: Part) -> Path:
    return FOLDER / part / f"{lab}.md"


def answered(source: Source) -> Source:
    """What a student executes who answers like the reference: no hidden test is there."""
    written = (
        replace(cell, source=cell.visible) if cell.kind is CellKind.TEST else cell
        for cell in source.written
    )
    return replace(source, written=tuple(written))


def digests(lab: str, part: Part, root: Path = ROOT) -> dict[str, str]:
    """The SHA-256 of each thing that a record speaks of.

    Claims hang on no hidden test, and verdicts on nothing that no exercise or test reads: a change
    of these leaves the record as it is.
    """
    names = [name.format(lab=lab) for name in _FILES[part]]
    contents = {name: (root / name).read_bytes() for name in names if (root / name).is_file()}
    name = _SOURCE.format(lab=lab)
    source = read_source(root / name)
    if part is Part.CLAIMS:
        cells = answered(source).written
        text = "".join(c.source if c.kind is CellKind.TEST else c.text for c in cells)
        contents = {f"{name}, hidden tests apart": text.encode(), **contents}
    else:
        text = "\n".join(_tested(source))
        contents = {f"{name}, exercises, tests and what they read": text.encode(), **contents}
    return {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}


def _tested(source: Source) -> Iterator[str]:
    """The code on which verdicts hang, comments and layout apart."""
    code = [c for c in source.written if c.type == "code" and c.kind is not CellKind.CLAIM]
    texts = needed([Cell(cell.source, _role(cell)) for cell in code])
    for cell, text in zip(code, texts, strict=True):
        if text is not None:
            yield f"{cell.role} {ast.dump(ast.parse(text))}"


def _role(cell: SourceCell) -> Role:
    if cell.kind is CellKind.TEST:
        return Role.TEST
    return Role.KEPT if cell.kind is CellKind.EXERCISE else Role.FREE


def table(found: dict[str, str]) -> str:
    """Digests, as a record has them."""
    rows = [f"| `{name}` | `{digest}` |" for name, digest in found.items()]
    return "\n".join(["| file | SHA-256 |", "|---|---|", *rows])


def recorded(text: str) -> dict[str, str]:
    """The digests of a record's text."""
    return dict(_LINE.findall(text))


def is_fresh(lab: str, part: Part) -> bool:
    """Whether there is a record, and nothing has changed since it was written."""
    path = record(lab, part)
    return path.exists() and recorded(path.read_text("utf-8")) == digests(lab, part)
