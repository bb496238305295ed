"""A class is graded once, whatever was handed in, and only what changed is run again."""

import json
import os
import shutil
from datetime import datetime
from pathlib import Path

import pytest

from grader.engine import Engine, EngineConfig, Status
from grader.errors import GraderError
from grader.grading import autograde as module
from grader.grading import intake
from grader.grading.autograde import autograde
from grader.grading.results import Result, read_result, read_results
from tests.hostile.files import CASES
from tests.support.course_cases import LAB, QUICK, WRONG, answered, make_course, submit
from tests.support.lent_engine import grade


@pytest.fixture
def course(tmp_path):
    return make_course(tmp_path / "course")


def scores(graded) -> dict[str, float]:
    return {one.student: one.score for one in graded}


@pytest.mark.slow
def test_broken_files_cost_their_own_student_only(tmp_path):
    course = make_course(tmp_path / "course")
    for case in CASES:
        folder = course.lab(LAB).submission(case.name).submitted
        folder.mkdir(parents=True)
        case.submit(folder, answered(course))
    submit(course, "honest", answered(course))
    graded = grade(course)
    expected = {case.name: case.score for case in CASES} | {"honest": 5}
    assert scores(graded) == expected
    with course.gradebook() as gradebook:
        recorded = {s.student.id: s.score for s in gradebook.assignment_submissions(LAB)}
    assert recorded == expected
    for name in ("symlink_to_a_secret", "links_beside_the_notebook"):
        kept = course.lab(LAB).submission(name).autograded
        assert not any(path.is_symlink() for path in kept.rglob("*"))
        assert not (kept / "gradebook.db").exists()
    for one in graded:
        if expected[one.student] == 0:
            assert one.attention
    assert not Path("/tmp/labo-escape").exists()


def test_only_what_changed_is_run_again(course, runs):
    for student in ("alice", "bruno", "carla"):
        submit(course, student, answered(course))
    first = grade(course)
    assert sorted(runs) == ["alice", "bruno", "carla"]
    runs.clear()
    assert scores(grade(course)) == scores(first)
    assert runs == []
    submit(course, "bruno", answered(course, standardize=WRONG))
    assert scores(grade(course))["bruno"] == 3
    assert runs == ["bruno"]


def test_a_changed_test_runs_everybody_again(course, runs):
    submit(course, "alice", answered(course))
    grade(course)
    path = course.lab(LAB).notebook
    text = path.read_text("utf-8")
    path.write_text(text.replace("count == 15", "count == 16"), "utf-8")
    assert scores(grade(course)) == {"alice": 4}
    assert runs == ["alice", "alice"]


def test_a_changed_engine_runs_everybody_again(course, runs, monkeypatch):
    submit(course, "alice", answered(course))
    grade(course)
    monkeypatch.setattr(Engine, "version", "another")
    grade(course)
    assert runs == ["alice", "alice"]


def test_an_interrupted_grading_goes_on(course, runs):
    for student in ("alice", "bruno", "carla", "david"):
        submit(course, student, answered(course))

    def stop_after_two(graded):
        if len(read_results(course.lab(LAB))) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        grade(course, on_result=stop_after_two)
    with course.gradebook() as gradebook:
        assert len(gradebook.assignment_submissions(LAB)) == 2
    done = {one.student for one in read_results(course.lab(LAB))}
    runs.clear()
    grade(course)
    assert set(runs) == {"alice", "bruno", "carla", "david"} - done


def recorded(course) -> dict[str, float]:
    with course.gradebook() as gradebook:
        return {s.student.id: s.score for s in gradebook.assignment_submissions(LAB)}


def test_a_new_result_is_recorded_even_if_killed_before(course, monkeypatch):
    submit(course, "alice", answered(course, standardize=WRONG))
    grade(course)
    assert recorded(course) == {"alice": 3}
    submit(course, "alice", answered(course))
    with monkeypatch.context() as killed:
        killed.setattr(module, "record", lambda *_: None)
        grade(course)
    assert recorded(course) == {"alice": 3}
    grade(course)
    assert recorded(course) == {"alice": 5}


def test_what_is_handed_in_beside_the_notebook_follows_it(course, runs):
    folder = submit(course, "alice", answered(course))
    (folder / "notes").mkdir()
    (folder / "notes" / "plan.txt").write_text("d'abord")
    (folder / "timestamp.txt").write_text("2026-10-01 10:00:00 UTC")
    grade(course)
    shutil.rmtree(folder / "notes")
    (folder / "notes").write_text("ensuite")  # a file where a folder was
    (folder / "timestamp.txt").write_text("2026-10-02 10:00:00 UTC")
    grade(course)
    assert runs == ["alice", "alice"]  # what its code reads is another
    kept = course.lab(LAB).submission("alice").autograded
    assert (kept / "notes").read_text() == "ensuite"
    with course.gradebook() as gradebook:
        assert gradebook.find_submission(LAB, "alice").timestamp == datetime(2026, 10, 2, 10)
    shutil.rmtree(kept)
    grade(course)
    assert (kept / f"{LAB}.ipynb").is_file()


