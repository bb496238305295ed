"""A corrected hidden test: what it changes is shown first, and only scores of tests change."""

import json
import shutil
import sqlite3
from datetime import datetime
from functools import partial

import pytest
from typer.testing import CliRunner

from grader.authoring.build import build, enter
from grader.cli import app
from grader.course import Course
from grader.errors import GraderError
from grader.grading import autograde as grading
from grader.grading import regrade as module
from grader.grading.results import read_results
from grader.notebook import plain
from tests.support.course_cases import LAB, QUICK, ROOT, answered, make_course, submit
from tests.support.gradebook_cases import LATE_POLICY, rows
from tests.support.lent_engine import LentEngine, grade, regrade

TRUE, FALSE = "count == 15", "count == 16"  # the hidden test, as it should be, and as it was
FORM, VALUES = "test_SimpleLinear_forme", "test_SimpleLinear_valeurs"
ONE_TOO_MANY = """
class SimpleLinear(nn.Module):
    def __init__(self, n_in, n_out):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(n_out, n_in))
        self.bias = nn.Parameter(torch.zeros(n_out))
        self.more = nn.Parameter(torch.zeros(1))

    def forward(self, x):
        return x @ self.weight.T + self.bias
"""


def edit(course: Course, before: str, after: str) -> None:
    """An edit of the lab's one source."""
    path = course.lab(LAB).source
    text = path.read_text("utf-8")
    assert before in text
    path.write_text(text.replace(before, after), "utf-8")


@pytest.fixture(scope="module")
def graded_class(tmp_path_factory):
    """A class that was graded with a wrong test, and read by a person."""
    course = make_course(tmp_path_factory.mktemp("regrade") / "course")
    with (course.root / "nbgrader_config.py").open("a") as config:
        config.write(LATE_POLICY)
    edit(course, TRUE, FALSE)
    build(course.lab(LAB))
    enter(course.lab(LAB))
    with course.gradebook() as gradebook:
        gradebook.update_or_create_assignment(LAB, duedate=datetime(2026, 12, 1))
    submit(course, "alice", answered(course))
    submit(course, "bruno", (course.root / "labs" / LAB / f"{LAB}.ipynb").read_text("utf-8"))
    submit(course, "carla", answered(course, q1="Parce que c'est mieux."))
    submit(course, "ève", answered(course, SimpleLinear=ONE_TOO_MANY))
    submit(course, "félix", "{ not a notebook")
    late = submit(course, "zoé", answered(course))
    (late / "timestamp.txt").write_text("2026-12-02 10:00:00 UTC")
    grade(course)
    with course.gradebook() as gradebook:
        by_hand(gradebook, "q1", "carla", 0.5)
        by_hand(gradebook, FORM, "carla", 0.75)
        comment = gradebook.find_comment("q1", LAB, LAB, "carla")
        comment.manual_comment = "À développer."
        gradebook.db.commit()
    return course.root


def by_hand(gradebook, cell: str, student: str, score: float) -> None:
    grade = gradebook.find_grade(cell, LAB, LAB, student)
    grade.manual_score, grade.needs_manual_grade = score, False
    gradebook.db.commit()


@pytest.fixture
def course(graded_class, tmp_path, monkeypatch):
    """A copy of that class."""
    shutil.copytree(graded_class, tmp_path / "course")
    monkeypatch.chdir(tmp_path / "course")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return Course(tmp_path / "course")


def everything(course: Course) -> dict:
    """Each file of the course but rehearsals, and what the gradebook says."""
    kept = (
        path
        for path in course.root.rglob("*")
        if path.is_file() and ".rehearsal" not in path.parts and path.name != ".lock"
    )
    files = {path: path.read_bytes() for path in kept if path.suffix not in (".db", ".pyc")}
    return {"files": files, "rows": rows(course), "source": released_tests(course)}


def released_tests(course: Course) -> dict[str, str]:
    with course.gradebook() as gradebook:
        return {cell.name: cell.source for cell in gradebook.find_notebook(LAB, LAB).source_cells}


def totals(preview) -> dict[str, tuple[float, float]]:
    return {one.student: (one.before, one.after) for one in preview.revisions}


GAINS_AND_LOSSES = {
    "alice": (4, 5),
    "carla": (5.25, 5.25),  # graded by hand: 0.75 stays
    "ève": (3, 2),
    "zoé": (3, 4),  # one point less for being late, before as after
}


