"""Grades for a course platform: the table that it imports, and everybody who does not fit in it.

Nobody is left out in silence: each mismatch between the gradebook and the platform's list stops the
export, until the instructor says what to do with its kind.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbgrader.api import Student

from grader.course import Course
from grader.grading import lateness
from grader.platforms import sheet
from grader.platforms.columns import Format
from grader.platforms.formats import Entry, table_of
from grader.platforms.grades import LabColumn, read_lab
from grader.platforms.identities import Identities, Matches, everybody
from grader.platforms.mismatches import Choices, Kind, Mismatch, NotInGradebook


@dataclass(frozen=True)
class Export:
    """A table, and who does not fit in it."""

    header: list[list[str]]
    rows: list[list[str]]
    refused: list[Mismatch]
    settled: list[Mismatch]
    """Those for whom the instructor has made a choice."""
    notes: list[str]


def prepare(
    course: Course,
    labs: Sequence[str],
    form: Format,
    identities: Path | None,
    choices: Choices,
    titles: Mapping[str, str],
    *,
    french: bool = False,
) -> Export:
    """The table of some labs; nothing is written.

    Args:
        identities: the platform's identifiers of each student: its own export, or a table made for
            it, with a column "student_id" for the gradebook's names.
        titles: by lab, its column in the platform's table; found by its name otherwise.
        french: numbers of a plain table have a decimal comma.

    Raises:
        GraderError: a lab is not in the gradebook, or the identities' file is not what is needed.
    """
    lateness.refresh(course)
    with course.gradebook() as gradebook:
        students = sorted(gradebook.db.query(Student), key=lambda student: student.id)
        columns = [read_lab(course, gradebook, lab) for lab in dict.fromkeys(labs)]
    people = Identities(sheet.read(identities), form) if identities else None
    table = table_of(form, people, columns, titles, french=french)
    matches = people.match(students) if people else everybody(students)
    mismatches = list(_mismatches(students, columns, matches))
    entries = _entries(students, columns, matches, choices)
    return Export(
        header=table.header(),
        rows=[row for entry in entries for row in table.rows(entry)],
        refused=[mismatch for mismatch in mismatches if not choices.settle(mismatch.kind)],
        settled=[mismatch for mismatch in mismatches if choices.settle(mismatch.kind)],
        notes=table.notes,
    )


def to_json(export: Export, written: bool) -> str:
    """The export's findings, for a program."""
    facts = {
        "written": written,
        "rows": len(export.rows),
        "refused": [vars(mismatch) for mismatch in export.refused],
        "settled": [vars(mismatch) for mismatch in export.settled],
        "notes": export.notes,
    }
    return json.dumps(facts, ensure_ascii=False, indent=1)


def _mismatches(
    students: Sequence[Student], labs: Sequence[LabColumn], matches: Matches
) -> Iterator[Mismatch]:
    """Everybody who does not fit, whatever the choices."""
    for match in matches.ambiguous:
        yield Mismatch(Kind.AMBIGUOUS, f"{match.identity.label} for {', '.join(match.students)}")
    for identity in matches.unsafe:
        yield Mismatch(Kind.UNSAFE, identity.label)
    ambiguous = {student for match in matches.ambiguous for student in match.students}
    for student in students:
        if student.id in matches.identities:
            for lab in labs:
                if kind := lab.mismatch(student.id):
                    yield Mismatch(kind, student.id, lab.name)
        elif student.id not in ambiguous:
            yield Mismatch(Kind.NO_IDENTITY, student.id)
    for identity in matches.strangers:
        yield Mismatch(Kind.NOT_IN_GRADEBOOK, identity.label)
    for lab in labs:
        for name in sorted(lab.pending):
            yield Mismatch(Kind.NOT_AUTOGRADED, name, lab.name)


def _entries(
    students: Sequence[Student], labs: Sequence[LabColumn], matches: Matches, choices: Choices
) -> list[Entry]:
    """Everybody whom the table has, with their scores."""
    entries = []
    for student in students:
        if identity := matches.identities.get(student.id):
            scores = [lab.score(student.id, choices) for lab in labs]
            entries.append(Entry(student, identity, scores))
    if choices.not_in_gradebook in (NotInGradebook.BLANK, NotInGradebook.ZERO):
        score = 0.0 if choices.not_in_gradebook is NotInGradebook.ZERO else None
        entries += [Entry(None, identity, [score] * len(labs)) for identity in matches.strangers]
    return entries
