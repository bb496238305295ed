"""The choices that the command line offers are those that the engine has."""

import json
import os
import subprocess
import sys
from datetime import datetime, timedelta

import pytest
from typer.testing import CliRunner

from grader.cli import app
from grader.engine import Level
from grader.grading import table
from grader.grading.commands import Isolation
from grader.grading.lateness import LateWork
from grader.reporting.report import gather
from tests.support.course_cases import LAB, ROOT, answered, make_course, submit


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


def test_the_table_says_who_is_late_as_the_report_does(tmp_path, monkeypatch):
    course = make_course(tmp_path)
    monkeypatch.chdir(course.root)
    due = datetime(2026, 12, 1, 12)
    with course.gradebook() as gradebook:
        gradebook.update_or_create_assignment(LAB, duedate=due)
    for student, hours in (("alice", 30), ("bruno", -1)):
        folder = submit(course, student, "{")  # graded without being run
        when = due + timedelta(hours=hours)
        (folder / "timestamp.txt").write_text(f"{when:%Y-%m-%d %H:%M:%S} UTC")
    shown = CliRunner().invoke(app, ["autograde", LAB]).output
    rows = {line.split()[1]: line for line in shown.splitlines() if line.startswith("│")}
    assert "1 d 6 h" in rows["alice"]
    assert " h" not in rows["bruno"]
    told = json.loads(CliRunner().invoke(app, ["autograde", LAB, "--json"]).stdout)
    assert [one["seconds_late"] for one in told] == [108_000, 0]
    assert gather(course.lab(LAB)).late[0].seconds == 108_000


def test_a_terminal_that_lacks_a_letter_stops_nothing(tmp_path):
    course = make_course(tmp_path)
    submit(course, "zoé", "{")
    done = subprocess.run(
        [sys.executable, "-m", "grader", "autograde", LAB],
        cwd=course.root,
        env=os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "zo?" in done.stdout


def test_what_lateness_costs_stands_beside_it():
    assert table._late(LateWork(108_000, 2.5)) == "1 d 6 h, -2.5"


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
