"""What goes wrong on a hub, is told, and loses nothing: a restart, full disks."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.course_cases import LAB, ROOT, answered, make_course
from tests.support.exchange_cases import nbgrader

COURSE = "apprentissage-profond"
ROOM = 256 << 10  # bytes of the small disks


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system that is soon full."""
    folder.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={ROOM},mode=755", "tmpfs", str(folder)]
    try:
        done = subprocess.run(words, capture_output=True, text=True)
    except OSError as error:
        pytest.skip(f"no file system can be mounted here: {error}")
    if done.returncode:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def fill(folder: Path) -> Path:
    """Use the room that is left; the file to remove for some."""
    file = folder / "full"
    with contextlib.suppress(OSError), file.open("wb", buffering=0) as stream:
        while True:
            stream.write(bytes(4096))
    return file


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return make_course(tmp_path_factory.mktemp("course") / "course")


def labo(folder: Path, exchange: Path, home: Path, *words: str) -> subprocess.CompletedProcess:
    env = os.environ | {"PYTHONPATH": str(ROOT), "LABO_EXCHANGE": str(exchange)}
    env |= {"LABO_COURSE": COURSE, "HOME": str(home)}
    command = [sys.executable, "-c", "from labo.cli import app; app()", *words]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)


def with_lab(folder: Path, course) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / f"{LAB}.ipynb").write_text(json.dumps(answered(course)), "utf-8")
    return folder


def test_a_full_exchange_is_told_and_half_of_a_submission_is_not_collected(course, tmp_path):
    home = with_lab(tmp_path / "home", course)
    with small_disk(tmp_path / "exchange") as exchange:
        inbound = exchange / COURSE / "inbound"
        inbound.mkdir(parents=True)
        full = fill(exchange)
        done = labo(home, exchange, home, "submit", "--as", "alice")
        assert done.returncode == 1
        assert "Rien n'a été remis" in done.stderr
        assert "Le dépôt du cours est plein" in done.stderr
        assert "Traceback" not in done.stderr
        assert not list(inbound.iterdir())
        assert not list(home.rglob("submission_secret.txt"))
        assert labo(home, exchange, home, "submit", "--file", "--as", "alice").returncode == 0

        # nbgrader's own leaves what it has written so far
        (exchange / COURSE / "outbound" / LAB).mkdir(parents=True)
        lab = with_lab(tmp_path / LAB, course)
        options = [f"--Exchange.root={exchange}", "--course", COURSE, "--student", "bruno"]
        words = [sys.executable, "-m", "nbgrader", "submit", lab.name, *options]
        env = os.environ | {"HOME": str(home), "JUPYTER_DATA_DIR": str(home / "jupyter")}
        assert subprocess.run(words, cwd=tmp_path, env=env, capture_output=True).returncode == 1
        assert list(inbound.glob("bruno+*"))

        with (course.root / "nbgrader_config.py").open("a") as config:
            config.write(f"\nc.Exchange.root = {str(exchange)!r}\n")
            config.write("c.ExchangeCollect.check_owner = False\n")
        assert "bruno should hand in again" in nbgrader(course.root, home, "collect", LAB)
        assert not course.lab(LAB).submission("bruno").submitted.exists()

        full.unlink()
        assert labo(home, exchange, home, "submit", "--as", "alice").returncode == 0
        nbgrader(course.root, home, "collect", LAB)
        assert (course.lab(LAB).submission("alice").submitted / f"{LAB}.ipynb").is_file()


def test_a_full_home_is_told_and_nothing_is_half_handed_in(course, tmp_path):
    exchange = tmp_path / "exchange"
    inbound = exchange / COURSE / "inbound"
    inbound.mkdir(parents=True)
    with small_disk(tmp_path / "home") as home:
        with_lab(home, course)
        full = fill(home)
        for words in (("submit", "--as", "alice"), ("submit", "--file", "--as", "alice")):
            done = labo(home, exchange, home, *words)
            assert done.returncode == 1
            assert "Votre dossier personnel est plein" in done.stderr
            assert "Traceback" not in done.stderr
        assert not list(inbound.iterdir())
        assert not list(home.glob("remises/*"))
        done = labo(home, exchange, home, "check")
        assert done.returncode == 0, done.stdout + done.stderr
        full.unlink()
        done = labo(home, exchange, home, "submit", "--as", "alice")
        assert done.returncode == 0, done.stderr
        assert len(list(inbound.iterdir())) == 1
