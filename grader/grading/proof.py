"""Proof that a lab's short runs give the verdicts of whole ones, kept beside its source.

`bench/short_runs.py` runs the reference, every mutant and every right answer both ways, and writes
`solutions/LAB.short.toml` when no verdict differs. It speaks of the lab and of the analysis as they
were: once one of them has changed, wrong answers are confirmed by whole runs again.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from pathlib import Path

from grader.course import Lab
from grader.engine import short
from grader.notebook import Notebook
from labo.coursework import calls, effects, needed

_ANALYSIS = (short, needed, effects, calls)


def is_proven(lab: Lab, source: Notebook) -> bool:
    """True if the proof of this lab speaks of this author's notebook."""
    try:
        record = tomllib.loads(record_path(lab.source).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return record.get("digest") == digest(source) and record.get("differences") == 0


def record_path(source: Path) -> Path:
    """The record of the lab that has this source."""
    return source.with_suffix(".short.toml")


def digest(source: Notebook) -> str:
    """SHA-256 of what verdicts depend on: the code of the author's notebook, and the analysis."""
    code = [cell["source"] for cell in source["cells"] if cell["cell_type"] == "code"]
    texts = [Path(module.__file__ or "").read_text("utf-8") for module in _ANALYSIS]
    return hashlib.sha256(json.dumps([code, texts]).encode()).hexdigest()
