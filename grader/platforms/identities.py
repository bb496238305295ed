"""A platform's identifiers of students: the lines of its table, matched with the gradebook."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from grader.errors import GraderError, shown
from grader.platforms import sheet
from grader.platforms.columns import (
    COLUMNS,
    IDENTIFIERS,
    NOBODY,
    POINTS,
    STUDENT_ID,
    WHOLE_NAME,
    Format,
)
from grader.platforms.decoding import spoiled_by_excel
from grader.platforms.sheet import Sheet

if TYPE_CHECKING:
    from nbgrader.api import Student


@dataclass(frozen=True)
class Identity:
    """Somebody's line in the identities' file; empty without such a file."""

    line: int = 0
    identifiers: tuple[str, ...] = ()
    """In the order of the file's identifying columns."""
    student_id: str | None = None
    """The gradebook's name; None if no column has these names."""
    email: str = ""
    name: str = ""
    section: str = ""

    @property
    def label(self) -> str:
        """For the instructor to find the line."""
        text = next(filter(None, (*self.identifiers, self.student_id)), "?")
        return f"{text} (line {self.line})"

    @property
    def is_nobody(self) -> bool:
        """A line of Canvas about points, or its test student, or one that names nobody at all."""
        names = (self.name, self.student_id, *self.identifiers)
        return sheet.key(self.name) in NOBODY or not any(names)


@dataclass(frozen=True)
class Match:
    """Somebody of the identities' file, and the students who may be meant."""

    identity: Identity
    students: Sequence[str]


@dataclass
class Matches:
    """The identities' file, by what its lines say of the gradebook's students."""

    identities: dict[str, Identity] = field(default_factory=dict)
    """By student, the one line that is theirs and identifies them."""
    strangers: list[Identity] = field(default_factory=list)
    """Those who are not in the gradebook."""
    ambiguous: list[Match] = field(default_factory=list)
    """Those who may be several students, or a student who has another line."""
    unsafe: list[Identity] = field(default_factory=list)
    """Those with an identifier that is a formula to a spreadsheet, or that cannot be shown."""


class Identities:
    """The identities' file: a platform's own export, or a table made for it."""

    def __init__(self, table: Sheet, form: Format) -> None:
        self.table = table
        places = {title: table.find(names) for title, names in IDENTIFIERS[form].items()}
        self.places = {title: place for title, place in places.items() if place is not None}
        if not self.places:
            titles = ", ".join(IDENTIFIERS[form])
            raise GraderError(
                f"{shown(table.path)} has none of the columns {titles}: what {form} knows"
                " students by"
            )
        section = table.find(("section",))
        canvas = form in (Format.CANVAS, Format.PLAIN) and section is not None
        name = table.find(WHOLE_NAME) if canvas else None
        student_id = table.find(t for t in STUDENT_ID if not (canvas and t in WHOLE_NAME))
        email = table.find(COLUMNS["email"])
        lines = [
            Identity(
                line=row.line,
                identifiers=tuple(row.cell(place) for place in self.places.values()),
                student_id=None if student_id is None else row.cell(student_id),
                email=row.cell(email),
                name=row.cell(name),
                section=row.cell(section),
            )
            for row in table.rows
        ]
        self.people = _once_each(identity for identity in lines if not identity.is_nobody)
        _refuse_spoiled(table, self.people)
        self.points_row = next((r for r in table.rows if sheet.key(r.cell(name)) in POINTS), None)

    def titles(self) -> list[str]:
        """The titles of the identifying columns: the platform's, or those of another language."""
        columns = self.table.columns
        return [
            title if sheet.key(columns[place]) == sheet.key(title) else columns[place]
            for title, place in self.places.items()
        ]

    def match(self, students: Sequence[Student]) -> Matches:
        """Find the student of each line."""
        known: dict[str, set[str]] = {}
        for student in students:
            for text in (student.id, student.lms_user_id, student.email):
                known.setdefault(_folded(text or ""), set()).add(student.id)
        ids = {student.id for student in students}
        found = [Match(identity, _candidates(identity, ids, known)) for identity in self.people]
        lines = Counter(student for match in found for student in match.students)
        matches = Matches()
        for match in found:
            if any(sheet.harmless(text) != text for text in match.identity.identifiers):
                matches.unsafe.append(match.identity)
            if not match.students:
                matches.strangers.append(match.identity)
            elif len(match.students) > 1 or lines[match.students[0]] > 1:
                matches.ambiguous.append(match)
            elif any(match.identity.identifiers):
                matches.identities[match.students[0]] = match.identity
        return matches


def everybody(students: Sequence[Student]) -> Matches:
    """The matches without an identities' file: nobody is missing or in excess."""
    return Matches({student.id: Identity() for student in students})


def _once_each(people: Iterable[Identity]) -> list[Identity]:
    """Without the second line of who is in two groups: the same person in another section."""
    first: dict[tuple[object, ...], Identity] = {}
    for person in people:
        who = (person.identifiers, person.student_id, person.email, person.name)
        first.setdefault(who, person)
    return list(first.values())


def _refuse_spoiled(table: Sheet, people: Iterable[Identity]) -> None:
    wrong = [
        f"  line {person.line}: an identifier {reason}"
        for person in people
        for text in (*person.identifiers, person.student_id or "")
        if (reason := spoiled_by_excel(text))
    ]
    if wrong:
        raise GraderError("\n".join([f"{shown(table.path)}:", *wrong]))


def _candidates(identity: Identity, ids: set[str], known: Mapping[str, set[str]]) -> list[str]:
    """The students who may be meant: one, if all is well."""
    if identity.student_id is not None:
        exact = ids & {identity.student_id}
        return sorted(exact or {n for n in ids if n.casefold() == identity.student_id.casefold()})
    keys = set(map(_folded, (*identity.identifiers, identity.email))) - {""}
    return sorted(set().union(*(known.get(key, set()) for key in keys)))


def _folded(text: str) -> str:
    return text.strip().removeprefix("#").casefold()  # Brightspace writes "#" before each