@pytest.mark.parametrize("date", ["hier soir", "9" * 1_000, "\x00", "fifo"])
def test_a_date_that_is_none_costs_nothing_and_is_told(course, date):
    folder = submit(course, "alice", answered(course))
    if date == "fifo":
        os.mkfifo(folder / "timestamp.txt")
    else:
        (folder / "timestamp.txt").write_text(date)
    (graded,) = grade(course)
    assert graded.score == 5
    assert any("timestamp.txt" in reason for reason in graded.attention)
    assert recorded(course) == {"alice": 5}


def test_one_grading_of_a_lab_at_a_time(course):
    submit(course, "alice", answered(course))

    def again(_):
        with pytest.raises(GraderError, match="being graded already"):
            grade(course)

    grade(course, on_result=again)
    grade(course)


def test_a_file_that_breaks_the_reader_costs_its_own_student(course, monkeypatch):
    submit(course, "alice", answered(course))
    submit(course, "eve", "{}")
    original = intake.read_notebook

    def fragile(path):
        if "eve" in path.parts:
            raise MemoryError("no more")
        return original(path)

    monkeypatch.setattr(intake, "read_notebook", fragile)
    alice, eve = grade(course)
    assert (alice.score, eve.score) == (5, 0)
    assert "MemoryError" in eve.attention[0]


def test_a_damaged_result_is_run_again(course, runs):
    submit(course, "alice", answered(course))
    grade(course)
    path = course.lab(LAB).results / "alice.json"
    path.write_text(path.read_text("utf-8")[:100], "utf-8")
    assert scores(grade(course)) == {"alice": 5}
    assert runs == ["alice", "alice"]


def test_one_student_at_a_time(course, runs):
    for student in ("alice", "bruno"):
        submit(course, student, answered(course))
    assert scores(grade(course, students=["bruno"])) == {"bruno": 5}
    assert runs == ["bruno"]
    grade(course, students=["bruno"], force=True)
    assert runs == ["bruno", "bruno"]


@pytest.mark.slow
def test_a_loop_costs_its_own_exercise_only(course):
    loop = "def standardize(x):\n    while True:\n        pass\n"
    submit(course, "alice", answered(course, standardize=loop))
    quick = EngineConfig(workers=1, cell_seconds=1, notebook_seconds=20)
    (graded,) = grade(course, quick)
    statuses = [verdict.status for verdict in graded.outcome.report.verdicts]
    assert statuses == [Status.TIMEOUT, Status.PASSED, Status.PASSED]


def test_mistakes_of_the_instructor_are_told(course, tmp_path):
    with pytest.raises(GraderError, match="nobody has submitted"):
        grade(course)
    submit(course, "alice", answered(course))
    with pytest.raises(GraderError, match="by zoé"):
        grade(course, students=["zoé"])
    with pytest.raises(GraderError, match="no lab laboratoire_99"):
        autograde(course.lab("laboratoire_99"), QUICK)
    shutil.rmtree(course.lab(LAB).notebook.parent)
    with pytest.raises(GraderError, match="has not been built"):
        grade(course)
    with pytest.raises(GraderError, match="no result of alice"):
        read_result(course.lab(LAB).submission("alice"))
    os.makedirs(os.fsencode(course.root / "submitted") + b"/\xff/" + LAB.encode())
    with pytest.raises(GraderError, match="rename this folder"):
        grade(course)
    shutil.rmtree(os.fsencode(course.root / "submitted") + b"/\xff")
    for name in ("zo\x1b[31mé", "zo\u202eé", "zo\né"):
        submit(course, name, "{}")
        with pytest.raises(GraderError, match="rename this folder") as refused:
            grade(course)
        assert name not in str(refused.value)
        shutil.rmtree(course.root / "submitted" / name)
    (course.lab(LAB).results / "alice.json").write_text("{")
    with pytest.raises(GraderError, match="damaged"):
        read_results(course.lab(LAB))


def test_results_are_plain_files(course):
    submit(course, "alice", answered(course))
    grade(course)
    (one,) = read_results(course.lab(LAB))
    again = Result.from_json(one.to_json())
    assert again == one
    assert json.loads(one.to_json())["outcome"]["report"]["level"] == "namespaces"
