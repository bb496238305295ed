"""From a source to the author's notebook, and from such a notebook back to cells."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from grader.authoring.source import Role, Source, SourceCell, trim, whole
from grader.errors import GraderError, shown
from grader.notebook import GOES_ON, concepts
from labo.coursework.notebook import (
    TEST_PREFIX,
    CellKind,
    Heading,
    cell_kind,
    without_heading,
)

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
_MAY_FAIL = (CellKind.EXERCISE, CellKind.TEST)


def cell_ids(source: Source) -> list[str]:
    """An id for each cell, which changes only with the cell itself.

    A cell with a role is known by its name, any other by its content (and its rank among equal
    ones), so that a cell inserted or edited elsewhere changes no other line of the notebook.
    """
    ids: list[str] = []
    seen: Counter[str] = Counter()
    for cell in source.cells:
        key = cell.role.grade_id if cell.role else f"{cell.type}\n{cell.source}"
        identity = f"{source.path.stem}\n{bool(cell.role)}\n{seen[key]}\n{key}"
        seen[key] += 1
        ids.append(hashlib.sha256(identity.encode()).hexdigest()[:16])
    return ids


def source_notebook(source: Source) -> NotebookNode:
    """The author's notebook: everything, solutions and hidden tests included."""
    cells = []
    for cell, cell_id in zip(source.cells, cell_ids(source), strict=True):
        new_cell = new_code_cell if cell.type == "code" else new_markdown_cell
        cells.append(new_cell(_text(cell), id=cell_id, metadata=_metadata(cell)))
    # By these a notebook is known under any file name, and what was deleted from it.
    graded = [cell.role.grade_id for cell in source.cells if cell.role and cell.role.kind.is_graded]
    facts: dict[str, Any] = {"lab": source.path.stem, "graded": graded}
    if files := [name for cell in source.cells if cell.role for name in cell.role.files]:
        facts["files"] = files  # that `labo submit` hands in too
    return new_notebook(cells=cells, metadata=NOTEBOOK_METADATA | {"labo": facts})


def _text(cell: SourceCell) -> str:
    """The source, with a line that tells students, and `labo`, what a test examines."""
    if cell.role is None or cell.role.kind is not CellKind.TEST:
        return cell.source
    heading = Heading(cell.role.name, cell.role.part, cell.role.points or 0)
    return f"{heading}\n{cell.source}"


def _metadata(cell: SourceCell) -> dict[str, Any]:
    metadata: dict[str, Any] = {}
    if cell.role and cell.role.kind.is_graded:
        metadata["nbgrader"] = _nbgrader_metadata(cell.role)
    elif cell.role:
        metadata["labo"] = {"role": str(cell.role.kind), "name": cell.role.name}
    tags = list(cell.tags)
    if cell.kind in _MAY_FAIL:
        tags.append(GOES_ON)
    if tags:
        metadata["tags"] = tags
    return metadata


def _nbgrader_metadata(role: Role) -> dict[str, Any]:
    metadata = {
        "grade": role.kind.has_points,
        "grade_id": role.grade_id,
        "locked": role.kind is CellKind.TEST,
        "schema_version": NBGRADER_SCHEMA,
        "solution": role.kind.is_solution,
        "task": False,
    }
    return metadata if role.points is None else metadata | {"points": role.points}


def notebook_cells(notebook: NotebookNode, base: Source) -> list[SourceCell]:
    """The notebook's cells with their roles; the names of `base` help to read those of tests.

    Raises:
        GraderError: for a cell that a source cannot hold.
    """
    known = {cell.role.grade_id: cell.role for cell in base.cells if cell.role}
    exercises = {role.name for role in known.values() if role.kind is CellKind.EXERCISE}
    exercises |= {_grade_id(c) for c in notebook.cells if cell_kind(c) is CellKind.EXERCISE}
    cells = []
    for number, cell in enumerate(notebook.cells, start=1):
        if is_kept(cell):
            _check_can_be_written(cell, number)
            role = _role(cell, known, exercises)
            is_test = cell_kind(cell) is CellKind.TEST
            text = without_heading(cell.source) if is_test else cell.source
            tags = () if is_test else concepts(cell) if role else cell.metadata.get("tags", ())
            cells.append(SourceCell(cell.cell_type, trim(text), role, tuple(tags)))
    return cells


def is_kept(cell: NotebookNode) -> bool:
    """Not one of the empty cells that JupyterLab leaves about."""
    return bool(cell.source.strip()) or _is_nbgraders(cell)


def _check_can_be_written(cell: NotebookNode, number: int) -> None:
    if cell.cell_type == "raw" or cell.get("attachments"):
        name = "a raw cell" if cell.cell_type == "raw" else "a cell with an attached image"
        raise GraderError(f"Cell {number} is {name}, which the .py cannot hold.")
    if _is_nbgraders(cell) and cell_kind(cell) is None:
        raise GraderError(
            f"Cell {number} has a type of nbgrader's that is not used here. Make it "
            "'Autograded answer' (exercise), 'Autograded tests', or, for text, "
            "'Manually graded answer'."
        )


def _is_nbgraders(cell: NotebookNode) -> bool:
    metadata = cell.metadata.get("nbgrader", {})
    return any(metadata.get(flag) for flag in ("grade", "solution", "locked", "task"))


def _grade_id(cell: NotebookNode) -> str:
    return cell.metadata.nbgrader.get("grade_id", "")


def _role(cell: NotebookNode, known: dict[str, Role], exercises: set[str]) -> Role | None:
    kind = cell_kind(cell)
    if kind is None:
        return None
    if kind is CellKind.EXPERIENCE:
        return Role(kind, cell.metadata.labo.get("name", ""))
    grade_id = _grade_id(cell)
    points = whole(cell.metadata.nbgrader.get("points")) if kind.has_points else None
    if grade_id in known and known[grade_id].kind is kind:
        return replace(known[grade_id], points=points)
    if kind is not CellKind.TEST:
        return Role(kind, grade_id, None, points)
    rest = grade_id.removeprefix(TEST_PREFIX)
    owners = [name for name in exercises if rest == name or rest.startswith(f"{name}_")]
    name = max(owners, key=len, default=rest)
    return Role(kind, name, rest[len(name) + 1 :] or None, points)


def read_notebook(path: Path) -> NotebookNode:
    try:
        return nbformat.read(path, as_version=4)
    except Exception as error:  # nbformat raises whatever its JSON and schema readers raise
        raise GraderError(f"{shown(path)} is not a notebook: {error}") from error
