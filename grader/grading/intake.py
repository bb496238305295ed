"""Taking in what a student submitted: any file at all, turned into a notebook that can be run.

Two pure steps, neither of which runs anything: `read` makes cells of a file that may be anything,
`sanitise` puts the author's graded cells back among them. What had to be mended is told, to the
instructor in English and to the student in French, and costs that student only.
"""

from __future__ import annotations

import copy
import json
import os
import re
import stat
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import nbformat
from nbgrader.utils import parse_utc

from grader.notebook import Cell, Notebook, grade_id, is_solution, is_test
from grader.text import printable

MAX_BYTES: Final = 20 * 2**20
MAX_DEPTH: Final = 100
MAX_CELLS: Final = 2_000
# A bracket, or a text; possessive, and matching unclosed texts, so that any bytes take linear time.
_TOKEN = re.compile(rb'[\[{\]}]|"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_STEP: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_KEPT_METADATA: Final = ("nbgrader",)
_CELL_TYPES: Final = ("code", "markdown", "raw")


@dataclass(frozen=True)
class Problem:
    """What was wrong with a submission; `serious` ones need the instructor's attention."""

    message: str
    student_message: str
    """The same, for the student, in French."""
    serious: bool = True


@dataclass(frozen=True)
class Intake:
    """A submission, ready to run; `notebook` is None when nothing could be read."""

    notebook: Notebook | None = field(repr=False)
    problems: tuple[Problem, ...] = ()


class Unreadable(Exception):
    """The file is not a notebook; carries the `Problem`."""

    def __init__(self, message: str, student_message: str) -> None:
        super().__init__(message)
        self.problem = Problem(message, student_message)


def take_in(folder: Path, name: str, source: Notebook) -> Intake:
    """The submission in `folder`, whose notebook should be called `name`.

    Args:
        source: the author's notebook, with solutions and hidden tests, as plain data.
    """
    try:
        path, problems = find(folder, name)
        notebook, found = sanitise(read(path), source)
    except Unreadable as error:
        return Intake(None, (error.problem,))
    except Exception as error:  # whatever a file provokes, it costs its own student only
        problem = Problem(
            printable(f"could not be read: {type(error).__name__}: {error}"),
            "Le fichier remis n'a pas pu être lu ; l'équipe du cours est prévenue.",
        )
        return Intake(None, (problem,))
    return Intake(notebook, (*problems, *found, *_problems_of_the_date(folder)))


# ---- The file


def find(folder: Path, name: str) -> tuple[Path, tuple[Problem, ...]]:
    """The notebook's path; one under another name will do if it is the only one."""
    if folder.is_symlink():
        raise Unreadable("a symbolic link to another folder", "Le dossier remis est un lien.")
    path = folder / name
    if os.path.lexists(path):
        return path, ()
    others = sorted(folder.glob("[!.]*.ipynb"))  # macOS adds hidden ones to archives
    if len(others) != 1:
        raise Unreadable(
            f"missing: no file {name} was submitted", f"Aucun fichier {name} n'a été remis."
        )
    found = printable(others[0].name)
    return others[0], (
        Problem(
            f"another name: {found!r} was taken for {name}",
            f"Le fichier remis s'appelle « {found} » au lieu de « {name} » : il a été accepté.",
            serious=False,
        ),
    )


def read(path: Path) -> Notebook:
    """The notebook in a file, in nbformat 4.

    Raises:
        Unreadable: it is not one.
    """
    data = read_bytes(path)
    if not data.strip():
        raise Unreadable("empty file", "Le fichier remis est vide.")
    if _is_too_deep(data):
        raise Unreadable("nested too deep", "Le fichier remis n'est pas un notebook valide.")
    try:
        notebook = json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise Unreadable(
            f"not valid JSON: {error}",
            "Le fichier remis n'est pas un notebook lisible (JSON invalide). L'avez-vous ouvert "
            "dans Jupyter avant de le remettre ?",
        ) from error
    return _as_version_4(notebook)


def read_bytes(path: Path) -> bytes:
    """The content of a plain file; links and other things that a student may place are refused."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise Unreadable(
            f"not a regular file, or a symbolic link ({error.strerror})",
            "Le fichier remis n'est pas un fichier ordinaire.",
        ) from error
    try:
        _check_plain(os.fstat(descriptor))
        with open(descriptor, "rb", closefd=False) as stream:
            return stream.read(MAX_BYTES + 1)
    finally:
        os.close(descriptor)


def read_timestamp(folder: Path) -> datetime | None:
    """When it was submitted, in UTC, as the exchange wrote it; None without a timestamp.txt.

    Raises:
        Unreadable: there is one, but it does not hold a date.
    """
    path = folder / "timestamp.txt"
    if folder.is_symlink() or not os.path.lexists(path):
        return None
    try:
        text = read_bytes(path)[:100].decode().strip()
        return parse_utc(text) if text else None
    except (Unreadable, ValueError, TypeError, OverflowError) as error:
        raise Unreadable(
            printable(f"no date in timestamp.txt ({error}): taken as handed in on time"),
            "La date de remise est illisible.",
        ) from error


def _problems_of_the_date(folder: Path) -> tuple[Problem, ...]:
    try:
        read_timestamp(folder)
    except Unreadable as error:
        return (error.problem,)
    return ()


def _check_plain(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise Unreadable("not a regular file", "Le fichier remis n'est pas un fichier ordinaire.")
    if status.st_nlink > 1:
        raise Unreadable("a hard link", "Le fichier remis est un lien vers un autre fichier.")
    if status.st_size > MAX_BYTES:
        raise Unreadable(
            f"too large: {status.st_size >> 20} MB",
            f"Le fichier remis dépasse {MAX_BYTES >> 20} Mo : effacez les sorties des cellules et "
            "remettez-le.",
        )


def _is_too_deep(data: bytes) -> bool:
    """Whether brackets are nested, outside of texts, deeper than a parser should follow."""
    depth = 0
    for token in _TOKEN.finditer(data):
        depth += _STEP.get(data[token.start()], 0)
        if depth > MAX_DEPTH:
            return True
    return False


def _as_version_4(notebook: Any) -> Notebook:
    version = notebook.get("nbformat") if isinstance(notebook, dict) else None
    if version == 3:
        notebook = _upgraded(notebook)
    elif version != 4:
        raise Unreadable(
            f"not a notebook of format 3 or 4 (nbformat: {version!r})",
            "Le fichier remis n'est pas un notebook Jupyter d'un format connu.",
        )
    cells = notebook.get("cells")
    if not isinstance(cells, list) or not 0 < len(cells) <= MAX_CELLS:
        raise Unreadable(
            "a notebook without cells, or with too many", "Le notebook remis n'a pas de cellules."
        )
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {},
        "cells": [_plain_cell(cell) for cell in cells],
    }


def _upgraded(notebook: Notebook) -> Notebook:
    try:
        return json.loads(nbformat.writes(nbformat.convert(nbformat.from_dict(notebook), 4)))
    except Exception as error:  # nbformat raises many kinds for what is not a notebook
        raise Unreadable(
            f"format 3 that cannot be upgraded: {error}",
            "Le notebook remis est dans un ancien format illisible.",
        ) from error


def _plain_cell(cell: Any) -> Cell:
    """A cell with the expected fields only, whatever the file had."""
    kind = cell.get("cell_type") if isinstance(cell, dict) else None
    source = cell.get("source") if isinstance(cell, dict) else None
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if kind not in _CELL_TYPES or not isinstance(source, str):
        raise Unreadable(
            "a cell of an unknown format", "Le notebook remis a une cellule illisible."
        )
    source = source.replace("\x00", "").encode("utf-8", "replace").decode()  # lone surrogates
    meta = cell.get("metadata")
    graded = meta.get("nbgrader") if isinstance(meta, dict) else None
    metadata = {"nbgrader": graded} if isinstance(graded, dict) else {}
    plain = {"cell_type": kind, "metadata": metadata, "source": source}
    return plain | {"outputs": [], "execution_count": None} if kind == "code" else plain


# ---- The graded cells


def sanitise(notebook: Notebook, source: Notebook) -> tuple[Notebook, tuple[Problem, ...]]:
    """The submission with the author's graded cells: their tests, points and metadata.

    The student's own are the text of solution cells, and every cell that is not graded.
    """
    problems: list[Problem] = []
    authored = {grade_id(cell): cell for cell in source["cells"] if grade_id(cell)}
    cells = _unique(notebook["cells"], authored, problems)
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
    }, tuple(problems)


def _unique(cells: list[Cell], authored: dict[str, Cell], problems: list[Problem]) -> list[Cell]:
    """Without the second cells of a name, nor the names that are not the author's."""
    seen: set[str] = set()
    kept = []
    for cell in cells:
        name = grade_id(cell)
        if name in seen:
            problems.append(
                Problem(
                    f"duplicate: the cell {name} is there more than once; the first counts",
                    f"La cellule « {name} » est là plusieurs fois : seule la première compte.",
                )
            )
            continue
        if name is not None and name not in authored:
            problems.append(
                Problem(
                    f"unknown: the cell {name!r} is not part of the assignment",
                    "Une cellule porte un nom qui n'est pas un exercice : elle ne compte pas.",
                    serious=False,
                )
            )
            name = None
        if name is None:
            cell["metadata"] = {}
        else:
            seen.add(name)
        kept.append(cell)
    return kept


def _restored(cell: Cell, authored: dict[str, Cell], problems: list[Problem]) -> Cell:
    """The author's cell, with the student's text where the student may write."""
    name = grade_id(cell)
    if name is None:
        return cell
    original = _clean(authored[name])
    theirs, ours = cell["metadata"]["nbgrader"], original["metadata"]["nbgrader"]
    compared = ("points", "grade", "solution", "locked")
    changed = [key for key in compared if key in theirs and theirs[key] != ours.get(key)]
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
    """Whether a locked cell is not as it was given (hidden lines apart)."""
    given = [line for line in cell["source"].splitlines() if line.strip()]
    lines = iter(line for line in original["source"].splitlines() if line.strip())
    return not all(any(line == ours for ours in lines) for line in given) or not given


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
        _insert(cells, moved[name], order)
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
        _insert(cells, added, list(authored))
        kind = "test" if is_test(original) else "answer"
        problems.append(
            Problem(
                f"missing: the {kind} cell {name} was deleted; inserted again",
                f"La cellule « {name} » manquait : elle a été remise en place"
                + ("." if kind == "test" else ", vide."),
            )
        )
    return cells


def _insert(cells: list[Cell], added: Cell, order: list[str]) -> None:
    """Put a graded cell after the last of those that precede it in the author's order."""
    before = set(order[: order.index(grade_id(added))])
    places = [index for index, cell in enumerate(cells) if grade_id(cell) in before]
    cells.insert(max(places, default=-1) + 1, added)


def unreadable_notebook(source: Notebook) -> Notebook:
    """What is kept in place of a submission that could not be read: the author's cells, empty."""
    cells = [_clean(cell) for cell in source["cells"] if grade_id(cell)]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
        if is_solution(cell):
            cell["source"] = ""
    empty = {"nbformat": 4, "nbformat_minor": 5, "metadata": copy.deepcopy(source["metadata"])}
    return empty | {"cells": cells}
