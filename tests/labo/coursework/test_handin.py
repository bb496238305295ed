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
from labo.coursework.remarks import remarks
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


@pytest.mark.parametrize("command", ["check", "doctor"])
def test_an_output_without_these_letters_is_no_reason_to_stop(folder, command):
    done = labo(folder, command, PYTHONIOENCODING="ascii")
    assert "UnicodeEncodeError" not in done.stderr
    assert "?" in done.stdout


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


def test_files_beyond_what_grading_takes_are_refused_with_the_limit(folder, monkeypatch):
    path = folder / f"{LAB}.ipynb"
    document = json.loads(path.read_text("utf-8"))
    document["metadata"]["labo"]["files"] = ["*.bin"]
    path.write_text(json.dumps(document), "utf-8")
    with (folder / "a.bin").open("wb") as file:
        file.truncate(65 << 20)
    with pytest.raises(HandinError, match="65 Mo à 1, et la limite est de 64 Mo"):
        submit(notebooks.read(path), None, "alice")
    assert not list(folder.glob("remises/*"))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"{", "n'est pas un notebook lisible"),
        (b"\xff\xfe", "n'est pas un notebook lisible"),
        (b"[]", "n'est pas un notebook lisible"),
        (b'{"cells": [{"cell_type": "code"}]}', "n'est pas un notebook lisible"),
        (b'{"cells": []}', "aucun exercice noté"),
        (b" " * (65 << 20), "Effacez ses sorties"),
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


def test_the_name_of_the_hub_is_the_students(folder, monkeypatch):
    monkeypatch.setenv("JUPYTERHUB_USER", "noa")
    monkeypatch.setenv("USER", "jovyan")
    assert submit(notebooks.read(folder / f"{LAB}.ipynb"), None).student == "noa"


def test_an_account_without_a_name_is_told_what_to_write(folder, monkeypatch):
    monkeypatch.delenv("JUPYTERHUB_USER", raising=False)
    monkeypatch.setattr("getpass.getuser", lambda: {}["uid"])
    with pytest.raises(HandinError, match="labo submit --as alice"):
        submit(notebooks.read(folder / f"{LAB}.ipynb"), None)


# ---- What is said before handing in


def notebook_in(folder: Path) -> dict:
    return json.loads((folder / f"{LAB}.ipynb").read_text("utf-8"))


def saved(folder: Path, notebook: dict, name: str = f"{LAB}.ipynb") -> notebooks.LabNotebook:
    (folder / name).write_text(json.dumps(notebook), "utf-8")
    return notebooks.read(folder / name)


@pytest.mark.parametrize("name", [f"{LAB}-Copy1.ipynb", f"{LAB} (1).ipynb", "mon travail.ipynb"])
def test_a_lab_is_known_under_any_name(folder, name):
    copy = saved(folder, notebook_in(folder), name)
    assert copy.lab == LAB
    receipt = submit(copy, None, "alice")
    assert Path(receipt.where).name.startswith(f"{LAB}+alice+")


@pytest.mark.parametrize("name", [f"{LAB}-Copy12.ipynb", f"{LAB}(2).ipynb", f"{LAB}_(1).ipynb"])
def test_a_copy_of_an_older_notebook_is_known_by_its_name(folder, name):
    notebook = notebook_in(folder)
    del notebook["metadata"]["labo"]
    assert saved(folder, notebook, name).lab == LAB


def test_nothing_is_remarked_of_an_honest_notebook(folder):
    assert remarks(saved(folder, notebook_in(folder))) == []


def test_another_notebook_of_the_lab_is_named(folder):
    notebook = notebook_in(folder)
    saved(folder, notebook, f"{LAB}-Copy1.ipynb")
    (remark,) = remarks(saved(folder, notebook))
    assert f"« {LAB}-Copy1.ipynb »" in remark
    assert f"C'est « {LAB}.ipynb », et lui seul" in remark


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("def f(x):\n    return (x", "ligne 2, « return (x »"),
        ("%matplotlib widget\nx = = 1", "ligne 2, « x = = 1 »"),
        ("!pip install x\nfiles = !ls\nprint?\nif True:\n    %time f()", None),
        ("%%bash\nfor f in *; do echo $f; done", None),
    ],
)
def test_a_cell_that_is_not_python_is_told(folder, source, told):
    notebook = notebook_in(folder)
    cell = {"cell_type": "code", "metadata": {}, "source": source, "outputs": []}
    notebook["cells"].append(cell | {"execution_count": None, "id": "fin"})
    found = remarks(saved(folder, notebook))
    assert [told in remark for remark in found] == ([True] if told else [])


def test_deleted_cells_are_told(folder):
    notebook = notebook_in(folder)
    gone = ("test_standardize", "q1")
    notebook["cells"] = [
        cell
        for cell in notebook["cells"]
        if cell["metadata"].get("nbgrader", {}).get("grade_id") not in gone
    ]
    answers, tests = remarks(saved(folder, notebook))
    assert "supprimées du notebook : q1. Elles vaudront 0." in answers
    assert "supprimées du notebook : standardize. La correction les remet" in tests


def test_remarks_come_before_the_receipt(folder):
    saved(folder, notebook_in(folder), f"{LAB}-Copy1.ipynb")
    done = labo(folder, "submit", f"{LAB}.ipynb", "--file", "--as", "alice")
    assert done.returncode == 0
    assert done.stdout.startswith("Attention : Ce dossier a d'autres notebooks")
    assert "Empreinte" in done.stdout
