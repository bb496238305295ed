"""The documentation keeps its word: commands run, each --help has an example, the site builds."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest
import typer

from grader.authoring.build import build
from grader.authoring.notebooks import source_notebook
from grader.authoring.reading import read_source
from grader.authoring.release import release
from grader.cli import app as grader_app
from grader.course import Course
from grader.grading.autograde import autograde
from grader.notebook import concepts, grade_id
from grader.reporting.feedback import write_all
from labo.cli import app as labo_app
from tests.support.course_cases import QUICK, ROOT, WRONG
from tests.support.lent_engine import LentEngine

DOCUMENTS = [ROOT / "README.md", ROOT / "hub" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMANDS = ("grader ", "labo ", "nbgrader ", "make ", "pip ", "python ")
LABS = ("laboratoire_01", "laboratoire_02")

# Shown, and not run here: the beginning of the command, and why.
NOT_RUN = {
    "make demo": "tests/test_demo.py does what it does",
    "make hub": "starts a hub until Ctrl-C: tests/hub/test_browser.py",
    "make quick": "runs most of the other tests",
    "make test": "runs this very test",
    "nbgrader formgrader": "starts a server until Ctrl-C: tests/reporting/test_browser.py",
    "pip install": "changes the environment that the tests run in",
    "/usr/bin/python3.11 -m venv /opt/": "changes the system, as the administrator of a hub does",
    "/opt/cours/": "likewise",
    "ln -s /opt/cours": "likewise",
    "chmod -R a+rX /opt/cours": "likewise",
    "install -d -m": "likewise",
    "chmod 700 /home/prof": "likewise",
    "pip install ansible-core": "likewise",
    "python -m pip wheel": "writes into the checkout, and may need a network",
    "ansible-playbook": "changes a machine: tests/upkeep/test_deploy.py",
    "grader backup /srv": "writes outside the tests' folders: tests/upkeep/test_backup.py",
    "grader restore": "likewise: tests/upkeep/test_backup.py",
    "systemctl st": "changes a machine, as its administrator does",
    "mv '~prof/cours'": "likewise",
    "sudo -u postgres": "likewise",
    "runuser -l prof": "likewise: tests/upkeep/test_backup.py",
    "git subtree push": "needs a repository of the course's own, and a network",
    "make claims": "takes many minutes: tests/labs/test_broken.py",
    "python -m pytest": "is what runs this",
    "python -m tests.labs.table": "takes minutes: tests/labs/test_laboratoires.py",
    "labo data download": "needs a network: tests/labo/data/test_download.py",
    "grader adopt": "looks at a course that is not there: tests/authoring/test_adoption.py",
    "grader serve": "serves until Ctrl-C: tests/service/test_faults.py",
    "labo submit --wait": "waits for a service: tests/labo/coursework/test_answer.py",
    "grader mark laboratoire_01 q1": "asks at the keyboard: tests/marking/test_session.py",
    "grader autograde laboratoire_01 --cluster": "needs Slurm: tests/cluster/test_cluster.py",
    "grader autograde laboratoire_05 --cluster": "likewise: tests/cluster/test_cluster.py",
}
# Their exit code says what they found on this machine.
DIAGNOSES = ("labo doctor", "grader doctor", "grader audit", "grader preflight")


def blocks(text: str) -> Iterator[tuple[str, str]]:
    """The language and the content of each fenced block."""
    for match in re.finditer(r"^( *)```(\w*)\n(.*?)^\1```$", text, re.MULTILINE | re.DOTALL):
        yield match[2], match[3]


def commands(document: Path) -> list[str]:
    """Those of a document's ```sh blocks, without comments, each on one line."""
    found = []
    for language, content in blocks(document.read_text("utf-8")):
        if language == "sh":
            lines = content.replace("\\\n", " ").splitlines()
            words = [shlex.split(line, comments=True) for line in lines]
            found += [shlex.join(command) for command in words if command]
    return found


def reason_not_to_run(command: str) -> str:
    return next((why for start, why in NOT_RUN.items() if command.startswith(start)), "")


# ---- A course in which everything that is shown can be done


