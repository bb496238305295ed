"""The class list: from a course platform's file into nbgrader's gradebook.

A person is added or brought up to date, never removed, and an empty cell erases nothing. One line
that is wrong keeps the whole file from being written. Names that differ in case only are one
person, who keeps the name that the gradebook has.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from nbgrader.api import Student

from grader.course import Course
from grader.errors import GraderError, shown
from grader.grading.spelling import spelling
from grader.platforms import sheet
from grader.platforms.columns import COLUMNS, KNOWN_TITLES, NOBODY, WHOLE_NAME
from grader.platforms.decoding import spoiled_by_excel
from grader.platforms.sheet import Row, Sheet
from grader.text import printable

_SAFE = re.compile(r"\w[\w.@-]*")
_LONGEST = 128  # characters, in nbgrader's tables
_LONGEST_FOLDER = 200


@dataclass(frozen=True)
class Roster:
    """The students of a file."""

    columns: Mapping[str, str]
    """The column that each field was taken from."""
    students: Mapping[str, Mapping[str, str]]
    """By identifier, the fields that are not empty."""
    skipped: tuple[str, ...]
    """Lines that are nobody's."""
    encoding: str = ""


@dataclass(frozen=True)
class Plan:
    """The changes that a roster makes in the gradebook."""

    added: Mapping[str, Mapping[str, str]]
    changed: Mapping[str, Mapping[str, tuple[str | None, str]]]
    """By identifier, each field that changes: before, after."""
    missing: tuple[str, ...]
    """In the gradebook, not in the file; they stay."""
    unchanged: int
    respelled: Mapping[str, str]
    """By the file's name, the one that the gradebook has, in another case."""


def read_roster(path: Path, id_column: str | None = None) -> Roster:
    """The students of a file.

    Args:
        id_column: the column that names students as their sessions do; found by itself otherwise.

    Raises:
        GraderError: naming each line that is wrong.
    """
    titles = {*KNOWN_TITLES, sheet.key(id_column or "")} - {""}
    table = sheet.read(path, titles)
    places = _places(table, id_column)
    people = _People()
    skipped = [f"line {row.line}: {_shortly(row)}" for row in table.above]
    for row in table.rows:
        fields = _fields(row, places)
        if _is_nobody(fields):
            skipped.append(f"line {row.line}: {_shortly(row)}")
        else:
            people.add(row.line, fields)
    if people.wrong:
        raise GraderError("\n".join([f"{shown(path)}: nothing was written, for", *people.wrong]))
    if not people.students:
        raise GraderError(f"{shown(path)} names no student")
    columns = {field: table.columns[place] for field, place in places.items()}
    return Roster(columns, people.students, tuple(skipped), table.encoding)


class _People:
    """The students of a file, line by line; who is in two groups has two lines that agree."""

    def __init__(self) -> None:
        self.students: dict[str, dict[str, str]] = {}
        self.wrong: list[str] = []
        self._lines: dict[str, int] = {}

    def add(self, line: int, fields: dict[str, str]) -> None:
        name = fields.pop("id", "")
        found = list(_mistakes(name, fields))
        fields.pop("name", None)
        first = self._lines.setdefault(name.casefold(), line)
        known = self.students.setdefault(name, fields)
        if name and first != line and (known is fields or _contradict(known, fields)):
            found.append(f"{name} is on line {first} already, with other fields or in another case")
        self.wrong += [f"  line {line}: {mistake}" for mistake in found]
        self.students[name] = known | fields


def _contradict(known: Mapping[str, str], fields: Mapping[str, str]) -> bool:
    return any(known.get(field, text) != text for field, text in fields.items())


def _shortly(row: Row) -> str:
    return " ".join(row.cells).strip()[:60]


