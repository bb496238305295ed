"""Penalties follow from dates, extensions, policy and score, whatever changed last."""

import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from nbgrader.api import Gradebook
from sqlalchemy import event

from grader.course import Course
from grader.errors import GraderError
from grader.grading import extending, lateness
from grader.grading.extensions import path_of, read_extensions
from grader.platforms.grades import read_lab
from grader.plugins.lateness import LatePolicy
from tests.support.course_cases import LAB, make_course

DUE = datetime(2026, 12, 2, 5, 0)  # midnight in Toronto
DAY = 86_400
POLICY = """
c.Course.timezone = "America/Toronto"
c.LatePolicy.penalty_method = "percent_per_day"
"""


@pytest.fixture
def course(tmp_path):
    """Alice has 10 points, Bruno 5: both handed in 30 hours late."""
    make_course(tmp_path)
    course = configured(tmp_path, POLICY)
    with course.gradebook() as gradebook:
        gradebook.update_or_create_assignment(LAB, duedate=DUE)
        for student, score in (("alice", 10), ("bruno", 5), ("chloé", 0)):
            gradebook.add_student(student)
            if score:
                gradebook.add_submission(LAB, student, timestamp=DUE + timedelta(hours=30))
                set_score(gradebook, student, score)
    lateness.refresh(course)
    return course


def configured(root: Path, text: str) -> Course:
    with (root / "nbgrader_config.py").open("a") as config:
        config.write(text)
    return Course(root)


def set_score(gradebook: Gradebook, student: str, score: float) -> None:
    """As if a person had given it."""
    notebook = gradebook.find_submission_notebook(LAB, LAB, student)
    for rank, grade in enumerate(notebook.grades):
        grade.manual_score = 0 if rank else score
    gradebook.db.commit()


def penalties(course: Course) -> dict[str, float]:
    with course.gradebook() as gradebook:
        return {s: grade.penalty for s, grade in read_lab(course, gradebook, LAB).grades.items()}


def test_each_day_begun_takes_its_part(course):
    assert penalties(course) == {"alice": 2.0, "bruno": 1.0}
    assert lateness.refresh(course) == 0


def test_a_penalty_follows_the_due_date(course):
    with course.gradebook() as gradebook:
        gradebook.update_or_create_assignment(LAB, duedate=DUE + timedelta(hours=29, minutes=56))
    assert lateness.refresh(course) == 2
    assert penalties(course) == {"alice": 0.0, "bruno": 0.0}


def test_a_penalty_follows_the_score(course):
    with course.gradebook() as gradebook:
        set_score(gradebook, "bruno", 8)
    lateness.refresh(course)
    assert penalties(course)["bruno"] == 1.6


def test_those_of_a_few_students_are_brought_up_to_date_alone(course):
    with course.gradebook() as gradebook:
        for student in ("alice", "bruno"):
            set_score(gradebook, student, 2.5)
    assert lateness.refresh(course, students=["bruno"]) == 1
    assert penalties(course) == {"alice": 2.0, "bruno": 0.5}


