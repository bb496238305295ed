"""The pins cannot drift: one list of versions serves pip, conda, make and the tests."""

import json
import re
import runpy
import shlex
import subprocess
import tomllib
import venv
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from jupyterlab_server.translation_utils import get_language_packs
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import labo

ROOT = Path(__file__).parents[1]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT, TOOLS = PYPROJECT["project"], PYPROJECT["tool"]
OLDEST = PROJECT["requires-python"].removeprefix(">=")  # and the one that the pins are for
DECLARED = [
    Requirement(line)
    for group in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values())
    for line in group
]


@pytest.fixture(scope="module")
def pins() -> dict[str, str]:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    entries = [Requirement(line) for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"==[^*,]+", str(entry.specifier)) for entry in entries)
    here = [entry for entry in entries if entry.marker is None or entry.marker.evaluate()]
    return {canonicalize_name(entry.name): str(entry.specifier)[2:] for entry in here}


@pytest.mark.parametrize("declared", DECLARED, ids=lambda requirement: requirement.name)
def test_each_declared_dependency_is_pinned_within_its_range(declared, pins):
    assert declared.specifier.contains(pins[canonicalize_name(declared.name)])


def closure(requirements: list[Requirement]) -> set[str]:
    """The names of all that the requirements bring in, as installed here."""
    seen: set[tuple[str, str]] = set()
    waiting = list(requirements)
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        for extra in {"", *requirement.extras} - {extra for other, extra in seen if other == name}:
            seen.add((name, extra))
            for line in metadata.requires(name) or []:
                needed = Requirement(line)
                if needed.marker is None or needed.marker.evaluate({"extra": extra}):
                    waiting.append(needed)
    return {name for name, _ in seen}


def test_what_is_pinned_is_all_that_is_needed_and_is_installed_so(pins):
    assert pins.keys() == closure(DECLARED)
    for name in pins:
        assert metadata.version(name).partition("+")[0] == pins[name]


def test_students_find_jupyterlab_in_a_language_that_it_has(tmp_path):
    found = runpy.run_path(str(ROOT / "hub" / "start.py"))
    packs, message = get_language_packs()
    assert found["LANGUAGE"] in packs, message
    found["make_student"](tmp_path, "alice")
    (chosen,) = tmp_path.rglob("plugin.jupyterlab-settings")
    assert json.loads(chosen.read_text()) == {"locale": found["LANGUAGE"]}
    chosen.write_text('{"locale": "en"}')
    found["make_student"](tmp_path, "alice")
    assert chosen.read_text() == '{"locale": "en"}'  # the student's own choice stays


@pytest.fixture(scope="module")
def from_pip() -> list[str]:
    """The options of pip in environment.yml: the same pins for conda."""
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip, section = environment["dependencies"]
    assert (python, pip) == (f"python={OLDEST}", "pip")
    return [option for line in section["pip"] for option in shlex.split(line)]


def test_conda_takes_the_same_pins(from_pip):
    assert from_pip == ["-r", "requirements.txt", "-e", "."]
    assert all((ROOT / path).exists() for path in from_pip[1::2])


def test_one_version_of_python_is_meant_by_all():
    header = (ROOT / "requirements.txt").read_text().splitlines()[0]
    assert f"on Python {OLDEST}" in header
    assert TOOLS["mypy"]["python_version"] == OLDEST


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_new_environment_finds_every_pin(from_pip, pins, tmp_path):
    """What conda does after it has brought Python and pip, up to the installation itself."""
    venv.create(tmp_path / "new", with_pip=True, upgrade_deps=True)
    pip = [tmp_path / "new" / "bin" / "python", "-m", "pip", "install", "--quiet"]
    report = tmp_path / "report.json"
    options = ["--dry-run", "--no-deps", "--report", report, *from_pip]
    subprocess.run([*pip, *options], cwd=ROOT, check=True)
    found = [entry["metadata"] for entry in json.loads(report.read_text())["install"]]
    versions = {canonicalize_name(e["name"]): e["version"].partition("+")[0] for e in found}
    assert versions == pins | {"labo": labo.__version__}


def test_the_licences_are_declared_and_there():
    assert PROJECT["license-files"] == ["LICENSE", "LICENSES.md"]
    assert all((ROOT / name).is_file() for name in PROJECT["license-files"])


def test_the_citation_is_of_this_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["version"] == labo.__version__


def test_forks_test_the_pins_with_their_python_and_newer_ones_without():
    jobs = yaml.safe_load((ROOT / ".github/workflows/tests.yml").read_text())["jobs"]
    assert jobs["pinned"]["container"]["image"].startswith(f"python:{OLDEST}-")
    cases = jobs["ranges"]["strategy"]["matrix"]["include"]
    tried = {(case["python"], case["resolution"]) for case in cases}
    assert tried == {("3.12", "highest"), ("3.13", "highest"), (OLDEST, "lowest-direct")}


def test_hooks_are_those_of_the_environment():
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    assert repository["repo"] == "local"
    assert all(hook["entry"].startswith(".venv/bin/") for hook in repository["hooks"])
