"""Courses that were written for nbgrader, laid out in any way: they are graded, or told."""

import json
import shutil
from pathlib import Path

import nbformat
import nbgrader
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from typer.testing import CliRunner

from grader.cli import app
from grader.course import Course
from grader.engine import EngineConfig, Mode
from grader.errors import GraderError
from grader.grading.autograde import autograde
from grader.grading.intake import sanitise
from grader.grading.results import read_results
from grader.notebook import plain
from grader.reporting import term
from grader.reporting.feedback import write_all
from grader.reporting.report import gather
from tests.support.course_cases import ROOT
from tests.support.exchange_cases import nbgrader as run_nbgrader
from tests.support.lent_engine import LentEngine

PS1 = Path(nbgrader.__file__).parent / "docs" / "source" / "user_guide"
CONFIG = """
c.CourseDirectory.source_directory = "source"
c.CourseDirectory.release_directory = "release"
c.Grader.modes = {"ps1": "shared"}
"""
SHARED = EngineConfig(
    workers=2, cell_seconds=15, notebook_seconds=90, memory_mb=700, mode=Mode.SHARED
)


def graded(grade_id: str, source: str, *, points: float | None = None, **flags: bool):
    """A code cell that nbgrader knows, or with `task` a text cell."""
    meta = {"grade_id": grade_id, "grade": False, "solution": False, "locked": False, "task": False}
    meta |= flags | {"schema_version": 3} | ({} if points is None else {"points": points})
    new = new_markdown_cell if flags.get("task") else new_code_cell
    return new(source, metadata={"nbgrader": meta})


SMALL = [
    graded(
        "f",
        "def f(x):\n    ### BEGIN SOLUTION\n    return x + 1\n    ### END SOLUTION",
        solution=True,
    ),
    graded(
        "hidden",
        "### BEGIN HIDDEN TESTS\nassert f(1) == 2\n### END HIDDEN TESTS",
        points=2,
        grade=True,
        locked=True,
    ),
    graded("project", "Make a plan.", points=3, task=True),
]
UNGRADED = [
    graded("g", "def g():\n    ### BEGIN SOLUTION\n    pass\n    ### END SOLUTION", solution=True)
]


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Course:
    """nbgrader's own ps1, of two notebooks; a small one under another name; one without points."""
    folder = tmp_path_factory.mktemp("course")
    text = (ROOT / "nbgrader_config.py").read_text("utf-8")
    (folder / "nbgrader_config.py").write_text(text + CONFIG, "utf-8")
    shutil.copytree(PS1 / "source" / "ps1", folder / "source" / "ps1")
    for name, cells in {"week2": SMALL, "reading": UNGRADED}.items():
        (folder / "source" / name).mkdir()
        nbformat.write(new_notebook(cells=cells), folder / "source" / name / f"the {name}.ipynb")
    for name in ("ps1", "week2", "reading"):
        run_nbgrader(folder, folder, "generate_assignment", name)
    for student in ("bitdiddle", "hacker"):
        shutil.copytree(PS1 / "submitted" / student / "ps1", folder / "submitted" / student / "ps1")
        for name in ("week2", "reading"):
            released = folder / "release" / name
            shutil.copytree(released, folder / "submitted" / student / name)
    return Course(folder)


@pytest.fixture(scope="module")
def results(course):
    return {
        part.title: autograde(part, SHARED, make_engine=LentEngine)
        for name in ("ps1", "week2", "reading")
        for part in course.lab(name).parts
    }


@pytest.mark.slow
def test_each_notebook_of_an_assignment_is_graded(course, results):
    assert list(results) == ["ps1/problem1", "ps1/problem2", "week2", "reading"]
    scores = {t: [one.score for one in found] for t, found in results.items()}
    with course.gradebook() as gradebook:
        for student in ("bitdiddle", "hacker"):
            submission = gradebook.find_submission("ps1", student)
            assert {n.name for n in submission.notebooks} == {"problem1", "problem2"}
            assert submission.score == sum(
                one.score
                for title, found in results.items()
                for one in found
                if title.startswith("ps1/") and one.student == student
            )
    assert scores["ps1/problem1"] == [1.5, 3.0]
    folder = course.lab("ps1").submission("hacker").autograded
    names = {path.name for path in folder.iterdir()}
    assert {"problem1.ipynb", "problem2.ipynb", "jupyter.png", "timestamp.txt"} <= names