@dataclass(frozen=True)
class World:
    """Where the instructor and the student are, and their environment."""

    course: Course
    student: Path
    environment: dict[str, str]
    failures: dict[str, str] = field(default_factory=dict)
    """What each command that was tried said: "" if it kept its word."""

    def try_once(self, command: str) -> str:
        """Several pages show the same command."""
        if command not in self.failures:
            _read_by_a_person(self.course)  # grading again asks for it again
            done = self.run(command)
            expected = (0, 1) if command.startswith(DIAGNOSES) else (0,)
            kept = done.returncode in expected and "Traceback" not in done.stderr
            said = f"$ {command}\n{done.returncode}: {done.stdout}{done.stderr}"
            self.failures[command] = "" if kept else said
        return self.failures[command]

    def run(self, command: str) -> subprocess.CompletedProcess:
        folder = self.student if command.startswith("labo") else self.course.root
        return subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    def must(self, command: str) -> None:
        done = self.run(command)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> World:
    """Two labs, released, handed in by two students, graded, read by a person, given back."""
    home = tmp_path_factory.mktemp("docs")
    exchange = home / "exchange"
    exchange.mkdir(mode=0o777)
    exchange.chmod(0o777)
    course = _course(home / "course", exchange)
    world = World(course, _student(home / "student", course), _environment(home, exchange))
    world.must("nbgrader release_assignment laboratoire_02")  # makes the exchange's folders
    world.must("labo submit")
    world.must("nbgrader collect laboratoire_01")
    for lab in LABS:
        for student, answer in (("alice", ""), ("bruno", WRONG)):
            _submit(course, lab, student, answer)
        autograde(course.lab(lab), QUICK, make_engine=LentEngine)
        write_all(course.lab(lab))
    world.must("nbgrader release_feedback laboratoire_01")
    _read_by_a_person(course)
    _write_tables(course.root)
    return world


def _course(folder: Path, exchange: Path) -> Course:
    (folder / "solutions").mkdir(parents=True)
    config = (ROOT / "nbgrader_config.py").read_text("utf-8")
    config += f"\nc.Exchange.root = {str(exchange)!r}\n"
    config += "c.ExchangeCollect.check_owner = False  # alice is no user of this system\n"
    (folder / "nbgrader_config.py").write_text(config, "utf-8")
    course = Course(folder)
    for lab in map(course.lab, LABS):
        shutil.copy(ROOT / "tests" / "data" / "laboratoire_mini.py", lab.source)
        build(lab)
        release(lab, source_notebook(read_source(lab.source)), datetime(2026, 12, 2))
    return course


def _student(folder: Path, course: Course) -> Path:
    folder.mkdir()
    notebook = json.dumps(course.lab("laboratoire_01").author_notebook())
    (folder / "laboratoire_01.ipynb").write_text(notebook, "utf-8")
    return folder


def _environment(home: Path, exchange: Path) -> dict[str, str]:
    """The three commands are those of this checkout, for a user called alice."""
    bin_folder = home / "bin"
    bin_folder.mkdir()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    for name, entry in project["scripts"].items():
        module, _, function = entry.partition(":")
        code = f"import sys; sys.argv[0] = {name!r}; from {module} import {function}; {function}()"
        _program(bin_folder / name, f'-c "{code}"')
    _program(bin_folder / "nbgrader", "-m nbgrader")
    places = [str(bin_folder), str(Path(sys.executable).parent), os.environ["PATH"]]
    return os.environ | {
        "PATH": os.pathsep.join(places),
        "PYTHONPATH": str(ROOT),
        "HOME": str(home),
        "USER": "alice",
        "LOGNAME": "alice",
        "JUPYTER_DATA_DIR": str(home / "jupyter"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "LABO_EXCHANGE": str(exchange),
        "LABO_COURSE": "apprentissage-profond",
    }


def _program(path: Path, arguments: str) -> None:
    path.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {arguments} "$@"\n')
    path.chmod(0o755)


def _submit(course: Course, lab: str, student: str, answer: str) -> None:
    folder = course.lab(lab).submission(student).submitted
    if folder.exists():  # alice handed this one in herself
        return
    notebook = course.lab(lab).author_notebook()
    for cell in notebook["cells"]:
        if answer and grade_id(cell) == "standardize":
            cell["source"] = answer
    folder.mkdir(parents=True)
    (folder / f"{lab}.ipynb").write_text(json.dumps(notebook), "utf-8")


def _read_by_a_person(course: Course) -> None:
    with course.gradebook() as gradebook:
        for lab in LABS:
            for student in ("alice", "bruno"):
                grade = gradebook.find_grade("q1", lab, lab, student)
                grade.manual_score, grade.needs_manual_grade = 1.0, False
        gradebook.db.commit()


def _write_tables(folder: Path) -> None:
    """What course platforms give, under the names that the documentation uses."""
    tables = {
        "liste.csv": "Nom d'utilisateur,Prénom,Nom de famille,Adresse de courriel\n"
        "alice,Alice,Côté,alice@example.org\nbruno,Bruno,Roy,bruno@example.org\n",
        "export_canvas.csv": "Student,ID,SIS User ID,SIS Login ID,Section,Laboratoire 1 (42)\n"
        '    Points Possible,,,,,6\n"Côté, Alice",1,11,alice,A,\n"Roy, Bruno",2,22,bruno,A,\n',
        "export_brightspace.csv": "OrgDefinedId,Username,"
        "Laboratoire 1 Points Grade <Numeric MaxPoints:6 Weight:10>,"
        "Laboratoire 2 Points Grade <Numeric MaxPoints:6 Weight:10>,End-of-Line Indicator\n"
        "#11,#alice,,,#\n#22,#bruno,,,#\n",
    }
    for name, text in tables.items():
        (folder / name).write_text(text, "utf-8")


# ---- Commands


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "document",
    [document for document in DOCUMENTS if commands(document)],
    ids=lambda document: document.name,
)
def test_the_commands_shown_run(document, world):
    run = [command for command in commands(document) if not reason_not_to_run(command)]
    failures = [said for command in run if (said := world.try_once(command))]
    assert not failures, "\n".join(failures)


