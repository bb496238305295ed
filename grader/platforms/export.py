"""Grades for a course platform: the table that it imports, and everybody who does not fit in it.

Nobody is left out in silence: each mismatch between the gradebook and the platform's list stops the
export, until the instructor says what to do with its kind.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from nbgrader.api import Gradebook, Student, SubmittedAssignment

from grader.course import Course
from grader.errors import GraderError, shown
from grader.platforms import sheet
from grader.platforms.roster import COLUMNS, NOBODY, POINTS, WHOLE_NAME
from grader.platforms.sheet import Row, Sheet

_ORG_ID = ("orgdefinedid", "org defined id")
_USERNAME = ("username", "user name", "nom d utilisateur", "nom utilisateur")
_ID_NUMBER = ("id number", "numero d identification", "matricule")
_SIS_LOGIN = tuple(name for name in COLUMNS["id"] if "sis" in name)
_SIS_USER = tuple(name for name in COLUMNS["lms_user_id"] if "sis" in name)
# The columns by which each platform knows its students: its own title, those that are recognised.
IDENTIFIERS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "moodle": {
        "Username": _USERNAME,
        "ID number": _ID_NUMBER,
        "Email address": COLUMNS["email"],
    },
    "canvas": {
        "ID": ("id", "canvas id", "identifiant"),
        "SIS User ID": _SIS_USER,
        "SIS Login ID": _SIS_LOGIN,
    },
    "brightspace": {"OrgDefinedId": _ORG_ID, "Username": _USERNAME},
}
IDENTIFIERS = {"plain": {k: v for each in IDENTIFIERS.values() for k, v in each.items()}} | dict(
    IDENTIFIERS
)
# A column of these titles holds the gradebook's own names.
_OURS = ("student id", "nbgrader id", "nbgrader", "student", "etudiant", "etudiant e")

# What may be done with each kind of mismatch; a kind without a choice is always refused.
CHOICES: Mapping[str, tuple[str, ...]] = {
    "no-identity": ("leave-out",),
    "not-in-gradebook": ("leave-out", "blank", "zero"),
    "no-submission": ("zero", "blank"),
    "ungraded": ("as-is", "blank"),
    "not-autograded": (),
    "ambiguous": (),
    "unsafe": (),
}
_MEANING = {
    "no-identity": "in the gradebook, without an identifier in the identities' file",
    "not-in-gradebook": "in the identities' file, not in the gradebook",
    "no-submission": "handed in nothing",
    "ungraded": "wait for a person to read answers",
    "not-autograded": "handed in, and not graded yet (grader autograde)",
    "ambiguous": "cannot be told apart: correct the identities' file",
    "unsafe": "have an identifier that a spreadsheet takes for a formula",
}


@dataclass(frozen=True)
class Standing:
    """What the gradebook says of one student's lab, as nbgrader exports it."""

    submitted: datetime | None
    raw: float
    penalty: float
    waiting: bool
    """Whether an answer waits for a person."""

    @property
    def score(self) -> float:
        return max(0.0, self.raw - self.penalty)


@dataclass(frozen=True)
class Lab:
    name: str
    most: float
    standings: Mapping[str, Standing]
    pending: frozenset[str]
    """Who has handed in what was not graded yet."""


@dataclass(frozen=True)
class Mismatch:
    """Somebody who does not fit; `kind` is one of CHOICES."""

    kind: str
    who: str
    lab: str = ""


@dataclass
class Export:
    """A table, and who does not fit in it."""

    header: list[list[str]] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    refused: list[Mismatch] = field(default_factory=list)
    settled: list[Mismatch] = field(default_factory=list)
    """Those for whom the instructor has said what to do."""
    notes: list[str] = field(default_factory=list)


