"""The journal of hand-ins: what was taken, what it earned, what was told of it, and when.

One file per lab and student, put in place whole at each step. The service alone writes them; the
pages read them. A step is written before what follows from it is done, so that a service that was
killed goes on from there, and never tells more than it has noted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from grader.course import STATE, Course
from grader.errors import GraderError
from grader.files import write_atomically
from grader.service.policy import Tell

_FOLDER: Final = ".service"


def folder_of(course: Course) -> Path:
    """Where the service keeps what it knows; no lab has a name that begins with a dot."""
    return course.root / STATE / _FOLDER


class State(StrEnum):
    """How far a hand-in has come."""

    TAKEN = "taken"
    GRADED = "graded"
    TROUBLE = "trouble"
    """It could not be graded, several times: for a person to look at."""


class Why(StrEnum):
    """Why nothing was told of a graded hand-in."""

    POLICY = "policy"
    DUE_DATE = "due date"
    """It is told afterwards."""
    LIMIT = "limit"
    """Of answers a day."""
    OTHER_COUNTS = "other counts"
    """The due date has passed, and another hand-in stands in the gradebook."""


@dataclass(frozen=True)
class Points:
    """What an exercise earned, or a question, which waits for a person."""

    exercise: str
    score: float
    max_score: float
    waiting: bool = False
    hint: str = ""


@dataclass(frozen=True)
class Attempt:
    """One hand-in. Dates are ISO, in UTC."""

    handed_in: str
    received: str
    sha256: str = ""
    """Of the notebook, as on the receipt."""
    addresses: Mapping[str, str] = field(default_factory=dict)
    """By notebook, the name of its page in the exchange, which only its student knows."""
    state: State = State.TAKEN
    points: tuple[Points, ...] = ()
    total: float = 0.0
    """As the gradebook has it, the penalty for lateness taken off."""
    look: tuple[str, ...] = ()
    """Reasons for an instructor to look at it."""
    counts: bool = False
    """It stands in the gradebook."""
    told: Tell = Tell.NOTHING
    why: Why | None = None
    kept_back: tuple[str, ...] = ()
    """Exercises that were left out of what was told."""
    answered: str = ""
    """When it was told."""
    published: bool = False
    """What was decided is where the student finds it."""

    @property
    def told_points(self) -> tuple[Points, ...]:
        """What its student may see."""
        if self.told is Tell.NOTHING:
            return ()
        hints = self.told is Tell.HINTS
        return tuple(
            each if hints else replace(each, hint="")
            for each in self.points
            if each.exercise not in self.kept_back
        )

    @classmethod
    def from_plain(cls, data: dict[str, Any]) -> Attempt:
        data = data | {
            "state": State(data["state"]),
            "points": tuple(Points(**each) for each in data["points"]),
            "look": tuple(data["look"]),
            "told": Tell(data["told"]),
            "why": Why(data["why"]) if data["why"] else None,
            "kept_back": tuple(data["kept_back"]),
        }
        return cls(**data)


Key = tuple[str, str]
"""A lab and a student."""


class Journal:
    """The attempts of a course, by lab and student, in the order in which they were handed in."""

    def __init__(self, course: Course) -> None:
        self.folder = folder_of(course)

    def of(self, lab: str, student: str) -> tuple[Attempt, ...]:
        """Those of one student; none if there is no file.

        Raises:
            GraderError: the file is damaged, and nothing may be told that it should count.
        """
        return _read(self._path(lab, student))

    def attempt(self, lab: str, student: str, handed_in: str) -> Attempt | None:
        return next((a for a in self.of(lab, student) if a.handed_in == handed_in), None)

    def put(self, lab: str, student: str, attempt: Attempt) -> Attempt:
        """Keep an attempt, in the place of what was known of it; only one counts."""
        others = [a for a in self.of(lab, student) if a.handed_in != attempt.handed_in]
        if attempt.counts:
            others = [replace(other, counts=False) for other in others]
        attempts = sorted([*others, attempt], key=lambda each: each.handed_in)
        text = json.dumps([asdict(each) for each in attempts], ensure_ascii=False, indent=1)
        write_atomically(self._path(lab, student), text.encode())
        return attempt

    def all(self, lab: str | None = None) -> Iterator[tuple[Key, tuple[Attempt, ...]]]:
        """Everybody's, of one lab or of all; without files that are damaged, which `of` tells."""
        for path in sorted(self.folder.glob(f"{lab or '*'}/*.json")):
            with suppress(GraderError):
                yield (path.parent.name, path.stem), _read(path)

    def _path(self, lab: str, student: str) -> Path:
        return self.folder / lab / f"{student}.json"


def _read(path: Path) -> tuple[Attempt, ...]:
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        if not path.exists():
            return ()
        raise GraderError(f"{path} cannot be read: {error.strerror}") from None
    with suppress(ValueError, KeyError, TypeError):
        return tuple(Attempt.from_plain(each) for each in json.loads(text))
    raise GraderError(
        f"{path} is damaged. Put back an earlier copy of it, or remove it: the student's answers of"
        " today then start again from none."
    )


def iso(date: datetime) -> str:
    """A date of a hand-in as the journal has it; the gradebook's have no zone, and are in UTC."""
    return f"{date.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def moment(text: str) -> datetime:
    """The date that `iso` wrote, with its zone."""
    return datetime.fromisoformat(text)
