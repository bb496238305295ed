"""nbgrader's own commands, for a person with a home."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.course_cases import ROOT


def nbgrader(folder: Path, home: Path, *words: str) -> str:
    """What nbgrader's own command says."""
    env = os.environ | {"PYTHONPATH": str(ROOT), "HOME": str(home), "USER": home.name}
    env |= {"JUPYTER_DATA_DIR": str(home / "jupyter"), "JUPYTER_CONFIG_DIR": str(home / "config")}
    command = [sys.executable, "-m", "nbgrader", *words]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stderr
