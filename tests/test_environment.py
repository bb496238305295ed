"""The pins cannot drift: one list of versions serves pip, conda, make and the tests."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
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
    return {canonicalize_name(entry.name): str(entry.specifier)[2:] for entry in entries}


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


def test_conda_takes_the_same_pins():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip, from_pip = environment["dependencies"]
    assert pip == "pip"
    assert from_pip == {"pip": ["-r requirements.txt", "-e ."]}
    minimum = PROJECT["requires-python"].removeprefix(">=")
    assert python == f"python={minimum}"
