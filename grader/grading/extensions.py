"""The extensions that an instructor has given: `extensions.csv` in the course's folder.

One line per lab and student, with the new due date; lines may be added and changed by hand. The
gradebook keeps an extension only for work that was handed in: this file also has the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from grader.course import Course
from grader.dates import read_date
from grader.errors import GraderError, shown
from grader.files import read_table, write_table

COLUMNS: Final = ("lab", "student", "until")

Extensions = dict[tuple[str, str], datetime]
"""By lab and student, the new due date, in UTC."""


def path_of(course: Course) -> Path:
    return course.root / "extensions.csv"


def read_extensions(course: Course, path: Path | None = None) -> Extensions:
    """The extensions of a course, or those of another file of the same form.

    Raises:
        GraderError: a line is not what is needed; the message has its number.
    """
    path = path or path_of(course)
    if not path.is_file():
        return {}
    rows = read_table(path)
    return dict(_extension(course, path, line, row) for line, row in enumerate(rows, start=2))


def _extension(
    course: Course, path: Path, line: int, row: Mapping[str, str | None]
) -> tuple[tuple[str, str], datetime]:
    lab, student, until = ((row.get(column) or "").strip() for column in COLUMNS)
    if not (lab and student and until):
        raise GraderError(f"{shown(path)}:{line}: a line has {', '.join(COLUMNS)}.")
    try:
        return (lab, student), read_date(until, course.zone)
    except GraderError as error:
        raise GraderError(f"{shown(path)}:{line}: {error}") from None


def write_extensions(course: Course, extensions: Extensions) -> None:
    """Replace the file; dates are written in the course's zone, which they name."""
    rows = [
        (lab, student, until.astimezone(course.zone).isoformat(" ", "minutes"))
        for (lab, student), until in sorted(extensions.items())
    ]
    write_table(path_of(course), [COLUMNS, *rows])


def extended(extensions: Extensions, lab: str, student: str) -> datetime | None:
    """The due date of one student, without its zone as in the gradebook, if it was moved.

    The name may be in another case: the class list's, before its first submission.
    """
    until = extensions.get((lab, student)) or next(
        (
            date
            for (name, who), date in extensions.items()
            if name == lab and who.casefold() == student.casefold()
        ),
        None,
    )
    return until.astimezone(UTC).replace(tzinfo=None) if until else None