@pytest.mark.parametrize("named", [0, 500])
def test_scores_are_asked_for_once_however_many_are_late(course, monkeypatch, named):
    monkeypatch.setattr(lateness, "_NAMED", named)  # beyond it, the grades of all are read
    asked = []
    with course.gradebook() as gradebook:
        for number in range(8):
            gradebook.add_student(f"s{number}")
            gradebook.add_submission(LAB, f"s{number}", timestamp=DUE + timedelta(hours=30))
            set_score(gradebook, f"s{number}", 10 - number)
        gradebook.db.expire_all()
        event.listen(gradebook.engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
        assert lateness.refresh(course, gradebook) == 8
        gradebook.db.commit()
    assert len(asked) < 8, asked  # nothing for each of those who are late
    found = penalties(course)
    assert [found[f"s{number}"] for number in range(3)] == [2.0, 1.8, 1.6]
    assert found["alice"] == 2.0


def test_a_penalty_follows_the_policy(course):
    assert lateness.refresh(configured(course.root, 'c.LatePolicy.penalty_method = "zero"\n')) == 2
    assert penalties(course) == {"alice": 10.0, "bruno": 5.0}
    lateness.refresh(configured(course.root, 'c.LatePolicy.penalty_method = "none"\n'))
    assert penalties(course) == {"alice": 0.0, "bruno": 0.0}


def test_a_penalty_follows_an_extension(course):
    extending.give(course, LAB, "alice", "2026-12-03 12:00")
    assert penalties(course) == {"alice": 0.0, "bruno": 1.0}
    assert extending.lines(course) == [
        f"{LAB}: alice until 2026-12-03 12:00 EST (2026-12-03 17:00 UTC)"
    ]
    extending.give(course, LAB, "alice", "2026-12-02 12:00")  # too short, and not added to
    assert penalties(course)["alice"] == 1.0
    extending.take_back(course, LAB, "alice")
    assert penalties(course)["alice"] == 2.0
    assert extending.lines(course) == ["No extension."]


def test_an_extension_waits_for_what_is_handed_in(course):
    extending.give(course, LAB, "chloé", "2026-12-05 23:59")
    assert "chloé" not in penalties(course)
    with course.gradebook() as gradebook:
        gradebook.add_submission(LAB, "chloé", timestamp=DUE + timedelta(days=3))
        set_score(gradebook, "chloé", 10)
    lateness.refresh(course)
    assert penalties(course)["chloé"] == 0.0


def test_an_extension_that_nbgrader_gave_stays(course):
    with course.gradebook() as gradebook:
        gradebook.grant_extension(LAB, "alice", days=1)
    lateness.refresh(course)
    assert penalties(course)["alice"] == 1.0
    extending.take_back(course, LAB, "alice")
    assert penalties(course)["alice"] == 2.0


def test_many_extensions_come_from_a_table(course, tmp_path):
    table = tmp_path / "given.csv"
    table.write_text(
        f"lab,student,until\n{LAB},alice,2026-12-05 23:59\n{LAB},bruno,2026-12-05T23:59Z\n", "utf-8"
    )
    extending.give_all(course, table)
    assert penalties(course) == {"alice": 0.0, "bruno": 0.0}
    assert len(read_extensions(course)) == 2
    assert "2026-12-05 23:59-05:00" in path_of(course).read_text("utf-8")


def test_a_table_that_a_french_excel_has_saved_is_read(course, tmp_path):
    table = tmp_path / "given.csv"
    table.write_text(f"lab;student;until\r\n{LAB};alice;2026-12-05 23:59\r\n", "utf-8-sig")
    extending.give_all(course, table)
    assert penalties(course)["alice"] == 0.0


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (f"{LAB},alice,demain", ":2: 'demain' is no date"),
        (f"{LAB},,2026-12-05 23:59", ":2: a line has lab, student, until"),
        (f"{LAB}x,alice,2026-12-05 23:59", f"Did you mean {LAB}?"),
        (f"{LAB},alise,2026-12-05 23:59", "Did you mean alice?"),
        (f"{LAB},nobody,2026-12-05 23:59", "import-roster"),
    ],
)
def test_a_wrong_line_changes_nothing(course, tmp_path, line, said):
    table = tmp_path / "given.csv"
    table.write_text(f"lab,student,until\n{line}\n", "utf-8")
    with pytest.raises(GraderError, match=re.escape(said)):
        extending.give_all(course, table)
    assert read_extensions(course) == {}


def test_slip_days_are_of_the_term(course):
    with course.gradebook() as gradebook:
        gradebook.add_assignment("before", duedate=DUE - timedelta(days=7))
        gradebook.add_submission("before", "alice", timestamp=DUE - timedelta(days=6))
    lateness.refresh(configured(course.root, "c.LatePolicy.slip_days = 2\n"))
    assert penalties(course) == {"alice": 1.0, "bruno": 0.0}  # Alice has used one before


def test_a_minute_of_another_day_is_that_day_whatever_slips(course):
    with course.gradebook() as gradebook:
        entry = gradebook.find_submission(LAB, "bruno")
        entry.timestamp = DUE + timedelta(days=1, minutes=1)
        gradebook.db.commit()
    lateness.refresh(configured(course.root, "c.LatePolicy.slip_days = 1\n"))
    assert penalties(course)["bruno"] == 0.5


def test_the_policies():
    policy = LatePolicy(penalty_method="percent_per_day", most_percent=25)
    assert [policy.days_late(s) for s in (0, 300, 301, DAY, DAY + 1)] == [0, 0, 1, 1, 2]
    assert [policy.penalty(20, days) for days in range(5)] == [None, 2.0, 4.0, 5.0, 5.0]
    assert policy.late_submission_penalty("alice", 20, 4.1) is None
    assert LatePolicy(penalty_method="zero").late_submission_penalty("alice", 20, 301) == 20
    assert LatePolicy().late_submission_penalty("alice", 20, DAY) is None


def test_a_zone_that_does_not_exist_is_told(course):
    with pytest.raises(GraderError, match="America/Toronto"):
        _ = configured(course.root, 'c.Course.timezone = "Montréal"\n').zone
