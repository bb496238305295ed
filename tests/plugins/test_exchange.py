"""From the instructor to the student and back, through nbgrader's own exchange and commands."""

import json
import os
import subprocess
import sys
from html import unescape
from pathlib import Path

import pytest
from nbgrader.plugins import FileNameCollectorPlugin
from traitlets.config import PyFileConfigLoader

from grader.authoring.build import build
from grader.course import Course
from grader.reporting.feedback import write_all
from tests.support.course_cases import LAB, ROOT, WRONG, answered, make_course, submit
from tests.support.exchange_cases import nbgrader
from tests.support.lent_engine import grade

COURSE = "apprentissage-profond"


@pytest.fixture(scope="module")
def exchange(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("exchange")
    folder.chmod(0o777)
    return folder


@pytest.fixture(scope="module")
def course(tmp_path_factory, exchange) -> Course:
    course = make_course(tmp_path_factory.mktemp("instructor") / "course")
    with (course.root / "nbgrader_config.py").open("a") as config:
        config.write(f"\nc.Exchange.root = {str(exchange)!r}\n")
        config.write("c.ExchangeCollect.check_owner = False\n")  # zoé is no user of the system
    return course


def test_a_lab_goes_out_and_its_feedback_comes_back(course, exchange, tmp_path):
    instructor, student = tmp_path / "instructor", tmp_path / "student"
    student.mkdir()
    options = (f"--Exchange.root={exchange}", "--course", COURSE)
    nbgrader(course.root, instructor, "release_assignment", LAB)
    nbgrader(student, student, "fetch_assignment", LAB, *options)
    notebook = student / LAB / f"{LAB}.ipynb"
    assert "BEGIN HIDDEN TESTS" not in notebook.read_text("utf-8")
    notebook.write_text(json.dumps(answered(course, standardize=WRONG)), "utf-8")
    nbgrader(student, student, "submit", LAB, *options)

    nbgrader(course.root, instructor, "collect", LAB)
    submit(course, "par_courriel", answered(course))  # never went through the exchange
    graded = grade(course)
    assert sorted(one.score for one in graded) == [3, 5]
    write_all(course.lab(LAB))
    nbgrader(course.root, instructor, "release_feedback", LAB)

    nbgrader(student, student, "fetch_feedback", LAB, *options)
    (page,) = student.glob(f"{LAB}/feedback/*/{LAB}.html")
    assert "la moyenne se prend par colonne" in page.read_text("utf-8")


def test_nbgraders_own_commands_give_our_feedback(course, tmp_path):
    submit(course, "rémi", answered(course, standardize=WRONG))
    instructor = tmp_path / "instructor"
    for verb in ("autograde", "generate_feedback"):
        nbgrader(course.root, instructor, verb, LAB, "--student", "rémi")
    page = (course.lab(LAB).submission("rémi").feedback / f"{LAB}.html").read_text("utf-8")
    assert "la moyenne se prend par colonne" in unescape(page)
    assert "0 / 2" in page
    assert "3 <small>sur 6" in page
    assert "torch.testing" not in page, "a line of a test"


def labo(folder: Path, exchange: Path, *words: str) -> subprocess.CompletedProcess:
    env = os.environ | {"PYTHONPATH": str(ROOT), "LABO_EXCHANGE": str(exchange)}
    env |= {"LABO_COURSE": COURSE, "JUPYTER_DATA_DIR": str(folder / "jupyter")}
    command = [sys.executable, "-c", "from labo.cli import app; app()", *words]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)


def test_files_beside_the_notebook_go_out_and_come_in(course, exchange, tmp_path):
    instructor = tmp_path / "instructor"
    source = course.lab(LAB).notebook.parent
    (source / "données").mkdir()
    (source / "données" / "table.csv").write_text("1,2")
    build(course.lab(LAB))
    nbgrader(course.root, instructor, "release_assignment", LAB, "--force")
    released = exchange / COURSE / "outbound" / LAB / "données" / "table.csv"
    assert released.read_text() == "1,2"

    notebook = answered(course)
    notebook["metadata"]["labo"]["files"] = ["poids/*.bin", "absent.csv"]
    (tmp_path / f"{LAB}.ipynb").write_text(json.dumps(notebook), "utf-8")
    (tmp_path / "poids").mkdir()
    (tmp_path / "poids" / "a.bin").write_bytes(b"poids")
    done = labo(tmp_path, exchange, "submit", "--as", "iris")
    assert "Fichiers    : poids/a.bin" in done.stdout, done.stderr
    assert "remettre aussi « absent.csv »" in done.stdout
    nbgrader(course.root, instructor, "collect", LAB)
    beside = course.lab(LAB).submission("iris").submitted / "poids" / "a.bin"
    assert beside.read_bytes() == b"poids"


