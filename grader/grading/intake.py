"""Taking in what a student submitted: any file at all, turned into a notebook that can be run.

Two pure steps, neither of which runs anything: `grader.grading.submission` makes cells of a file
that may be anything, `sanitise` puts the author's graded cells back among them. What had to be
mended is told as `Problem`s, and costs that student only.
"""

from __future__ import annotations

import copy
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from grader.grading.graded_names import name_cells
from grader.grading.submission import (
    Problem,
    Unreadable,
    find_notebook,
    read_notebook,
    read_timestamp,
)
from grader.notebook import Cell, Notebook, grade_id, graded_cells, is_solution, is_test
from grader.text import printable
from labo.coursework.notebook import without_heading

_KEPT_METADATA: Final = ("nbgrader",)
_LONGEST: Final = 200  # characters of what a file says, in a problem


@dataclass(frozen=True)
class Intake:
    """A submission, ready to run; `notebook` is None when nothing could be read."""

    notebook: Notebook | None = field(repr=False)
    problems: tuple[Problem, ...] = ()


def take_in(folder: Path, name: str, source: Notebook, siblings: Collection[str] = ()) -> Intake:
    """The submission in `folder`, whose notebook should be called `name`.

    Args:
        source: the author's notebook, with solutions and hidden tests.
        siblings: the names of other notebooks of the assignment.
    """
    try:
        path, problems = find_notebook(folder, name, siblings)
        notebook, found = sanitise(read_notebook(path), source)
    except Unreadable as error:
        return Intake(None, (error.problem,))
    except Exception as error:  # whatever a file provokes, it costs its own student only
        problem = Problem(
            printable(f"could not be read: {type(error).__name__}: {error}"[:_LONGEST]),
            "Le fichier remis n'a pas pu être lu ; l'équipe du cours est prévenue.",
        )
        return Intake(None, (problem,))
    return Intake(notebook, (*problems, *found, *_problems_of_the_date(folder)))


def _problems_of_the_date(folder: Path) -> tuple[Problem, ...]:
    try:
        read_timestamp(folder)
    except Unreadable as error:
        return (error.problem,)
    return ()


# ---- The graded cells


def sanitise(notebook: Notebook, source: Notebook) -> tuple[Notebook, tuple[Problem, ...]]:
    """The submission with the author's graded cells: their tests, points and metadata.

    The student's own are the text of solution cells, and every cell that is not graded.
    """
    problems: list[Problem] = []
    authored = graded_cells(source)
    cells = name_cells(notebook["cells"], authored, problems)
    cells = [_restored(cell, authored, problems) for cell in cells]
    cells = _ordered(cells, authored, problems)
    cells = _completed(cells, authored, problems)
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": copy.deepcopy(source["metadata"]),
        "cells": cells,
    }, tuple(dict.fromkeys(problems))


def _restored(cell: Cell, authored: dict[str, Cell], problems: list[Problem]) -> Cell:
    """The author's cell, with the student's text where the student may write."""
    name = grade_id(cell)
    if name is None:
        return cell
    original = _clean(authored[name])
    found, given = cell["metadata"]["nbgrader"], original["metadata"]["nbgrader"]
    compared = ("points", "grade", "solution", "locked")
    changed = [key for key in compared if key in found and found[key] != given.get(key)]
    if changed:
        problems.append(
            Problem(
                f"changed metadata of {name}, restored: {', '.join(changed)}",
                f"Les réglages de la cellule « {name} » avaient été modifiés : ils sont rétablis.",
            )
        )
    if cell["cell_type"] != original["cell_type"]:
        problems.append(
            Problem(
                f"type: the cell {name} was turned into {cell['cell_type']}; restored",
                f"La cellule « {name} » avait changé de type : il est rétabli.",
                serious=False,
            )
        )
    if is_solution(original):
        original["source"] = cell["source"]
    elif _visible_differs(cell, original):
        problems.append(
            Problem(
                f"edited: the locked cell {name} was changed; restored",
                f"La cellule « {name} » n'est pas à modifier, et l'était : elle est rétablie.",
                serious=False,
            )
        )
    return original


