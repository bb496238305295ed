"""`grader backup`: a course as it is, in one file, while it is being graded.

The gradebook is copied first and the files after it. What was graded in between is then in the
results and not in the gradebook, as after a crash: `grader autograde` enters it.
"""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import IO, Final

from grader import __version__
from grader.course import STATE, Course
from grader.errors import GraderError
from grader.files import writing
from grader.upkeep.archive import COURSE, Manifest, Writer, flush, verify
from grader.upkeep.gradebooks import copy_gradebook, sqlite_file

SUFFIX: Final = ".tar.gz"
_ROUNDS: Final = 3
"""How often a folder is looked at again when something was replaced meanwhile."""
_MADE_AGAIN: Final = {"__pycache__", ".ipynb_checkpoints", "node_modules"}
_STEPS: Final = ("source", "release", "submitted", "autograded", "feedback", "solution")


@dataclass(frozen=True)
class Backup:
    """An archive that was written and verified."""

    path: Path
    size: int
    """In bytes."""
    manifest: Manifest
    removed: list[str]
    """Earlier archives, of which there were more than were to be kept."""


def back_up(course: Course, folder: Path, keep: int, now: datetime | None = None) -> Backup:
    """Write an archive of the course into a folder, verify it, and remove the oldest ones.

    Args:
        keep: how many of this course's archives stay, the new one included.
        now: in UTC; the archive is named after it.

    Raises:
        GraderError: the archive cannot be written whole, or is not what was written.
    """
    folder, now = folder.resolve(), now or datetime.now(UTC)
    if folder.is_relative_to(course.root.resolve()):
        raise GraderError(
            f"{folder} lies in the course's own folder: name one outside it, on another disk."
        )
    with writing(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = course.directory.course_id or course.root.resolve().name
    path = folder / f"{name}-{now:%Y%m%dT%H%M%SZ}{SUFFIX}"
    _remove_abandoned(folder)
    with writing(path), _put_in_place(path) as stream:
        manifest = _write(course, Manifest(name, now.isoformat(), versions()), stream, folder)
        flush(stream)
        if verify(Path(stream.name)).digests != manifest.digests:
            raise GraderError(f"{path} is not what was written to it: the disk loses what it holds")
    return Backup(path, path.stat().st_size, manifest, _rotate(folder, name, keep))


def archives(folder: Path, course: str) -> list[Path]:
    """The archives of a course, the oldest first."""
    return sorted(folder.glob(f"{course}-[0-9]*T[0-9]*Z{SUFFIX}"))


def versions() -> dict[str, str]:
    return {"grader": __version__, "nbgrader": metadata.version("nbgrader")}


@contextmanager
def _put_in_place(path: Path) -> Iterator[IO[bytes]]:
    """A file that only its owner may read, put in place at the end, or removed."""
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with open(partial, "xb", opener=_private) as stream:
            fcntl.flock(stream, fcntl.LOCK_EX)  # while it is written: see `_remove_abandoned`
            yield stream
        partial.rename(path)
        _flush_folder(path.parent)
    finally:
        partial.unlink(missing_ok=True)


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)  # hidden tests, names and grades


def _flush_folder(folder: Path) -> None:
    """Have the names in it on the disk too."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_abandoned(folder: Path) -> None:
    """Remove what a backup left that was killed; one that is running holds its lock."""
    for partial in folder.glob(f".*{SUFFIX}.*.partial"):
        with suppress(OSError), partial.open("rb") as stream:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            partial.unlink()


def _rotate(folder: Path, course: str, keep: int) -> list[str]:
    """Remove the oldest archives of a course; their names."""
    surplus = archives(folder, course)[:-keep]
    for path in surplus:
        path.unlink()
    return [path.name for path in surplus]


# ---- What is in it


def _write(course: Course, manifest: Manifest, stream: IO[bytes], scratch: Path) -> Manifest:
    """Write the whole archive; what it holds."""
    live = sqlite_file(course)
    with tempfile.TemporaryDirectory(prefix=".gradebook-", dir=scratch) as temporary:
        copied = copy_gradebook(course, Path(temporary))
        manifest = replace(manifest, gradebook=copied[0] if copied else None)
        writer = Writer(stream, manifest)
        if copied:
            writer.add(copied[0].member, copied[1].read_bytes(), 0o600, time.time())
    manifest.left_out.extend(_outside(course))
    _add_files(writer, course.root.resolve(), lambda path: _is_database(path, live))
    writer.finish()
    return manifest


def _is_database(path: Path, live: Path | None) -> bool:
    """True for the gradebook itself, of which there is a copy, and what SQLite keeps beside it."""
    beside = ("", "-journal", "-wal", "-shm")
    return live is not None and path in {live.with_name(live.name + suffix) for suffix in beside}


def _outside(course: Course) -> Iterator[str]:
    """The folders of nbgrader's steps that do not lie in the course's own."""
    root = course.root.resolve()
    for step in _STEPS:
        folder = (root / getattr(course.directory, f"{step}_directory")).resolve()
        if not folder.is_relative_to(root):
            yield f"{folder} (outside the course's folder)"


def _add_files(writer: Writer, root: Path, passed_over: Callable[[Path], bool]) -> None:
    """Add all files; what is put in another's place meanwhile is found when it is looked again."""
    seen: set[Path] = set()
    for _ in range(_ROUNDS):
        vanished = False
        for path in _paths(root):
            if path in seen or passed_over(path):
                continue
            try:
                _add(writer, root, path)
            except FileNotFoundError:
                vanished = True
            else:
                seen.add(path)
        if not vanished:
            return


def _paths(root: Path) -> Iterator[Path]:
    """Files and folders of a course, but what is hidden at its top and what is made again."""
    for parent, folders, names in os.walk(root):
        here = Path(parent)
        top = here == root
        folders[:] = sorted(
            name for name in folders if name not in _MADE_AGAIN and _is_kept(name, top)
        )
        yield from (here / name for name in folders)
        yield from (here / name for name in sorted(names) if not name.endswith(".partial"))


def _is_kept(folder: str, top: bool) -> bool:
    """False for .git, .venv and the like, at the top."""
    return not top or folder == STATE or not folder.startswith(".")


def _add(writer: Writer, root: Path, path: Path) -> None:
    """Add a file or folder as it is now, never half of one that is being written.

    Raises:
        FileNotFoundError: it is no longer there.
    """
    name = COURSE + path.relative_to(root).as_posix()
    status = path.lstat()
    mode = stat.S_IMODE(status.st_mode)
    if stat.S_ISDIR(status.st_mode):
        writer.add_folder(name, mode, status.st_mtime)
    elif stat.S_ISREG(status.st_mode):
        writer.add(name, _content(path), mode, status.st_mtime)
    else:
        writer.manifest.left_out.append(f"{path.relative_to(root)} (no plain file)")


def _content(path: Path) -> bytes:
    """The content of a file that did not change while it was read."""
    for _ in range(_ROUNDS):
        try:
            with path.open("rb") as stream:
                before = os.fstat(stream.fileno())
                content = stream.read()
                after = os.fstat(stream.fileno())
        except FileNotFoundError:
            raise
        except OSError as error:
            raise GraderError(f"{path} cannot be read: {error.strerror}.") from error
        if (before.st_mtime_ns, len(content)) == (after.st_mtime_ns, after.st_size):
            return content
    raise GraderError(f"{path} changes all the time: run the same command again when it does not.")
