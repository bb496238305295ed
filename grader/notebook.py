"""Notebooks as plain data, and what nbgrader's metadata says of a cell."""

from __future__ import annotations

import json
import re
from typing import Any

from labo.coursework.notebook import is_solution as is_solution
from labo.coursework.notebook import is_test as is_test

# JupyterLab goes on after the error of a cell that has this tag, and *Run All* to the end.
GOES_ON = "raises-exception"

Notebook = dict[str, Any]
Cell = dict[str, Any]


def grade_id(cell: Cell) -> str | None:
    """The name of a cell that nbgrader knows; None for any other."""
    name = cell["metadata"].get("nbgrader", {}).get("grade_id")
    return name if isinstance(name, str) else None


def title(notebook: Notebook) -> str | None:
    """The first heading of the first rank, in the cells of text."""
    texts = (cell["source"] for cell in notebook["cells"] if cell["cell_type"] == "markdown")
    found = (re.search(r"(?m)^# +(\S.*?) *#*$", text) for text in texts)
    return next((match[1] for match in found if match), None)


def graded_cells(notebook: Notebook) -> dict[str, Cell]:
    """The cells that nbgrader knows, by name."""
    return {name: cell for cell in notebook["cells"] if (name := grade_id(cell))}


def concepts(cell: Cell) -> tuple[str, ...]:
    """The tags of an exercise or of a written answer, but for the builder's own."""
    return tuple(tag for tag in cell["metadata"].get("tags", ()) if tag != GOES_ON)


def plain(notebook: Any) -> Notebook:
    """A deep copy as dictionaries and lists, of a notebook or of nbformat's own nodes."""
    return json.loads(json.dumps(notebook))
