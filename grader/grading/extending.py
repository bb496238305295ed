"""More time for a student: what `grader extend` does."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from nbgrader.api import Assignment, Student, SubmittedAssignment

from grader.course import Course
from grader.dates import read_date, shown_date
from grader.errors import GraderError
from grader.grading import lateness
from grader.grading.extensions import Extensions, read_extensions, write_extensions
from grader.text import did_you_mean


def give(course: Course, lab: str, student: str, until: str) -> None:
    """Move one student's due date.

    Raises:
        GraderError: no such date, lab or student.
    """
    date = read_date(until, course.zone)
    _check_known(course, [(lab, student)])
    _keep(course, read_extensions(course) | {(lab, student): date})


def give_all(course: Course, table: Path) -> None:
    """Move the due dates of a table; those that it does not name stay."""
    if not table.is_file():
        raise GraderError(f"{table} is not there.")
    given = read_extensions(course, table)
    _check_known(course, given)
    _keep(course, read_extensions(course) | given)


def take_back(course: Course, lab: str, student: str) -> None:
    """Give a student the lab's own due date again.

    Raises:
        GraderError: the student has no extension.
    """
    found = read_extensions(course)
    listed = found.pop((lab, student), None) is not None
    if not _forget(course, lab, student) and not listed:
        raise GraderError(f"{student} has no extension for {lab}.")
    _keep(course, found)


def lines(course: Course, lab: str | None = None, student: str | None = None) -> list[str]:
    """The extensions, for a terminal."""
    return [
        f"{name}: {who} until {shown_date(until, course.zone)}"
        for (name, who), until in sorted(read_extensions(course).items())
        if lab in (None, name) and student in (None, who)
    ] or ["No extension."]


def _keep(course: Course, extensions: Extensions) -> None:
    write_extensions(course, extensions)
    lateness.refresh(course)


def _forget(course: Course, lab: str, student: str) -> bool:
    """Remove the extension from the gradebook; True if it had one."""
    with course.gradebook() as gradebook:
        entries = gradebook.db.query(SubmittedAssignment).filter(
            SubmittedAssignment.student_id == student, SubmittedAssignment.assignment.has(name=lab)
        )
        had = [entry for entry in entries if entry.extension is not None]
        for entry in had:
            entry.extension = None
        gradebook.db.commit()
    return bool(had)


def _check_known(course: Course, pairs: Iterable[tuple[str, str]]) -> None:
    """Refuse a name that would move nobody's due date."""
    with course.gradebook() as gradebook:
        due = dict(gradebook.db.query(Assignment.name, Assignment.duedate).all())
        students = {name for (name,) in gradebook.db.query(Student.id)}
    for lab, student in pairs:
        if lab not in due:
            hint = did_you_mean(lab, due) or f"Run: grader release {lab}"
            raise GraderError(f"{lab} is not in the gradebook. {hint}")
        if due[lab] is None:
            raise GraderError(f"{lab} has no due date: grader release {lab} --duedate ...")
        known = students | set(course.lab(lab).students())
        if student not in known:
            hint = did_you_mean(student, known) or "`grader import-roster` adds students."
            raise GraderError(f"{student} is not in the class. {hint}")
