"""Ce que l'on dit d'un notebook avant de le remettre : rien de cela n'empêche la remise."""

import ast
from collections.abc import Iterator
from pathlib import Path

from labo.coursework import notebook as notebooks
from labo.coursework.notebook import TEST_PREFIX, LabNotebook, NotebookError


def remarks(notebook: LabNotebook) -> list[str]:
    """Une phrase par défaut que la correction rencontrerait."""
    return [
        *_other_notebooks(notebook),
        *_missing_files(notebook),
        *_syntax_errors(notebook),
        *_deleted(notebook),
    ]


def _missing_files(notebook: LabNotebook) -> Iterator[str]:
    for name in notebook.asked.missing:
        yield (
            f"Ce laboratoire demande de remettre aussi « {name} », qui n'est pas à côté du"
            " notebook. Exécutez la cellule qui l'écrit, puis remettez de nouveau."
        )


def _other_notebooks(notebook: LabNotebook) -> Iterator[str]:
    others = [path.name for path in _of_same_lab(notebook)]
    if others:
        names = ", ".join(f"« {name} »" for name in others)
        yield (
            f"Ce dossier a d'autres notebooks de ce laboratoire : {names}. "
            f"C'est « {notebook.path.name} », et lui seul, qui est remis."
        )


def _of_same_lab(notebook: LabNotebook) -> Iterator[Path]:
    for path in sorted(notebook.path.parent.glob("[!.]*.ipynb")):
        if path.resolve() == notebook.path.resolve():
            continue
        try:
            if notebooks.read(path).lab == notebook.lab:
                yield path
        except NotebookError:
            continue


def _syntax_errors(notebook: LabNotebook) -> Iterator[str]:
    code = [cell for cell in notebook.cells if cell["cell_type"] == "code"]
    for number, cell in enumerate(code, start=1):
        error = _syntax_error(cell["source"])
        if error:
            line = (error.text or "").strip()
            yield (
                f"La cellule de code n° {number} ne se lit pas : ligne {error.lineno}, « {line} » "
                f"({error.msg}). Rien de ce qu'elle définit n'existera à la correction."
            )


def _syntax_error(source: str) -> SyntaxError | None:
    """L'erreur qui empêche de lire une cellule, une fois ses commandes traduites par IPython."""
    if _parsing_error(source) is None:
        return None
    from IPython.core.inputtransformer2 import TransformerManager  # 0.3 s that most never need

    return _parsing_error(TransformerManager().transform_cell(source))


def _parsing_error(source: str) -> SyntaxError | None:
    try:
        ast.parse(source)
    except SyntaxError as error:
        return error
    except (ValueError, RecursionError, MemoryError):  # null bytes, or beyond Python's own bounds
        return None
    return None


def _deleted(notebook: LabNotebook) -> Iterator[str]:
    tests = [name for name in notebook.deleted if name.startswith(TEST_PREFIX)]
    answers = [name for name in notebook.deleted if name not in tests]
    if answers:
        yield (
            f"Des réponses ont été supprimées du notebook : {', '.join(answers)}. Elles vaudront 0."
        )
    if tests:
        names = ", ".join(name.removeprefix(TEST_PREFIX) for name in tests)
        yield (
            f"Des vérifications ont été supprimées du notebook : {names}. La correction les remet, "
            "mais « labo check » ne peut plus vous dire ce qu'elles trouvent."
        )
