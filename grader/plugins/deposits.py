"""Reading a deposit: a folder that its student may change at any moment, between any two calls.

Each folder and file is opened below the descriptor of the one above it, without following a link,
and judged by what was opened. What belongs to somebody else is not read, whatever name it has here.
"""

from __future__ import annotations

import os
import pwd
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from errno import ELOOP, ENOENT, ENOTDIR
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from grader.files import Flaw, NotPlain, read_plain
from grader.text import in_a_line

MARKS: Final = ("timestamp.txt", "submission_secret.txt")  # nbgrader's `submit` writes them last
CHANGED: Final = "it changed while it was read"

_FOLDER: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
_MOST_ENTRIES: Final = 10_000
_MOST_FOLDERS: Final = 30  # one below the other; each takes a descriptor
_LONGEST_PATH: Final = 1000  # bytes, below the submission's folder


class Refused(Exception):
    """A deposit that is left where it is; the message says why and what to do."""


class _LeftOut(Exception):
    """A part of a deposit that is not taken; the message says why."""


@dataclass(frozen=True)
class Inspection:
    """A deposit's folder, when it was found to be whole."""

    folder: tuple[int, int]
    """Its device and inode."""
    owner: int
    changed: int
    """The last change of the folder and of what lies in it, in ns, by its file system's clock."""


def inspect(path: Path) -> Inspection | None:
    """A whole deposit; None for one that is being written, or that cannot be read.

    Raises Refused for what is no folder, or holds too many files.
    """
    try:
        with _opened(path) as (folder, status):
            names = os.listdir(folder)
            _check_number(len(names))
            inside = [os.stat(name, dir_fd=folder, follow_symlinks=False) for name in names]
            whole = all(_size(mark, folder) for mark in MARKS) and all(
                os.access(name, os.R_OK, dir_fd=folder, follow_symlinks=False) for name in names
            )
    except NotADirectoryError:
        raise Refused("a link or a file, where a folder should be") from None
    except OSError:
        return None
    changed = max(each.st_ctime_ns for each in (status, *inside))
    return Inspection(_identity(status), status.st_uid, changed) if whole else None


def _check_number(entries: int) -> None:
    if entries > _MOST_ENTRIES:
        raise Refused(f"it holds more than {_MOST_ENTRIES} files")


def _size(name: str, folder: int) -> int:
    return os.stat(name, dir_fd=folder, follow_symlinks=False).st_size


@contextmanager
def _opened(name: Path | str, above: int | None = None) -> Iterator[tuple[int, os.stat_result]]:
    """The descriptor and the status of a folder. Raises NotADirectoryError for anything else."""
    try:
        folder = os.open(name, _FOLDER, dir_fd=above)
    except OSError as error:
        if error.errno == ELOOP:
            raise NotADirectoryError(ENOTDIR, os.strerror(ENOTDIR), str(name)) from None
        raise
    try:
        yield folder, os.fstat(folder)
    finally:
        os.close(folder)


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


@dataclass
class Reader:
    """Reads a deposit that was inspected: its folders and plain files, one after the other."""

    inspection: Inspection
    ignore: Sequence[str]
    """Patterns of names that are not taken, as nbgrader's `CourseDirectory.ignore`."""
    include: Sequence[str]
    """Patterns of the names of files; others are not taken."""
    max_file_bytes: int
    """Larger files are left out."""
    room: int
    """Bytes that may still be read."""
    left_out: list[str] = field(default_factory=list)
    """What was not taken and is not of `ignore` or `include`, each with the reason."""
    entries: int = 0

    def read(self, path: Path) -> Iterator[tuple[Path, bytes | None]]:
        """Paths below the deposit, folders first, with the content of a file, None of a folder.

        Raises Refused: it has changed since, or holds what is no plain file, or too much.
        """
        try:
            with _opened(path) as (folder, status):
                if _identity(status) != self.inspection.folder:
                    raise Refused(CHANGED)
                self._check(status, Path())
                yield Path(), None
                yield from self._below(folder, Path())
        except OSError as error:
            if error.errno in (ENOENT, ENOTDIR):
                raise Refused(CHANGED) from None
            raise Refused(f"it cannot be read ({error.strerror})") from None

    def _below(self, folder: int, above: Path) -> Iterator[tuple[Path, bytes | None]]:
        with os.scandir(folder) as listing:
            names = [entry.name for entry in listing if self._is_taken(entry.name)]
        for name in names:
            place = above / name
            kind = os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode
            try:
                if stat.S_ISDIR(kind):
                    yield from self._folder(folder, place)
                elif stat.S_ISLNK(kind) and _leads_to_folder(name, folder):
                    raise _LeftOut("a link to a folder")
                elif any(fnmatch(name, pattern) for pattern in self.include):
                    yield place, self._file(folder, place)
            except _LeftOut as reason:
                self.left_out.append(f"{shown(place)} ({reason})")

    def _is_taken(self, name: str) -> bool:
        self.entries += 1
        _check_number(self.entries)
        return not any(fnmatch(name, pattern) for pattern in self.ignore)

    def _folder(self, above: int, place: Path) -> Iterator[tuple[Path, bytes | None]]:
        if len(place.parts) > _MOST_FOLDERS or len(os.fsencode(place)) > _LONGEST_PATH:
            raise Refused("its folders are nested too deep")
        with _opened(place.name, above) as (folder, status):
            self._check(status, place)
            yield place, None
            yield from self._below(folder, place)

    def _file(self, folder: int, place: Path) -> bytes:
        def check(status: os.stat_result) -> None:
            self._check(status, place)
            if status.st_size > self.max_file_bytes:
                raise _LeftOut("larger than c.CourseDirectory.max_file_size")

        name = shown(place)
        try:
            content = read_plain(place.name, self.room, folder=folder, check=check)
        except NotPlain as error:
            if error.flaw is Flaw.CHANGED:
                raise Refused(CHANGED) from None
            if error.flaw is Flaw.UNOPENED:
                told = f"{name} is a link, or cannot be read ({error.detail})"
            elif error.flaw is Flaw.TOO_LARGE:
                told = "it is larger than c.CourseDirectory.max_dir_size allows"
            else:
                told = f"{name} is no plain file"
            raise Refused(told) from None
        self.room -= len(content)
        return content

    def _check(self, status: os.stat_result, place: Path) -> None:
        """Raises Refused for what belongs to somebody else, or has changed since the inspection.

        What lies deeper than a deposit's date looks may have: no more than a mixture is taken.
        """
        if status.st_uid != self.inspection.owner:
            raise Refused(
                f"{shown(place)} belongs to {user(status.st_uid)}, the rest to"
                f" {user(self.inspection.owner)}"
            )
        if len(place.parts) <= 1 and status.st_ctime_ns > self.inspection.changed:
            raise Refused(CHANGED)


def _leads_to_folder(link: str, folder: int) -> bool:
    try:
        return stat.S_ISDIR(os.stat(link, dir_fd=folder).st_mode)
    except OSError:
        return False


def shown(name: str | Path) -> str:
    """A name that a student chose, on one line."""
    return in_a_line(str(name))


def user(number: int) -> str:
    """The name of a user of the system."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"
