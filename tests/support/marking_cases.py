"""A class whose written answers wait to be marked, without running any of its notebooks."""

from __future__ import annotations

import inspect
import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

from nbgrader.server_extensions.formgrader.apihandlers import CommentHandler, GradeHandler

from grader.authoring.build import build
from grader.authoring.source import TEXT_STUB
from grader.course import Course
from grader.engine import Outcome, Report
from grader.files import write_atomically
from grader.grading.record import record
from grader.grading.results import Result
from grader.marking.answers import Answer, Mark, Question, State, answers_to, find_question
from tests.support.course_cases import LAB, ROOT, answered, make_course, submit

TEXTS = {"alice": "Réponse A.", "bruno": "Réponse B.", "carla": "Réponse C.", "dan": TEXT_STUB}
LINES = ("✓ 0,5 pt\u00a0: nomme l'échelle", "✓ 0,5 pt\u00a0: conclut sur le pas")
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


def q1(course: Course) -> Question:
    """The question that is marked."""
    return find_question(course.lab(LAB), "q1")


def waiting(course: Course) -> list[Answer]:
    """The answers that wait, in the order in which they come up."""
    return [answer for answer in answers_to(q1(course)) if answer.state == State.WAITING]


def marks(course: Course) -> dict[str, Mark]:
    """The marks, by student."""
    with course.gradebook() as gradebook:
        found = {}
        for submission in gradebook.assignment_submissions(LAB):
            grade = gradebook.find_grade("q1", LAB, LAB, submission.student.id)
            comment = gradebook.find_comment("q1", LAB, LAB, submission.student.id)
            found[submission.student.id] = Mark(
                grade.manual_score, grade.needs_manual_grade, comment.manual_comment
            )
        return found


def student_of(course: Course, answer: Answer) -> str:
    """The student who wrote it."""
    with course.gradebook() as gradebook:
        return gradebook.find_submission_notebook_by_id(answer.id).student.id


def formgrader(course: Course, name: str, **values: object) -> None:
    """What formgrader's boxes send, given to its own handlers."""
    with course.gradebook() as gradebook:
        grade = gradebook.find_grade("q1", LAB, LAB, name)
        comment = gradebook.find_comment("q1", LAB, LAB, name)
        for handler, row in ((GradeHandler, grade), (CommentHandler, comment)):
            sent = row.to_dict()
            if changed := values.keys() & sent.keys():
                sent |= {key: values[key] for key in changed}
                request = SimpleNamespace(
                    gradebook=gradebook, get_json_body=lambda sent=sent: sent, write=len
                )
                inspect.unwrap(handler.put)(request, row.id)


def database(course: Course) -> list[str]:
    """Every row of every table."""
    path = course.directory.db_url.removeprefix("sqlite:///")
    with sqlite3.connect(path) as connection:
        return sorted(connection.iterdump())


def age(claim: Path) -> None:
    """Make a claim as old as that of a computer that has been asleep."""
    long_ago = time.time() - 3600
    os.utime(claim, (long_ago, long_ago))


def grader(course: Course, *arguments: str, **options) -> subprocess.Popen:
    """`grader ARGUMENTS` in a course, as a process of its own."""
    command = [sys.executable, "-m", "grader", *arguments]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    for fixed in ("COLUMNS", "LINES"):  # the size is the terminal's
        env.pop(fixed, None)
    return subprocess.Popen(command, cwd=course.root, env=env, **options)
