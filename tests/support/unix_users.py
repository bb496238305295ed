"""Real users of this system, for the time of a test: what keeps students apart on a hub."""

from __future__ import annotations

import atexit
import os
import pwd
import secrets
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tests.support.course_cases import ROOT

COURSE = "apprentissage-profond"
NBGRADER = ("-m", "nbgrader")
LABO = ("-c", "from labo.cli import app; app()")
GRADER = ("-m", "grader")


def why_not() -> str:
    """Why there can be none here; "" if there can."""
    if os.geteuid() != 0:
        return "making users of the system needs root"
    if not shutil.which("useradd"):
        return "useradd is not installed"
    return "" if _base() else "no Python of this version here that other users may run"


@cache
def python() -> str:
    """A Python of this version, with this environment's packages, that other users may run.

    This one, unless only root may read it: then an environment on the system's.
    """
    if (base := _base()) == sys.executable:
        return base
    folder = Path(tempfile.mkdtemp(prefix="python-for-all-"))
    folder.chmod(0o755)
    atexit.register(shutil.rmtree, folder)
    subprocess.run([base, "-m", "venv", "--without-pip", folder], check=True)
    (packages,) = folder.glob("lib/*/site-packages")
    (packages / "all.pth").write_text(f"{ROOT}\n{sysconfig.get_path('purelib')}\n")
    return str(folder / "bin/python")


@cache
def _base() -> str:
    """The first Python of this version that other users may run."""
    system = f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    return next(filter(_runs, (sys.executable, system)), "")


def _runs(path: str) -> bool:
    try:
        return subprocess.run([path, "-c", "import json"], user=65534).returncode == 0
    except OSError:
        return False


def environment() -> dict[str, str]:
    """What a program of anybody needs to find this project and what it is built on."""
    return {
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "COLUMNS": "160",
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
    }


@dataclass(frozen=True)
class User:
    """A user of the system, with a home that only they may read."""

    name: str
    home: Path
    umask: int

    def start(self, *command: str | Path, folder: Path | None = None, **env: str):
        """Start a program as this user."""
        entry = pwd.getpwnam(self.name)
        who = {"HOME": str(self.home), "USER": self.name, "LOGNAME": self.name}
        return subprocess.Popen(
            [str(word) for word in command],
            cwd=folder or self.home,
            env=environment() | who | env,
            user=entry.pw_uid,
            group=entry.pw_gid,
            extra_groups=[],
            umask=self.umask,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *command: str | Path, **options) -> subprocess.CompletedProcess:
        """Run a program as this user, and have what it says."""
        started = self.start(*command, **options)
        said, _ = started.communicate(timeout=300)
        return subprocess.CompletedProcess(command, started.returncode, said)

    def python(self, *words: str | Path, **options) -> subprocess.CompletedProcess:
        return self.run(python(), *words, **options)

    def own(self, *paths: Path) -> None:
        entry = pwd.getpwnam(self.name)
        for path in paths:
            os.chown(path, entry.pw_uid, entry.pw_gid)


@contextmanager
def made(folder: Path, umasks: Sequence[int]) -> Iterator[list[User]]:
    """A user for each umask, gone afterwards; their homes are in `folder`."""
    prefix = f"labo{secrets.token_hex(3)}"
    users = [User(f"{prefix}u{n:02}", folder / f"u{n:02}", mask) for n, mask in enumerate(umasks)]
    try:
        for user in users:
            words = ["useradd", "--no-create-home", "--home-dir", str(user.home), user.name]
            subprocess.run(words, check=True)
            user.home.mkdir(mode=0o700)
            user.own(user.home)
        yield users
    finally:
        for user in users:
            subprocess.run(["userdel", user.name], check=False, capture_output=True)
