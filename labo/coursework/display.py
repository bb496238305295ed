"""Ce qu'un notebook ouvert dans Jupyter dit des vérifications et des erreurs, en peu de mots.

Une vérification qui passe le dit ; une qui échoue, ou un exercice sans réponse, tient en une phrase
sans trace d'appels ; de toute autre erreur, on ne montre que les lignes du notebook. Rien de cela
n'existe à la correction, qui n'a pas de noyau Jupyter.
"""

import sys
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from labo.coursework.exercises import missing
from labo.coursework.notebook import Heading, read_heading, unanswered
from labo.coursework.syntax import Unreadable
from labo.french import compact, points
from labo.settings import is_on

FULL = "LABO_FULL_TRACEBACK"
"""La variable d'environnement qui laisse Jupyter montrer ses erreurs comme d'habitude."""

_MOST_FRAMES = 4


def install(shell: Any) -> None:
    """Branche un noyau Jupyter, une seule fois ; tout autre interpréteur reste comme il est."""
    is_kernel = any(kind.__name__ == "ZMQInteractiveShell" for kind in type(shell).__mro__)
    if not is_kernel or is_on(FULL) or hasattr(shell, "labo_display"):
        return
    display = Display(shell)
    shell.labo_display = display
    shell.events.register("pre_run_cell", display.before)
    shell.events.register("post_run_cell", display.after)
    shell.set_custom_exc((Exception,), display.on_error)


class Display:
    """Suit les cellules qu'un noyau exécute.

    Attributs :
        cell : le texte de celle qui s'exécute.
        unreadable : les réponses qui ne sont pas du Python.
    """

    def __init__(self, shell: Any) -> None:
        self.shell = shell
        self.cell = ""
        self.unreadable = Unreadable()

    def before(self, info: Any) -> None:
        """Avant une cellule (`pre_run_cell`)."""
        self.cell = info.raw_cell or ""

    def after(self, result: Any) -> None:
        """Après une cellule (`post_run_cell`) : une vérification qui passe le dit."""
        self.cell = result.info.raw_cell or ""
        self.unreadable.note(self.cell, result.error_before_exec)
        heading = read_heading(self.cell)
        if heading and result.success:
            print(self._old_answer(heading) or _passed(heading, result.result))

    def on_error(
        self,
        shell: Any,
        kind: type[BaseException],
        error: BaseException,
        trace: TracebackType | None,
        tb_offset: int | None = None,
    ) -> None:
        """Montre l'erreur d'une cellule (`set_custom_exc`)."""
        sys.last_type, sys.last_value, sys.last_traceback = kind, error, trace  # for %tb, %debug
        if isinstance(error, SyntaxError) and not any(self._frames(trace)):
            shell.showsyntaxerror()
            return
        shown = self._sentence(error, trace) or self._short(kind, error, trace)
        if shown is None:
            shown = "\n".join(shell.InteractiveTB.structured_traceback(kind, error, trace))
        shell._showtraceback(kind, error, shown.split("\n"))

    # ---- A check

    def _sentence(self, error: BaseException, trace: TracebackType | None) -> str | None:
        """Ce qu'il suffit de dire d'une erreur ; None s'il faut montrer où elle est."""
        heading = read_heading(self.cell)
        exercise = unanswered(error)
        if heading is None:
            return exercise and missing(exercise)
        label = f"✗ {_label(heading)} : "
        if unreadable := self.unreadable.explain(self.cell):
            return label + unreadable
        if exercise == heading.exercise:
            return label + "pas encore de réponse."
        if exercise:
            return label + f"l'exercice « {exercise} », dont dépend celui-ci, n'a pas de réponse."
        frames = list(self._frames(trace))
        in_check = len({frame.filename for frame in frames}) == 1
        if isinstance(error, AssertionError) and in_check:
            return label + (str(error) or f"« {frames[0].line} » n'est pas vrai.")
        if isinstance(error, NameError) and in_check and error.name:
            return label + self._missing(error.name, heading.exercise)
        return None

    def _missing(self, name: str, exercise: str) -> str:
        if name == exercise:
            return f"« {name} » n'existe pas : exécutez d'abord la cellule de l'exercice."
        return f"« {name} » n'existe pas : exécutez d'abord la cellule qui le définit."

    def _old_answer(self, heading: Heading) -> str | None:
        """Ce qui rend trompeuse une vérification qui passe."""
        unreadable = self.unreadable.explain(self.cell)
        old = "C'est votre réponse précédente qui vient d'être vérifiée."
        return unreadable and f"✗ {_label(heading)} : {unreadable} {old}"

    # ---- Any other error

    def _short(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> str | None:
        """Les lignes du notebook par où l'erreur est passée ; None s'il n'y en a pas."""
        frames = list(self._frames(trace))
        if not frames:
            return None
        heading = read_heading(self.cell)
        answer = [frame for frame in frames if frame.filename != frames[0].filename]
        if heading and answer:
            frames = answer
        lines = [self._shown(frame) for frame in frames]
        if len(lines) > _MOST_FRAMES:
            lines[1 : -_MOST_FRAMES + 1] = [f"... {len(lines) - _MOST_FRAMES} autres appels ..."]
        if heading:
            lines.insert(0, f"✗ {_label(heading)} : arrêt sur une erreur.")
        message = "".join(traceback.format_exception_only(kind, error)).rstrip()
        lines.append(f"\x1b[31m{message}\x1b[0m")
        if traceback.extract_tb(trace)[-1] != frames[-1]:
            lines.append("(%tb montre l'erreur entière)")
        return "\n".join(lines)

    def _shown(self, frame: traceback.FrameSummary) -> str:
        where = f", dans {frame.name}" if frame.name != "<module>" else ""
        _, cell = self.shell.compile.format_code_name(frame.filename)
        cell = cell.removeprefix("In")
        return f"Cellule {cell}, ligne {frame.lineno}{where}\n    {frame.line}"

    def _frames(self, trace: TracebackType | None) -> Iterator[traceback.FrameSummary]:
        """Les appels qui sont dans des cellules, du premier au dernier."""
        for frame in traceback.extract_tb(trace):
            if self.shell.compile.format_code_name(frame.filename):
                yield frame


def _label(heading: Heading) -> str:
    return f"{heading.exercise} ({heading.part})" if heading.part else heading.exercise


def _passed(heading: Heading, value: Any) -> str:
    """Ce que dit une vérification qui n'a pas échoué ; sa valeur peut être une part des points."""
    earned = heading.points
    if isinstance(value, int | float) and not isinstance(value, bool):
        earned = min(max(float(value), 0.0), heading.points)
    if earned < heading.points:
        total = compact(heading.points)
        return f"{_label(heading)} : la vérification donne {points(earned)} sur {total}"
    return f"✓ {_label(heading)} : la vérification passe ({points(earned)})"
