"""A PostgreSQL of the tests' own, on a socket in a folder; its databases: `live` and `empty`."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from tests.support.sandbox_children import open_to_all


def _programs() -> Path | None:
    """Where initdb and pg_ctl are: Debian keeps them out of the PATH."""
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    return next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"))), None)


def why_not() -> str:
    """Why there can be none here; "" if there can."""
    if _programs() is None or not shutil.which("pg_dump") or not shutil.which("psql"):
        return "PostgreSQL is not installed"
    if os.geteuid() == 0 and not _account():
        return "PostgreSQL does not run as root, and there is no user postgres"
    return ""


def _account() -> str:
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        return ""


@dataclass(frozen=True)
class Server:
    """A server that runs."""

    folder: Path
    PASSWORD: ClassVar = "secret-of-the-tests"

    def url(self, database: str) -> str:
        """As in `c.CourseDirectory.db_url`."""
        return f"postgresql://prof:{self.PASSWORD}@/{database}?host={self.folder}"

    def sql(self, database: str, command: str) -> str:
        """What psql answers."""
        words = ["psql", "-qAt", "-v", "ON_ERROR_STOP=1", "-d", self.url(database), "-c", command]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


@contextmanager
def running(folder: Path) -> Iterator[Server]:
    """A server with password authentication for `prof`, gone afterwards."""
    folder.mkdir()
    secret = folder / "password"
    secret.write_text(Server.PASSWORD)
    secret.chmod(0o644)
    words = ("-U", "prof", "--auth=scram-sha-256", f"--pwfile={secret}")
    with _started(folder, *words) as server:
        for database in ("live", "empty"):
            server.sql("postgres", f"CREATE DATABASE {database}")
        yield server


@contextmanager
def running_for_peers(folder: Path) -> Iterator[Path]:
    """The folder of a server as a system installs it: who enters does by the account's name.

    Its language is none, as on a bare system.
    """
    folder.mkdir()
    with _started(folder, "-U", "postgres", "--auth=peer", "--no-locale", "-E", "SQL_ASCII"):
        yield folder


@contextmanager
def _started(folder: Path, *words: str) -> Iterator[Server]:
    programs, server = _programs(), Server(folder)
    assert programs is not None
    user = _account() if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user, user)
        open_to_all(folder)
    data = folder / "data"
    pg_ctl = [programs / "pg_ctl", "-D", data, "-w", "-l", folder / "log"]

    def run(*words: Path | str) -> None:
        subprocess.run([str(word) for word in words], user=user, check=True, capture_output=True)

    run(programs / "initdb", "-N", *words, data)
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
    run(*pg_ctl, "-o", options, "start")
    try:
        yield server
    finally:
        run(*pg_ctl, "-m", "immediate", "stop")