def _visible_differs(cell: Cell, original: Cell) -> bool:
    """True unless the lines of a locked cell are, in order, among those of the original."""
    # Points may have changed since, and the heading tells them.
    found, known = (without_heading(c["source"]).splitlines() for c in (cell, original))
    given = [line for line in found if line.strip()]
    lines = iter(line for line in known if line.strip())
    all_known = all(any(line == known for known in lines) for line in given)
    return not all_known or (not given and _has_visible_lines(original))


def _has_visible_lines(cell: Cell) -> bool:
    """False for a test that is hidden from its first line to its last."""
    hidden = False
    for line in without_heading(cell["source"]).splitlines():
        if "BEGIN HIDDEN TESTS" in line:
            hidden = True
        elif "END HIDDEN TESTS" in line:
            hidden = False
        elif line.strip() and not hidden:
            return True
    return False


def _clean(cell: Cell) -> Cell:
    kept = {key: cell["metadata"][key] for key in _KEPT_METADATA if key in cell["metadata"]}
    clean = {"cell_type": cell["cell_type"], "metadata": kept, "source": cell["source"]}
    clean = copy.deepcopy(clean)
    return clean | {"outputs": [], "execution_count": None} if _is_code(cell) else clean


def _is_code(cell: Cell) -> bool:
    return cell["cell_type"] == "code"


def _ordered(cells: list[Cell], authored: dict[str, Cell], problems: list[Problem]) -> list[Cell]:
    """With each locked cell after what comes before it in the author's notebook."""
    order = list(authored)
    present = [name for cell in cells if (name := grade_id(cell))]
    if present == sorted(present, key=order.index):
        return cells
    problems.append(
        Problem(
            "order: graded cells were moved; tests were put back after what they examine",
            "Des cellules d'exercices avaient été déplacées : les tests sont remis à leur place.",
        )
    )
    moved = {name: cell for cell in cells if (name := grade_id(cell)) and not is_solution(cell)}
    cells = [cell for cell in cells if grade_id(cell) not in moved]
    for name in sorted(moved, key=order.index):
        _insert(cells, name, moved[name], order)
    return cells


def _completed(cells: list[Cell], authored: dict[str, Cell], problems: list[Problem]) -> list[Cell]:
    """With the graded cells that were deleted: tests as they are, answers empty."""
    present = {grade_id(cell) for cell in cells}
    for name, original in authored.items():
        if name in present:
            continue
        added = _clean(original)
        if is_solution(added):
            added["source"] = ""
        _insert(cells, name, added, list(authored))
        kind = "test" if is_test(original) else "answer"
        problems.append(
            Problem(
                f"missing: the {kind} cell {name} was deleted; inserted again",
                f"La cellule « {name} » manquait : elle a été remise en place"
                + ("." if kind == "test" else ", vide."),
            )
        )
    return cells


def _insert(cells: list[Cell], name: str, added: Cell, order: list[str]) -> None:
    """Put a graded cell after the last of those that precede it in the author's order."""
    before = set(order[: order.index(name)])
    places = [index for index, cell in enumerate(cells) if grade_id(cell) in before]
    # After all that a notebook without names has: its answers are somewhere there.
    unnamed = not any(map(grade_id, cells))
    cells.insert(len(cells) if unnamed else max(places, default=-1) + 1, added)


def unreadable_notebook(source: Notebook) -> Notebook:
    """The author's graded cells, without solutions, in place of what could not be read."""
    cells = [_clean(cell) for cell in graded_cells(source).values()]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
        if is_solution(cell):
            cell["source"] = ""
    empty = {"nbformat": 4, "nbformat_minor": 5, "metadata": copy.deepcopy(source["metadata"])}
    return empty | {"cells": cells}
