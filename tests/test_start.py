"""Commands start at once: what takes seconds to import is imported only by what needs it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

import labo
from grader.cli import app
from grader.course import Course
from tests.support.course_cases import LAB, ROOT
from tests.support.marking_cases import make_class

COMMANDS = [command.callback.__name__.replace("_", "-") for command in app.registered_commands]
SLOW = ["torch", "matplotlib", "nbconvert", "nbformat", "nbgrader", "sqlalchemy", "numpy"]
# What can be left out of nbgrader, on whose gradebook these commands work.
LEFT_OUT = ["jupyter_server", "setuptools", "requests.api", "arrow"]
SLOW_BESIDE_NBGRADER = ["torch", "matplotlib", "nbconvert", *LEFT_OUT]
RUN = """
import contextlib, io, sys
from grader.__main__ import main
for line in {lines!r}:
    sys.argv = ["grader", *line.split()]
    with contextlib.redirect_stdout(io.StringIO()) as output:
        try:
            main()
        except SystemExit as end:
            assert not end.code, (line, output.getvalue())
print(*(name for name in {slow!r} if name in sys.modules))
"""


def loaded_by(lines: list[str], slow: list[str], folder: Path = ROOT) -> list[str]:
    """The slow packages that these command lines load in a new interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", RUN.format(lines=lines, slow=slow)],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


@pytest.fixture(scope="module")
def course(tmp_path_factory) -> Course:
    texts = {"alice": "Une réponse.", "bruno": "Une autre."}
    course = make_class(tmp_path_factory.mktemp("start") / "course", texts)
    (course.root / "class.csv").write_text("username,email\nalice,alice@example.org\n")
    return course


def test_help_and_the_version_load_nothing_slow():
    lines = ["--help", "--version", *(f"{command} --help" for command in COMMANDS)]
    assert len(lines) > 10
    assert loaded_by(lines, SLOW) == []


def test_show_loads_nothing_slow(course):
    assert loaded_by([f"show alice {LAB}"], SLOW, course.root) == []


def test_commands_about_the_gradebook_load_only_what_nbgrader_cannot_do_without(course):
    lines = [
        f"report {LAB} --json",
        f"export {LAB} --ungraded as-is --dry-run",
        f"feedback {LAB}",
        "import-roster class.csv --dry-run",
        f"mark {LAB}",
        f"similarity {LAB}",
    ]
    assert loaded_by(lines, SLOW_BESIDE_NBGRADER, course.root) == []


@pytest.mark.parametrize("module", ["grading.autograde", "grading.regrade", "authoring.rehearsal"])
def test_what_grades_leaves_torch_to_the_processes_of_the_engine(module):
    code = f"import sys, grader.{module}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_the_version_is_that_of_labo():
    assert CliRunner().invoke(app, ["--version"]).output == f"grader {labo.__version__}\n"
