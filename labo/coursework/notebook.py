"""Le notebook d'un laboratoire, lu comme un fichier : ses exercices, ses vérifications."""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MAX_BYTES = 20 * 2**20  # beyond, grading refuses it
_STUBS = ('raise NotImplementedError("exercice : ', "*Écrivez votre réponse ici.*")


class NotebookError(Exception):
    """Un notebook introuvable, illisible ou qui n'est pas celui d'un laboratoire."""


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
        graded = [cell for cell in self.cells if _role(cell).get("solution")]
        return {
            _role(cell)["grade_id"]: not any(stub in cell["source"] for stub in _STUBS)
            for cell in graded
        }


def is_test(cell: dict[str, Any]) -> bool:
    """Vrai pour une cellule de test, qui vérifie un exercice."""
    role = _role(cell)
    return bool(role.get("grade")) and not role.get("solution") and cell["cell_type"] == "code"


def points(test: dict[str, Any]) -> float:
    """Les points que vaut une cellule de test."""
    return float(_role(test).get("points", 0))


def exercise(test: dict[str, Any]) -> str:
    """L'exercice que vérifie une cellule de test, avec la partie s'il y en a plusieurs."""
    return str(_role(test)["grade_id"]).removeprefix("test_")


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
