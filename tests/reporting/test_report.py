"""The page about a class: its numbers, worked out by hand, and what hostile names do to it."""

import json
import re
from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from markupsafe import escape
from typer.testing import CliRunner

from grader.cli import app
from grader.engine import Outcome, Report, Status, Verdict, french
from grader.errors import GraderError
from grader.grading.autograde import autograde
from grader.grading.results import Result
from grader.grading.submission import Problem
from grader.reporting import report as reporting
from grader.reporting import statistics
from grader.reporting.statistics import Exercise, Submission, Trouble
from grader.text import printable
from tests.support.course_cases import LAB, QUICK, WRONG, answered, make_course, submit
from tests.support.gradebook_cases import LATE_POLICY

A, B = Exercise("a", {"test_a": 2.0}), Exercise("b", {"test_b_x": 1.0, "test_b_y": 3.0})
Q = Exercise("q1", {"q1": 2.0}, written=True)
# Ten students: four have both exercises, four neither, one has only a, one only b. So between the
# two, phi = (4·4 - 1·1) / √(5·5·5·5) = 0.6.
BOTH = [(1, 1)] * 4 + [(1, 0), (0, 1)] + [(0, 0)] * 4


def submission(student, a=0.0, b=0.0, **rest):
    return Submission(student, {"test_a": a, "test_b_x": b, "test_b_y": 0.0}, **rest)


def graded(student, *verdicts, incidents=(), problems=(), engine="1", seconds=1.0):
    done = Report(verdicts, incidents, engine=engine, seconds=seconds)
    return Result(student, "", problems, Outcome(student, {}, done))


def failed(test, message, status=Status.FAILED):
    return Verdict(test, status, 0.0, 1.0, message, 0.5)


# ---- The numbers


def test_the_summary_of_five():
    points = [(4, {}), (0, {}), (1, {}), (2, {"penalty": 5.0, "seconds_late": 60.0}), (3, {})]
    some = [submission(str(n), total, **rest) for n, (total, rest) in enumerate(points)]
    some[4] = replace(some[4], scores={**some[4].scores, "q1": 0.0}, waiting=frozenset({"q1"}))
    found = statistics.summary(some, most=8, expected=9, submitted=6)
    # Totals 0, 0, 1, 3, 4: a penalty takes no more than there is.
    assert (found.mean, found.median, found.quartiles) == (1.6, 1.0, (0.0, 3.0))
    assert (found.expected, found.submitted, found.graded, found.missing) == (9, 6, 5, 3)
    assert (found.waiting, found.late, found.most) == (1, 1, 8)


def test_discrimination_leaves_the_exercise_itself_out():
    some = [submission(str(n), 2 * a, b) for n, (a, b) in enumerate(BOTH)]
    first, second = statistics.by_exercise([A, B], some)
    assert (first.success, first.mean) == (0.5, 0.5)
    assert (second.success, second.mean) == (0.0, 0.125)  # 5 of 10 have 1 point of 4
    assert first.discrimination == pytest.approx(0.6)
    assert second.discrimination == pytest.approx(0.6)


def test_discrimination_where_it_has_no_meaning():
    item, rest = np.array(BOTH, dtype=float).T
    assert statistics.discrimination(item, rest) == pytest.approx(0.6)
    assert statistics.discrimination(item, -rest) == pytest.approx(-0.6)
    assert statistics.discrimination(item[:9], rest[:9]) is None  # too few
    assert statistics.discrimination(np.ones(10), rest) is None
    assert statistics.discrimination(item, np.zeros(10)) is None
    alone = [submission(str(n), 2 * a) for n, (a, _) in enumerate(BOTH)]
    assert statistics.by_exercise([A], alone)[0].discrimination is None


def test_what_waits_to_be_marked_counts_in_no_exercise():
    some = [
        Submission("x", {"test_a": 2.0, "q1": 2.0}),
        Submission("y", {"test_a": 1.0, "q1": 0.0}, frozenset({"q1"})),
        Submission("z", {"test_a": 0.0, "q1": 1.0}),
    ]
    first, question = statistics.by_exercise([A, Q], some)
    assert (first.marked, first.waiting, first.mean) == (3, 0, 0.5)
    assert (question.marked, question.waiting) == (2, 1)
    assert (question.success, question.mean) == (0.5, 0.75)
    unmarked = [replace(one, waiting=frozenset({"q1"})) for one in some]
    question = statistics.by_exercise([A, Q], unmarked)[1]
    assert (question.success, question.mean, question.discrimination) == (None, None, None)