def compare(course: Course, roster: Roster) -> Plan:
    """The changes that the roster makes; nothing is written.

    Raises:
        GraderError: the gradebook has a name in two cases, neither of which is the roster's.
    """
    with course.gradebook() as gradebook:
        known = {
            student.id: {field: getattr(student, field) for field in COLUMNS}
            for student in gradebook.db.query(Student)
        }
    spellings = {name: spelling(name, known) for name in roster.students}
    students = {spellings[name]: fields for name, fields in roster.students.items()}
    changes = {
        name: {field: (known[name][field], new) for field, new in fields.items()
               if known[name][field] != new}
        for name, fields in students.items()
        if name in known
    }  # fmt: skip
    changed = {name: fields for name, fields in changes.items() if fields}
    return Plan(
        added={name: fields for name, fields in students.items() if name not in known},
        changed=changed,
        missing=tuple(sorted(known.keys() - students.keys())),
        unchanged=len(changes) - len(changed),
        respelled={name: other for name, other in spellings.items() if name != other},
    )


def enter(course: Course, plan: Plan) -> None:
    """Write what was planned into the gradebook: all of it, or nothing."""
    with course.gradebook() as gradebook:
        for name, fields in plan.added.items():
            gradebook.db.add(Student(id=name, **fields))
        for name, changes in plan.changed.items():
            student = gradebook.find_student(name)
            for field, (_, new) in changes.items():
                setattr(student, field, new)
        gradebook.db.commit()


def to_json(plan: Plan, written: bool) -> str:
    """The plan, for a program."""
    changed = {
        name: {field: {"before": old, "after": new} for field, (old, new) in changes.items()}
        for name, changes in plan.changed.items()
    }
    facts = {
        "written": written,
        "added": plan.added,
        "changed": changed,
        "missing": plan.missing,
        "unchanged": plan.unchanged,
        "respelled": plan.respelled,
    }
    return json.dumps(facts, ensure_ascii=False, indent=1)


def _places(table: Sheet, id_column: str | None) -> dict[str, int]:
    """The place of each field in a line."""
    places: dict[str, int] = {}
    for field, names in COLUMNS.items():
        if field == "id" and id_column is not None:
            names = (sheet.key(id_column),)
        place = table.find(names)
        if place is not None and place not in places.values():
            places[field] = place
    if "id" not in places:
        raise GraderError(
            f"{shown(table.path)}: no column {id_column or 'of user names'} among"
            f" {', '.join(table.columns)}. Name the one that says what students are called on the"
            " hub: --id-column NAME"
        )
    if "last_name" not in places and (whole := table.find(WHOLE_NAME)) is not None:
        places["name"] = whole
    return places


def _fields(row: Row, places: Mapping[str, int]) -> dict[str, str]:
    """The fields of a person's line that are not empty."""
    cells = {field: " ".join(row.cells[place].split()) for field, place in places.items()}
    fields = {field: unicodedata.normalize("NFC", text) for field, text in cells.items() if text}
    for field in ("id", "lms_user_id"):
        if field in fields:
            fields[field] = fields[field].removeprefix("#")  # Brightspace's, before each
    if "name" in fields:
        last, _, first = map(str.strip, fields["name"].partition(","))
        fields |= {"last_name": last} | ({"first_name": first} if first else {})
    return fields


def _is_nobody(fields: Mapping[str, str]) -> bool:
    return not fields or sheet.key(fields.get("name", "")) in NOBODY


def _mistakes(name: str, fields: Mapping[str, str]) -> Iterator[str]:
    """The mistakes in a person's line."""
    for field in ("user name", "lms_user_id"):
        if reason := spoiled_by_excel(name if field == "user name" else fields.get(field, "")):
            yield f"the {field} {reason}"
    if not name:
        yield "no user name"
    elif not _SAFE.fullmatch(name) or len(name.encode()) > _LONGEST_FOLDER:
        yield (
            f"{printable(name)!r} cannot name a folder: it may have letters and digits, then also"
            f" . _ @ -, and {_LONGEST_FOLDER} bytes"
        )
    for field, text in {"user name": name, **fields}.items():
        if len(text) > _LONGEST:
            yield f"the {field} has more than {_LONGEST} characters"
        if printable(text) != text:
            yield f"the {field} has characters that cannot be shown"
    if "@" not in fields.get("email", "@"):
        yield f"{fields['email']!r} is no address"