def prepare(
    course: Course,
    labs: Sequence[str],
    form: str,
    identities: Path | None,
    choices: Mapping[str, str | None],
    titles: Mapping[str, str],
) -> Export:
    """The table of some labs, as `form` ("plain", "moodle"...) wants it; nothing is written.

    Args:
        identities: the platform's identifiers of each student: its own export, or a table made for
            it, with a column "student_id" for the gradebook's names.
        choices: by kind of mismatch, what to do with it.
        titles: by lab, its column in the platform's table; found by its name otherwise.
    """
    with course.gradebook() as gradebook:
        students = sorted(gradebook.db.query(Student), key=lambda student: student.id)
        found = [_lab(course, gradebook, lab) for lab in dict.fromkeys(labs)]
    export = Export()
    if identities is None and form != "plain":
        raise GraderError(f"--format {form} needs --identities: what {form} calls each student")
    people = _People(sheet.read(identities) if identities else None, form, students)
    chooser = _Chooser(export, choices)
    for who in people.ambiguous:
        chooser.says("ambiguous", who)
    for who in people.unsafe:
        chooser.says("unsafe", who)
    writer = {"plain": _Plain, "canvas": _Canvas, "brightspace": _Brightspace}.get(form, _Moodle)(
        people, found, titles, export
    )
    export.header = writer.header()
    for student in students:
        if people.table and student.id not in people.row_of:
            if student.id not in people.ambiguous_students:
                chooser.says("no-identity", student.id)
            continue
        scores = [chooser.score(student.id, lab) for lab in found]
        export.rows += writer.rows(student, people.row_of.get(student.id), scores)
    for row in people.strangers:
        choice = chooser.says("not-in-gradebook", people.label(row))
        if choice in ("zero", "blank"):
            scores = [0.0 if choice == "zero" else None] * len(found)
            export.rows += writer.rows(None, row, scores)
    for lab in found:
        for who in sorted(lab.pending):
            chooser.says("not-autograded", who, lab.name)
    return export


def to_json(export: Export, written: bool) -> str:
    """What was found, for a program."""
    facts = {
        "written": written,
        "rows": len(export.rows),
        "refused": [vars(one) for one in export.refused],
        "settled": [vars(one) for one in export.settled],
        "notes": export.notes,
    }
    return json.dumps(facts, ensure_ascii=False, indent=1)


def listed(mismatches: Iterable[Mismatch]) -> list[str]:
    """One line for each kind of mismatch: what it is, and who."""
    found: dict[tuple[str, str], list[str]] = {}
    for one in mismatches:
        found.setdefault((one.kind, one.lab), []).append(one.who)
    return [
        f"{f'{lab}: ' if lab else ''}{len(who)} {_MEANING[kind]}: {', '.join(who)}"
        for (kind, lab), who in found.items()
    ]


def remedies(mismatches: Iterable[Mismatch]) -> list[str]:
    """The options that settle these kinds of mismatch."""
    kinds = dict.fromkeys(one.kind for one in mismatches)
    return [f"--{kind} {'|'.join(CHOICES[kind])}" for kind in kinds if CHOICES[kind]]


class _Chooser:
    """What becomes of each mismatch, as the instructor has said."""

    def __init__(self, export: Export, choices: Mapping[str, str | None]) -> None:
        self.export, self.choices = export, choices

    def says(self, kind: str, who: str, lab: str = "") -> str | None:
        choice = self.choices.get(kind)
        known = self.export.settled if choice else self.export.refused
        known.append(Mismatch(kind, who, lab))
        return choice

    def score(self, student: str, lab: Lab) -> float | None:
        """The score to write; None for an empty cell."""
        standing = lab.standings.get(student)
        if standing is None:
            if student in lab.pending:
                return None
            return 0.0 if self.says("no-submission", student, lab.name) == "zero" else None
        if standing.waiting and self.says("ungraded", student, lab.name) != "as-is":
            return None
        return standing.score


def _lab(course: Course, gradebook: Gradebook, name: str) -> Lab:
    course.lab(name).check_released()
    assignment = gradebook.find_assignment(name)
    entry = SubmittedAssignment
    query = gradebook.db.query(
        entry.student_id,
        entry.timestamp,
        entry.score,
        entry.late_submission_penalty,
        entry.needs_manual_grade,
    ).filter(entry.assignment_id == assignment.id)
    standings = {
        student: Standing(when, score or 0.0, penalty or 0.0, bool(waiting))
        for student, when, score, penalty, waiting in query
    }
    pending = frozenset(course.lab(name).students()) - standings.keys()
    return Lab(name, assignment.max_score, standings, pending)