def test_the_rest_of_the_lab_is_what_was_marked():
    """Who waits for marks is compared by the share of what they were marked for."""
    some = [
        Submission(str(n), {"test_a": 2.0 * a, "test_b_x": b, "q1": 2.0 * b})
        for n, (a, b) in enumerate(BOTH)
    ]
    bare = Exercise("b", {"test_b_x": 1.0})
    whole = statistics.by_exercise([A, bare, Q], some)[0].discrimination
    some[0] = replace(some[0], scores={"test_a": 2.0, "test_b_x": 1.0}, waiting=frozenset({"q1"}))
    assert statistics.by_exercise([A, bare, Q], some)[0].discrimination == pytest.approx(whole)


def test_concepts_across_exercises():
    a, b = replace(A, concepts=("axes",)), replace(B, concepts=("axes", "perte"))
    q = replace(Q, concepts=("méthode",))
    some = [
        Submission("x", {"test_a": 2.0, "test_b_x": 1.0, "test_b_y": 3.0, "q1": 0.0}),
        Submission("y", {"test_a": 2.0, "q1": 0.0}),
        Submission("z", {"test_a": 0.0, "test_b_x": 1.0, "test_b_y": 2.0, "q1": 0.0}),
    ]
    some = [replace(one, waiting=frozenset({"q1"})) for one in some]
    # axes: 6/6, 2/6, 3/6; perte: 4/4, 0/4, 3/4; nothing is known of the question.
    found = statistics.by_concept([a, b, q], some)
    assert [(one.concept, one.exercises, one.missed) for one in found] == [
        ("perte", ("b",), 1),
        ("axes", ("a", "b"), 1),
    ]
    assert [one.mean for one in found] == [pytest.approx(7 / 12), pytest.approx(11 / 18)]


def test_failures_with_the_same_hint_are_one():
    class_ = [
        graded("u", failed("test_a", "vous trouvez 1,95 au lieu de 0,95 : trop")),
        graded("v", failed("test_a", "vous trouvez 2,1e-3 au lieu de 0,95 : trop\nsuite")),
        graded("w", failed("test_a", "vous trouvez 2,1e-3 au lieu de 0,95 : trop")),
        graded("x", failed("test_a", french.raised("NameError", "name 'np' is ...", "File"))),
        graded("y", failed("test_a", french.raised("NameError", "name 'torhc' is ...", ""))),
        graded("z", failed("test_a", french.raised("NotImplementedError", "exercice : a", ""))),
        graded("t", failed("test_b_x", french.raised("NotImplementedError", "autre", ""))),
        graded("s", failed("test_b_x", "Cette cellule a été arrêtée", Status.TIMEOUT)),
        graded("r", failed("test_b_x", "illisible", Status.NOT_RUN), engine=""),
        graded("q", Verdict("test_a", Status.PASSED, 1.0, 1.0)),
    ]
    found = [
        (f.exercise, f.kind, f.message, "".join(f.students))
        for f in statistics.failures([A, B], class_)
    ]
    assert found == [
        ("a", "wrong answer", "vous trouvez 2,1e-3 au lieu de 0,95 : trop", "uvw"),
        ("a", "NameError", "name 'np' is ...", "xy"),
        ("a", "not answered", "", "z"),
        ("b", "NotImplementedError", "autre", "t"),
        ("b", "too long", "Cette cellule a été arrêtée", "s"),
    ]


def test_times_are_of_what_was_run():
    class_ = [
        graded("u", failed("test_a", ""), failed("test_b_x", ""), failed("test_b_y", "")),
        graded("v", failed("test_a", ""), seconds=9.0),
        graded("w", engine="", seconds=50.0),
    ]
    found = statistics.times([A, B, Q], class_, slowest=1)
    assert (found.median, found.most, found.slowest) == (5.0, 9.0, (("v", 9.0),))
    assert found.tests == {"a": (0.5, 0.5), "b": (0.5, 1.0)}


