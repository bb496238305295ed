"""Files that are there whole or not at all, and errors of a disk as messages."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from grader.errors import GraderError


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Tell, without a trace, that a file or folder cannot be written."""
    try:
        yield
    except OSError as error:
        raise GraderError(
            f"{path} cannot be written: {error.strerror}. Nothing is lost: make room and run the"
            " same command again."
        ) from error


def write_atomically(path: Path, data: bytes) -> None:
    """Put a file in place whole, or not at all, whenever the power goes."""
    partial = path.with_name(f".{os.getpid()}.partial")  # short: the name itself may be long
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
