"""The page about a class, and what hostile names do to it."""

import json
import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from markupsafe import escape
from typer.testing import CliRunner

from grader.authoring.notebooks import source_notebook
from grader.authoring.reading import parse
from grader.cli import app
from grader.engine import french
from grader.errors import GraderError
from grader.notebook import plain
from grader.reporting import diagnostics, statistics
from grader.reporting import report as reporting
from grader.reporting.diagnostics import Trouble
from grader.reporting.report import exercises_of
from grader.reporting.statistics import LabGrades, SubmissionGrades
from grader.text import printable
from tests.support.course_cases import LAB, QUICK, WRONG, answered, make_course, submit
from tests.support.gradebook_cases import LATE_POLICY
from tests.support.lent_engine import grade
from tests.support.report_cases import A, failed, graded

EVIL = "<img src=x onerror=alert(1)>'; rm -rf ~ #"


def a_report(student=EVIL, message=EVIL, dates=(datetime(2026, 1, 1),), due=None):
    named = replace(A, concepts=(message,))
    one = SubmissionGrades(student, {"test_a": 1.0}, seconds_late=4.0, handed_in=dates[0])
    bad = failed("test_a", french.raised(message, message, message))
    lab = LabGrades("laboratoire_01", 2.0, None, {student: one})
    result = graded(student, bad, incidents=(message,))
    return reporting.ClassReport(
        lab="laboratoire_01",
        made=datetime(2026, 1, 1),
        due=due,
        summary=statistics.summary([one], 2.0, 1, 1),
        totals=(1.0,),
        exercises=statistics.by_exercise([named], [one]),
        failures=diagnostics.failures([named], [result]),
        unexplained=1,
        concepts=statistics.by_concept([named], [one]),
        times=diagnostics.times([named], [result]),
        handed_in=tuple(dates),
        attention=diagnostics.attention([result], [student]),
        late=statistics.late([one]),
        labs=("laboratoire_01",),
        progress=statistics.term_progress([lab], [student, f"{student}2"]),
    )


@pytest.mark.parametrize(
    "text",
    [
        EVIL,
        "</table><script>alert(1)</script>",
        '" onload="alert(1)',
        "{{ 7 * 7 }}",
        "\x1b[31m\u202e",
    ],
)
def test_names_and_messages_are_only_text(text):
    page = reporting.page(a_report(text, text))
    body = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    tags = {tag.lower() for tag in re.findall(r"<\s*/?\s*([a-zA-Z]+)", body)}
    assert not tags & {"script", "img", "iframe", "object", "embed", "link", "base", "form"}
    attributes = {name.lower() for name in re.findall(r"<[^>]*?\s(on\w+)\s*=", body)}
    assert not attributes
    assert escape(printable(text)) in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    policy = '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; style-src'
    assert policy in page
    assert not re.search(r'(src|href)="(?!#)', page)  # nothing is fetched


def test_the_command_can_be_pasted():
    assert reporting._show(EVIL, "lab") == (
        "grader show '<img src=x onerror=alert(1)>'\"'\"'; rm -rf ~ #' lab"
    )
    assert reporting._show("-x", "lab") == "grader show -- -x lab"
    assert reporting._show("alice", "lab") == "grader show alice lab"


@pytest.mark.parametrize("due", [None, datetime(2026, 1, 3, 12)])
@pytest.mark.parametrize("odd", [datetime(1, 1, 2), datetime(9999, 12, 30), datetime(2026, 1, 1)])
def test_any_date_of_handing_in_can_be_drawn(odd, due):
    dates = (odd, datetime(2026, 1, 1, 3), datetime(2026, 1, 2))
    page = reporting.page(a_report("x", "y", dates, due))
    assert "When the class handed in" in page
    assert "#00000" not in page  # every colour is the page's


def test_a_student_without_a_date_and_a_class_of_zeros():
    report = replace(a_report("x", "y"), handed_in=(), totals=(0.0, 0.0), labs=())
    assert "Handing in" not in reporting.page(report)


# ---- A course


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    course = make_course(tmp_path_factory.mktemp("report") / "course")
    with (course.root / "nbgrader_config.py").open("a") as config:
        config.write(LATE_POLICY)
    due = datetime(2026, 12, 1)
    with course.gradebook() as gradebook:
        gradebook.update_or_create_assignment(LAB, duedate=due)
        gradebook.add_student("zoé")
    endless = WRONG + "\nwhile True:\n    pass\n"
    handed_in = {
        "alice": answered(course),
        EVIL: answered(course, standardize=WRONG),
        "carla": answered(course, standardize=WRONG),
        "dan": answered(course, standardize=endless),
        "ève": "{",
    }
    for hours, (student, notebook) in enumerate(handed_in.items(), start=-3):
        folder = submit(course, student, notebook)
        moment = due + timedelta(hours=hours)  # ève is an hour late
        (folder / "timestamp.txt").write_text(f"{moment:%Y-%m-%d %H:%M:%S} UTC")
    grade(course, replace(QUICK, cell_seconds=4))  # for all that dan will ever do
    return course


