"""What students are told of a hand-in, and when: `policies.csv` in the course's folder.

One line per lab, `*` for those that have none; lines may be changed by hand, by `grader policy`
and on the instructor's page. It is read anew at each decision. What each policy lets a student
learn is in docs/service.md.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, TypeVar

from grader.course import Course, Lab
from grader.errors import GraderError, shown
from grader.files import read_table, write_table
from grader.notebook import grade_id, is_solution
from grader.text import did_you_mean

COLUMNS: Final = ("lab", "tell", "when", "per_day", "counts", "kept_back")
DEFAULT: Final = "*"
"""Stands for every lab that has no line of its own."""
_MOST_PER_DAY: Final = 1000


class Tell(StrEnum):
    """What a student is told of a hand-in."""

    NOTHING = "nothing"
    POINTS = "points"
    """Of each exercise."""
    HINTS = "hints"
    """The feedback page: points, what the tests said, the student's own outputs."""


class When(StrEnum):
    """When it is told."""

    AT_ONCE = "at once"
    AFTER = "after"
    """After the student's own due date."""


class Counts(StrEnum):
    """The hand-in that stands in the gradebook."""

    LAST = "last"
    BEST = "best"


@dataclass(frozen=True)
class Policy:
    """What is told of a lab; without a line, nothing."""

    tell: Tell = Tell.NOTHING
    when: When = When.AT_ONCE
    per_day: int = 3
    """Answers that a student gets in a day of the course's zone."""
    counts: Counts = Counts.LAST
    kept_back: tuple[str, ...] = ()
    """Exercises of which nothing is told before everybody's due date; of the others, points."""

    def __str__(self) -> str:
        kept = f"; kept back until the due date: {', '.join(self.kept_back)}" * bool(self.kept_back)
        if self.tell is Tell.NOTHING:
            return f"nothing is told, the {self.counts} counts{kept}"
        when = "at once" if self.when is When.AT_ONCE else "after the due date"
        return f"{self.tell} {when}, {self.per_day} a day, the {self.counts} counts{kept}"


Policies = Mapping[str, Policy]
"""By lab."""


def path_of(course: Course) -> Path:
    return course.root / "policies.csv"


def policy_of(course: Course, lab: str) -> Policy:
    """The policy of one lab.

    Raises:
        GraderError: the file cannot be read.
    """
    return policy_in(read_policies(course), lab)


def policy_in(policies: Policies, lab: str) -> Policy:
    """The line of a lab, or that of all."""
    return policies.get(lab) or policies.get(DEFAULT) or Policy()


def read_policies(course: Course) -> dict[str, Policy]:
    """The lines of the file.

    Raises:
        GraderError: a line is not what is needed; the message has its number.
    """
    path = path_of(course)
    if not path.is_file():
        return {}
    found = {}
    for line, row in enumerate(read_table(path), start=2):
        values = {name: (row.get(name) or "").strip() for name in COLUMNS}
        try:
            found[values["lab"]] = read_policy(values)
        except GraderError as error:
            raise GraderError(f"{shown(path)}:{line}: {error}") from None
    return found


def read_policy(values: Mapping[str, str]) -> Policy:
    """A policy from texts; what is empty stays as usual.

    Raises:
        GraderError: one is not what is needed.
    """
    usual = Policy()
    return Policy(
        _chosen(Tell, values.get("tell", ""), usual.tell),
        _chosen(When, values.get("when", ""), usual.when),
        _per_day(values.get("per_day", ""), usual.per_day),
        _chosen(Counts, values.get("counts", ""), usual.counts),
        tuple(values.get("kept_back", "").split()),
    )


def change_policy(course: Course, lab: str, values: Mapping[str, str]) -> Policy:
    """Write the line of a lab with these values in the place of those it has.

    Raises:
        GraderError: no such lab or exercise, or a value is not what is needed.
    """
    before = policy_of(course, lab)
    policy = read_policy(_as_texts(before) | dict(values))
    if lab != DEFAULT:
        _check_exercises(course.known_lab(lab), policy.kept_back)
    write_policy(course, lab, policy)
    return policy


def _check_exercises(lab: Lab, names: Collection[str]) -> None:
    """Refuse a name of no exercise, which would keep nothing back."""
    if not names:
        return
    cells = [cell for part in lab.parts for cell in part.author_notebook()["cells"]]
    known = [str(grade_id(cell)) for cell in cells if grade_id(cell) and is_solution(cell)]
    for name in names:
        if name not in known:
            raise GraderError(f"{lab.name} has no exercise {name}. {did_you_mean(name, known)}")


def lines(course: Course, lab: str | None = None) -> list[str]:
    """The policies, for a terminal."""
    policies = read_policies(course)
    if lab is not None:
        return [f"{lab}: {policy_in(policies, lab)}"]
    return [f"{name}: {policy}" for name, policy in sorted(policies.items())] or [
        f"{DEFAULT}: {Policy()}"
    ]


def _as_texts(policy: Policy) -> dict[str, str]:
    return {
        "tell": policy.tell,
        "when": policy.when,
        "per_day": str(policy.per_day),
        "counts": policy.counts,
        "kept_back": " ".join(policy.kept_back),
    }


_Choice = TypeVar("_Choice", bound=StrEnum)


def _chosen(kind: type[_Choice], text: str, usual: _Choice) -> _Choice:
    try:
        return kind(text.lower()) if text else usual
    except ValueError:
        known = ", ".join(kind)
        raise GraderError(f"{text!r} is none of: {known}") from None


def _per_day(text: str, usual: int) -> int:
    if not text:
        return usual
    if not text.isdecimal() or not 0 < int(text) <= _MOST_PER_DAY:
        raise GraderError(f"{text!r} is no number of answers a day, from 1 to {_MOST_PER_DAY}")
    return int(text)


def write_policy(course: Course, lab: str, policy: Policy) -> None:
    """Put one lab's line in the place of the one it has."""
    policies = read_policies(course) | {lab: policy}
    rows = [(name, *_as_texts(policies[name]).values()) for name in sorted(policies)]
    write_table(path_of(course), [COLUMNS, *rows])
