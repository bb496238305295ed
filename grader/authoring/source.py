"""The one source of a lab: a ``.py`` file of cells with roles, read, checked and written back.

The file is jupytext's "percent" format, so editors and JupyterLab open it as a notebook. It is
read here rather than by jupytext because every error must name its line, and because an unedited
cell must come back byte for byte. What a cell is for stands in its first line:

    # %%                                       code
    # %% [markdown]                            text
    # %% exercice="hinge_loss"                 code that the student writes
    # %% test="hinge_loss" points=2            graded check (part="..." when there are several)
    # %% [markdown] reponse="q1" points=1      written answer, graded by a person

An exercise or a written answer may say what it is about, concepts="axes, broadcasting". These are
the tags of the notebook's cell: nbgrader removes what it does not know from its own metadata.

docs/authors.md is the guide for those who write labs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from grader.errors import GraderError, shown

CODE_STUB = 'raise NotImplementedError("exercice : {name}")'
TEXT_STUB = "*Écrivez votre réponse ici.*"

CellType = Literal["code", "markdown"]
Kind = Literal["exercice", "test", "reponse"]
RegionKind = Literal["SOLUTION", "HIDDEN TESTS"]

KINDS: tuple[Kind, ...] = ("exercice", "test", "reponse")

# nbgrader looks for these words anywhere in a line, in every cell; so must we.
_REGION_WORDS = re.compile(r"(BEGIN|END) (SOLUTION|HIDDEN TESTS)")
_FOREIGN_WORDS = re.compile(r"(?:BEGIN|END) MARK SCHEME|AUTOTEST")


@dataclass(frozen=True, order=True)
class SourceError:
    """One mistake in a source: where it is, what is wrong, what to write."""

    path: Path
    line: int
    message: str
    fix: str

    def __str__(self) -> str:
        return f"{shown(self.path)}:{self.line}: {self.message}\n    {self.fix}"


class InvalidSource(GraderError):
    """All the mistakes of one file, in the order of its lines."""

    def __init__(self, errors: list[SourceError]) -> None:
        self.errors = sorted(errors)
        super().__init__("\n".join(map(str, self.errors)))


@dataclass(frozen=True)
class Role:
    """What nbgrader does with a cell."""

    kind: Kind
    name: str
    part: str | None = None
    points: float | None = None

    @property
    def grade_id(self) -> str:
        """The cell's name in nbgrader's metadata and gradebook."""
        if self.kind != "test":
            return self.name
        return "_".join(filter(None, ("test", self.name, self.part)))


@dataclass(frozen=True)
class Region:
    """Lines of a cell that students do not receive, from BEGIN to END, both included."""

    kind: RegionKind
    begin: int
    end: int


@dataclass(frozen=True)
class Cell:
    """One cell: its content as in the notebook, and where and how the ``.py`` wrote it."""

    type: CellType
    source: str
    role: Role | None = None
    tags: tuple[str, ...] = ()  # the concepts of a cell with a role
    line: int = 0  # of its marker, from 1
    body_line: int = 0  # of the first line of `source`
    text: str = ""  # verbatim, from its marker up to the next one

    @property
    def content(self) -> tuple:
        """All that an edit can change: equal contents are the same cell."""
        return self.type, self.source, self.role, self.tags

    @cached_property
    def lines(self) -> list[str]:
        return self.source.split("\n")

    @cached_property
    def regions(self) -> list[Region]:
        return list(find_regions(self, lambda *_: None))

    @property
    def visible(self) -> str:
        """The source that students receive."""
        if self.role and self.role.kind == "reponse":
            return TEXT_STUB
        begins = {region.begin: region for region in self.regions}
        hidden = {i for region in self.regions for i in range(region.begin, region.end + 1)}
        kept = []
        for i, line in enumerate(self.lines):
            if i in begins and begins[i].kind == "SOLUTION":
                kept.append(indent(line) + CODE_STUB.format(name=self.role.name))
            elif i not in hidden:
                kept.append(line)
        return "\n".join(kept)

    @property
    def secret(self) -> list[list[str]]:
        """The lines that students must not receive, one list per region."""
        if self.role and self.role.kind == "reponse":
            return [self.lines]
        return [self.lines[region.begin + 1 : region.end] for region in self.regions]


@dataclass(frozen=True)
class Source:
    """A lab's source: jupytext's header, then the cells."""

    path: Path
    header: str
    cells: tuple[Cell, ...]

    @property
    def text(self) -> str:
        return self.header + "".join(cell.text for cell in self.cells)


Report = Callable[[int, str, str], None]


def find_regions(cell: Cell, report: Report) -> Iterator[Region]:
    """The hidden regions of a cell; what is wrong with them goes to `report`."""
    begin, kind = None, None
    for i, text in enumerate(cell.lines):
        line = cell.body_line + i
        if _FOREIGN_WORDS.search(text):
            fix = "Reword the line: nbgrader acts on these words wherever they stand."
            report(line, "mark schemes and AUTOTEST are not used in this project", fix)
        match = _REGION_WORDS.search(text)
        if not match:
            continue
        if text.strip() != f"### {match[0]}":
            report(line, f"a line with '{match[0]}'", f"Write '### {match[0]}' alone on its line.")
        if match[1] == "BEGIN" and begin is not None:
            fix = f"Write '### END {kind}' before it."
            report(line, f"a {match[2]} region begins inside a {kind} region", fix)
        elif match[1] == "BEGIN":
            begin, kind = i, match[2]
        elif begin is None:
            fix = f"Write '### BEGIN {match[2]}' before it."
            report(line, f"a {match[2]} region ends and has not begun", fix)
        elif match[2] != kind:
            report(line, f"a {kind} region ends as {match[2]}", f"Write '### END {kind}'.")
            begin = None
        else:
            yield Region(kind, begin, i)
            begin = None
    if begin is not None:
        fix = f"Write '### END {kind}' after its last line."
        report(cell.body_line + begin, f"the {kind} region is not closed", fix)


def trim(source: str) -> str:
    """A cell's source without the blank lines around it, which are only layout."""
    lines = source.split("\n")
    written = [i for i, line in enumerate(lines) if line.strip()]
    return "\n".join(lines[written[0] : written[-1] + 1]) if written else ""


def whole(points: float | None) -> float | None:
    """2 for 2.0: JupyterLab writes one for the other, which is no edit."""
    return int(points) if isinstance(points, float) and points.is_integer() else points


def indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]
