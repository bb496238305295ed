"""The tables that each platform imports: their header, and a student's lines."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from nbgrader.api import Student

from grader.errors import GraderError, shown
from grader.platforms import sheet
from grader.platforms.columns import POINTS
from grader.platforms.grades import Lab
from grader.platforms.identities import People, cell
from grader.platforms.sheet import Row
from grader.text import rounded


class Moodle:
    """A line for each student, a column for each lab, as the platform titles it."""

    def __init__(
        self, people: People, labs: Sequence[Lab], titles: Mapping[str, str], notes: list[str]
    ) -> None:
        self.people, self.labs, self.notes = people, labs, notes
        self.titles = [titles.get(lab.name) or self._title(lab) for lab in labs]
        for lab, title in zip(labs, self.titles, strict=True):
            self._check(lab, title)

    def header(self) -> list[list[str]]:
        return [[*self._identifying(), *self.titles]]

    def rows(
        self, student: Student | None, row: Row | None, scores: Sequence[float | None]
    ) -> list[list[str]]:
        return [[*self.people.identifiers(row), *map(_number, scores)]]

    def _identifying(self) -> list[str]:
        """The titles of the columns that identify: the platform's, or those of another language."""
        columns = self.people.table.columns
        return [
            title if sheet.key(columns[place]) == sheet.key(title) else columns[place]
            for title, place in self.people.places.items()
        ]

    def _title(self, lab: Lab) -> str:
        """The column of a lab in the platform's own table, or a new one."""
        columns = self.people.table.columns
        found = [title for title in columns if _item(title) == _item(lab.name)]
        if len(found) > 1:
            raise GraderError(
                f"{lab.name} may be any of {', '.join(map(repr, found))}: say which with"
                f' --column "{lab.name}=TITLE"'
            )
        return found[0] if found else self._new(lab)

    def _new(self, lab: Lab) -> str:
        return lab.name

    def _check(self, lab: Lab, title: str) -> None:
        """Say that a column is new; refuse one that counts other points."""
        columns = self.people.table.columns
        if title not in columns:
            path = shown(self.people.table.path)
            self.notes.append(f"{title!r} is no column of {path}: the platform will make a new one")
            return
        most = self._most(columns.index(title))
        if most is not None and most != lab.most:
            raise GraderError(
                f"{title!r} counts {most:g} points on the platform, {lab.name} {lab.most:g}: change"
                " the points there, and export its table again"
            )

    def _most(self, place: int) -> float | None:
        """The points that the platform gives at most in a column, if its table says so."""
        return None


class Brightspace(Moodle):
    """As Brightspace's own export, which ends each line with "#"."""

    def header(self) -> list[list[str]]:
        return [[*self._identifying(), *self.titles, "End-of-Line Indicator"]]

    def rows(
        self, student: Student | None, row: Row | None, scores: Sequence[float | None]
    ) -> list[list[str]]:
        return [[*line, "#"] for line in super().rows(student, row, scores)]

    def _new(self, lab: Lab) -> str:
        return f"{lab.name} Points Grade"

    def _most(self, place: int) -> float | None:
        found = re.search(r"MaxPoints:([\d.]+)", self.people.table.columns[place])
        return float(found[1]) if found else None


class Canvas(Moodle):
    """As Canvas's own export: who, section, labs; and a second line with the points."""

    def header(self) -> list[list[str]]:
        blank = [""] * (len(self.people.places) + 1)
        points = ["    Points Possible", *blank, *(_number(lab.most) for lab in self.labs)]
        return [["Student", *self._identifying(), "Section", *self.titles], points]

    def rows(
        self, student: Student | None, row: Row | None, scores: Sequence[float | None]
    ) -> list[list[str]]:
        name = self.people.name(row)
        if not name and student is not None:
            name = ", ".join(filter(None, (student.last_name, student.first_name)))
        who = sheet.harmless(name), *self.people.identifiers(row)
        section = sheet.harmless(cell(row, self.people.section))
        return [[*who, section, *map(_number, scores)]]

    def _most(self, place: int) -> float | None:
        people = self.people
        points = (r for r in people.table.rows if sheet.key(people.name(r)) in POINTS)
        return next((_as_number(cell(row, place)) for row in points), None)


class Plain:
    """A line for each student and lab, with all that the gradebook says."""

    FIELDS = ("lab", "student_id", "last_name", "first_name", "email", "lms_user_id")
    NUMBERS = ("submitted_utc", "raw_score", "late_penalty", "score", "max_score", "to_read")

    def __init__(
        self, people: People, labs: Sequence[Lab], titles: Mapping[str, str], notes: list[str]
    ) -> None:
        self.people, self.labs = people, labs

    def header(self) -> list[list[str]]:
        return [[*self.FIELDS, *self.people.places, *self.NUMBERS]]

    def rows(
        self, student: Student | None, row: Row | None, scores: Sequence[float | None]
    ) -> list[list[str]]:
        fields = ["id", "last_name", "first_name", "email", "lms_user_id"]
        who = [sheet.harmless(getattr(student, name, None) or "") for name in fields]
        identifiers = self.people.identifiers(row)
        return [
            [lab.name, *who, *identifiers, *self._numbers(lab, student, score)]
            for lab, score in zip(self.labs, scores, strict=True)
        ]

    def _numbers(self, lab: Lab, student: Student | None, score: float | None) -> list[str]:
        standing = lab.standings.get(student.id) if student else None
        if standing is None:
            return ["", "", "", _number(score), _number(lab.most), ""]
        when = f"{standing.submitted:%Y-%m-%d %H:%M:%S}" if standing.submitted else ""
        waiting = "yes" if standing.waiting else "no"
        points = (standing.raw, standing.penalty, score, lab.most)
        return [when, *map(_number, points), waiting]


def _item(title: str) -> tuple[str | int, ...]:
    """What is compared of a lab's title: "Laboratoire 1 (4242)" and "laboratoire_01" are one."""
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
