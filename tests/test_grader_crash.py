"""Killed at any moment, the same command goes on, and ends as if nothing had happened."""

import os
import random
import signal
import subprocess
import sys
import time

import psutil
import pytest
from course_cases import LAB, ROOT, answered, make_course, submit
from test_grader_record import rows

from grader.autograde import results
from grader.course import Course

STUDENTS = [f"student_{number:02}" for number in range(8)]
SLOW = "import time\ntime.sleep(0.1)\ndef standardize(x):\n    return x - x.mean(0)\n"
MOMENTS = 8


def a_class(folder) -> Course:
    course = make_course(folder)
    for student in STUDENTS:
        submit(course, student, answered(course, standardize=SLOW))
    return course


def command(course: Course) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", "from grader.cli import app; app()", "autograde", LAB],
        cwd=course.root,
        env=os.environ | {"PYTHONPATH": str(ROOT), "COURSE": str(course.root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def engines_of(pid: int) -> list[psutil.Process]:
    """The processes started by a grader, while it lives."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


@pytest.mark.slow
def test_killed_at_any_moment(tmp_path):
    whole = a_class(tmp_path / "whole")
    began = time.monotonic()
    assert command(whole).wait() == 0
    duration = time.monotonic() - began
    expected = rows(whole)

    course = a_class(tmp_path / "killed")
    chance = random.Random(0)
    done: dict[str, int] = {}
    for _ in range(MOMENTS):
        running = command(course)
        time.sleep(chance.uniform(0.3, 1.0) * duration)
        below = engines_of(running.pid)
        running.kill()
        running.communicate()
        _, alive = psutil.wait_procs(below, timeout=10)
        assert not alive, "a process outlived the grader"
        for path in course.results(LAB).glob("*.json"):
            written = path.stat().st_mtime_ns
            assert done.setdefault(path.stem, written) == written, "run twice"
    assert command(course).wait() == 0
    assert rows(course) == expected
    for path in course.results(LAB).glob("*.json"):
        assert done.get(path.stem, path.stat().st_mtime_ns) == path.stat().st_mtime_ns
    assert len(results(course, LAB)) == len(STUDENTS)
    assert not list(course.root.rglob("*.partial")), "a partial file was left"


@pytest.mark.slow
def test_ctrl_c_loses_nothing(tmp_path):
    course = a_class(tmp_path / "course")
    running = command(course)
    while len(list(course.results(LAB).glob("*.json"))) < 2:
        time.sleep(0.02)
        assert running.poll() is None
    below = engines_of(running.pid)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in errors
    _, alive = psutil.wait_procs(below, timeout=10)
    assert not alive
    saved = {one.student for one in results(course, LAB)}
    assert len(saved) >= 2
    assert saved == set(rows(course)) - {"students"}
