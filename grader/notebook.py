"""Notebooks as plain data, and what nbgrader's metadata says of a cell."""

from __future__ import annotations

import json
import re
from typing import Any

from labo.coursework.notebook import is_solution as is_solution
from labo.coursework.notebook import is_test as is_test

# JupyterLab goes on after the error of a cell that has this tag, and *Run All* to the end.
GOES_ON = "raises-exception"

SCHEMA = 3
"""Of nbgrader's metadata."""

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


def asked_files(notebook: Notebook) -> tuple[str, ...]:
    """The files that a lab asks students to hand in, as patterns, from its notebook's metadata."""
    facts = notebook["metadata"].get("labo", {})
    return tuple(facts.get("files", ())) if isinstance(facts, dict) else ()


def concepts(cell: Cell) -> tuple[str, ...]:
    """The tags of an exercise or of a written answer, but for the builder's own."""
    return tuple(tag for tag in cell["metadata"].get("tags", ()) if tag != GOES_ON)


def plain(notebook: Any) -> Notebook:
    """A deep copy as dictionaries and lists, of a notebook or of nbformat's own nodes."""
    return json.loads(json.dumps(notebook))


def other_language(notebook: Notebook) -> str | None:
    """The language of a notebook that is not Python; None for one that is, or does not say."""
    metadata = notebook["metadata"]
    languages = (
        metadata.get("kernelspec", {}).get("language"),
        metadata.get("language_info", {}).get("name"),
    )
    named = next((language for language in languages if language), "python")
    return None if named.lower() in ("python", "ipython", "python3") else named


def with_last_schema(notebook: Notebook) -> Notebook:
    """The notebook with nbgrader's metadata as its schema 3 has them, whichever it was written in.

    Schema 1 marked a test by `grade` alone, locked or not, and had no tasks; 2 had no tasks.
    """
    for cell in notebook["cells"]:
        meta = cell["metadata"].get("nbgrader")
        if not isinstance(meta, dict) or meta.get("schema_version", 1) >= SCHEMA:
            continue
        meta.setdefault("grade", False)
        meta.setdefault("solution", False)
        meta.setdefault("locked", bool(meta["grade"] and not meta["solution"]))
        meta |= {"task": False, "schema_version": SCHEMA}
        if meta["grade"]:
            meta["points"] = float(meta.get("points") or 0)
        else:
            meta.pop("points", None)
        if not (meta["grade"] or meta["solution"] or meta["locked"]):
            del cell["metadata"]["nbgrader"]
    return notebook
