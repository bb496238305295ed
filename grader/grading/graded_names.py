"""The student's cells that stand for the author's graded ones; nothing that was written is lost.

Editors copy a name when a cell is pasted or split; other programs drop it. A cell is known by its
name; where all names are lost, by its id or its first line.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from functools import partial
from typing import Final

from grader.grading.submission import Problem
from grader.notebook import Cell, grade_id, is_solution
from labo.coursework.notebook import TEXT_STUB, without_heading

_LONGEST: Final = 200  # characters of what a file says, in a problem


def name_cells(cells: list[Cell], authored: dict[str, Cell], problems: list[Problem]) -> list[Cell]:
    """The cells, each of the author's names on at most one of them."""
    _recover(cells, authored, problems)
    return _unique(cells, authored, problems)


# ---- Names that were lost


def _recover(cells: list[Cell], authored: dict[str, Cell], problems: list[Problem]) -> None:
    """Name again the cells that are the author's, in a notebook which has lost all its names."""
    if any(grade_id(cell) in authored for cell in cells):
        return
    taken: set[int] = set()
    for original in authored.values():
        found = _first(cells, taken, partial(_has_id, original.get("id")))
        if found is None:
            found = _first(cells, taken, partial(_begins_as, original))
        if found is not None:
            taken.add(found)
            cells[found]["metadata"]["nbgrader"] = dict(original["metadata"]["nbgrader"])
    if taken:
        problems.append(
            Problem(
                f"names lost: {len(taken)} of {len(authored)} graded cells were found otherwise",
                "Ce notebook a perdu les noms de ses cellules (un autre logiciel l'a-t-il"
                " enregistré ?) : elles ont été retrouvées d'après leur texte.",
            )
        )


def _first(cells: list[Cell], taken: set[int], test: Callable[[Cell], bool]) -> int | None:
    return next((i for i, cell in enumerate(cells) if i not in taken and test(cell)), None)


def _has_id(identity: str | None, cell: Cell) -> bool:
    return bool(identity) and cell.get("id") == identity


def _begins_as(original: Cell, cell: Cell) -> bool:
    """True for code that begins as the author's, `def f(x):` for example."""
    first = _first_line(original["source"])
    is_code = cell["cell_type"] == original["cell_type"] == "code"
    return is_code and first != "" and _first_line(cell["source"]) == first


def _first_line(source: str) -> str:
    lines = (line.rstrip() for line in without_heading(source).splitlines())
    return next(filter(None, lines), "")


# ---- Names that are there twice


def _unique(cells: list[Cell], authored: dict[str, Cell], problems: list[Problem]) -> list[Cell]:
    """Each name once: other parts of an answer are run, or read, with the first one."""
    found: dict[str | None, list[Cell]] = defaultdict(list)
    for cell in cells:
        found[grade_id(cell)].append(cell)
    counting = {name: _counting(found[name], original) for name, original in authored.items()}
    kept: list[Cell] = []
    for cell in cells:
        name = grade_id(cell)
        if name is not None and name not in authored:
            problems.append(_unknown(name))
        if name is None or name not in authored:
            cell["metadata"].pop("nbgrader", None)
            kept.append(cell)
        elif (counts := counting[name]) is None or cell is counts:
            kept.append(cell)
        else:
            kept += _another_part(cell, counts, authored[name], problems)
    return kept


def _counting(found: list[Cell], original: Cell) -> Cell | None:
    """Of the cells of one name, the first; of a locked one, the first that begins as it should."""
    alike = [] if is_solution(original) else [c for c in found if _begins_as(original, c)]
    return next(iter(alike + found), None)


def _another_part(cell: Cell, first: Cell, original: Cell, problems: list[Problem]) -> list[Cell]:
    """What becomes of a cell whose name is already taken: a cell without a name, or no cell."""
    name = grade_id(cell)
    del cell["metadata"]["nbgrader"]
    if is_solution(original) and cell["cell_type"] == "markdown" == original["cell_type"]:
        first["source"] = "\n\n".join(_written(first["source"], cell["source"]))
        problems.append(
            Problem(
                f"duplicate: the answer {name} is in more than one cell; read as one",
                f"La réponse « {name} » est en plusieurs cellules : elles sont lues ensemble.",
                serious=False,
            )
        )
        return []
    if not is_solution(original) and _begins_as(original, cell):
        problems.append(
            Problem(
                f"duplicate: the locked cell {name} is there more than once; the author's counts",
                f"La vérification « {name} » est là plusieurs fois : une seule est exécutée.",
                serious=False,
            )
        )
        return []
    problems.append(
        Problem(
            f"duplicate: the cell {name} is there more than once; all are run, in their order",
            f"La cellule « {name} » est là plusieurs fois : toutes sont exécutées, dans l'ordre.",
        )
    )
    return [cell]


def _written(*parts: str) -> list[str]:
    """The parts of an answer, without the line to replace nor what is there twice."""
    return list(dict.fromkeys(part for part in parts if part.strip() != TEXT_STUB)) or [TEXT_STUB]


def _unknown(name: str) -> Problem:
    return Problem(
        f"unknown: the cell {name[:_LONGEST]!r} is not part of the assignment",
        "Une cellule porte un nom qui n'est pas un exercice : elle ne compte pas.",
        serious=False,
    )
