"""A course that was made for nbgrader is looked at, and changed only when somebody agrees."""

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_raw_cell
from traitlets.config import PyFileConfigLoader
from typer.testing import CliRunner

from grader.cli import app

FLAGS = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": 3}
SOLUTION = "def square(n):\n    ### BEGIN SOLUTION\n    return n * n\n    ### END SOLUTION\n"


def notebook(test: str, points: int = 2):
    answer = new_code_cell(SOLUTION + "def total(n): return sum(map(square, range(n)))")
    answer.metadata["nbgrader"] = FLAGS | {"grade_id": "square", "solution": True}
    check = new_code_cell(test)
    check.metadata["nbgrader"] = FLAGS | {
        "grade_id": "t",
        "grade": True,
        "locked": True,
        "points": points,
    }
    return new_notebook(cells=[answer, check])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    books = {
        "ps1": notebook("assert square(3) == 9"),
        "ps2": notebook(
            "kept = square\ndel square\ntry:\n    total(2)\nexcept NameError:\n    pass\n"
            "else:\n    raise AssertionError\nfinally:\n    square = kept",
            points=0,
        ),
        "otter": new_notebook(cells=[new_raw_cell("# ASSIGNMENT CONFIG\nname: lab1")]),
    }
    for name, book in books.items():
        (tmp_path / "source" / name).mkdir(parents=True)
        nbformat.write(book, tmp_path / "source" / name / "lab.ipynb")
    monkeypatch.setenv("COLUMNS", "240")
    return tmp_path


def adopt(*words, answer: str = ""):
    return CliRunner().invoke(app, ["adopt", *map(str, words)], input=answer)


def test_each_assignment_is_graded_in_both_modes_and_nothing_changes_unasked(folder):
    before = sorted(folder.rglob("*"))
    done = adopt(folder, answer="n\n")
    assert done.exit_code == 0, done.output
    rows = {line.split()[1]: line for line in done.stdout.splitlines() if "│" in line}
    assert rows["ps1"].split("│")[-2].strip() == "isolated"
    assert "shared, or rewrite the tests named below" in rows["ps2"]
    assert "otter's own format" in rows["otter"]
    assert rows["ps2"].split("│")[6].strip() == "0"  # worth no points, it still has to pass
    assert "ps2: t: " in done.stdout
    assert "the test gives square a value" in done.stdout
    assert "stock nbgrader" in done.stdout
    assert sorted(folder.rglob("*")) == before


def test_the_lines_make_nbgraders_own_commands_grade_here(folder):
    (folder / "nbgrader_config.py").write_text(
        "c = get_config()\nc.Execute.timeout = 7\nc.Execute.kernel_name = 'python3'\n"
    )
    done = adopt(folder, "ps1", "--yes")
    assert done.exit_code == 0, done.output
    assert "c.Execute.timeout: kept, 7 s for a cell" in done.stdout
    assert "c.Execute.kernel_name: has no effect here" in done.stdout
    assert "ps2" not in done.stdout
    config = PyFileConfigLoader("nbgrader_config.py", path=str(folder)).load_config()
    assert "grader.plugins.execute.Execute" in config.Autograde.autograde_preprocessors
    assert config.Execute.timeout == 7
    again = adopt(folder, "ps1")
    assert again.exit_code == 0
    assert "To add" not in again.stdout


def test_an_assignment_of_several_notebooks_that_was_never_released_is_known(folder):
    source = folder / "source" / "Week 1"
    source.mkdir()
    for name in ("first", "second"):
        nbformat.write(notebook("assert square(3) == 9"), source / f"{name}.ipynb")
    done = adopt(folder, "Week 1", answer="n\n")
    assert done.exit_code == 0, done.output
    assert "Week 1/first" in done.stdout
    assert "Week 1/second" in done.stdout


def test_what_nbgrader_cannot_release_is_told_and_the_others_are_looked_at(folder):
    twice = notebook("assert square(3) == 9")
    twice.cells.append(notebook("assert square(4) == 16").cells[-1])
    stray = notebook("assert square(3) == 9")
    stray.cells.append(new_code_cell(SOLUTION))
    for name, book in {"twice": twice, "stray": stray}.items():
        (folder / "source" / name).mkdir()
        nbformat.write(book, folder / "source" / name / "lab.ipynb")
    done = adopt(folder, "twice", "stray", "ps1", answer="n\n")
    assert done.exit_code == 0, done.output
    assert "nbgrader cannot release twice: " in done.stdout
    assert "nbgrader cannot release stray: Solution region" in done.stdout
    assert "isolated" in next(line for line in done.stdout.splitlines() if "ps1" in line)


def test_what_is_no_course_is_told(tmp_path):
    done = adopt(tmp_path)
    assert done.exit_code == 1
    assert "name a course's folder" in done.stderr


def test_a_course_further_down_is_named(tmp_path):
    (tmp_path / "teaching" / "2026" / "source").mkdir(parents=True)
    done = adopt(tmp_path)
    assert done.exit_code == 1
    assert f"There is one in {tmp_path / 'teaching' / '2026'}." in done.stderr


def test_a_course_without_notebooks_is_told_and_left_alone(tmp_path):
    (tmp_path / "source").mkdir()
    done = adopt(tmp_path, "--yes")
    assert done.exit_code == 1
    assert f"no notebook in {tmp_path / 'source'}" in done.stderr
    assert not (tmp_path / "nbgrader_config.py").exists()


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ("c = get_config()\nimport of_another_machine\n", "line 2: ModuleNotFoundError"),
        ("c = get_config(", "SyntaxError"),
    ],
)
def test_a_configuration_that_does_not_load_is_told_in_a_line(tmp_path, config, why):
    (tmp_path / "nbgrader_config.py").write_text(config)
    done = adopt(tmp_path)
    assert done.exit_code == 1
    assert why in done.stderr
    assert "Traceback" not in done.stderr
