"""The course's own packages: where they lie, and a digest of their code."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import grader
import labo
from grader import beside, notebook

_ENGINE = Path(__file__).parent


def code_version() -> str:
    """Digest of the code that a grade depends on, with torch's and Python's versions.

    Not of Python's build: a security update of one machine grades nothing anew, and nodes may wait
    for theirs.
    """
    python = f"{platform.python_implementation()} {platform.python_version()}"
    digest = hashlib.sha256(f"{version('torch')} {python}".encode())
    for path in sorted(_sources()):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _sources() -> Iterator[Path]:
    """The code that a grade depends on: the engine, what it imports of `grader`, and `labo`."""
    yield Path(beside.__file__)
    yield Path(notebook.__file__)
    yield from _ENGINE.rglob("*.py")
    yield from Path(labo.__file__).parent.rglob("*.py")


def import_roots() -> tuple[Path, ...]:
    """The folders from which this process imports the course's own packages."""
    return tuple(sorted({Path(file).parent.parent for file in (labo.__file__, grader.__file__)}))


def readable_packages() -> tuple[Path, ...]:
    """The course's own code and shipped data: nothing beside them, where the solutions may lie."""
    package = Path(labo.__file__).parent
    paths = (package, Path(grader.__file__).parent, package.parent / "data")
    return tuple(path for path in paths if path.exists())
