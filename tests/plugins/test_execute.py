"""Plain `nbgrader autograde`, and so formgrader's button, grade as `grader autograde` does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from grader.course import Course
from grader.notebook import grade_id, is_test
from tests.support.course_cases import LAB, ROOT, WRONG, answered, make_course, submit
from tests.support.lent_engine import grade

CHEAT = (
    "import torch\n"
    "torch.testing.assert_close = lambda *args, **kwargs: None\n"
    "def standardize(x):\n    return x\n"
)


def fill(course: Course) -> Course:
    submit(course, "right", answered(course))
    submit(course, "wrong", answered(course, standardize=WRONG))
    submit(course, "cheat", answered(course, standardize=CHEAT))
    skipped = answered(course, standardize=WRONG)
    for cell in skipped["cells"]:
        cell["metadata"]["tags"] = ["skip-execution"]
    submit(course, "skips", skipped)
    submit(course, "moved", moved(answered(course)))
    submit(course, "twice", twice(answered(course)))
    submit(course, "marks", marked(answered(course, standardize=WRONG)))
    return course


def moved(notebook: dict) -> dict:
    """The tests before the answers."""
    notebook["cells"].sort(key=lambda cell: not is_test(cell))
    return notebook


def twice(notebook: dict) -> dict:
    """A second, wrong answer under the same name: both are run, as in Jupyter."""
    index, cell = next(
        (i, c) for i, c in enumerate(notebook["cells"]) if grade_id(c) == "standardize"
    )
    notebook["cells"].insert(index + 1, cell | {"id": "second", "source": WRONG})
    return notebook


def marked(notebook: dict) -> dict:
    """The student's answer to another exercise, marked as a test that earns points."""
    cell = next(c for c in notebook["cells"] if grade_id(c) == "SimpleLinear")
    cell["metadata"]["nbgrader"] |= {"grade": True, "solution": False, "points": 10}
    return notebook


def scores(course: Course) -> dict[str, tuple]:
    with course.gradebook() as gradebook:
        found = {}
        for submission in gradebook.assignment_submissions(LAB):
            grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
            found[submission.student.id] = tuple(sorted((g.name, g.auto_score) for g in grades))
        return found


@pytest.mark.slow
def test_nbgrader_gives_the_same_scores(tmp_path):
    ours = fill(make_course(tmp_path / "ours"))
    theirs = fill(make_course(tmp_path / "theirs"))
    grade(ours)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        [sys.executable, "-m", "nbgrader", "autograde", LAB],
        cwd=theirs.root,
        env=os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert scores(theirs) == scores(ours)
    totals = {student: sum(s or 0 for _, s in grades) for student, grades in scores(ours).items()}
    assert totals == {
        "right": 5,
        "wrong": 3,
        "cheat": 3,
        "skips": 3,
        "moved": 5,
        "twice": 3,
        "marks": 3,
    }
