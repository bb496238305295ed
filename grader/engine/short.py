"""The short run of a notebook: what its tests and the student's changes need of it, no more.

What the student wrote only adds to what is run. An author's cell is left out, in whole or in part,
when it is unchanged (its whole text, in its place) and nothing that runs reads what it defines:
see `labo.coursework.needed`. A free experiment, which no test looks at, is treated likewise.
"""

from __future__ import annotations

from collections.abc import Iterator

from grader.engine.report import Mode
from grader.notebook import Cell, Notebook, grade_id, is_solution, is_test
from labo.coursework import needed
from labo.coursework.needed import Role
from labo.coursework.notebook import is_experience

Sources = list[str | None]
"""Of each code cell, the text to run: None for one that is left out."""


def short_run(notebook: Notebook, source: Notebook, mode: Mode) -> Sources | None:
    """What a short run executes; None when all must be, or when nothing would be gained.

    Args:
        notebook: sanitised.
        source: the author's.
    """
    cells = [needed.Cell(*described) for described in _described(notebook, source, mode)]
    try:
        found = needed.needed(cells)
    except needed.Unknown:
        return None
    return found if any(map(_spares, cells, found)) else None


def _spares(cell: needed.Cell, run: str | None) -> bool:
    """True if more is left out of a cell than imports, which were done before processes fork."""
    if run == cell.source:
        return False
    kept = {n for n, line in enumerate((run or "").split("\n"), start=1) if line}
    left = [part for part in needed.parts(*cell) if part.lines and kept.isdisjoint(part.lines)]
    return any(not part.effects.imports for part in left)


def prepare(source: Notebook) -> None:
    """Analyse the author's cells before processes are forked that will meet them."""
    short_run(source, source, Mode.ISOLATED)


def _described(notebook: Notebook, source: Notebook, mode: Mode) -> Iterator[tuple[str, Role]]:
    """The text and the role of each code cell."""
    unchanged = _unchanged(notebook, source)
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        if is_test(cell):
            role = Role.TEST if mode is Mode.ISOLATED else Role.KEPT
        elif not is_solution(cell) and (id(cell) in unchanged or is_experience(cell)):
            role = Role.FREE
        else:
            role = Role.KEPT
        yield cell["source"], role


def _unchanged(notebook: Notebook, source: Notebook) -> set[int]:
    """The ordinary cells that are the author's, between the same graded cells, in their order."""
    theirs = dict(_sections(source))
    found = set()
    for place, cells in _sections(notebook):
        left = iter(theirs.get(place, ()))
        texts = [cell["source"] for cell in theirs.get(place, ())]
        for cell in cells:
            if cell["source"] in texts and any(c["source"] == cell["source"] for c in left):
                found.add(id(cell))
    return found


def _sections(notebook: Notebook) -> Iterator[tuple[str | None, list[Cell]]]:
    """The ordinary code cells after each graded one, by the name of that; None at the start."""
    place: str | None = None
    cells: list[Cell] = []
    for cell in notebook["cells"]:
        if grade_id(cell) is not None:
            yield place, cells
            place, cells = grade_id(cell), []
        elif cell["cell_type"] == "code":
            cells.append(cell)
    yield place, cells
