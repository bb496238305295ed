"""A lab is tried on its answer key and its skeleton before a class is graded."""

import pytest
from typer.testing import CliRunner

from grader.cli import app
from tests.support.course_cases import LAB, make_course


@pytest.fixture
def source(tmp_path, monkeypatch):
    course = make_course(tmp_path / "course")
    monkeypatch.chdir(course.root)
    return course.lab(LAB).source


def rehearse(verb: str = "rehearse"):
    return CliRunner().invoke(app, [verb, LAB])


def test_a_good_lab_is_rehearsed_when_it_is_released(source):
    done = rehearse("release")
    assert done.exit_code == 0, done.output
    assert "the answer key earns every point, the skeleton none" in done.stdout


@pytest.mark.slow
def test_what_keeps_a_lab_from_grading_is_told_by_name(source):
    text = source.read_text(encoding="utf-8")
    hidden = "### BEGIN HIDDEN TESTS\n"
    needs_a_number = f"{hidden}from labo import checks\nabs(checks.build(torch.nn.Linear, 1, 1))\n"
    assert text.count(hidden) >= 2
    source.write_text(text.replace(hidden, needs_a_number, 1), encoding="utf-8")
    done = rehearse("release")
    assert done.exit_code == 1
    assert "the answer key has 0 of" in done.stderr
    assert "il faut un nombre, et non un objet de la classe Linear" in done.stderr


def test_a_test_that_an_empty_answer_passes_is_told(source):
    text = source.read_text(encoding="utf-8")
    start = text.index('# %% test="')
    end = text.index("# %%", start + 5)
    header = text[start:end].split("\n")[0]
    source.write_text(f"{text[:start]}{header}\nassert True\n\n{text[end:]}", encoding="utf-8")
    done = rehearse()
    assert done.exit_code == 1
    assert "the skeleton has" in done.stderr


IN_ONE_PROCESS = """kept = standardize
del standardize
try:
    standardize(torch.ones(2, 2))
except NameError:
    standardize = kept
else:
    raise AssertionError
"""


@pytest.mark.slow
def test_the_mode_that_suits_is_told(source):
    text = source.read_text(encoding="utf-8")
    hidden = "### BEGIN HIDDEN TESTS\n"
    source.write_text(text.replace(hidden, hidden + IN_ONE_PROCESS, 1), encoding="utf-8")
    done = rehearse()
    assert done.exit_code == 1
    assert "cannot grade a class in isolated mode" in done.stderr
    assert 'c.Grader.modes = {"laboratoire_mini": "shared"}' in done.stderr
    with (source.parent.parent / "nbgrader_config.py").open("a") as config:
        config.write('\nc.Grader.mode = "shared"\n')
    done = rehearse()
    assert done.exit_code == 0, done.stderr
    assert "earns every point" in done.stdout
    source.write_text(text, encoding="utf-8")
    assert "In isolated mode the answer key earns every point too" in rehearse().stdout
