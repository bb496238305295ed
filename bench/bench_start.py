"""Processor time that each command takes where there is next to nothing to do.

    python bench/bench_start.py [--repeats 5]

Every command runs in a process of its own, on a course of one lab and two students. Seconds are
those of the processor, user and system, the median of the repetitions: unlike those of the clock,
they depend little on what else the machine is doing.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")

from grader.grading.autograde import autograde  # noqa: E402
from tests.support.course_cases import (  # noqa: E402
    LAB,
    QUICK,
    WRONG,
    answered,
    make_course,
    submit,
)

# Python itself, then packages that cannot be had for less.
PYTHON = ("pass", "import torch", "import nbgrader.api")
COMMANDS = {
    "labo": (
        "--help",
        "check --help",
        f"submit --file --as alice {LAB}.ipynb",
    ),
    "grader": (
        "--help",
        "autograde --help",
        f"show alice {LAB}",
        f"report {LAB} --json",
        f"export {LAB} --ungraded as-is --dry-run",
        f"feedback {LAB}",
        "import-roster class.csv --dry-run",
        f"mark {LAB}",
        f"similarity {LAB}",
    ),
}


def small_course(folder: Path) -> None:
    """A graded lab, the file of a class, and a notebook to hand in."""
    course = make_course(folder)
    submit(course, "alice", answered(course))
    submit(course, "bruno", answered(course, standardize=WRONG))
    autograde(course.lab(LAB), QUICK)
    (folder / "class.csv").write_text("username,email\nalice,alice@example.org\n")
    (folder / f"{LAB}.ipynb").write_text(json.dumps(answered(course)))


def processor_seconds(command: list[str], folder: Path) -> float:
    """User and system time of a command, and of what it starts."""
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    errors = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(process.args)} failed:\n{errors}")
    return used.ru_utime + used.ru_stime


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=5)
    repeats = parser.parse_args().repeats
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small_course(folder)

        def show(title: str, *command: str) -> None:
            seconds = [processor_seconds([*command], folder) for _ in range(repeats)]
            print(f"{statistics.median(seconds):6.2f} s  {title}", flush=True)

        for code in PYTHON:
            show(f"python -c {code!r}", sys.executable, "-c", code)
        programs = Path(sys.executable).parent
        for command, lines in COMMANDS.items():
            for line in lines:
                show(f"{command} {line}", str(programs / command), *line.split())


if __name__ == "__main__":
    main()
