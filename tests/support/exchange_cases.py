"""An exchange that is collected from, and nbgrader's own commands, for a person with a home."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from grader.plugins.collect import Collect
from tests.support.course_cases import ROOT

LAB, COURSE = "laboratoire_01", "cours"
NOTEBOOK, DATE, SECRET = f"{LAB}.ipynb", "timestamp.txt", "submission_secret.txt"


class World:
    """An exchange and an instructor's folder, without users of the system."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inbound = folder / "exchange" / COURSE / "inbound"
        self.inbound.mkdir(parents=True)
        (folder / "course").mkdir()

    def put(self, student: str, content: str, minutes: float = 0, end: str = "abc") -> Path:
        """As nbgrader's `submit` would on a machine whose clock is off by some minutes."""
        date = datetime.now(UTC) + timedelta(minutes=minutes)
        place = self.inbound / f"{student}+{LAB}+{date:%Y-%m-%d %H:%M:%S.%f} UTC+{end}"
        place.mkdir()
        (place / NOTEBOOK).write_text(content)
        (place / DATE).write_text(f"{date:%Y-%m-%d %H:%M:%S.%f} UTC")
        (place / SECRET).write_text("secret")
        return place

    def collect(self, **traits: object) -> str:
        """What is told; nothing to check owners by, unless a test does."""
        config = Config()
        config.CourseDirectory.root = str(self.folder / "course")
        config.CourseDirectory.course_id = COURSE
        config.CourseDirectory.assignment_id = LAB
        config.CourseDirectory.ignore = ["__pycache__"]
        config.Exchange.root = str(self.inbound.parent.parent)
        config.Collect = Config({"check_owner": False} | traits)
        told = io.StringIO()
        collect = Collect(coursedir=CourseDirectory(config=config), config=config)
        collect.log = logging.Logger("collect", logging.INFO)
        collect.log.addHandler(logging.StreamHandler(told))
        collect.start()
        return told.getvalue()

    def collected(self, student: str) -> Path:
        return self.folder / "course/submitted" / student / LAB

    def content(self, student: str) -> str:
        return (self.collected(student) / NOTEBOOK).read_text()


def nbgrader(folder: Path, home: Path, *words: str) -> str:
    """What nbgrader's own command says."""
    env = os.environ | {"PYTHONPATH": str(ROOT), "HOME": str(home), "USER": home.name}
    env |= {"JUPYTER_DATA_DIR": str(home / "jupyter"), "JUPYTER_CONFIG_DIR": str(home / "config")}
    command = [sys.executable, "-m", "nbgrader", *words]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stderr
