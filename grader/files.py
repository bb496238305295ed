"""Files written whole or not at all, and files of others read without following links."""

from __future__ import annotations

import csv
import errno
import io
import os
import stat
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from enum import Enum, auto
from pathlib import Path

from grader.errors import GraderError, shown

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise, as a GraderError, that a file or folder cannot be written."""
    try:
        yield
    except OSError as error:
        advice = "make room" if error.errno in _FULL else "see to it"
        raise GraderError(
            f"{path} cannot be written: {error.strerror}. Nothing is lost: {advice} and run the"
            " same command again."
        ) from error


def write_atomically(path: Path, data: bytes) -> None:
    """Put a file in place whole, or not at all, whenever the power goes."""
    # Short, for the name itself may be long, and of this thread only.
    partial = path.with_name(f".{os.getpid()}-{threading.get_native_id()}.partial")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write_durably(partial, data)
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


def write_if_changed(path: Path, data: bytes) -> bool:
    """As `write_atomically`, but False if the file holds `data` already."""
    if path.is_file() and path.read_bytes() == data:
        return False
    write_atomically(path, data)
    return True


def write_durably(path: Path, data: bytes) -> None:
    """Write a file that a power cut after this call leaves as it is."""
    with path.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())


def read_table(path: Path) -> list[dict[str, str | None]]:
    """The rows of a CSV file that a person edits, by a text editor or a French Excel.

    Raises:
        GraderError: it is no such file, or cannot be read.
    """
    try:
        text = path.read_text("utf-8-sig")
        mark = ";" if ";" in text.partition("\n")[0] else ","  # the first is a French Excel's
        return list(csv.DictReader(io.StringIO(text), delimiter=mark))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise GraderError(
            f"{shown(path)} cannot be read: {error}. Save it as CSV, UTF-8."
        ) from error


def write_table(path: Path, rows: Iterable[Sequence[str]]) -> None:
    """Put such a file in place; the first row has the names of the columns."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    write_atomically(path, text.getvalue().encode())


class Flaw(Enum):
    """Reasons not to read a file."""

    UNOPENED = auto()
    SPECIAL = auto()
    HARD_LINK = auto()
    TOO_LARGE = auto()
    CHANGED = auto()


class NotPlain(Exception):
    """A file that `read_plain` refuses; `detail` is the system's message, or the size."""

    def __init__(self, flaw: Flaw, detail: str = "") -> None:
        super().__init__(flaw, detail)
        self.flaw = flaw
        self.detail = detail


def read_plain(
    path: Path | str,
    limit: int,
    *,
    folder: int | None = None,
    check: Callable[[os.stat_result], None] = lambda status: None,
) -> bytes:
    """The content of a plain file, where somebody else may have put anything at all.

    Links are not followed, pipes not waited for, and no more than `limit` bytes are taken. All is
    judged by what was opened, whatever has its name meanwhile.

    Args:
        folder: the descriptor of a folder, which `path` is relative to.
        check: raises for the status of a file that is not to be read.

    Raises:
        NotPlain: it is something else, or larger, or somebody wrote to it meanwhile.
    """
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError as error:
        raise NotPlain(Flaw.UNOPENED, str(error.strerror)) from error
    try:
        before = os.fstat(opened)
        check(before)
        _check_plain(before, limit)
        with open(opened, "rb", closefd=False) as stream:
            content = stream.read(limit + 1)
        after = os.fstat(opened)
    finally:
        os.close(opened)
    if len(content) != before.st_size or _version(after) != _version(before):
        raise NotPlain(Flaw.CHANGED)
    return content


def _version(status: os.stat_result) -> tuple[int, int, int]:
    """Another one after each change, by the file system's clock."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _check_plain(status: os.stat_result, limit: int) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise NotPlain(Flaw.SPECIAL)
    if status.st_nlink > 1:
        raise NotPlain(Flaw.HARD_LINK)
    if status.st_size > limit:
        raise NotPlain(Flaw.TOO_LARGE, f"{status.st_size >> 20} MB")
