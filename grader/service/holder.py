"""Who serves a course: one process, and no other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from os import getpid
from pathlib import Path
from socket import gethostname

from filelock import FileLock, Timeout

from grader.course import Course
from grader.errors import GraderError
from grader.files import write_atomically, writing
from grader.service.attempts import folder_of


def _holder(course: Course) -> Path:
    return folder_of(course) / "holder"


@contextmanager
def alone(course: Course) -> Iterator[None]:
    """Hold the course: two services would answer twice.

    Raises:
        GraderError: another one holds it.
    """
    folder = folder_of(course)
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with FileLock(folder / ".lock", timeout=0):
            write_atomically(_holder(course), f"process {getpid()} on {gethostname()}".encode())
            yield
    except Timeout:
        holder = _holder(course)
        who = holder.read_text() if holder.is_file() else "another process"
        raise GraderError(
            f"A service is running for this course already: {who}. It is one too many here."
        ) from None


def held_here(course: Course) -> bool:
    """Whether the last process that served the course is still there, on this machine."""
    with suppress(OSError, ValueError):
        _, number, _, host = _holder(course).read_text().split()
        return host == gethostname() and Path(f"/proc/{int(number)}").exists()
    return False
