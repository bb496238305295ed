"""Proof that a lab's short runs give the verdicts of whole ones, kept beside its source.

`bench/short_runs.py` runs the reference, every mutant and every right answer both ways, and writes
`solutions/LAB.short.toml` when no verdict differs. It speaks of the lab and of the analysis as they
were: once one of them has changed, wrong answers are confirmed by whole runs again; for a test that
was edited, that test's alone.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path

from grader.course import Lab
from grader.engine import short
from grader.notebook import Notebook, graded_cells, is_test
from labo.coursework import calls, effects, needed

_ANALYSIS = (short, needed, effects, calls)


def proven_tests(lab: Lab, source: Notebook) -> tuple[str, ...]:
    """The tests of this author's notebook of which the proof speaks."""
    try:
        record = tomllib.loads(record_path(lab.source).read_text("utf-8"))
        known = dict(record["tests"])
    except (OSError, ValueError, KeyError, TypeError):
        return ()
    if record.get("digest") != digest(source):
        return ()
    return tuple(name for name, found in test_digests(source).items() if known.get(name) == found)


def record_path(source: Path) -> Path:
    """The record of the lab that has this source."""
    return source.with_suffix(".short.toml")


def digest(source: Notebook) -> str:
    """SHA-256 of what all verdicts depend on: the code that is no test, and the analysis."""
    code = [c["source"] for c in source["cells"] if c["cell_type"] == "code" and not is_test(c)]
    texts = [Path(module.__file__ or "").read_text("utf-8") for module in _ANALYSIS]
    return _sha256(json.dumps([code, texts]))


def test_digests(source: Notebook) -> dict[str, str]:
    """SHA-256 of each test, by name: one that was edited is proven no more, the others are."""
    tests = graded_cells(source).items()
    return {name: _sha256(cell["source"]) for name, cell in tests if is_test(cell)}


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
