"""Files that are handed in beside the notebook reach its own process, and nobody else's."""

import json

import pytest

from grader.errors import GraderError
from grader.grading.handed_in import handed_in
from grader.grading.results import read_result
from tests.support.course_cases import LAB, QUICK, answered, make_course, submit
from tests.support.lent_engine import grade, regrade

FROM_A_FILE = """
from pathlib import Path
def standardize(x):
    words = Path("réglages.txt").read_text().split()
    assert words == ["juste"], words
    return (x - x.mean(dim=0)) / x.std(dim=0, correction=0)
"""


@pytest.fixture
def course(tmp_path):
    return make_course(tmp_path / "course")


def hand_in(course, student: str, word: str):
    folder = submit(course, student, answered(course, standardize=FROM_A_FILE))
    (folder / "réglages.txt").write_text(word, encoding="utf-8")
    return folder


def scores(graded) -> dict[str, float]:
    return {one.student: one.score for one in graded}


def test_each_notebook_has_its_own_files(course):
    hand_in(course, "alice", "juste")
    hand_in(course, "bruno", "faux")
    submit(course, "carla", answered(course, standardize=FROM_A_FILE))
    assert scores(grade(course)) == {"alice": 5, "bruno": 3, "carla": 3}
    missing = read_result(course.lab(LAB).submission("carla")).outcome.report.verdicts[0]
    assert "n'accompagne pas le notebook" in missing.message


def test_a_file_that_changed_is_graded_again_and_no_other(course, runs):
    hand_in(course, "alice", "faux")
    hand_in(course, "bruno", "juste")
    assert scores(grade(course)) == {"alice": 3, "bruno": 5}
    runs.clear()
    hand_in(course, "alice", "juste")
    assert scores(grade(course)) == {"alice": 5, "bruno": 5}
    assert runs == ["alice"]


def test_the_authors_file_overwrites_and_grades_everybody_again(course, runs):
    folder = hand_in(course, "alice", "faux")
    assert scores(grade(course)) == {"alice": 3}
    source = course.lab(LAB).notebook.parent
    (source / "réglages.txt").write_text("juste", encoding="utf-8")
    assert scores(grade(course)) == {"alice": 5}
    assert runs == ["alice", "alice"]
    kept = course.lab(LAB).submission("alice").autograded / "réglages.txt"
    assert kept.read_text(encoding="utf-8") == "juste"
    assert (folder / "réglages.txt").read_text(encoding="utf-8") == "faux"


def test_what_students_rewrite_is_not_overwritten(course):
    with (course.root / "nbgrader_config.py").open("a") as config:
        config.write(f'\nc.Autograde.exclude_overwriting = {{"{LAB}": ["réglages.txt"]}}\n')
    course = type(course)(course.root)
    hand_in(course, "alice", "juste")
    (course.lab(LAB).notebook.parent / "réglages.txt").write_text("faux", encoding="utf-8")
    assert scores(grade(course)) == {"alice": 5}


def test_regrading_takes_the_files_and_leaves_who_changed_theirs(course):
    hand_in(course, "alice", "juste")
    folder = hand_in(course, "bruno", "juste")
    grade(course)
    (folder / "réglages.txt").write_text("autre", encoding="utf-8")
    path = course.lab(LAB).source
    path.write_text(path.read_text("utf-8").replace("count == 15", "count == 16"), "utf-8")
    preview, _ = regrade(course, QUICK, lambda _: False)
    assert [(r.student, r.before, r.after) for r in preview.revisions] == [("alice", 5, 4)]
    assert list(preview.left) == ["bruno"]


def test_a_file_that_the_lab_asks_for_and_that_is_missing_is_told(course):
    lab = course.lab(LAB)
    source = lab.author_notebook()
    source["metadata"]["labo"]["files"] = ["poids.safetensors", "images/*.png"]
    folder = submit(course, "alice", answered(course))
    (folder / "images").mkdir()
    (folder / "images" / "a.png").write_bytes(b"png")
    _, (problem,) = handed_in(lab.submission("alice"), source)
    assert "asked for, and not handed in: poids.safetensors" in problem.message
    assert "« poids.safetensors », qui n'a pas été remis" in problem.student_message


def test_a_file_that_changes_while_a_class_is_graded_stops_with_the_reason(course):
    folder = hand_in(course, "alice", "juste")
    files, _ = handed_in(course.lab(LAB).submission("alice"), course.lab(LAB).author_notebook())
    assert files.read() == {"réglages.txt": b"juste"}
    (folder / "réglages.txt").write_text("faux")
    with pytest.raises(GraderError, match="changed while"):
        files.read()


def test_nbgraders_marks_are_no_files_of_the_student(course):
    folder = submit(course, "alice", answered(course))
    (folder / "timestamp.txt").write_text("2026-11-01 10:00:00 UTC")
    (folder / "submission_secret.txt").write_text("secret")
    (folder / "autre.ipynb").write_text(json.dumps({}))
    files, problems = handed_in(
        course.lab(LAB).submission("alice"), course.lab(LAB).author_notebook()
    )
    assert (files.digests, problems) == ({}, ())
