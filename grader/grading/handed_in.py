"""Files that a student handed in beside the notebook: found, bounded, read when they are needed.

They are for the candidate of that notebook only. Nothing here looks into them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from grader.course import Submission
from grader.errors import GraderError
from grader.files import NotPlain, read_plain
from grader.grading.copies import files_beside
from grader.grading.submission import Problem, Unreadable, read_bytes
from grader.notebook import Notebook, asked_files
from grader.text import in_a_line
from labo.coursework.beside import MAX_FILES, MAX_FILES_BYTES

_MARKS: Final = ("timestamp.txt", "submission_secret.txt")  # the exchange's
_MOST_FOLDERS: Final = 20  # one in another
_SHOWN: Final = 5  # names in a message


@dataclass(frozen=True)
class HandedIn:
    """Files of a submission: where they lie, and a digest of each, by path below there."""

    folder: Path
    digests: dict[str, str] = field(default_factory=dict)

    def read(self) -> dict[str, bytes]:
        """Their contents.

        Raises:
            GraderError: one of them is no longer what it was.
        """
        return {name: self._read(name) for name in self.digests}

    def _read(self, name: str) -> bytes:
        path = self.folder / name
        try:
            content = read_plain(path, MAX_FILES_BYTES)
        except NotPlain:
            content = b""
        if _digest(content) != self.digests[name]:
            raise GraderError(
                f"{path} changed while {self.folder.name} was graded: run the same command again"
            )
        return content


def handed_in(submission: Submission, source: Notebook) -> tuple[HandedIn, tuple[Problem, ...]]:
    """What lies beside a student's notebook; what is left out of it, and what was asked for.

    Args:
        source: the author's notebook, which may ask for files.
    """
    folder = submission.submitted
    digests: dict[str, str] = {}
    left_out: list[str] = []
    room = MAX_FILES_BYTES
    for path in files_beside(submission):
        place = path.relative_to(folder)
        if place.as_posix() in _MARKS:
            continue
        try:
            content = _content(path, len(place.parts), len(digests), room)
        except Unreadable as error:
            left_out.append(f"{in_a_line(place.as_posix())} ({error})")
            continue
        room -= len(content)
        digests[place.as_posix()] = _digest(content)
    missing = tuple(name for name in asked_files(source) if not _has(digests, name))
    return HandedIn(folder, digests), (*_left_out(left_out), *_missing(missing))


def _content(path: Path, depth: int, before: int, room: int) -> bytes:
    """Raises Unreadable for what is not put beside the notebook."""
    if before >= MAX_FILES:
        raise Unreadable(f"beyond {MAX_FILES} files", "")
    if depth > _MOST_FOLDERS:
        raise Unreadable("in too many folders", "")
    content = read_bytes(path)
    if len(content) > room:
        raise Unreadable(f"beyond {MAX_FILES_BYTES >> 20} MB together", "")
    return content


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _has(digests: dict[str, str], name: str) -> bool:
    return any(Path(found).match(name) for found in digests)


def _left_out(files: list[str]) -> tuple[Problem, ...]:
    if not files:
        return ()
    names = ", ".join(files[:_SHOWN]) + (f" and {len(files) - _SHOWN} more" * (len(files) > _SHOWN))
    told = ", ".join(f.partition(" (")[0] for f in files[:_SHOWN]) + " …" * (len(files) > _SHOWN)
    return (
        Problem(
            f"files left out: {names}",
            f"Des fichiers remis n'accompagnent pas le notebook à la correction : {told}. Ils"
            f" doivent être ordinaires, {MAX_FILES} au plus et de"
            f" {MAX_FILES_BYTES >> 20} Mo ensemble.",
        ),
    )


def _missing(names: tuple[str, ...]) -> tuple[Problem, ...]:
    return tuple(
        Problem(
            f"asked for, and not handed in: {name}",
            f"Le laboratoire demande de remettre le fichier « {name} », qui n'a pas été remis.",
            serious=False,
        )
        for name in names
    )
