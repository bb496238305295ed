"""Reading what a student submitted: any file at all, turned into the cells of a notebook.

Nothing is run. What is wrong with a file is a `Problem`, told to the instructor in English and to
the student in French.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from grader.files import Flaw, NotPlain, read_plain
from grader.notebook import Cell, Notebook
from grader.text import in_a_line, printable
from labo.coursework.notebook import MAX_BYTES, CellKind, is_experience

MAX_DEPTH: Final = 100
MAX_CELLS: Final = 2_000
MAX_ID: Final = 64  # characters of a cell's identifier, as nbformat has it
# A bracket, or a text; possessive, and matching unclosed texts, so that any bytes take linear time.
_TOKEN = re.compile(rb'[\[{\]}]|"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_STEP: Final = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_CELL_TYPES: Final = ("code", "markdown", "raw")
_SHOWN: Final = 5  # names in a message
_LONGEST: Final = 200  # characters of what a file says, in a message
_NOT_PLAIN: Final = {
    Flaw.UNOPENED: (
        "not a regular file, or a symbolic link ({})",
        "Le fichier remis n'est pas un fichier ordinaire.",
    ),
    Flaw.SPECIAL: ("not a regular file", "Le fichier remis n'est pas un fichier ordinaire."),
    Flaw.HARD_LINK: ("a hard link", "Le fichier remis est un lien vers un autre fichier."),
    Flaw.TOO_LARGE: (
        "too large: {}",
        f"Le fichier remis dépasse {MAX_BYTES >> 20} Mo : effacez les sorties des cellules et "
        "remettez-le.",
    ),
    Flaw.CHANGED: (
        "it changed while it was read: grade again",
        "Le fichier remis a changé pendant sa lecture.",
    ),
}


@dataclass(frozen=True)
class Problem:
    """A defect of a submission; `serious` ones need the instructor's attention."""

    message: str
    student_message: str
    """The same, for the student, in French."""
    serious: bool = True


class Unreadable(Exception):
    """The file is not a notebook; carries the `Problem`."""

    def __init__(self, message: str, student_message: str) -> None:
        super().__init__(message)
        self.problem = Problem(message, student_message)


def find_notebook(
    folder: Path, name: str, siblings: Collection[str] = ()
) -> tuple[Path, tuple[Problem, ...]]:
    """The notebook's path; one under another name will do if it is the only one.

    Args:
        siblings: files that are other notebooks of the assignment.
    """
    if folder.is_symlink():
        raise Unreadable("a symbolic link to another folder", "Le dossier remis est un lien.")
    path = folder / name
    others = sorted(folder.glob("[!.]*.ipynb"))  # macOS adds hidden ones to archives
    others = [other for other in others if other.name not in (name, *siblings)]
    if os.path.lexists(path):
        return path, _beside(others)
    if len(others) != 1:
        names = _listed(others) or "nothing"
        raise Unreadable(
            f"missing: no file {name} was submitted, but {names}",
            f"Aucun fichier {name} n'a été remis ; il y a : {names}."
            if others
            else f"Aucun fichier {name} n'a été remis.",
        )
    found = in_a_line(others[0].name)
    return others[0], (
        Problem(
            f"another name: {found!r} was taken for {name}",
            f"Le fichier remis s'appelle « {found} » au lieu de « {name} » : il a été accepté.",
            serious=False,
        ),
    )


def _listed(paths: list[Path]) -> str:
    """Their names, the first of them when they are many."""
    return ", ".join(in_a_line(path.name) for path in paths[:_SHOWN]) + " …" * (len(paths) > _SHOWN)


def _beside(others: list[Path]) -> tuple[Problem, ...]:
    """Other notebooks that were handed in, of which one may be the real work."""
    if not others:
        return ()
    names = _listed(others)
    return (
        Problem(
            f"beside it, and not graded: {names}",
            f"D'autres notebooks ont été remis, et ne sont pas corrigés : {names}. Si votre travail"
            " est dans l'un d'eux, prévenez l'équipe du cours.",
        ),
    )


def read_notebook(path: Path) -> Notebook:
    """The notebook in a file, in nbformat 4, without its outputs.

    Raises:
        Unreadable: it is not one.
    """
    return _as_version_4(read_document(path))


def read_document(path: Path) -> Any:
    """What a file of JSON holds, whatever that is.

    Raises:
        Unreadable: it is none, or nested too deep.
    """
    data = read_bytes(path)
    if not data.strip():
        raise Unreadable("empty file", "Le fichier remis est vide.")
    if _is_too_deep(data):
        raise Unreadable("nested too deep", "Le fichier remis n'est pas un notebook valide.")
    try:
        return json.loads(data.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise Unreadable(
            f"not valid JSON: {error}",
            "Le fichier remis n'est pas un notebook lisible (JSON invalide). L'avez-vous ouvert "
            "dans Jupyter avant de le remettre ?",
        ) from error


def read_bytes(path: Path) -> bytes:
    """The content of a plain file; links and other things that a student may place are refused."""
    try:
        return read_plain(path, MAX_BYTES)
    except NotPlain as error:
        message, student_message = _NOT_PLAIN[error.flaw]
        raise Unreadable(message.format(error.detail), student_message) from error


def read_timestamp(folder: Path) -> datetime | None:
    """The date of a submission, in UTC, as the exchange wrote it; None without a timestamp.txt.

    Raises:
        Unreadable: there is one, but it does not hold a date.
    """
    from nbgrader.utils import parse_utc  # which takes seconds

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


def _is_too_deep(data: bytes) -> bool:
    """True if brackets are nested, outside of texts, deeper than a parser should follow."""
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
            f"not a notebook of format 3 or 4 (nbformat: {repr(version)[:_LONGEST]})",
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
    import nbformat  # which takes seconds

    try:
        return json.loads(nbformat.writes(nbformat.convert(nbformat.from_dict(notebook), 4)))
    except Exception as error:  # nbformat raises many kinds for what is not a notebook
        raise Unreadable(
            f"format 3 that cannot be upgraded: {error}"[:500],
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
    metadata: dict[str, Any] = {"nbgrader": graded} if isinstance(graded, dict) else {}
    if isinstance(meta, dict) and is_experience(cell):
        metadata["labo"] = {"role": str(CellKind.EXPERIENCE)}
    identity = str(cell.get("id", ""))[:MAX_ID]
    plain = {"id": identity, "cell_type": kind, "metadata": metadata, "source": source}
    return plain | {"outputs": [], "execution_count": None} if kind == "code" else plain
