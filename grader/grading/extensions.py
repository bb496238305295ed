"""The extensions that an instructor has given: `extensions.csv` in the course's folder.

One line per lab and student, with the new due date; lines may be added and changed by hand. The
gradebook keeps an extension only for work that was handed in: this file also has the others.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from grader.course import Course
from grader.dates import read_date
from grader.errors import GraderError, shown
from grader.files import write_atomically

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
    try:
        text = path.read_text("utf-8-sig")
        mark = ";" if ";" in text.partition("\n")[0] else ","  # the first is a French Excel's
        rows = list(csv.DictReader(io.StringIO(text), delimiter=mark))
    except (UnicodeDecodeError, csv.Error) as error:
        raise GraderError(
            f"{shown(path)} cannot be read: {error}. Save it as CSV, UTF-8."
        ) from error
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
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for (lab, student), until in sorted(extensions.items()):
        local = until.astimezone(course.zone)
        writer.writerow((lab, student, local.isoformat(" ", "minutes")))
    write_atomically(path_of(course), text.getvalue().encode())


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
