"""Notebooks as plain data, and what nbgrader's metadata says of a cell."""

from __future__ import annotations

import json
from typing import Any

Notebook = dict[str, Any]
Cell = dict[str, Any]


def grade_id(cell: Cell) -> str | None:
    """The name of a cell that nbgrader knows."""
    name = cell["metadata"].get("nbgrader", {}).get("grade_id")
    return name if isinstance(name, str) else None


def is_solution(cell: Cell) -> bool:
    """Whether the student writes in this graded cell."""
    return bool(cell["metadata"].get("nbgrader", {}).get("solution"))


def is_test(cell: Cell) -> bool:
    """Whether nbgrader takes an automatic score from this cell."""
    meta = cell["metadata"].get("nbgrader", {})
    return bool(meta.get("grade")) and not meta.get("solution") and cell["cell_type"] == "code"


def plain(notebook: Any) -> Notebook:
    """A deep copy as dictionaries and lists, of a notebook or of nbformat's own nodes."""
    return json.loads(json.dumps(notebook))