def test_what_is_shown_is_what_is_written(course, runs):
    edit(course, FALSE, TRUE)
    before = everything(course)
    preview, written = regrade(course, QUICK, lambda _: False)
    assert not written
    assert totals(preview) == GAINS_AND_LOSSES
    assert preview.edited == {FORM}
    assert preview.surprises == {}
    by_hand = [
        (one.student, test.name) for one in preview.revisions for test in one.tests if test.by_hand
    ]
    assert by_hand == [("carla", FORM)]
    assert everything(course) == before
    assert sorted(runs) == ["alice", "bruno", "carla", "zoé", "ève"]  # félix's is no notebook
    runs.clear()
    again, written = regrade(course, QUICK, lambda _: True)
    assert written
    assert totals(again) == GAINS_AND_LOSSES
    assert runs == []  # the rehearsal's results were kept

    after = rows(course)
    for student in ("bruno", "félix"):
        assert after[student] == before["rows"][student]
    for student, was in before["rows"].items():
        if student == "students":
            continue
        for kept in ("submission", "notebook", "comments"):  # dates, lateness, comments
            assert after[student][kept] == was[kept]
        for (name, _, *rest), (same, _, *others) in zip(
            was["grades"], after[student]["grades"], strict=True
        ):
            assert (name, rest) == (same, others)  # by hand, and what waits to be read
    assert ("q1", None, "À développer.") in after["carla"]["comments"]
    assert TRUE in released_tests(course)[FORM]
    assert not (course.lab(LAB).results / ".rehearsal").exists()


def test_the_penalty_is_the_policy_s_for_the_new_score(course):
    edit(course, FALSE, TRUE)
    with (course.root / "nbgrader_config.py").open("a") as config:
        config.write(LATE_POLICY.replace("return 1.0", "return score").replace("One", "Each"))
    course = Course(course.root)  # which reads the configuration again
    regrade(course, QUICK, lambda _: True)
    after = rows(course)
    assert after["zoé"]["notebook"][1] == 5  # of 5
    assert after["alice"]["notebook"][1] is None  # in time


def test_afterwards_nothing_is_left_to_do(course, runs):
    edit(course, FALSE, TRUE)
    regrade(course, QUICK, lambda _: True)
    runs.clear()
    done = rows(course)
    grade(course)
    assert runs == []
    assert rows(course) == done
    preview, written = regrade(course, QUICK, lambda _: pytest.fail("asked again"))
    assert preview.settled
    assert not written
    scores = {one.student: one.score for one in read_results(course.lab(LAB))}
    assert scores["alice"] == 5  # what feedback shows
    kept = course.lab(LAB).submission("alice").autograded / f"{LAB}.ipynb"
    assert TRUE in kept.read_text("utf-8")  # what formgrader shows


def test_prose_concerns_nobody(course, runs):
    edit(course, "Pourquoi centrer et réduire", "Pour quelle raison centrer et réduire")
    preview, _ = regrade(course, QUICK, lambda _: pytest.fail("asked"))
    assert preview.settled
    assert runs == []


def test_only_who_was_not_run_with_it_is_run(course, runs):
    edit(course, FALSE, TRUE)

    def stop_after_two(graded):
        if len(list((course.lab(LAB).results / ".rehearsal").glob("*.json"))) == 2:
            raise KeyboardInterrupt

    before = everything(course)
    source = plain(module.would_build(course.lab(LAB)))
    with pytest.raises(KeyboardInterrupt):
        grading.rehearse(
            course.lab(LAB), QUICK, source, ["alice", "carla", "zoé"],
            course.lab(LAB).results / ".rehearsal", stop_after_two,
        )  # fmt: skip
    assert everything(course) == before
    runs.clear()
    preview, _ = regrade(course, QUICK, lambda _: False)
    assert totals(preview) == GAINS_AND_LOSSES
    assert len(runs) == 3  # of five


def test_a_test_that_was_not_edited_is_a_surprise(course):
    edit(course, FALSE, TRUE)
    with course.gradebook() as gradebook:
        gradebook.find_grade(VALUES, LAB, LAB, "alice").auto_score = 1.5  # as after a timeout
        gradebook.db.commit()
    preview, _ = regrade(course, QUICK, lambda _: False)
    assert preview.surprises == {VALUES: ["alice"]}


