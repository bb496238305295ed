"""One student, one name: the hub writes names in lower case, class lists often do not.

Names that differ in upper and lower case only are one person. Somebody who hands in is known from
then on by the name of their session on the hub, and the class list's entry becomes theirs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Final

from nbgrader.api import Assignment, Gradebook, Student, SubmittedAssignment
from sqlalchemy import select

from grader.errors import GraderError

_FIELDS: Final = ("first_name", "last_name", "email", "lms_user_id")


def spelling(name: str, known: Collection[str]) -> str:
    """The known name that is the same but for its case; the name itself without one.

    Raises:
        GraderError: there are two.
    """
    if name in known:
        return name
    same = sorted(one for one in known if one.casefold() == name.casefold())
    if len(same) > 1:
        raise GraderError(
            f"{name}: the gradebook has {' and '.join(same)}. Once `grader autograde` has graded"
            " who handed in, one of them is left"
        )
    return same[0] if same else name


def refuse_two_spellings(gradebook: Gradebook, lab: str, submitted: Iterable[str]) -> None:
    """Refuse hand-ins of one person under two names, which would be two students.

    Raises:
        GraderError: naming them, with the folder to rename.
    """
    folders: dict[str, list[str]] = defaultdict(list)
    for name in submitted:
        folders[name.casefold()].append(name)
    graded: dict[str, list[str]] = defaultdict(list)
    query = gradebook.db.query(SubmittedAssignment.student_id, Assignment.name)
    for student, assignment in query.join(SubmittedAssignment.assignment):
        graded[student].append(assignment)
    wrong = list(_two_folders(lab, folders)) + list(_two_students(lab, folders, graded))
    if wrong:
        raise GraderError("\n".join(["One person under two names:", *wrong]))


def _two_folders(lab: str, folders: Mapping[str, list[str]]) -> Iterable[str]:
    for names in folders.values():
        if len(names) > 1:
            yield (
                f"  {lab} is handed in as {' and '.join(names)}: keep the folder with the name of"
                " the hub, and move the other away"
            )


def _two_students(
    lab: str, folders: Mapping[str, list[str]], graded: Mapping[str, list[str]]
) -> Iterable[str]:
    for other, labs in graded.items():
        for name in folders.get(other.casefold(), ()):
            if name in graded and name != other:
                yield (
                    f"  {name} and {other} both have grades: rename the folders of one to the name"
                    " of the other, `nbgrader db student remove NAME --force`, and grade again"
                )
            elif name != other:
                yield (
                    f"  {name} has handed in {lab}, and the gradebook has {', '.join(labs)} of"
                    f" {other}: rename the folder submitted/{name} to {other}"
                )


def unite(gradebook: Gradebook, students: Iterable[str]) -> None:
    """Give students the class list's fields of the same name in another case, and remove it.

    An entry with work of its own is left: `refuse_two_spellings` has told it. The caller commits.
    """
    names = {name.casefold(): name for name in students}
    graded = select(SubmittedAssignment.student_id)
    for other in gradebook.db.query(Student).filter(Student.id.not_in(graded)).all():
        name = names.get(other.id.casefold(), other.id)
        if name != other.id:
            entry = gradebook.find_student(name)
            for field in _FIELDS:
                setattr(entry, field, getattr(entry, field) or getattr(other, field))
            gradebook.db.delete(other)
