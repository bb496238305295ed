"""Copies of the gradebook while others write to it: SQLite's online backup, or pg_dump."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL, make_url

from grader.course import Course
from grader.errors import GraderError
from grader.upkeep.archive import COURSE, Gradebook

_PATIENCE: Final = 60  # seconds, for whoever holds the gradebook
_HELD: Final = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
_DUMP: Final = "gradebook.dump"


def copy_gradebook(course: Course, folder: Path) -> tuple[Gradebook, Path] | None:
    """Copy the gradebook into a folder, whole, as it is at one moment.

    Returns:
        What it is, and the copy; None if the course has none yet.

    Raises:
        GraderError: it is damaged, or held too long, or it is on a server that does not answer.
    """
    url = make_url(course.directory.db_url)
    told = without_password(url)
    if url.get_backend_name() == "postgresql":
        copy = folder / _DUMP
        dump(url, copy)
        return Gradebook("postgresql", _DUMP, told), copy
    if url.get_backend_name() != "sqlite":
        raise GraderError(f"The gradebook {told} is neither SQLite's nor PostgreSQL's.")
    path = sqlite_file(course)
    if path is None or not path.is_file():
        return None
    copy = folder / "gradebook.db"
    _copy_sqlite(path, copy)
    inside = path.is_relative_to(course.root.resolve())
    member = path.relative_to(course.root.resolve()).as_posix() if inside else path.name
    return Gradebook("sqlite", COURSE + member, told), copy


def sqlite_file(course: Course) -> Path | None:
    """The gradebook's file; None if it is on a server."""
    url = make_url(course.directory.db_url)
    if url.get_backend_name() != "sqlite":
        return None
    return Path(url.database or "").resolve()


def _copy_sqlite(path: Path, copy: Path) -> None:
    end = time.monotonic() + _PATIENCE

    def wait(status: int, remaining: int, total: int) -> None:
        if status in _HELD and time.monotonic() > end:
            raise TimeoutError

    try:
        with (
            closing(sqlite3.connect(f"{path.as_uri()}?mode=rw", uri=True, timeout=1)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target, progress=wait)  # in one step: readers and writers wait meanwhile
            (answer,) = target.execute("PRAGMA quick_check(1)").fetchone()
    except TimeoutError:
        raise GraderError(
            f"The gradebook {path} is held by somebody else for {_PATIENCE} s: run the same"
            " command again when they have finished."
        ) from None
    except sqlite3.OperationalError as error:
        raise GraderError(f"The gradebook {path} cannot be copied: {error}.") from error
    except sqlite3.DatabaseError as error:
        raise _damaged(path, str(error)) from error
    if answer != "ok":
        raise _damaged(path, answer)


def _damaged(path: Path, detail: str) -> GraderError:
    return GraderError(
        f"The gradebook {path} is damaged ({detail}), and no backup was made; earlier ones were"
        " kept. Restore the last of them into another folder, and put its gradebook here: grader"
        " autograde then enters again what was graded since."
    )


def dump(url: URL, copy: Path) -> None:
    """Copy a database of PostgreSQL into a file of pg_dump's own format."""
    words = ["pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={copy}"]
    _run(words, url)


def load(address: str, copy: Path) -> None:
    """Put such a copy into an empty database, whole or not at all.

    Raises:
        GraderError: the database holds something, or does not answer.
    """
    url = make_url(address)
    if url.get_backend_name() != "postgresql":
        raise GraderError(f"{without_password(url)} is no database of PostgreSQL.")
    words = ["pg_restore", "--single-transaction", "--exit-on-error", "--no-owner"]
    _run([*words, "--no-privileges"], url, str(copy))


def _run(words: Sequence[str], url: URL, *rest: str) -> None:
    """Run a program of PostgreSQL's; the password is not shown in the list of processes."""
    address = without_password(url)
    secret = {"PGPASSWORD": url.password} if url.password else {}
    try:
        done = subprocess.run(
            [*words, f"--dbname={address}", *rest],
            env=os.environ | secret,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
    except FileNotFoundError:
        raise GraderError(
            f"{words[0]} is not installed here: it comes with PostgreSQL's client (Debian: apt"
            " install postgresql-client)."
        ) from None
    if done.returncode:
        reason = done.stderr.strip() or f"exit code {done.returncode}"
        raise GraderError(f"{words[0]} failed for {address}: {reason}")


def without_password(url: URL) -> str:
    """The address as PostgreSQL's own programs and people read it."""
    kind = url.get_backend_name()  # without the name of Python's driver
    return URL.create(
        kind, url.username, None, url.host, url.port, url.database, url.query
    ).render_as_string()
