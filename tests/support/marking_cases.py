"""A class whose written answers wait to be marked, without running any of its notebooks."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

from grader.authoring.build import build
from grader.authoring.source import TEXT_STUB
from grader.course import Course
from grader.engine import Outcome, Report
from grader.files import write_atomically
from grader.grading.record import record
from grader.grading.results import Result
from tests.support.course_cases import LAB, ROOT, answered, make_course, submit

RUBRIC = """\
#
# **Barème**
#
# - 0,5 pt : nomme l'échelle
# - 0,5 pt : conclut sur le pas
"""


def make_class(folder: Path, texts: dict[str, str]) -> Course:
    """A course whose students gave these answers to q1, executed and recorded."""
    course = make_course(folder)
    source = course.root / "solutions" / f"{LAB}.py"
    last_line = "# convient à toutes les directions.\n"
    source.write_text(source.read_text("utf-8").replace(last_line, last_line + RUBRIC), "utf-8")
    build(course.lab(LAB))
    hand_in(course, texts)
    return course


def hand_in(course: Course, texts: dict[str, str]) -> None:
    """Submissions of these answers, as autograding records them."""
    graded = [_graded(course, student, text) for student, text in texts.items()]
    for one in graded:
        write_atomically(course.lab(LAB).results / f"{one.student}.json", one.to_json().encode())
    record(course.lab(LAB), graded)


def _graded(course: Course, student: str, text: str) -> Result:
    notebook = answered(course, q1=text)
    submit(course, student, notebook)
    return Result(student, "", (), Outcome(student, notebook, Report((), engine="none")))


def a_class_of(count: int) -> dict[str, str]:
    """Answers of so many students; every tenth wrote none."""
    texts = {f"student_{i:03}": f"Réponse *{i}* : l'échelle." for i in range(count)}
    return {s: TEXT_STUB if i % 10 == 9 else text for i, (s, text) in enumerate(texts.items())}


def grader(course: Course, *arguments: str, **options) -> subprocess.Popen:
    """`grader ARGUMENTS` in a course, as a process of its own."""
    command = [sys.executable, "-c", "from grader.cli import app; app()", *arguments]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    for fixed in ("COLUMNS", "LINES"):  # the size is the terminal's
        env.pop(fixed, None)
    return subprocess.Popen(command, cwd=course.root, env=env, **options)


def age(path) -> None:
    long_ago = time.time() - 3600
    os.utime(path, (long_ago, long_ago))
