"""The last build of a lab: its record, and whether the notebook was edited since."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from grader.authoring.notebooks import notebook_cells, read_notebook
from grader.authoring.source import Cell, Source
from grader.course import Lab
from grader.errors import GraderError


class EditedNotebook(GraderError):
    """The built notebook holds an edit that would be lost."""


def write_if_changed(path: Path, text: str) -> bool:
    """Put `text` in the file, whole or not at all; False if it is there already."""
    if path.is_file() and path.read_bytes() == text.encode():
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
    return True


def notebook_edited(lab: Lab, source: Source) -> bool:
    """Does the built notebook hold what neither the last build nor the present source gives?"""
    if not lab.notebook.is_file():
        return False
    try:
        cells = notebook_cells(read_notebook(lab.notebook), source)
    except GraderError:
        return True
    return digest(cells) not in (digest(source.cells), last_build(lab).get("notebook"))


def last_build(lab: Lab) -> dict:
    return json.loads(lab.build_record.read_text()) if lab.build_record.is_file() else {}


def digest(cells: Sequence[Cell]) -> str:
    return digest_text(repr([cell.content for cell in cells]))


def digest_text(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
