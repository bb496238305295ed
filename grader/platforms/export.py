"""Grades for a course platform: the table that it imports, and everybody who does not fit in it.

Nobody is left out in silence: each mismatch between the gradebook and the platform's list stops the
export, until the instructor says what to do with its kind.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nbgrader.api import Student

from grader.course import Course
from grader.errors import GraderError
from grader.platforms import sheet
from grader.platforms.formats import Brightspace, Canvas, Moodle, Plain
from grader.platforms.grades import Lab, read_lab
from grader.platforms.identities import People
from grader.platforms.mismatches import Mismatch


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
        found = [read_lab(course, gradebook, lab) for lab in dict.fromkeys(labs)]
    export = Export()
    if identities is None and form != "plain":
        raise GraderError(f"--format {form} needs --identities: what {form} calls each student")
    people = People(sheet.read(identities) if identities else None, form, students)
    chooser = _Chooser(export, choices)
    for who in people.ambiguous:
        chooser.says("ambiguous", who)
    for who in people.unsafe:
        chooser.says("unsafe", who)
    writer = {"plain": Plain, "canvas": Canvas, "brightspace": Brightspace}.get(form, Moodle)(
        people, found, titles, export.notes
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
