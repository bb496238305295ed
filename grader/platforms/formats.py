"""The tables that each platform imports: their header, and somebody's lines."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from grader.errors import GraderError, shown
from grader.platforms import sheet
from grader.platforms.columns import Format
from grader.platforms.grades import LabColumn
from grader.platforms.identities import Identities, Identity
from grader.text import rounded

if TYPE_CHECKING:
    from nbgrader.api import Student


@dataclass(frozen=True)
class Entry:
    """Somebody to export: a student, or None for who is on the platform only."""

    student: Student | None
    identity: Identity
    scores: Sequence[float | None]
    """In the order of the labs; None for an empty cell."""


class Plain:
    """A line for each student and lab, with all that the gradebook says."""

    FIELDS = ("lab", "student_id", "last_name", "first_name", "email", "lms_user_id")
    NUMBERS = ("submitted_utc", "raw_score", "late_penalty", "score", "max_score", "to_read")

    def __init__(
        self, identities: Identities | None, labs: Sequence[LabColumn], *, french: bool = False
    ) -> None:
        self.labs = labs
        self.number = _french_number if french else _number
        self.identifying = list(identities.places) if identities else []
        self.notes: list[str] = []

    def header(self) -> list[list[str]]:
        return [[*self.FIELDS, *self.identifying, *self.NUMBERS]]

    def rows(self, entry: Entry) -> list[list[str]]:
        fields = ["id", "last_name", "first_name", "email", "lms_user_id"]
        who = [sheet.harmless(getattr(entry.student, name, None) or "") for name in fields]
        return [
            [lab.name, *who, *entry.identity.identifiers, *self._numbers(lab, entry.student, score)]
            for lab, score in zip(self.labs, entry.scores, strict=True)
        ]

    def _numbers(self, lab: LabColumn, student: Student | None, score: float | None) -> list[str]:
        grade = lab.grades.get(student.id) if student else None
        if grade is None:
            return ["", "", "", self.number(score), self.number(lab.max_score), ""]
        submitted = f"{grade.submitted:%Y-%m-%d %H:%M:%S}" if grade.submitted else ""
        points = (grade.raw_score, grade.penalty, score, lab.max_score)
        return [submitted, *map(self.number, points), "yes" if grade.waiting else "no"]


class Moodle:
    """A line for each student, a column for each lab, as the platform titles it."""

    def __init__(
        self, identities: Identities, labs: Sequence[LabColumn], titles: Mapping[str, str]
    ) -> None:
        self.identities, self.labs = identities, labs
        self.notes: list[str] = []
        self.titles = [titles.get(lab.name) or self._title(lab) for lab in labs]
        for lab, title in zip(labs, self.titles, strict=True):
            self._check(lab, title)

    def header(self) -> list[list[str]]:
        return [[*self.identities.titles(), *self.titles]]

    def rows(self, entry: Entry) -> list[list[str]]:
        return [[*entry.identity.identifiers, *map(_number, entry.scores)]]

    def _title(self, lab: LabColumn) -> str:
        """The column of a lab in the platform's own table, or a new one."""
        columns = self.identities.table.columns
        found = [title for title in columns if _compared(title) == _compared(lab.name)]
        if len(found) > 1:
            raise GraderError(
                f"{lab.name} may be any of {', '.join(map(repr, found))}: say which with"
                f' --column "{lab.name}=TITLE"'
            )
        return found[0] if found else self._new_title(lab)

    def _new_title(self, lab: LabColumn) -> str:
        return lab.name

    def _check(self, lab: LabColumn, title: str) -> None:
        """Say that a column is new; refuse one that counts other points."""
        table = self.identities.table
        if title not in table.columns:
            path = shown(table.path)
            self.notes.append(f"{title!r} is no column of {path}: the platform will make a new one")
            return
        max_score = self._max_score(table.columns.index(title))
        if max_score is not None and max_score != lab.max_score:
            raise GraderError(
                f"{title!r} counts {max_score:g} points on the platform, {lab.name}"
                f" {lab.max_score:g}: change the points there, and export its table again"
            )

    def _max_score(self, place: int) -> float | None:
        """The points of a column, if the platform's table says them."""
        return None


class Brightspace(Moodle):
    """As Brightspace's own export, which ends each line with "#"."""

    def header(self) -> list[list[str]]:
        return [[*line, "End-of-Line Indicator"] for line in super().header()]

    def rows(self, entry: Entry) -> list[list[str]]:
        return [[*line, "#"] for line in super().rows(entry)]

    def _new_title(self, lab: LabColumn) -> str:
        return f"{lab.name} Points Grade"

    def _max_score(self, place: int) -> float | None:
        found = re.search(r"MaxPoints:([\d.]+)", self.identities.table.columns[place])
        return float(found[1]) if found else None


class Canvas(Moodle):
    """As Canvas's own export: who, section, labs; and a second line with the points."""

    def header(self) -> list[list[str]]:
        blank = [""] * (len(self.identities.places) + 1)
        points = ["    Points Possible", *blank, *(_number(lab.max_score) for lab in self.labs)]
        return [["Student", *self.identities.titles(), "Section", *self.titles], points]

    def rows(self, entry: Entry) -> list[list[str]]:
        student, name = entry.student, entry.identity.name
        if not name and student is not None:
            name = ", ".join(filter(None, (student.last_name, student.first_name)))
        who = [sheet.harmless(name), *entry.identity.identifiers]
        section = sheet.harmless(entry.identity.section)
        return [[*who, section, *map(_number, entry.scores)]]

    def _max_score(self, place: int) -> float | None:
        row = self.identities.points_row
        return _as_number(row.cell(place)) if row else None


PLATFORMS: Mapping[Format, type[Moodle]] = {
    Format.MOODLE: Moodle,
    Format.CANVAS: Canvas,
    Format.BRIGHTSPACE: Brightspace,
}


def table_of(
    form: Format,
    identities: Identities | None,
    labs: Sequence[LabColumn],
    titles: Mapping[str, str],
    *,
    french: bool = False,
) -> Plain | Moodle:
    """The table that is wanted.

    Args:
        french: numbers of a plain table have a decimal comma.

    Raises:
        GraderError: the identities are missing, or a lab's column is not clear or counts other
            points.
    """
    if form is Format.PLAIN:
        return Plain(identities, labs, french=french)
    if identities is None:
        raise GraderError(f"--format {form} needs --identities: what {form} calls each student")
    return PLATFORMS[form](identities, labs, titles)


def _compared(title: str) -> tuple[str | int, ...]:
    """A lab's title as it is compared: "Laboratoire 1 (4242)" and "laboratoire_01" are the same."""
    bare = re.sub(r"\s+(Points Grade\s*)?(<.*>|\(\d+\)|\((Real|Brut|Brute|Note)\))?\s*$", "", title)
    words = sheet.key(bare.rpartition(":")[2]).split()
    return tuple(int(word) if word.isdigit() else word for word in words)


def _as_number(text: str) -> float | None:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return None


def _number(value: float | None) -> str:
    return "" if value is None else rounded(value, 4)


def _french_number(value: float | None) -> str:
    return _number(value).replace(".", ",")