@pytest.mark.slow
def test_the_report_of_a_course(course):
    report = reporting.gather(course.lab(LAB))
    summary = report.summary
    assert (summary.expected, summary.submitted, summary.graded) == (6, 5, 5)
    assert (summary.missing, summary.late, summary.most) == (1, 1, 6.0)
    assert sorted(report.totals) == [0.0, 3.0, 3.0, 3.0, 5.0]
    names = [one.exercise.name for one in report.exercises]
    assert names == ["standardize", "SimpleLinear", "q1"]
    assert [one.exercise.max_score for one in report.exercises] == [2.0, 3.0, 1.0]
    first, second, _ = report.exercises
    assert (first.mean, second.mean) == (pytest.approx(0.2), pytest.approx(0.8))
    common = report.failures[0]
    assert (common.test, common.students) == ("test_standardize", (EVIL, "carla", "dan"))
    assert "moyenne" in common.message
    troubles = {one.student: one.trouble for one in report.attention}
    assert troubles == {
        "ève": Trouble.BROKEN,
        "dan": Trouble.TIMED_OUT,
        "zoé": Trouble.MISSING,
    }
    assert [(one.student, one.seconds) for one in report.late] == [("ève", 3600.0)]
    assert report.due == datetime(2026, 12, 1)
    assert len(report.handed_in) == 5


@pytest.mark.slow
def test_what_a_person_marks_counts(course):
    before = reporting.gather(course.lab(LAB))
    assert before.exercises[2].marked + before.summary.waiting == 5
    with course.gradebook() as gradebook:
        grade = gradebook.find_grade("q1", LAB, LAB, "alice")
        grade.manual_score, grade.needs_manual_grade = 0.5, False
        gradebook.db.commit()
    after = reporting.gather(course.lab(LAB))
    assert after.summary.waiting == before.summary.waiting - 1
    assert after.exercises[2].marked == before.exercises[2].marked + 1
    assert max(after.totals) == 5.5


def command(course, monkeypatch, *arguments):
    monkeypatch.chdir(course.root)
    return CliRunner().invoke(app, ["report", *arguments])


def test_the_command_writes_the_page_and_the_numbers(course, monkeypatch, tmp_path):
    done = command(course, monkeypatch, LAB)
    assert (done.exit_code, done.stdout.strip()) == (
        0,
        str(course.lab(LAB).results / "report.html"),
    )
    page = (course.lab(LAB).results / "report.html").read_text("utf-8")
    assert "&lt;img src=x" in page
    assert "<img" not in page
    assert "grader show dan" in page
    done = command(course, monkeypatch, LAB, "--output", str(tmp_path / "new" / "class.html"))
    assert done.exit_code == 0
    assert (tmp_path / "new" / "class.html").is_file()
    done = command(course, monkeypatch, LAB, "--json")
    assert json.loads(done.stdout)["summary"]["missing"] == 1
    assert json.loads(done.stdout)["due"] == "2026-12-01T00:00:00+00:00"
    done = command(course, monkeypatch, LAB, "--output", str(tmp_path))
    assert (done.exit_code, "is a folder" in done.stderr) == (1, True)


def test_graded_by_nbgrader_alone_the_page_has_the_grades(course):
    kept = {path: path.read_bytes() for path in course.lab(LAB).results.glob("*.json")}
    try:
        for path in kept:
            path.unlink()
        report = reporting.gather(course.lab(LAB))
    finally:
        for path, data in kept.items():
            path.write_bytes(data)
    assert (report.unexplained, report.failures, report.summary.graded) == (5, [], 5)
    assert "5 submissions were graded by nbgrader's own command" in reporting.page(report)


def test_what_is_not_graded_is_told(tmp_path, monkeypatch):
    course = make_course(tmp_path / "course")
    submit(course, "alice", answered(course))
    with pytest.raises(GraderError, match=f"has not been graded: grader autograde {LAB}"):
        reporting.gather(course.lab(LAB))
    done = command(course, monkeypatch, "laboratoire_99")
    assert done.exit_code == 1
    assert "This course has no lab laboratoire_99" in done.stderr


def test_the_tag_that_the_builder_adds_is_no_concept():
    text = (
        '# %% exercice="f" concepts="axes, perte"\n### BEGIN SOLUTION\nx = 1\n### END SOLUTION\n\n'
        '# %% test="f" points=2\nassert x\n'
    )
    notebook = plain(source_notebook(parse(text, Path("laboratoire_99.py"))))
    assert "raises-exception" in notebook["cells"][0]["metadata"]["tags"]
    (exercise,) = exercises_of(notebook)
    assert exercise.concepts == ("axes", "perte")
