"""The choices that the command line offers are those that the engine has."""

import pytest
from typer.testing import CliRunner

from grader.cli import app
from grader.engine import Level
from grader.grading.commands import Isolation
from tests.support.course_cases import LAB, answered, make_course, submit


def test_each_level_has_its_name_in_lower_case():
    assert {name.name: name.value for name in Isolation} == {
        level.name: level.name.lower() for level in Level
    }


@pytest.mark.parametrize(
    "options",
    [
        ["autograde", "laboratoire_01", "--isolation", "prayer"],
        ["autograde", "laboratoire_01", "--isolation", "SECCOMP"],
        ["autograde", "laboratoire_01", "--cluster", "cloud"],
        ["autograde", "laboratoire_01", "--cluster", "dask"],
        ["autograde", "laboratoire_01", "--jobs", "2"],
        ["regrade", "laboratoire_01", "--isolation", "prayer"],
    ],
)
def test_other_choices_are_wrong_usage(options):
    assert CliRunner().invoke(app, options).exit_code == 2


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    course = make_course(tmp_path_factory.mktemp("commands") / "course")
    submit(course, "alice", answered(course))
    return course


@pytest.mark.parametrize(
    "words",
    [
        ["autograde", "laboratoire_min"],
        ["regrade", "laboratoire_min"],
        ["report", "laboratoire_min"],
        ["feedback", "laboratoire_min"],
        ["similarity", "laboratoire_min"],
        ["mark", "laboratoire_min"],
        ["show", "alice", "laboratoire_min"],
        ["release", "laboratoire_min"],
        ["rehearse", "laboratoire_min"],
    ],
    ids=" ".join,
)
def test_a_lab_that_is_not_there_gets_the_nearest_name(course, monkeypatch, words):
    monkeypatch.chdir(course.root)
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 1
    assert f"Did you mean {LAB}?" in result.output


@pytest.mark.parametrize(
    ("student", "said"),
    [
        ("alise", f"alise has handed in nothing for {LAB}. Did you mean alice?"),
        ("zoé", f"zoé has handed in nothing for {LAB}."),
        ("alice", f"no result of alice for {LAB}: grader autograde {LAB}"),
    ],
)
def test_who_handed_in_nothing_is_said_to_have(course, monkeypatch, student, said):
    monkeypatch.chdir(course.root)
    result = CliRunner().invoke(app, ["show", student, LAB])
    assert result.exit_code == 1
    assert said in result.output
