"""Vérifier, remettre et recevoir avec `labo` seul, sans nbgrader."""

import json
import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from labo.coursework import notebook as notebooks
from labo.coursework.handin import Exchange, HandinError, submit
from labo.coursework.notebook import NotebookError
from tests.support.course_cases import LAB, ROOT, answered, make_course


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    return make_course(tmp_path_factory.mktemp("course") / "course")


@pytest.fixture
def folder(tmp_path, course) -> Path:
    """Where a student has the lab: one exercise answered, one exercise and the question not."""
    released = json.loads((course.root / "labs" / LAB / f"{LAB}.ipynb").read_text("utf-8"))
    solved = {c["metadata"]["nbgrader"]["grade_id"]: c["source"] for c in graded(answered(course))}
    for cell in graded(released):
        name = cell["metadata"]["nbgrader"]["grade_id"]
        if name == "SimpleLinear":
            cell["source"] = solved[name]
    (tmp_path / f"{LAB}.ipynb").write_text(json.dumps(released), "utf-8")
    return tmp_path


def graded(notebook: dict) -> list[dict]:
    return [cell for cell in notebook["cells"] if "nbgrader" in cell["metadata"]]


def labo(folder: Path, *words: str, **env: str) -> subprocess.CompletedProcess:
    settings = {"PYTHONPATH": str(ROOT), "COLUMNS": "120", "JUPYTER_DATA_DIR": str(folder / "data")}
    command = [sys.executable, "-c", "from labo.cli import app; app()", *words]
    settings = {key: value for key, value in os.environ.items() if "LABO_" not in key} | settings
    return subprocess.run(
        command, cwd=folder, env=settings | env, capture_output=True, text=True, timeout=120
    )


def test_checks_are_shown_with_their_messages(folder):
    done = labo(folder, "check")
    assert done.returncode == 1
    assert "✗" in done.stdout
    assert "✓" in done.stdout
    assert "pas encore de réponse" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_checks_of_the_open_notebook_change_none_of_its_names(folder, monkeypatch, capsys):
    import labo

    session = SimpleNamespace(user_ns={"torch": torch, "standardize": lambda x: x - x.mean(0)})
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("JPY_SESSION_NAME", str(folder / f"{LAB}.ipynb"))
    monkeypatch.setattr("IPython.get_ipython", lambda: session)
    names = set(session.user_ns)
    labo.check()
    assert set(session.user_ns) == names
    told = capsys.readouterr().out
    assert "SimpleLinear" in told
    assert "n'a pas été exécutée" in told


def test_without_an_exchange_a_file_is_made_and_nothing_is_called_submitted(folder):
    done = labo(folder, "submit", "--as", "alice")
    assert done.returncode == 0, done.stderr
    assert "téléversez ce fichier" in done.stdout
    (copy,) = folder.glob(f"remises/{LAB}+alice+*.ipynb")
    content = (folder / f"{LAB}.ipynb").read_bytes()
    assert copy.read_bytes() == content
    (receipt,) = folder.glob("remises/*.json")
    told = json.loads(receipt.read_text("utf-8"))
    assert told["sha256"] == sha256(content).hexdigest()
    assert told["unanswered"] == ["standardize", "q1"]
    assert not set(':"*') & set(copy.name)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "n'est pas un notebook lisible"),
        (b"\xff\xfe", "n'est pas un notebook lisible"),
        (b"[]", "n'est pas un notebook lisible"),
        (b'{"cells": [{"cell_type": "code"}]}', "n'est pas un notebook lisible"),
        (b'{"cells": []}', "aucun exercice noté"),
        (b" " * (21 << 20), "Effacez ses sorties"),
    ],
)
def test_what_cannot_be_graded_is_not_handed_in(tmp_path, content, words):
    path = tmp_path / "a.ipynb"
    path.write_bytes(content)
    with pytest.raises(NotebookError, match=words):
        notebooks.read(path)
    done = labo(tmp_path, "submit")
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "remises").exists()


def test_which_notebook_is_asked_when_there_are_several(folder):
    (folder / "autre.ipynb").write_text("{}")
    done = labo(folder, "submit")
    assert done.returncode == 1
    assert "autre.ipynb" in done.stderr


def test_an_exchange_that_is_not_there_is_told(folder):
    done = labo(folder, "submit", LABO_EXCHANGE=str(folder / "nowhere"), LABO_COURSE="cours")
    assert done.returncode == 1
    assert "labo submit --file" in done.stderr


def test_a_failed_deposit_leaves_nothing(folder, monkeypatch):
    exchange = Exchange(folder / "exchange/cours", folder / "cache")
    (exchange.course / "inbound").mkdir(parents=True)
    notebook = notebooks.read(folder / f"{LAB}.ipynb")

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(HandinError, match="Rien n'a été remis"):
        submit(notebook, exchange, "alice")
    assert not list((exchange.course / "inbound").iterdir())
    assert not list(exchange.cache.iterdir())


def test_a_name_that_would_be_another_path_is_refused(folder):
    with pytest.raises(HandinError, match="nom d'utilisateur"):
        submit(notebooks.read(folder / f"{LAB}.ipynb"), None, "../bob")
