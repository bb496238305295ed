"""`grader restore`: a course from its archive, into an empty folder."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from grader.errors import GraderError
from grader.files import write_durably, writing
from grader.upkeep.archive import COURSE, MANIFEST, Manifest, Member, members, verify
from grader.upkeep.gradebooks import load


def restore(archive: Path, folder: Path, database: str = "") -> Manifest:
    """Put the course of an archive into a folder, all of it or nothing.

    Args:
        folder: does not exist, or is empty.
        database: the URL of an empty database of PostgreSQL, for the gradebook if it came from one.

    Returns:
        What was restored.

    Raises:
        GraderError: the archive is damaged, the folder is not empty, or the disk is full.
    """
    folder = folder.resolve()
    _check_empty(folder)
    manifest = verify(archive)
    if database and not (manifest.gradebook and manifest.gradebook.kind == "postgresql"):
        raise GraderError(f"The gradebook in {archive} is not PostgreSQL's: leave out --database.")
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.partial")
    try:
        with writing(folder.parent):
            partial.mkdir(mode=0o700, parents=True)
        with writing(folder):
            _extract(members(archive), partial)
            if database and manifest.gradebook:
                load(database, partial / manifest.gradebook.member)
            if folder.exists():
                partial.chmod(stat.S_IMODE(folder.stat().st_mode))
            partial.rename(folder)  # over an empty folder, and no other
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return manifest


def place(name: str) -> str:
    """Where a file of an archive is put, below the folder that is restored."""
    return name.removeprefix(COURSE)


def _check_empty(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise GraderError(f"{folder} is a file: name a folder that does not exist yet.")
    if folder.is_dir() and any(folder.iterdir()):
        raise GraderError(
            f"{folder} is not empty, and nothing was restored: name a folder that does not exist"
            " yet. Compare the two, then rename them."
        )


def _extract(found: Iterable[Member], root: Path) -> None:
    """Write what was read; the dates of folders last, for writing into them changes those."""
    folders = []
    for member in found:
        if member.name == MANIFEST:
            continue
        path = root / place(member.name)
        if member.content is None:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            folders.append((path, member))
            continue
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_durably(path, member.content)
        _mark(path, member)
    for path, member in reversed(folders):
        _mark(path, member)


def _mark(path: Path, member: Member) -> None:
    path.chmod(member.mode)
    with suppress(OSError):  # dates before 1970, on some file systems
        os.utime(path, (member.modified, member.modified))
