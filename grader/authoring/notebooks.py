"""From a source to nbgrader's source notebook, and from such a notebook back to cells."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from grader.authoring.source import Cell, Role, Source, trim, whole
from grader.errors import GraderError, shown

# No versions here: they would change with the machine that builds.
NOTEBOOK_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
    },
}
NBGRADER_SCHEMA = 3


def cell_ids(source: Source) -> list[str]:
    """An id for each cell, which changes only with the cell itself.

    A cell with a role is known by its name, any other by its content (and its rank among equal
    ones), so that a cell inserted or edited elsewhere changes no other line of the notebook.
    """
    ids, seen = [], Counter()
    for cell in source.cells:
        key = cell.role.grade_id if cell.role else f"{cell.type}\n{cell.source}"
        identity = f"{source.path.stem}\n{bool(cell.role)}\n{seen[key]}\n{key}"
        seen[key] += 1
        ids.append(hashlib.sha256(identity.encode()).hexdigest()[:16])
    return ids


def source_notebook(source: Source) -> NotebookNode:
    """nbgrader's source notebook: everything, solutions and hidden tests included."""
    cells = []
    for cell, cell_id in zip(source.cells, cell_ids(source), strict=True):
        new_cell = new_code_cell if cell.type == "code" else new_markdown_cell
        metadata = {"nbgrader": _nbgrader_metadata(cell.role)} if cell.role else {}
        if cell.tags:
            metadata["tags"] = list(cell.tags)
        cells.append(new_cell(cell.source, id=cell_id, metadata=metadata))
    return new_notebook(cells=cells, metadata=NOTEBOOK_METADATA)


def _nbgrader_metadata(role: Role) -> dict:
    metadata = {
        "grade": role.kind != "exercice",
        "grade_id": role.grade_id,
        "locked": role.kind == "test",
        "schema_version": NBGRADER_SCHEMA,
        "solution": role.kind != "test",
        "task": False,
    }
    return metadata if role.points is None else metadata | {"points": role.points}


def notebook_cells(notebook: NotebookNode, base: Source) -> list[Cell]:
    """The notebook's cells with their roles; the names of `base` help to read those of tests.

    Raises:
        GraderError: for a cell that a source cannot hold.
    """
    known = {cell.role.grade_id: cell.role for cell in base.cells if cell.role}
    exercises = {role.name for role in known.values() if role.kind == "exercice"}
    exercises |= {
        cell.metadata.nbgrader.get("grade_id", "")
        for cell in notebook.cells
        if _kind(cell) == "exercice"
    }
    cells = []
    for number, cell in enumerate(notebook.cells, start=1):
        if not is_kept(cell):
            continue
        if cell.cell_type == "raw" or cell.get("attachments"):
            what = "a raw cell" if cell.cell_type == "raw" else "a cell with an attached image"
            raise GraderError(f"Cell {number} is {what}, which the .py cannot hold.")
        if _kind(cell) == "other":
            raise GraderError(
                f"Cell {number} has a type of nbgrader's that is not used here. Make it "
                "'Autograded answer' (exercise), 'Autograded tests', or, for text, "
                "'Manually graded answer'."
            )
        role = _role(cell, known, exercises)
        tags = () if _kind(cell) == "test" else tuple(cell.metadata.get("tags", ()))
        cells.append(Cell(cell.cell_type, trim(cell.source), role, tags))
    return cells


def is_kept(cell: NotebookNode) -> bool:
    """JupyterLab leaves empty cells about."""
    return bool(cell.source.strip()) or _kind(cell) is not None


def _kind(cell: NotebookNode) -> str | None:
    metadata = cell.metadata.get("nbgrader", {})
    flags = [bool(metadata.get(flag)) for flag in ("grade", "solution", "locked", "task")]
    if not any(flags):
        return None
    grade, solution, _, task = flags
    kinds = {
        ("code", False, True): "exercice",
        ("code", True, False): "test",
        ("markdown", True, True): "reponse",
    }
    return "other" if task else kinds.get((cell.cell_type, grade, solution), "other")


def _role(cell: NotebookNode, known: dict[str, Role], exercises: set[str]) -> Role | None:
    kind = _kind(cell)
    if kind is None:
        return None
    metadata = cell.metadata.nbgrader
    grade_id = metadata.get("grade_id", "")
    points = None if kind == "exercice" else whole(metadata.get("points"))
    if grade_id in known and known[grade_id].kind == kind:
        return replace(known[grade_id], points=points)
    if kind != "test":
        return Role(kind, grade_id, None, points)
    rest = grade_id.removeprefix("test_")
    owners = [name for name in exercises if rest == name or rest.startswith(f"{name}_")]
    name = max(owners, key=len, default=rest)
    return Role(kind, name, rest[len(name) + 1 :] or None, points)


def read_notebook(path: Path) -> NotebookNode:
    try:
        return nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat raises whatever its JSON and schema readers raise
        raise GraderError(f"{shown(path)} is not a notebook: {error}") from error
