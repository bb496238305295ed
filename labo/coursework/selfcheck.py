"""Refaire d'un coup toutes les vérifications visibles d'un laboratoire."""

import ast
import io
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from labo.coursework import notebook as notebooks
from labo.coursework.needed import Cell, Role, Unknown, needed
from labo.coursework.notebook import LabNotebook, NotebookError
from labo.coursework.syntax import Unreadable
from labo.french import compact, rounded

_UNANSWERED = "pas encore de réponse"
_LONGEST = 300  # characters of a message
_IN_NOTEBOOK = 88  # characters of a line that a small screen shows, beside JupyterLab's files


@dataclass(frozen=True)
class SelfCheck:
    """Une vérification : l'exercice, ses points, et ce qui a manqué ("" si tout va bien)."""

    exercise: str
    points: float
    message: str

    @property
    def passed(self) -> bool:
        return not self.message


def check(path: Path | str | None = None) -> None:
    """Refait les vérifications visibles du notebook ouvert, et montre le résultat.

    Elles portent sur les fonctions telles qu'elles sont définies en ce moment : exécutez d'abord
    les cellules que vous avez modifiées. Les tests cachés s'y ajouteront à la correction.

    Args :
        path : le notebook, s'il n'est pas trouvé tout seul.
    """
    from IPython import get_ipython

    shell = get_ipython()
    if shell is None:
        raise NotebookError("labo.check() s'emploie dans un notebook ; ailleurs : « labo check ».")
    notebook = notebooks.read(path or notebooks.current())
    display = getattr(shell, "labo_display", None)
    unreadable = display.unreadable if display else Unreadable()
    show(notebook, [_run_test(test, dict(shell.user_ns), unreadable) for test in notebook.tests])


def check_file(
    notebook: LabNotebook, advance: Callable[[float], None] = lambda _: None
) -> list[SelfCheck]:
    """Exécute ce que les vérifications d'un notebook demandent, et les refait à leur place.

    Les cellules dont aucune ne dépend sont laissées de côté (`labo.coursework.needed`). Si l'une
    échoue sur autre chose qu'un exercice sans réponse, tout est exécuté, du début à la fin, et
    c'est ce qui compte. Ce que les cellules affichent est ignoré ; une cellule qui échoue n'arrête
    pas les suivantes.

    Args :
        advance : appelée avant chaque cellule, avec la part du chemin qui est faite, de 0 à 1.
    """
    code = [cell for cell in notebook.cells if cell["cell_type"] == "code"]
    sources: list[str | None] = [cell["source"] for cell in code]
    short = _short(code)
    # Not in the home folder, which may be full.
    with tempfile.TemporaryDirectory(prefix="labo-") as profile:
        checks = _run_cells(profile, code, short, advance)
        if short != sources and any(c.message not in ("", _UNANSWERED) for c in checks):
            checks = _run_cells(profile, code, sources, advance)
    return checks


def check_with_progress(notebook: LabNotebook) -> list[SelfCheck]:
    """Comme `check_file`, avec une barre sur la sortie d'erreur d'un terminal."""
    from rich.progress import BarColumn, Progress, TextColumn

    columns = TextColumn("{task.description}"), BarColumn(bar_width=20)
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(f"Vérifications de {notebook.lab}", total=1)
        return check_file(notebook, lambda done: bar.update(task, completed=done))


def _short(code: list[dict[str, Any]]) -> list[str | None]:
    """Ce qu'il faut exécuter de chaque cellule ; tout, quand on ne peut pas le savoir."""
    try:
        return needed([Cell(cell["source"], _role(cell)) for cell in code])
    except Unknown:
        return [cell["source"] for cell in code]


def _role(cell: dict[str, Any]) -> Role:
    if notebooks.is_test(cell):
        return Role.TEST
    return Role.KEPT if notebooks.is_solution(cell) else Role.FREE


@contextmanager
def _new_shell(profile: str) -> Iterator[Any]:
    """Un IPython neuf, dont `__main__` est le notebook tant qu'il sert."""
    from IPython.core.interactiveshell import InteractiveShell
    from IPython.core.profiledir import ProfileDir
    from traitlets.config import Config

    config = Config({"HistoryManager": {"enabled": False}})
    shell = InteractiveShell.instance(config=config, profile_dir=ProfileDir(location=profile))
    try:
        yield shell
    finally:
        shell.restore_sys_module_state()
        InteractiveShell.clear_instance()


def _run_cells(
    profile: str,
    code: list[dict[str, Any]],
    sources: list[str | None],
    advance: Callable[[float], None],
) -> list[SelfCheck]:
    """Exécute d'un notebook ce que `sources` en garde, et chaque vérification à sa place."""
    with _new_shell(profile) as shell:
        return _checked(shell, code, sources, advance)


def _checked(
    shell: Any,
    code: list[dict[str, Any]],
    sources: list[str | None],
    advance: Callable[[float], None],
) -> list[SelfCheck]:
    unreadable = Unreadable()
    checks = []
    for number, (cell, source) in enumerate(zip(code, sources, strict=True)):
        advance(number / len(code))
        if notebooks.is_test(cell):
            checks.append(_run_test(cell, dict(shell.user_ns), unreadable))
        elif source is not None:
            with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
                result = shell.run_cell(source, silent=True)
            unreadable.note(cell["source"], result.error_before_exec)
    return checks


def _run_test(test: dict[str, Any], namespace: dict[str, Any], unreadable: Unreadable) -> SelfCheck:
    """Exécute une vérification sur une copie des noms du notebook, pour n'en changer aucun."""
    message = unreadable.explain(test["source"]) or ""
    try:
        tree = ast.parse(test["source"])
        with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
            exec(compile(tree, "<vérification>", "exec"), namespace)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # a student's function may raise anything
        message = message or _explained(error)
    return SelfCheck(notebooks.exercise(test), notebooks.points(test), message)


def _explained(error: BaseException) -> str:
    text = str(error)
    if isinstance(error, AssertionError) and text:
        return text[:_LONGEST]
    if isinstance(error, NotImplementedError):
        return _UNANSWERED
    if isinstance(error, NameError) and error.name:  # not one of a function's own names
        return f"« {error.name} » n'existe pas : la cellule qui le définit n'a pas été exécutée"
    return f"{type(error).__name__} : {text}"[:_LONGEST]


def show(notebook: LabNotebook, checks: list[SelfCheck]) -> None:
    """Affiche les vérifications sous forme de tableau."""
    table = Table("", "exercice", "points", "ce que dit la vérification", title=notebook.lab)
    for checked in checks:
        mark = Text("✓", "green") if checked.passed else Text("✗", "red")
        table.add_row(mark, Text(checked.exercise), compact(checked.points), Text(checked.message))
    passed = [checked for checked in checks if checked.passed]
    console = Console(file=sys.stdout)
    if console.is_jupyter:
        console.width = _IN_NOTEBOOK
    console.print(table)
    score = rounded(sum(checked.points for checked in passed), 1)
    points = rounded(sum(checked.points for checked in checks), 1)
    console.print(
        f"Vérifications réussies : {len(passed)} sur {len(checks)}, soit {score} points sur "
        f"{points}. D'autres tests, cachés, s'y ajouteront à la correction."
    )