def test_each_exception_is_still_shown_and_its_reason_is_there():
    shown = [command for document in DOCUMENTS for command in commands(document)]
    for start, why in NOT_RUN.items():
        assert any(command.startswith(start) for command in shown), start
        for path in re.findall(r"tests/\w+(?:/\w+)*\.py", why):
            assert (ROOT / path).is_file(), path


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: document.name)
def test_commands_stand_in_blocks_that_are_run(document):
    for language, content in blocks(document.read_text("utf-8")):
        drawn = "─" in content
        if language in ("", "bash", "shell", "console") and not drawn:
            lines = [line for line in content.splitlines() if line.startswith(COMMANDS)]
            assert not lines, f"write ```sh before {lines}"


def leaves(command, path: tuple[str, ...]) -> Iterator[tuple[str, typer.core.TyperCommand]]:
    if hasattr(command, "commands"):
        for name, below in command.commands.items():
            yield from leaves(below, (*path, name))
    else:
        yield " ".join(path), command


@pytest.mark.parametrize(
    ("name", "command"),
    [
        leaf
        for program, app in (("grader", grader_app), ("labo", labo_app))
        for leaf in leaves(typer.main.get_command(app), (program,))
    ],
)
def test_every_help_shows_an_example(name, command):
    lines = [line.strip() for line in (command.help or "").splitlines()]
    examples = [line for line in lines if line == name or line.startswith(f"{name} ")]
    assert examples, f"{name} --help has no example"
    parts = shlex.split(examples[0].split("  ")[0])[len(name.split()) :]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {part for part in parts if part.startswith("-")} <= known


# ---- The site


def test_the_notions_that_exercises_name_are_those_of_the_index():
    notebooks = [json.loads(path.read_text("utf-8")) for path in (ROOT / "labs").glob("*/*.ipynb")]
    named = {notion for book in notebooks for cell in book["cells"] for notion in concepts(cell)}
    assert named == set(tomllib.loads((ROOT / "docs" / "notions.toml").read_text("utf-8")))


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    pytest.importorskip("sphinx", reason="the site: pip install -r requirements.txt")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "--quiet", "-d"]
    done = subprocess.run(
        [*command, folder / "doctrees", ROOT / "docs", folder / "html"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return folder / "html"


def test_every_document_is_a_page_and_every_lab_too(site):
    pages = {path.stem for path in site.rglob("*.html")}
    assert {path.stem for path in (ROOT / "docs").glob("*.md")} <= pages
    assert {path.stem for path in (ROOT / "labs").glob("*/*.ipynb")} <= pages
    assert "The course on a JupyterHub" in (site / "administrators.html").read_text("utf-8")


def test_what_a_page_points_to_is_there(site):
    for page in site.rglob("*.html"):
        text = page.read_text("utf-8")
        for address in re.findall(r'(?:href|src)="([^"#?:]+)(?:[#?][^"]*)?"', text):
            assert (page.parent / address).exists(), f"{page.name}: {address}"


def test_labs_are_read_with_their_formulas_and_without_solutions(site):
    page = (site / "labs" / "laboratoire_01.html").read_text("utf-8")
    assert page.count('class="math ') > 20
    assert "mathjax" in page.lower() or "tex-svg" in page
    assert "NotImplementedError" in page
    for lab in (site / "labs").glob("laboratoire_*.html"):
        text = lab.read_text("utf-8")
        assert "BEGIN SOLUTION" not in text
        assert "HIDDEN TESTS" not in text


def test_the_notation_is_a_page_with_its_formulas(site):
    page = (site / "labs" / "notations.html").read_text("utf-8")
    assert page.count('class="math ') > 30
    assert "$" not in re.sub(r"<code.*?</code>|<script.*?</script>", "", page, flags=re.DOTALL)
