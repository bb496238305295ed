"""Copies are found under new names; right answers that had to be alike are not."""

import json

import pytest
from typer.testing import CliRunner

from grader.cli import app
from grader.errors import GraderError
from grader.reporting import similarity
from grader.reporting.similarity import alike, to_json, write_page
from tests.support.course_cases import LAB, answered, make_course, submit

OWN = """
def standardize(x):
    total = torch.zeros(x.shape[1])
    for row in x:
        total = total + row
    centre = total / len(x)
    spread = torch.zeros(x.shape[1])
    for row in x:
        spread = spread + (row - centre) ** 2
    return (x - centre) / (spread / (len(x) - 1)) ** 0.5
"""
RENAMED = """
def standardize(x):
    # fait tout seul
    s = torch.zeros(x.shape[1])
    for ligne in x:
        s = s + ligne
    m = s / len(x)

    v = torch.zeros(x.shape[1])
    for ligne in x:
        v = v + (ligne - m) ** 2
    return (x - m) / (v / (len(x) - 1)) ** 0.5
"""
OTHER = """
def standardize(x):
    columns = []
    for j in range(x.shape[1]):
        column = x[:, j]
        columns.append((column - column.mean()) / column.std())
    return torch.stack(columns, dim=1)
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    course = make_course(tmp_path_factory.mktemp("similarity") / "course")
    submit(course, "amélie", answered(course, standardize=OWN))
    submit(course, "<b>bob", answered(course, standardize=RENAMED + "# <script>alert(1)</script>"))
    submit(course, "carla", answered(course, standardize=OTHER))
    for student in ("dan", "ève"):  # both as the reference
        submit(course, student, answered(course))
    submit(course, "broken", "{")
    return course


def test_a_renamed_copy_is_found_and_nothing_else(course):
    pairs = alike(course.lab(LAB), threshold=0.5)
    assert [set(pair.students) for pair in pairs] == [{"amélie", "<b>bob"}]
    assert min(pairs[0].shares) > 0.9
    assert json.loads(to_json(pairs))[0]["length"] == pairs[0].length > 100


def test_the_page_shows_what_is_shared_and_runs_nothing(course):
    page = write_page(course.lab(LAB), alike(course.lab(LAB), threshold=0.5)).read_text("utf-8")
    assert "amélie" in page
    assert "<mark>" in page
    assert "&lt;script&gt;" in page
    assert "<script" not in page
    assert "<b>" not in page
    assert "default-src 'none'" in page


def test_the_command_shows_the_pairs_and_says_where_the_page_is(course, monkeypatch):
    monkeypatch.chdir(course.root)
    done = CliRunner().invoke(app, ["similarity", LAB])
    assert done.exit_code == 0
    assert "amélie" in done.stdout
    assert str(course.lab(LAB).results / "similarity.html") in done.stdout.replace("\n", "")
    done = CliRunner().invoke(app, ["similarity", LAB, "--json"])
    assert json.loads(done.stdout)[0]["shares"][0] > 0.9


def test_what_a_good_part_of_the_class_wrote_is_no_sign(tmp_path):
    course = make_course(tmp_path / "course")
    for number in range(12):
        own = f"\ntotal = [{', '.join(str(k * (number + 3)) for k in range(12))}]\n"
        submit(course, f"s{number}", answered(course, standardize=OTHER + own))
    assert alike(course.lab(LAB), threshold=0.5) == []


def test_one_submission_is_not_compared(tmp_path):
    course = make_course(tmp_path / "course")
    submit(course, "alice", answered(course))
    with pytest.raises(GraderError, match="nothing to compare"):
        alike(course.lab(LAB), threshold=0.5)


def test_code_without_end_is_compared_up_to_a_bound_and_answers_first():
    def cell(source: str, **meta: object) -> dict:
        return {
            "cell_type": "code",
            "metadata": {"nbgrader": meta} if meta else {},
            "source": source,
        }

    answer = cell("def f(): pass", grade_id="f", solution=True)
    code = similarity._code({"cells": [*[cell("x = 1\n" * 10_000)] * 100, answer]})
    assert len(code) <= similarity._LONGEST
    assert code.startswith("def f(): pass")
