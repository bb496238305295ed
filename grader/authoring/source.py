"""The one source of a lab: a ``.py`` file of cells with roles.

The file is jupytext's "percent" format, so editors and JupyterLab open it as a notebook. It is
read here rather than by jupytext because every error must name its line, and because an unedited
cell must come back byte for byte. What a cell is for stands in its first line:

    # %%                                       code
    # %% [markdown]                            text
    # %% exercice="hinge_loss"                 code that the student writes
    # %% test="hinge_loss" points=2            graded check (part="..." when there are several)
    # %% [markdown] reponse="q1" points=1      written answer, graded by a person
    # %% experience="largeur"                  code of a free experiment, which grading need not run
    # %% affirmation="dropout"                 the author's own: checks what the lab's text says

An exercise may ask for files beside the notebook, fichiers="poids.safetensors, images/*.png".

An exercise or a written answer may say what it is about, concepts="axes, broadcasting". These are
the tags of the notebook's cell: nbgrader removes what it does not know from its own metadata.

docs/authors.md is the guide for those who write labs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Literal, Protocol

from grader.errors import GraderError, shown
from labo.coursework.notebook import CODE_STUB, TEST_PREFIX, TEXT_STUB, CellKind
from labo.settings import Profile

CellType = Literal["code", "markdown"]


class RegionKind(StrEnum):
    """Two sorts of lines that students do not receive, in nbgrader's words."""

    SOLUTION = "SOLUTION"
    HIDDEN_TESTS = "HIDDEN TESTS"


# nbgrader looks for these words anywhere in a line, in every cell; so must we.
REGION_MARKER = re.compile(rf"(BEGIN|END) ({'|'.join(RegionKind)})")


class ReportMistake(Protocol):
    """Takes a mistake: its line, what is wrong, what to write instead."""

    def __call__(self, line: int, message: str, fix: str, /) -> None: ...


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
    """What a cell is for.

    Args:
        part: of a test, when its exercise has several.
        points: of a test or a written answer.
        profiles: of a claim, those that it is checked in.
        data: of a claim, the name of the real data set that it speaks of, if it needs one.
        files: that an exercise asks students to hand in, as patterns of their paths.
    """

    kind: CellKind
    name: str
    part: str | None = None
    points: float | None = None
    # Not in a notebook, nor in the digests that `grader build` has recorded of notebooks.
    profiles: tuple[Profile, ...] = field(default=(), repr=False)
    data: str | None = field(default=None, repr=False)
    files: tuple[str, ...] = field(default=(), repr=False)

    @property
    def grade_id(self) -> str:
        """The cell's name, for those that nbgrader knows the one in its gradebook."""
        if self.kind is not CellKind.TEST:
            return self.name
        return TEST_PREFIX + "_".join(filter(None, (self.name, self.part)))


@dataclass(frozen=True)
class Region:
    """Lines of a cell that students do not receive, from BEGIN to END, both included."""

    kind: RegionKind
    begin: int
    end: int


@dataclass(frozen=True)
class SourceCell:
    """One cell: its content as in the notebook, and where and how the ``.py`` wrote it."""

    type: CellType
    source: str
    role: Role | None = None
    tags: tuple[str, ...] = ()  # the concepts of a cell with a role
    line: int = 0  # of its marker, from 1
    body_line: int = 0  # of the first line of `source`
    text: str = ""  # verbatim, from its marker up to the next one

    @property
    def kind(self) -> CellKind | None:
        return self.role.kind if self.role else None

    @property
    def content(self) -> tuple[CellType, str, Role | None, tuple[str, ...]]:
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
        if self.kind is CellKind.QUESTION:
            return TEXT_STUB
        lines = list(self.lines)
        for region in reversed(self.regions):
            lines[region.begin : region.end + 1] = self._stub(region)
        return "\n".join(lines)

    def _stub(self, region: Region) -> list[str]:
        """The lines that students receive in the place of a region."""
        if region.kind is RegionKind.HIDDEN_TESTS:
            return []
        assert self.role is not None  # a solution is that of an exercise
        return [indent(self.lines[region.begin]) + CODE_STUB.format(name=self.role.name)]

    @property
    def secret(self) -> list[list[str]]:
        """The lines that students must not receive, one list per region."""
        if self.kind is CellKind.QUESTION:
            return [self.lines]
        return [self.lines[region.begin + 1 : region.end] for region in self.regions]


@dataclass(frozen=True)
class Source:
    """A lab's source: jupytext's header, then the cells.

    Attributes:
        written: all of them, the author's claims included.
    """

    path: Path
    header: str
    written: tuple[SourceCell, ...]

    @cached_property
    def cells(self) -> tuple[SourceCell, ...]:
        """Those of the notebook: claims are in none."""
        return tuple(cell for cell in self.written if cell.kind is not CellKind.CLAIM)

    @property
    def text(self) -> str:
        return self.header + "".join(cell.text for cell in self.written)


def find_regions(cell: SourceCell, report: ReportMistake) -> Iterator[Region]:
    """The hidden regions of a cell; markers without their counterpart go to `report`."""
    opened: Region | None = None
    for i, text in enumerate(cell.lines):
        match = REGION_MARKER.search(text)
        if not match:
            continue
        line, kind = cell.body_line + i, RegionKind(match[2])
        if match[1] == "BEGIN" and opened:
            fix = f"Write '### END {opened.kind}' before it."
            report(line, f"a {kind} region begins inside a {opened.kind} region", fix)
        elif match[1] == "BEGIN":
            opened = Region(kind, i, i)
        elif not opened:
            fix = f"Write '### BEGIN {kind}' before it."
            report(line, f"a {kind} region ends and has not begun", fix)
        elif kind != opened.kind:
            fix = f"Write '### END {opened.kind}'."
            report(line, f"a {opened.kind} region ends as {kind}", fix)
            opened = None
        else:
            yield replace(opened, end=i)
            opened = None
    if opened:
        fix = f"Write '### END {opened.kind}' after its last line."
        report(cell.body_line + opened.begin, f"the {opened.kind} region is not closed", fix)


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
