"""Le notebook d'un laboratoire, lu comme un fichier : ses exercices, ses vérifications."""

import json
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

_MAX_BYTES = 20 * 2**20  # beyond, grading refuses it

# What students replace by their answers; `grader build` puts it there.
CODE_STUB = 'raise NotImplementedError("exercice : {name}")'
TEXT_STUB = "*Écrivez votre réponse ici.*"
_STUBS = (CODE_STUB.partition("{")[0], TEXT_STUB)

TEST_PREFIX = "test_"
"""Le début du nom d'une vérification, que suit celui de l'exercice."""


class NotebookError(Exception):
    """Un notebook introuvable, illisible ou qui n'est pas celui d'un laboratoire."""


class CellKind(StrEnum):
    """Les rôles des cellules, du mot qui les annonce dans la source d'un laboratoire."""

    EXERCISE = "exercice"
    TEST = "test"
    QUESTION = "reponse"
    EXPERIENCE = "experience"
    """Une expérience libre : du code ordinaire, que la correction n'a pas à exécuter."""
    CLAIM = "affirmation"
    """Ce qui vérifie une phrase du laboratoire : pour l'auteur seul, dans aucun notebook remis."""

    # As text: the digests that `grader build` has recorded are of this form.
    __repr__ = str.__repr__

    @property
    def cell_type(self) -> str:
        return "markdown" if self is CellKind.QUESTION else "code"

    @property
    def is_graded(self) -> bool:
        """Est-ce une cellule que nbgrader connaît ?"""
        return self.has_points or self.is_solution

    @property
    def has_points(self) -> bool:
        """Le « grade » de nbgrader : les points d'un exercice sont ceux de ses vérifications."""
        return self in (CellKind.TEST, CellKind.QUESTION)

    @property
    def is_solution(self) -> bool:
        """La « solution » de nbgrader : l'étudiant y écrit."""
        return self in (CellKind.EXERCISE, CellKind.QUESTION)


@dataclass(frozen=True)
class LabNotebook:
    """Un notebook de laboratoire.

    Attributs :
        path : le fichier.
        content : ses octets, tels quels.
        cells : ses cellules ; `source` est toujours un texte.
    """

    path: Path
    content: bytes
    cells: list[dict[str, Any]]

    @property
    def lab(self) -> str:
        """Le nom du laboratoire : celui du fichier."""
        return self.path.stem

    @property
    def tests(self) -> list[dict[str, Any]]:
        """Les cellules de test, dans l'ordre."""
        return [cell for cell in self.cells if is_test(cell)]

    @property
    def answers(self) -> dict[str, bool]:
        """Pour chaque exercice et chaque question, vrai si l'on y a répondu."""
        return {
            _role(cell)["grade_id"]: not any(stub in cell["source"] for stub in _STUBS)
            for cell in self.cells
            if is_solution(cell)
        }


def cell_kind(cell: dict[str, Any]) -> CellKind | None:
    """Ce qu'est une cellule d'après ses métadonnées ; None si un laboratoire n'a rien de tel."""
    role = _role(cell)
    if role.get("task"):
        return None
    found = cell["cell_type"], bool(role.get("grade")), is_solution(cell)
    if found == ("code", False, False):
        return CellKind.EXPERIENCE if is_experience(cell) else None
    graded = [kind for kind in CellKind if kind.is_graded]
    kinds = {(kind.cell_type, kind.has_points, kind.is_solution): kind for kind in graded}
    return kinds.get(found)


def is_experience(cell: dict[str, Any]) -> bool:
    """Cette cellule fait-elle partie d'une expérience libre ?"""
    role = cell.get("metadata", {}).get("labo", {})
    return isinstance(role, dict) and role.get("role") == CellKind.EXPERIENCE


def is_test(cell: dict[str, Any]) -> bool:
    """Cette cellule vérifie-t-elle un exercice ?"""
    return cell_kind(cell) is CellKind.TEST


def is_solution(cell: dict[str, Any]) -> bool:
    """L'étudiant écrit-il dans cette cellule, que nbgrader connaît ?"""
    return bool(_role(cell).get("solution"))


def points(test: dict[str, Any]) -> float:
    """Les points que vaut une cellule de test."""
    return float(_role(test).get("points", 0))


def exercise(test: dict[str, Any]) -> str:
    """Le nom de l'exercice que vérifie une cellule, avec la partie s'il y en a plusieurs."""
    return str(_role(test)["grade_id"]).removeprefix(TEST_PREFIX)


def _role(cell: dict[str, Any]) -> dict[str, Any]:
    return cell.get("metadata", {}).get("nbgrader", {})


def read(path: Path | str) -> LabNotebook:
    """Lit le notebook d'un laboratoire.

    Erreurs :
        NotebookError, qui dit quoi faire.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise NotebookError(f"Impossible de lire {path} : {error.strerror}.") from error
    if len(content) > _MAX_BYTES:
        raise NotebookError(
            f"{path} pèse {len(content) >> 20} Mo, et la limite est de {_MAX_BYTES >> 20} Mo. "
            "Effacez ses sorties (menu Édition, « Effacer toutes les sorties ») et enregistrez-le."
        )
    try:
        cells = json.loads(content)["cells"]
        cells = [{**cell, "source": "".join(cell["source"])} for cell in cells]
        notebook = LabNotebook(path, content, cells)
        names = list(notebook.answers)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise NotebookError(
            f"{path} n'est pas un notebook lisible. Enregistrez-le de nouveau depuis Jupyter, ou "
            "retrouvez une version antérieure (menu Fichier, « Revenir au point de contrôle »)."
        ) from error
    if not names:
        raise NotebookError(
            f"{path} n'est pas le notebook d'un laboratoire : il n'a aucun exercice noté."
        )
    return notebook


def current() -> Path:
    """Le notebook ouvert ; à défaut, le seul du dossier courant.

    Erreurs :
        NotebookError : il y en a plusieurs, ou aucun.
    """
    opened = os.environ.get("JPY_SESSION_NAME", "")  # given to kernels by Jupyter's server
    if opened.endswith(".ipynb") and Path(opened).is_file():
        return Path(opened)
    found = sorted(Path.cwd().glob("*.ipynb"))
    if len(found) == 1:
        return found[0]
    names = ", ".join(path.name for path in found) or "aucun"
    raise NotebookError(f"De quel notebook s'agit-il ? Ici : {names}. Donnez son nom.")