class _People:
    """Which line of the identities' table is whose."""

    def __init__(self, table: Sheet | None, form: str, students: Sequence[Student]) -> None:
        self.table, self.form = table, form
        self.row_of: dict[str, Row] = {}
        self.strangers: list[Row] = []
        self.ambiguous: list[str] = []
        self.ambiguous_students: set[str] = set()
        self.unsafe: list[str] = []
        self.places: dict[str, int] = {}
        if table is not None:
            self._find_columns(table)
            self._match([row for row in table.rows if not self._is_nobody(row)], students)

    def identifiers(self, row: Row | None) -> list[str]:
        """What the platform calls somebody, in the order of `places`."""
        return [_cell(row, place) for place in self.places.values()]

    def name(self, row: Row | None) -> str:
        """Their name on the platform, "" when its table has none."""
        return _cell(row, self.named)

    def label(self, row: Row) -> str:
        """Somebody's line, for the instructor to find it."""
        told = next((text for text in (*self.identifiers(row), _cell(row, self.ours)) if text), "?")
        return f"{told} (line {row.line})"

    def _find_columns(self, table: Sheet) -> None:
        found = {title: table.find(names) for title, names in IDENTIFIERS[self.form].items()}
        self.places = {title: place for title, place in found.items() if place is not None}
        if not self.places:
            titles = ", ".join(IDENTIFIERS[self.form])
            raise GraderError(
                f"{shown(table.path)} has none of the columns {titles}: what {self.form} knows"
                " students by"
            )
        self.section = table.find(("section",))
        canvas = self.form in ("canvas", "plain") and self.section is not None
        self.named = table.find(WHOLE_NAME) if canvas else None
        self.ours = table.find(name for name in _OURS if not (canvas and name in WHOLE_NAME))
        self.email = table.find(COLUMNS["email"])

    def _match(self, rows: Sequence[Row], students: Sequence[Student]) -> None:
        known: dict[str, set[str]] = {}
        for one in students:
            for text in (one.id, one.lms_user_id, one.email):
                known.setdefault(_folded(text or ""), set()).add(one.id)
        ids = {one.id for one in students}
        owners = {row.line: self._owners(row, ids, known) for row in rows}
        times = Counter(owner for found in owners.values() for owner in found)
        for row in rows:
            owner = owners[row.line]
            if any(text.startswith(sheet.FORMULA) for text in self.identifiers(row)):
                self.unsafe.append(self.label(row))
            if not owner:
                self.strangers.append(row)
            elif len(owner) > 1 or times[owner[0]] > 1:
                self.ambiguous.append(f"{self.label(row)} for {', '.join(owner)}")
                self.ambiguous_students.update(owner)
            elif any(self.identifiers(row)):
                self.row_of[owner[0]] = row

    def _owners(self, row: Row, ids: set[str], known: Mapping[str, set[str]]) -> list[str]:
        """The students who may be meant by a line: one, if all is well."""
        if self.ours is not None:
            return [name for name in (_cell(row, self.ours),) if name in ids]
        keys = set(map(_folded, (*self.identifiers(row), _cell(row, self.email)))) - {""}
        return sorted(set().union(*(known.get(key, set()) for key in keys)))

    def _is_nobody(self, row: Row) -> bool:
        """A line of Canvas about points, or its test student, or one that names nobody at all."""
        named = (self.name(row), _cell(row, self.ours), *self.identifiers(row))
        return sheet.key(self.name(row)) in NOBODY or not any(named)


def _cell(row: Row | None, place: int | None) -> str:
    return "" if row is None or place is None else row.cells[place].strip()


def _folded(text: str) -> str:
    return text.strip().removeprefix("#").casefold()  # Brightspace writes "#" before each


class _Moodle:
    """A line for each student, a column for each lab, as the platform titles it."""

    def __init__(
        self, people: _People, labs: Sequence[Lab], titles: Mapping[str, str], export: Export
    ) -> None:
        self.people, self.labs, self.notes = people, labs, export.notes
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


class _Brightspace(_Moodle):
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


class _Canvas(_Moodle):
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
        section = sheet.harmless(_cell(row, self.people.section))
        return [[*who, section, *map(_number, scores)]]

    def _most(self, place: int) -> float | None:
        people = self.people
        points = (r for r in people.table.rows if sheet.key(people.name(r)) in POINTS)
        return next((_as_number(_cell(row, place)) for row in points), None)


class _Plain:
    """A line for each student and lab, with all that the gradebook says."""

    FIELDS = ("lab", "student_id", "last_name", "first_name", "email", "lms_user_id")
    NUMBERS = ("submitted_utc", "raw_score", "late_penalty", "score", "max_score", "to_read")

    def __init__(
        self, people: _People, labs: Sequence[Lab], titles: Mapping[str, str], export: Export
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
    return "" if value is None else f"{value:.4f}".rstrip("0").rstrip(".")
