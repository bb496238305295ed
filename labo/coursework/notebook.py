"""Le notebook d'un laboratoire, lu comme un fichier : ses exercices, ses vérifications."""

import json
import os
import re
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from labo.coursework.beside import Asked, asked_files
from labo.french import did_you_mean, system_error
from labo.french import points as points_text

MAX_BYTES = 64 * 2**20  # beyond, grading refuses it

# What students replace by their answers; `grader build` puts it there.
STUB_MESSAGE = "exercice : {name}"
CODE_STUB = f'raise NotImplementedError("{STUB_MESSAGE}")'
TEXT_STUB = "*Écrivez votre réponse ici.*"
_STUBS = (CODE_STUB.partition("{")[0], TEXT_STUB)
_UNANSWERED = re.compile(r"exercice : (\w+)")

_HEADING = re.compile(
    r"# Vérification de « (?P<exercise>\w+) »(?:, partie « (?P<part>\w+) »)?"
    r" \((?P<points>\S+) points?\)"
)

# What Jupyter, a browser or a platform adds to the name of a copy.
_COPY = re.compile(r"(?:-Copy\d+|[ _]?\(\d+\))+$")

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


_GRADED = {
    (kind.cell_type, kind.has_points, kind.is_solution): kind for kind in CellKind if kind.is_graded
}


@dataclass(frozen=True)
class Heading:
    """La première ligne d'une vérification : ce qu'elle examine, et les points que cela vaut."""

    exercise: str
    part: str | None
    points: float

    def __str__(self) -> str:
        part = f", partie « {self.part} »" if self.part else ""
        return f"# Vérification de « {self.exercise} »{part} ({points_text(self.points)})"


def read_heading(source: str) -> Heading | None:
    """La première ligne de cette cellule, si c'est celle d'une vérification."""
    found = _HEADING.fullmatch(source.partition("\n")[0].rstrip())
    if found is None:
        return None
    return Heading(found["exercise"], found["part"], float(found["points"].replace(",", ".")))


def without_heading(source: str) -> str:
    """Le texte d'une vérification, sans cette première ligne."""
    return source.partition("\n")[2] if read_heading(source) else source


def unanswered(error: BaseException) -> str | None:
    """Le nom de l'exercice resté sans réponse qui a levé cette erreur, si c'en est un."""
    found = _UNANSWERED.fullmatch(str(error)) if isinstance(error, NotImplementedError) else None
    return found and found[1]


@dataclass(frozen=True)
class LabNotebook:
    """Un notebook de laboratoire.

    Attributs :
        path : le fichier.
        content : ses octets, tels quels.
        cells : ses cellules ; `source` est toujours un texte.
        facts : ce que le cours y a noté du laboratoire.
    """

    path: Path
    content: bytes
    cells: list[dict[str, Any]]
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def lab(self) -> str:
        """Le nom du laboratoire, sous quelque nom que soit le fichier."""
        name = self.facts.get("lab")
        return name if isinstance(name, str) and name else _COPY.sub("", self.path.stem)

    @property
    def deleted(self) -> list[str]:
        """Les cellules notées qui ne sont plus là, par leur nom."""
        names = {_role(cell).get("grade_id") for cell in self.cells}
        graded = self.facts.get("graded")
        return [name for name in graded if name not in names] if isinstance(graded, list) else []

    @property
    def asked(self) -> Asked:
        """Les fichiers qu'il faut remettre avec lui, et qui sont à côté de lui ou manquent."""
        names = self.facts.get("files")
        plain = [n for n in names if isinstance(n, str)] if isinstance(names, list) else []
        return asked_files(self.path.parent, plain)

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
    return _GRADED.get(found)


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
        near = did_you_mean(str(path), map(str, path.parent.glob("*.ipynb")))
        reason = f"Impossible de lire {path} : {system_error(error)}. {near}"
        raise NotebookError(reason.strip()) from error
    if len(content) > MAX_BYTES:
        raise NotebookError(
            f"{path} pèse {len(content) >> 20} Mo, et la limite est de {MAX_BYTES >> 20} Mo. "
            "Effacez ses sorties (menu Édition, « Effacer les sorties de toutes les cellules ») et "
            "enregistrez-le."
        )
    try:
        document = json.loads(content)
        cells = [{**cell, "source": "".join(cell["source"])} for cell in document["cells"]]
        facts = document.get("metadata", {}).get("labo", {})
        notebook = LabNotebook(path, content, cells, facts if isinstance(facts, dict) else {})
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
