"""Partial credit, from a long assignment's tests to the gradebook and the student's page."""

import json
import shutil
from html import unescape

import pytest

from grader.authoring.build import build
from grader.authoring.notebooks import source_notebook
from grader.authoring.reading import read_source
from grader.authoring.release import release
from grader.course import Course
from grader.grading.autograde import autograde
from grader.reporting.feedback import write_all
from tests.support.course_cases import QUICK, ROOT
from tests.support.lent_engine import LentEngine

TP = "tp1"
NOT_SUMMED = ("sum_to_shape(-gradient * a / b**2, b.shape)", "-gradient * a / b**2")


@pytest.mark.slow
def test_what_is_right_counts_and_what_is_missing_is_told_once(tmp_path):
    (tmp_path / "solutions").mkdir()
    shutil.copy(ROOT / "nbgrader_config.py", tmp_path)
    shutil.copy(ROOT / f"solutions/{TP}.py", tmp_path / "solutions")
    course = Course(tmp_path)
    lab = course.lab(TP)
    build(lab)
    release(lab, source_notebook(read_source(lab.source)))
    folder = lab.submission("alice").submitted
    folder.mkdir(parents=True)
    (folder / f"{TP}.ipynb").write_text(json.dumps(lab.author_notebook()).replace(*NOT_SUMMED))

    autograde(lab, QUICK, make_engine=LentEngine)
    write_all(lab)

    with course.gradebook() as gradebook:
        notebook = gradebook.find_submission_notebook(TP, TP, "alice")
        scores = {grade.cell.name: grade.auto_score for grade in notebook.grades}
    tests = {name: score for name, score in scores.items() if name.startswith("test_")}
    assert tests.pop("test_mul_div_div") == 1
    assert sum(tests.values()) == 25
    page = unescape((tmp_path / f"feedback/alice/{TP}/{TP}.html").read_text("utf-8"))
    assert "3 / 4" in page
    assert page.count("1 point en moins : Div est fausse quand une entrée est diffusée") == 1