def test_who_needs_attention_the_worst_first():
    mended, serious = (Problem("m", "", serious=False),), (Problem("changed metadata", ""),)
    class_ = [
        graded("u", problems=serious),
        graded("v", incidents=("ended by the watch: disk",)),
        graded("w", incidents=(f"cell 3: {statistics.STOPPED_AFTER} 60 s",)),
        graded("x", problems=(Problem("not valid JSON", ""),), engine=""),
        graded("y", problems=mended),
    ]
    found = statistics.attention(class_, ["z2", "z1"])
    assert [(one.student, one.trouble) for one in found] == [
        ("x", Trouble.BROKEN),
        ("w", Trouble.TIMED_OUT),
        ("v", Trouble.INCIDENT),
        ("u", Trouble.CHANGED),
        ("z1", Trouble.MISSING),
        ("z2", Trouble.MISSING),
    ]
    assert found[3].reasons == ("changed metadata",)


def term(**shares):
    """Labs of ten points in which each student has these."""
    labs = [
        {name: Submission(name, {"t": 10 * s}) for name, own in shares.items() if (s := own[n])}
        for n in range(len(next(iter(shares.values()))))
    ]
    return [(10.0, lab) for lab in labs]


def test_who_falls_or_stops():
    found = statistics.progress(
        term(
            up=(0.5, 0.6, 0.3),  # the last lab is hard for all
            usual=(0.8, 0.8, 0.5),
            falls=(0.9, 0.9, 0.4),
            absent=(None, 0.8, 0.5),
            stops=(0.9, None, None),
            back=(0.8, None, 0.5),
        ),
        ["up", "usual", "falls", "absent", "stops", "back", "never"],
    )
    flags = {one.student: one.flag for one in found}
    # Medians 0.8, 0.8, 0.5: ahead by 0.1, 0.1 and then behind by 0.1.
    assert flags == {
        "falls": "20 points below their usual",
        "never": "has handed in nothing",
        "stops": "nothing for the last 2 labs",
        "up": "",
        "usual": "",
        "absent": "",
        "back": "",
    }
    assert [one.student for one in found][:3] == ["falls", "never", "stops"]
    assert next(one.shares for one in found if one.student == "stops") == (0.9, None, None)


def test_late_ones_the_latest_first():
    some = [submission("u", seconds_late=5.0), submission("v"), submission("w", seconds_late=9.0)]
    some[2] = replace(some[2], penalty=1.5)
    found = [(one.student, one.seconds, one.penalty) for one in statistics.late(some)]
    assert found == [("w", 9.0, 1.5), ("u", 5.0, 0.0)]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.02, "20 ms"), (1.5, "1.5 s"), (67, "67 s"), (3_600, "1 h"), (190_000, "2 d 4 h")],
)
def test_durations(seconds, text):
    assert reporting._duration(seconds) == text


# ---- The page

EVIL = "<img src=x onerror=alert(1)>'; rm -rf ~ #"


def a_report(student=EVIL, message=EVIL, dates=(datetime(2026, 1, 1),), due=None):
    named = replace(A, concepts=(message,))
    one = Submission(student, {"test_a": 1.0}, seconds_late=4.0, handed_in=dates[0])
    bad = failed("test_a", french.raised(message, message, message))
    result = graded(student, bad, incidents=(message,))
    return reporting.ClassReport(
        lab="laboratoire_01",
        made=datetime(2026, 1, 1),
        due=due,
        summary=statistics.summary([one], 2.0, 1, 1),
        totals=(1.0,),
        exercises=statistics.by_exercise([named], [one]),
        failures=statistics.failures([named], [result]),
        unexplained=1,
        concepts=statistics.by_concept([named], [one]),
        times=statistics.times([named], [result]),
        handed_in=tuple(dates),
        attention=statistics.attention([result], [student]),
        late=statistics.late([one]),
        labs=("laboratoire_01",),
        progress=statistics.progress([(2.0, {student: one})], [student, f"{student}2"]),
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
    autograde(course.lab(LAB), QUICK)
    return course


def test_the_report_of_a_course(course):
    report = reporting.gather(course.lab(LAB))
    summary = report.summary
    assert (summary.expected, summary.submitted, summary.graded) == (6, 5, 5)
    assert (summary.missing, summary.late, summary.most) == (1, 1, 6.0)
    assert sorted(report.totals) == [0.0, 3.0, 3.0, 3.0, 5.0]
    names = [one.exercise.name for one in report.exercises]
    assert names == ["standardize", "SimpleLinear", "q1"]
    assert [one.exercise.most for one in report.exercises] == [2.0, 3.0, 1.0]
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
    assert "grader release laboratoire_99" in done.stderr