def test_no_notebook_of_an_assignment_is_another_students_work(results):
    problems = [p.message for found in results.values() for one in found for p in one.problems]
    assert not [p for p in problems if "beside it" in p or "another name" in p]


def test_what_was_graded_is_not_run_again(course, results, runs):
    for name in ("ps1", "week2"):
        for part in course.lab(name).parts:
            assert autograde(part, SHARED, make_engine=LentEngine) == results[part.title]
    assert runs == []


def test_a_hidden_test_alone_in_its_cell_accuses_nobody(course, results):
    for one in results["week2"]:
        assert one.problems == ()
        assert one.score == 0
    author = course.lab("week2").author_notebook()
    assert sanitise(plain(author), author)[1] == ()


def test_a_task_waits_for_a_person(course, results):
    with course.gradebook() as gradebook:
        notebook = gradebook.find_submission_notebook("the week2", "week2", "hacker")
        (grade,) = [g for g in notebook.grades if g.cell.name == "project"]
        assert grade.needs_manual_grade
        assert grade.max_score == 3


def test_pages_reports_and_names(course, results):
    for part in course.lab("ps1").parts:
        write_all(part)
    pages = course.lab("ps1").submission("hacker").feedback
    assert {path.name for path in pages.glob("*.html")} == {"problem1.html", "problem2.html"}
    whole = term.read(course).lab("ps1")
    with course.gradebook() as gradebook:
        for student, work in whole.submissions.items():
            assert work.total == gradebook.find_submission("ps1", student).score
    assert gather(course.lab("week2")).summary.submitted == 2
    with pytest.raises(GraderError, match=r"several notebooks.*ps1/problem1, ps1/problem2"):
        _ = course.lab("ps1").one
    with pytest.raises(GraderError, match="no notebook problem3"):
        course.known_lab("ps1/problem3")


def test_a_lab_without_points_breaks_no_report(course, results):
    report = gather(course.lab("reading"))
    assert report.summary.most == 0
    assert gather(course.lab("week2")).labs == ("ps1", "reading", "week2")


def test_commands_take_an_assignment_or_one_of_its_notebooks(course, results, monkeypatch):
    monkeypatch.chdir(course.root)
    shown = CliRunner().invoke(app, ["show", "hacker", "ps1"])
    assert shown.exit_code == 0, shown.output
    shown = CliRunner().invoke(app, ["report", "ps1", "--json"])
    assert "ps1/problem2" in shown.stderr
    shown = CliRunner().invoke(app, ["report", "ps1/problem1", "--json"])
    assert json.loads(shown.stdout)["summary"]["submitted"] == 2


def test_another_language_is_refused_and_old_metadata_are_read(course, tmp_path):
    shutil.copytree(course.root, tmp_path / "copy")
    other = Course(tmp_path / "copy")
    path = other.root / "source" / "week2" / "the week2.ipynb"
    notebook = json.loads(path.read_text("utf-8"))
    for cell in notebook["cells"][:2]:  # as nbgrader 0.4 wrote them; tasks came later
        meta = cell["metadata"]["nbgrader"]
        meta |= {"schema_version": 1}
        del meta["task"]
    del notebook["cells"][2]
    path.write_text(json.dumps(notebook), "utf-8")
    old = other.lab("week2").author_notebook()
    metas = [cell["metadata"]["nbgrader"] for cell in old["cells"]]
    assert [(m["schema_version"], m["task"], m.get("points")) for m in metas] == [
        (3, False, None),
        (3, False, 2.0),
    ]
    notebook["metadata"]["kernelspec"] = {"name": "ir", "language": "R", "display_name": "R"}
    path.write_text(json.dumps(notebook), "utf-8")
    with pytest.raises(GraderError, match="written in R, and only Python"):
        other.lab("week2").author_notebook()


def test_one_setting_says_the_mode(course):
    assert [course.lab(name).mode for name in ("ps1", "week2")] == ["shared", "isolated"]
    course.config.Grader.mode = "sandboxed"
    try:
        with pytest.raises(GraderError, match=r"'sandboxed' .* isolated or shared"):
            _ = course.lab("week2").mode
    finally:
        del course.config.Grader["mode"]


def test_what_is_for_labs_written_as_text_is_told(course):
    with pytest.raises(GraderError, match="nbgrader generate_assignment week2 releases it"):
        course.labs(["week2"])


def test_results_stay_apart(course, results):
    for part in course.lab("ps1").parts:
        assert [one.student for one in read_results(part)] == ["bitdiddle", "hacker"]
