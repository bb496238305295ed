"""From an edited notebook back to the source."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from nbformat import NotebookNode

from grader.authoring.build import build, release_text
from grader.authoring.built import notebook_edited, source_edited
from grader.authoring.notebooks import cell_ids, is_kept, notebook_cells, read_notebook
from grader.authoring.reading import cell_number, parse, read_source
from grader.authoring.source import InvalidSource, Source, SourceCell, SourceError
from grader.authoring.writing import merge
from grader.course import Lab
from grader.errors import GraderError, shown
from grader.files import write_atomically
from labo.coursework.notebook import CellKind


def bring_back(lab: Lab) -> list[Path]:
    """Bring an edit of the built notebook back to the ``.py``, then build; returns what changed.

    Roles come from nbgrader's metadata, so cells added in JupyterLab (with its nbgrader panel for
    those with a role) are accepted. Outputs are dropped. Unedited cells stay as they were written.

    Raises:
        GraderError: both were edited since the build; nothing is written.
        InvalidSource: the notebook is not a valid lab; `line` then counts the notebook's cells.
    """
    source = read_source(lab.source)
    if not lab.notebook.is_file():
        raise GraderError(f"{shown(lab.notebook)} does not exist. Run: grader build {lab.name}")
    if not notebook_edited(lab, source):
        return []
    if source_edited(lab, source):
        raise GraderError(
            f"Both {shown(lab.source)} and {shown(lab.notebook)} were edited since the build: "
            "nothing was changed.\n"
            "To keep the notebook's edit: save the .py elsewhere, put back the one that was built, "
            "run this again, then redo the edit of the .py.\n"
            f"To drop it: grader build --force {lab.name}"
        )
    text = restore(source, read_notebook(lab.notebook), lab.notebook)
    release_text(lab, parse(text, lab.source))  # refuses a leak before anything is written
    write_atomically(lab.source, text.encode())
    return [lab.source, *build(lab, force=True)]


def restore(base: Source, notebook: NotebookNode, path: Path) -> str:
    """The text of the ``.py`` that gives `notebook`, which was built from `base` and edited."""
    cells = notebook_cells(notebook, base)
    by_id = dict(zip(cell_ids(base), base.cells, strict=True))
    ids = [cell.get("id") for cell in notebook.cells if is_kept(cell)]
    originals = [by_id.get(cell_id) for cell_id in ids]
    text = merge(base, _with_claims(base, list(zip(cells, originals, strict=True))))
    try:
        again = parse(text, path).cells
    except InvalidSource as error:
        raise InvalidSource([_in_notebook(e, text) for e in error.errors]) from None
    if [cell.content for cell in again] != [cell.content for cell in cells]:
        raise GraderError(f"{shown(path)}: a cell cannot be written as text: has it a line '# %%'?")
    return text


def _with_claims(
    base: Source, cells: Sequence[tuple[SourceCell, SourceCell | None]]
) -> list[tuple[SourceCell, SourceCell | None]]:
    """With the claims of `base`, each after the cell that it follows there, wherever that is now.

    When the notebook has this cell no longer, after the last one before it that is left.
    """
    left = {id(old) for _, old in cells if old}
    claims: defaultdict[int | None, list[SourceCell]] = defaultdict(list)
    followed = None
    for cell in base.written:
        if cell.kind is CellKind.CLAIM:
            claims[followed].append(cell)
        elif id(cell) in left:
            followed = id(cell)
    merged: list[tuple[SourceCell, SourceCell | None]] = [(c, c) for c in claims[None]]
    for new, old in cells:
        merged.append((new, old))
        merged += [(claim, claim) for claim in claims.pop(id(old), ())]
    return merged


def _in_notebook(error: SourceError, text: str) -> SourceError:
    number = cell_number(text, error.line)
    return replace(error, line=number, message=f"cell {number}: {error.message}")
