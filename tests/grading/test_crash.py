"""Killed at any moment, the same command goes on, and ends as if nothing had happened."""

import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from grader.course import Course
from grader.grading.autograde import autograde
from grader.grading.results import read_results
from tests.support.course_cases import LAB, QUICK, ROOT, answered, make_course, submit
from tests.support.gradebook_cases import rows

STUDENTS = [f"student_{number:02}" for number in range(12)]
SLOW = "import time\ntime.sleep({seconds})\ndef standardize(x):\n    return x - x.mean(0)\n"
MOMENTS = 8


def a_class(folder: Path, seconds: float = 0.05) -> Course:
    """A class whose notebooks take so long each."""
    course = make_course(folder)
    for student in STUDENTS:
        submit(course, student, answered(course, standardize=SLOW.format(seconds=seconds)))
    return course


def grade(root: Path) -> None:
    autograde(Course(root).lab(LAB), QUICK)


def written(course: Course, since: float) -> int:
    """How far a grading is: results on disk, and copies for formgrader made after `since`."""
    copies = 0
    for student in STUDENTS:
        with suppress(FileNotFoundError):
            path = course.lab(LAB).submission(student).autograded / f"{LAB}.ipynb"
            copies += path.stat().st_mtime > since
    return copies + len(digests(course))


def digests(course: Course) -> dict[str, tuple[int, int]]:
    """What tells whether a result was written again."""
    found = {path.stem: path.stat() for path in course.lab(LAB).results.glob("*.json")}
    return {student: (status.st_ino, status.st_mtime_ns) for student, status in found.items()}


def engines_of(pid: int) -> list[psutil.Process]:
    """The processes started by a grader, while it lives."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


@pytest.mark.slow
def test_killed_at_any_moment(tmp_path):
    whole = a_class(tmp_path / "whole")
    grade(whole.root)
    course = a_class(tmp_path / "killed")
    processes = multiprocessing.get_context("forkserver")  # which imports once
    processes.set_forkserver_preload(["grader.grading.autograde"])
    chance = random.Random(0)
    done: dict[str, tuple[int, int]] = {}
    for moment in sorted(chance.sample(range(2 * len(STUDENTS) + 1), MOMENTS)):
        began = time.time()
        running = processes.Process(target=grade, args=(course.root,))
        running.start()
        while running.is_alive() and written(course, began) < moment:
            time.sleep(0.001)
        time.sleep(chance.uniform(0, 0.02))
        below = engines_of(running.pid)
        running.kill()
        running.join()
        _, alive = psutil.wait_procs(below, timeout=10)
        assert not alive, "a process outlived the grader"
        now = digests(course)
        assert done.items() <= now.items(), "run twice"
        done = now
    assert len(done) == len(STUDENTS), "no moment was after the last run"
    grade(course.root)
    assert rows(course) == rows(whole)
    assert digests(course) == done
    assert not list(course.root.rglob("*.partial")), "a partial file was left"


def test_partial_files_of_a_killed_grading_are_removed(tmp_path):
    course = make_course(tmp_path / "course")
    submit(course, "alice", answered(course))
    copy = course.lab(LAB).submission("alice").autograded
    for folder in (course.lab(LAB).results, copy, copy / "images"):
        folder.mkdir(parents=True)
        (folder / ".file.1.partial").write_text("{")
    grade(course.root)
    assert not list(course.root.rglob("*.partial"))


@pytest.mark.slow
def test_ctrl_c_loses_nothing(tmp_path):
    course = a_class(tmp_path / "course", seconds=1)  # so that the signal comes before the end
    running = subprocess.Popen(
        [sys.executable, "-m", "grader", "autograde", LAB],
        cwd=course.root,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while len(digests(course)) < 2:
        time.sleep(0.01)
        assert running.poll() is None
    below = engines_of(running.pid)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 130
    assert "Traceback" not in errors
    _, alive = psutil.wait_procs(below, timeout=10)
    assert not alive
    saved = {one.student for one in read_results(course.lab(LAB))}
    assert 2 <= len(saved) < len(STUDENTS)
    assert saved == set(rows(course)) - {"students"}