def test_who_is_left_out_is_told_and_stays(course, runs):
    edit(course, FALSE, TRUE)
    submit(course, "alice", answered(course, standardize="def standardize(x):\n    return x\n"))
    submit(course, "new", answered(course))
    shutil.rmtree(course.lab(LAB).submission("carla").submitted)
    shutil.rmtree(course.lab(LAB).submission("ève").autograded)
    before = rows(course)
    preview, _ = regrade(course, QUICK, lambda _: True)
    assert totals(preview) == {"zoé": (3, 4)}
    assert sorted(runs) == ["bruno", "zoé"]
    assert {name: why.split()[0] for name, why in preview.left.items()} == {
        "alice": "handed",
        "new": "not",
        "carla": "nothing",
        "ève": "no",
    }
    after = rows(course)
    for student in ("alice", "carla", "ève"):
        assert after[student] == before[student]
    assert "new" not in after


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('part="forme" points=1', 'part="forme" points=2', f"{FORM}: was a test of 1, is a test"),
        ('part="forme"', 'part="taille"', f"{FORM}: was a test of 1, is not there"),
        ('reponse="q1"', 'reponse="q2"', "q2: was not there, is an answer of 1"),
        ("### END HIDDEN TESTS", "", "HIDDEN TESTS"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_anything_is_run(
    course, runs, before, after, told
):
    edit(course, before, after)
    known = everything(course)
    with pytest.raises(GraderError, match=told):
        regrade(course, QUICK, lambda _: True)
    assert runs == []
    assert everything(course) == known


def test_an_edited_notebook_is_not_overwritten(course, runs):
    built = course.lab(LAB).notebook
    built.write_text(built.read_text("utf-8").replace(FALSE, TRUE), "utf-8")
    with pytest.raises(GraderError, match="from-notebook"):
        regrade(course, QUICK, lambda _: True)
    assert runs == []


def test_a_source_edited_while_one_reads_is_not_written(course):
    edit(course, FALSE, TRUE)
    before = everything(course)

    def slow(_):
        edit(course, TRUE, "count == 17")
        return True

    with pytest.raises(GraderError, match="edited meanwhile"):
        regrade(course, QUICK, slow)
    edit(course, "count == 17", TRUE)
    assert everything(course) == before


def test_nothing_is_graded_while_one_reads(course):
    edit(course, FALSE, TRUE)

    def slow(_):
        with pytest.raises(GraderError, match="being graded already"):
            grade(course)
        return False

    regrade(course, QUICK, slow)


@pytest.mark.parametrize(
    "last",
    [
        "regrade.build",
        "regrade.enter",
        "regrade.write_result",
        "record.RecordedDigests.add",
    ],
)
def test_killed_while_writing_the_same_command_goes_on(course, monkeypatch, last):
    edit(course, FALSE, TRUE)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(f"grader.grading.{last}", killed)
        with pytest.raises(GraderError, match="goes on"):
            regrade(course, QUICK, lambda _: True)
    preview, written = regrade(course, QUICK, lambda _: True)
    assert written
    assert preview.revisions or last == "record.RecordedDigests.add"
    found = rows(course)
    assert [one[1] for one in found["alice"]["grades"] if one[0] == FORM] == [1]
    grade(course)
    assert rows(course) == found


@pytest.mark.slow
def test_a_locked_gradebook_changes_nothing(course):
    edit(course, FALSE, TRUE)
    before = everything(course)
    lock = sqlite3.connect(course.root / "gradebook.db", isolation_level=None)

    def locked(_):
        lock.execute("BEGIN IMMEDIATE")
        return True

    with pytest.raises(GraderError, match="locked"):
        regrade(course, QUICK, locked)
    lock.execute("ROLLBACK")
    lock.close()
    assert rows(course) == before["rows"]
    regrade(course, QUICK, lambda _: True)
    assert rows(course) != before["rows"]


def test_who_was_not_graded_cannot_be_regraded(tmp_path):
    course = make_course(tmp_path / "course")
    submit(course, "alice", answered(course))
    with pytest.raises(GraderError, match="has not been graded"):
        regrade(course, QUICK, lambda _: True)


def test_the_command_shows_asks_and_writes(course, monkeypatch):
    lent = partial(module.regrade, make_engine=LentEngine)
    monkeypatch.setattr(module, "regrade", lent)
    edit(course, FALSE, TRUE)
    before = everything(course)
    quick = ["--workers", "2", "--memory-mb", "700"]
    refused = CliRunner().invoke(app, ["regrade", LAB, *quick], input="n\n")
    assert refused.exit_code == 1
    for text in (FORM, "2 gain", "1 lose", "by hand", "16 paramètres", "Nothing was"):
        assert text in refused.output
    assert refused.output.index("ève") < refused.output.index("alice")  # who loses comes first
    nobody = CliRunner().invoke(app, ["regrade", LAB, *quick], input="")
    assert nobody.exit_code == 1
    assert "--yes" in nobody.output
    looked = CliRunner().invoke(app, ["regrade", LAB, *quick, "--json"])
    facts = json.loads(looked.stdout)
    assert not facts["written"]
    assert {one["student"]: (one["before"], one["after"]) for one in facts["changes"]} == (
        GAINS_AND_LOSSES
    )
    assert everything(course) == before
    done = CliRunner().invoke(app, ["regrade", LAB, *quick, "--json", "--yes"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["written"]
    again = CliRunner().invoke(app, ["regrade", LAB, *quick])
    assert again.exit_code == 0
    assert "nothing changes" in again.output


def test_ctrl_c_writes_nothing(course, monkeypatch):
    edit(course, FALSE, TRUE)
    before = everything(course)

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "rehearse", interrupted)
    stopped = CliRunner().invoke(app, ["regrade", LAB, "--yes"])
    assert stopped.exit_code == 130
    assert "nothing was written" in stopped.output
    assert everything(course) == before
