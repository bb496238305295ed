"""The command `labo`, as a student types it."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

from labo import __version__, doctor
from labo.cli import app
from labo.data import catalogue as room
from labo.data.catalogue import DataFile, Dataset
from labo.doctor import Finding, Severity

ROOT = Path(__file__).parents[2]
CONTENT = b"des images"


@pytest.fixture(autouse=True)
def small_catalogue(monkeypatch, tmp_path):
    file = DataFile("data.bin", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())
    essai = Dataset("essai", "Essai", "10 images", "", "", ("http://127.0.0.1:9/",), (file,))
    monkeypatch.setattr(room, "catalogue", lambda: {"essai": essai})
    monkeypatch.setenv("LABO_DATA_DIR", str(tmp_path / "donnees"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "donnees"


def labo(*arguments: str):
    return CliRunner().invoke(app, arguments, prog_name="labo")


def test_data_list_says_what_is_absent_and_where_it_was_sought(small_catalogue, tmp_path):
    result = labo("data", "list")
    assert result.exit_code == 0
    assert "essai" in result.output
    assert "absent" in result.output
    lines = [line.strip() for line in result.output.splitlines()]
    assert lines[-2:] == [str(small_catalogue), str(tmp_path / "cache" / "labo")]


def test_data_list_says_where_a_data_set_is(small_catalogue):
    small_catalogue.mkdir()
    (small_catalogue / "data.bin").write_bytes(CONTENT)
    result = labo("data", "list")
    assert f"0,0 Mo  {small_catalogue}\n" in result.output
    assert "absent" not in result.output


def test_data_download_has_nothing_to_do_where_the_data_are(small_catalogue):
    small_catalogue.mkdir()
    (small_catalogue / "data.bin").write_bytes(CONTENT)
    result = labo("data", "download", "essai")
    assert (result.exit_code, result.output) == (0, f"Essai : {small_catalogue}\n")


def test_data_download_that_fails_says_why_and_exits_with_1(monkeypatch):
    result = labo("data", "download", "essai")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Échec : réseau interdit par LABO_OFFLINE.\n"
    monkeypatch.delenv("LABO_OFFLINE")
    result = labo("data", "download", "essai")
    assert result.exit_code == 1
    assert "Échec : aucun miroir ne répond" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["data", "download", "imagenet"], "Jeu inconnu : « imagenet ». Les jeux sont essai."),
        (["data", "download"], "Quel jeu ? Les jeux sont essai."),
        (
            ["docteur"],
            "Commande inconnue : « docteur ». Vouliez-vous dire « doctor » ?",
        ),
        (
            ["data", "effacer"],
            "Commande inconnue : « effacer ». Les commandes sont list, download.",
        ),
    ],
)
def test_a_wrong_command_is_told_in_french_and_exits_with_2(arguments, told):
    result = labo(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.strip() == told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["submit", "--fil"], "Option inconnue : --fil. Vouliez-vous dire « --file » ?"),
        (["submit", "--as"], "L'option --as est suivie d'une valeur, ou n'en a pas."),
        (["doctor", "--json=3"], "L'option --json est suivie d'une valeur, ou n'en a pas."),
        (["check", "a", "b"], "De trop : b."),
    ],
)
def test_a_command_that_is_badly_written_is_told_in_french(arguments, told):
    result = labo(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    usage = f"« labo {arguments[0]} --help » montre comment l'écrire."
    assert result.stderr.splitlines() == [told, usage]


def test_a_notebook_that_is_not_there_is_told_with_the_nearest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "laboratoire_01.ipynb").write_text("{}")
    result = labo("check", "laboratoire_1.ipynb")
    assert result.exit_code == 1
    assert result.stderr.strip() == (
        "Impossible de lire laboratoire_1.ipynb : fichier ou dossier introuvable. "
        "Vouliez-vous dire « laboratoire_01.ipynb » ?"
    )


def test_the_version_is_the_package_s():
    assert labo("--version").stdout == f"labo {__version__}\n"


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp1252"])
def test_a_terminal_that_lacks_a_sign_stops_nothing(encoding):
    done = subprocess.run(
        [sys.executable, "-c", "from labo.cli import app; app()", "doctor"],
        env=os.environ | {"PYTHONIOENCODING": encoding, "PYTHONPATH": str(ROOT)},
        capture_output=True,
    )
    assert b"Traceback" not in done.stderr
    assert "python" in done.stdout.decode(encoding).casefold()


@pytest.mark.parametrize(
    "arguments", [[], ["data"], ["doctor"], ["data", "list"], ["data", "download"]]
)
def test_the_help_is_in_french(arguments):
    text = labo(*arguments, "--help").output
    assert text.startswith(f"Utilisation : {' '.join(['labo', *arguments])} ")
    assert "Options :" in text
    assert "Afficher cette aide." in text
    for english in ("Usage", "Options:", "Commands", "Show", "ARGS"):
        assert english not in text


@pytest.mark.parametrize(
    ("level", "code"), [(Severity.OK, 0), (Severity.NOTE, 0), (Severity.WARNING, 1)]
)
def test_doctor_exits_with_1_when_something_is_to_be_settled(monkeypatch, level, code):
    findings = [
        Finding("GPU", Severity.OK, "présent"),
        Finding("mémoire", level, "2,0 Gio", "Plus."),
    ]
    monkeypatch.setattr(doctor, "diagnose", lambda: findings)
    result = labo("doctor")
    assert result.exit_code == code
    assert "2,0 Gio" in result.output
    assert "→ Plus." in result.output
    as_json = labo("doctor", "--json")
    assert as_json.exit_code == code
    assert json.loads(as_json.output)[1] == {
        "subject": "mémoire",
        "level": level.value,
        "text": "2,0 Gio",
        "advice": "Plus.",
    }


def test_the_version_is_written_once():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"]["path"] == "labo/__init__.py"
    assert labo("--version").output == f"labo {__version__}\n"


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["check", "--help"],
        ["submit", "--help"],
        ["submit", "--file", "--as", "alice"],
        ["data", "list"],
    ],
    ids=" ".join,
)
def test_a_command_that_computes_nothing_starts_without_torch_and_its_like(arguments, tmp_path):
    heavy = ("torch", "numpy", "matplotlib", "nbformat", "IPython", "rich", "requests", "psutil")
    code = (
        "import sys\n"
        "from labo.cli import app\n"
        "app(sys.argv[1:], standalone_mode=False)\n"
        f"print([name for name in {heavy} if name in sys.modules])\n"
    )
    shutil.copy(ROOT / "labs/laboratoire_00/laboratoire_00.ipynb", tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stderr
