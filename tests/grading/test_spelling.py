"""A class list in capitals and a hub in small letters: one student, or a refusal that says why."""

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
from nbgrader.api import Student
from typer.testing import CliRunner

from grader.cli import app
from grader.course import Course
from grader.errors import GraderError
from grader.grading import lateness
from grader.grading.extensions import write_extensions
from grader.platforms.roster import compare, enter, read_roster
from tests.support.course_cases import LAB, ROOT, answered, make_course, submit
from tests.support.lent_engine import grade

LIST = "Username,Nom,Courriel\nALROY,Roy,alroy@example.org\nZOE,Gagné,zoe@example.org\n"
NOTHING = "{}"  # cannot be read: graded at once


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course whose class list has the names in capitals."""
    course = make_course(tmp_path / "course")
    list_of_class = tmp_path / "liste.csv"
    list_of_class.write_text(LIST)
    enter(course, compare(course, read_roster(list_of_class)))
    monkeypatch.chdir(course.root)
    return course


def students(course: Course) -> dict[str, str | None]:
    """Names, and addresses."""
    with course.gradebook() as gradebook:
        return {student.id: student.email for student in gradebook.db.query(Student)}


def test_who_hands_in_under_the_name_of_the_hub_is_the_one_of_the_list(course, tmp_path):
    submit(course, "alroy", NOTHING)
    grade(course)
    assert students(course) == {"alroy": "alroy@example.org", "ZOE": "zoe@example.org"}
    again = compare(course, read_roster(tmp_path / "liste.csv"))
    assert (again.added, again.changed, again.respelled) == ({}, {}, {"ALROY": "alroy"})


@pytest.mark.slow
def test_it_is_so_too_when_nbgrader_grades(course):
    submit(course, "alroy", answered(course))
    command = [sys.executable, "-m", "nbgrader", "autograde", LAB, "--create"]
    done = subprocess.run(
        command,
        cwd=course.root,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert students(course) == {"alroy": "alroy@example.org", "ZOE": "zoe@example.org"}, done.stderr


def test_an_extension_of_the_list_s_name_counts(course):
    due = datetime(2026, 12, 1, 12)
    with course.gradebook() as gradebook:
        gradebook.update_or_create_assignment(LAB, duedate=due)
    until = (due + timedelta(days=2)).replace(tzinfo=UTC)
    write_extensions(course, {(LAB, "ALROY"): until})
    folder = submit(course, "alroy", NOTHING)
    (folder / "timestamp.txt").write_text("2026-12-02 12:00:00 UTC")
    grade(course)
    with course.gradebook() as gradebook:
        assert lateness.seconds_late(gradebook.find_submission(LAB, "alroy")) == 0


def test_two_folders_of_one_person_are_refused(course):
    submit(course, "alroy", NOTHING)
    submit(course, "ALROY", NOTHING)
    with pytest.raises(GraderError, match="handed in as ALROY and alroy: keep the folder"):
        grade(course)
    assert students(course).keys() == {"ALROY", "ZOE"}


def test_who_has_grades_under_the_other_name_is_refused_with_what_to_do(course):
    folder = submit(course, "ALROY", NOTHING)
    grade(course)
    shutil.move(folder.parent, folder.parent.with_name("alroy"))
    done = CliRunner().invoke(app, ["autograde", LAB])
    assert done.exit_code == 1
    assert f"has {LAB} of ALROY: rename the folder submitted/alroy to ALROY" in done.output
    assert students(course).keys() == {"ALROY", "ZOE"}


def test_a_name_in_another_case_is_suggested(course):
    submit(course, "alroy", NOTHING)
    for command in (["show", "ALROY", LAB], ["autograde", LAB, "--student", "ALROY"]):
        done = CliRunner().invoke(app, command)
        assert done.exit_code == 1
        assert "Did you mean alroy?" in done.output
