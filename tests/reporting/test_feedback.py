"""A student reads their own work and the hints; no line of a hidden test, nothing that runs."""

import re
from html import unescape
from pathlib import Path

import pytest

from grader.authoring.reading import read_source
from grader.engine import Outcome, Report
from grader.errors import GraderError
from grader.grading.results import Result
from grader.grading.submission import Problem
from grader.reporting import feedback
from grader.reporting.feedback import _Grades, write_all
from tests.support.course_cases import LAB, WRONG, answered, make_course, submit
from tests.support.hostile_cases import CASES
from tests.support.lent_engine import grade

HOSTILE = [case for name, case in CASES.items() if name.startswith("feedback/")]


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> dict[str, str]:
    """Feedback of an honest class and of every attack on who reads it."""
    course = make_course(tmp_path_factory.mktemp("feedback") / "course")
    submit(course, "right", answered(course))
    submit(course, "wrong", answered(course, standardize=WRONG, SimpleLinear="1 / 0"))
    submit(course, "<b>nom</b>", answered(course))
    submit(course, "broken", "{")
    for case in HOSTILE:
        submit(course, case.path.stem, case.job().notebook)
    grade(course)
    write_all(course.lab(LAB))
    paths = course.root.glob(f"feedback/*/{LAB}/{LAB}.html")
    return {path.parent.parent.name: path.read_text("utf-8") for path in paths}


def test_hints_and_scores(pages):
    page = unescape(pages["wrong"])
    assert "la moyenne se prend par colonne (dim=0)" in page
    assert "ZeroDivisionError" in page
    assert "0 / 2" in page
    assert "5 <small>sur 6" in pages["right"]
    assert "provisoire" in pages["right"]
    assert "JSON" in pages["broken"]


def test_no_line_of_a_hidden_test(pages):
    source = read_source(Path(__file__).parents[1] / "data" / f"{LAB}.py")
    hidden = {
        line.strip()
        for cell in source.cells
        if cell.role and cell.role.kind == "test"
        for region in cell.secret
        for line in region
        if len(re.sub(r"\W", "", line)) > 8
    }
    assert hidden
    for student, page in pages.items():
        page = unescape(page)
        assert not [line for line in hidden if line in page], student


def test_nothing_that_runs(pages):
    assert {case.path.stem for case in HOSTILE} <= pages.keys()
    for student, page in pages.items():
        tags = {tag.lower() for tag in re.findall(r"<\s*([a-zA-Z]+)", page)}
        assert not tags & {"script", "iframe", "object", "embed", "svg", "link", "b"}, student
        assert "default-src 'none'" in page
        for tag in re.findall(r"<[^>]+>", page):
            assert not re.search(r"\son\w+\s*=", tag), (student, tag)
            assert "javascript:" not in tag
        sources = re.findall(r'<img[^>]*src="([^"]*)"', page)
        assert all(src.startswith("data:image/png;base64,") for src in sources)


def test_a_result_that_was_not_recorded_is_told(tmp_path, monkeypatch):
    course = make_course(tmp_path / "course")
    with pytest.raises(GraderError, match="has not been graded"):
        write_all(course.lab(LAB))
    submit(course, "alice", answered(course))
    monkeypatch.setattr("grader.grading.autograde.record", lambda *_: None)
    grade(course)
    with pytest.raises(GraderError, match="alice is not in the gradebook"):
        write_all(course.lab(LAB))


def test_a_name_is_shown_without_control_characters():
    notebook = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    name = "zo\x1b[31mé\u202e\x00<b>"
    problem = Problem("", "Le fichier s'appelle « \x07\u2028 ».")
    result = Result(name, "", (problem,), Outcome(name, notebook, Report(())))
    html = feedback.page(LAB, result, _Grades({}, set(), {}, 0.0, 1.0))
    assert "zoé\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}&lt;b&gt;" in html
    assert not set("\x1b\u202e\x00\x07\u2028") & set(html)


def test_a_page_stays_light(pages):
    assert all(len(page) < 3_000_000 for page in pages.values())