def test_labo_alone_hands_in_and_receives(course, exchange, tmp_path):
    instructor = tmp_path / "instructor"
    nbgrader(course.root, instructor, "release_assignment", LAB, "--force")
    (tmp_path / f"{LAB}.ipynb").write_text(json.dumps(answered(course)), "utf-8")
    done = labo(tmp_path, exchange, "submit", "--as", "zoé")
    assert done.returncode == 0, done.stderr
    assert labo(tmp_path, exchange, "feedback").returncode == 1, "none yet"

    nbgrader(course.root, instructor, "collect", LAB)
    handed_in = course.lab(LAB).submission("zoé").submitted / f"{LAB}.ipynb"
    assert handed_in.read_bytes() == (tmp_path / f"{LAB}.ipynb").read_bytes()
    (graded,) = (one for one in grade(course) if one.student == "zoé")
    assert graded.score == 5
    write_all(course.lab(LAB))
    nbgrader(course.root, instructor, "release_feedback", LAB)
    done = labo(tmp_path, exchange, "feedback")
    assert done.returncode == 0, done.stderr
    assert "zoé" in Path(done.stdout.strip()).read_text("utf-8")


STAMP = "20261201T101112Z"


@pytest.mark.parametrize(
    ("name", "student"),
    [
        (f"{LAB}+noa+{STAMP}.ipynb", "noa"),
        (f"Noa Roy_1234_assignsubmission_file_{LAB}+noa+{STAMP}.ipynb", "noa"),
        (f"roynoa_1234_98765_{LAB}+noa+{STAMP}-1.ipynb", "noa"),  # Canvas, the second time
        (f"{LAB}+noa+{STAMP} (1).ipynb", "noa"),  # a browser's copy
        (f"{LAB}+noa+{STAMP}(2).ipynb", "noa"),
        (f"{LAB}%2Bnoa%2B{STAMP}.ipynb", "noa"),
        (f"{LAB}+noa.roy@ulaval.ca+{STAMP}.ipynb", "noa.roy@ulaval.ca"),
        (f"{LAB}.ipynb", None),  # of nobody: never filed under a name
        (f"noa+{LAB}.ipynb", None),
        (f"{LAB}+noa+hier.ipynb", None),
    ],
)
def test_an_upload_is_whose_it_says_or_nobodys(name, student):
    config = PyFileConfigLoader("nbgrader_config.py", path=str(ROOT)).load_config()
    found = FileNameCollectorPlugin(config=config).collect(name)
    assert (found and found["student_id"]) == student
    assert student is None or found["file_id"].startswith(LAB)


def test_files_uploaded_elsewhere_are_collected(course, tmp_path):
    (tmp_path / f"{LAB}.ipynb").write_text(json.dumps(answered(course)), "utf-8")
    assert labo(tmp_path, tmp_path, "submit", "--file", "--as", "noa").returncode == 0
    (upload,) = tmp_path.glob("remises/*.ipynb")
    downloaded = course.root / "downloaded" / LAB / "archive"
    downloaded.mkdir(parents=True)
    upload.rename(downloaded / f"Noa Roy_1234_assignsubmission_file_{upload.name}")

    notebook = answered(course)
    notebook["metadata"]["labo"]["files"] = ["poids.bin", "images/*.png"]
    (tmp_path / f"{LAB}.ipynb").write_text(json.dumps(notebook), "utf-8")
    (tmp_path / "poids.bin").write_bytes(b"poids")
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "a.png").write_bytes(b"png")
    (tmp_path / "images" / "notes.txt").write_bytes(b"not asked for")
    done = labo(tmp_path, tmp_path, "submit", "--file", "--as", "uma")
    assert "Fichiers    : poids.bin, images/a.png" in done.stdout
    (archive,) = tmp_path.glob("remises/*.zip")
    archive.rename(downloaded / f"Uma_77_assignsubmission_file_{archive.name}")

    nbgrader(course.root, tmp_path / "instructor", "zip_collect", LAB)
    beside = course.lab(LAB).submission("uma").submitted
    names = {p.relative_to(beside).as_posix() for p in beside.rglob("*") if p.is_file()}
    assert names == {f"{LAB}.ipynb", "poids.bin", "images/a.png", "timestamp.txt"}
    folder = course.lab(LAB).submission("noa").submitted
    assert (folder / f"{LAB}.ipynb").is_file()
    assert (folder / "timestamp.txt").read_text().startswith("20")
