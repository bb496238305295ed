"""La réponse du cours à une remise : les points, quelques secondes après, là où un service corrige.

Le service (`grader serve`) dépose ses réponses dans le dépôt du cours, sous un nom que seul connaît
celui qui a remis. Ici, on ne fait que les lire.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from labo.coursework import notebook as notebooks
from labo.coursework.handin import DATE, Exchange, Receipt, feedback_key
from labo.coursework.handin import submit as hand_in
from labo.coursework.notebook import LabNotebook, NotebookError
from labo.coursework.remarks import remarks
from labo.french import compact, points

BEAT = "service.json"  # `grader.service.exchange` écrit ce nom
_LOOK_SECONDS = 0.5
_NO_SERVICE_SECONDS = 10.0  # a shared disk may show a file late
_LOST_SECONDS = 90.0  # without a sign of the service

NO_SERVICE = (
    "Aucun service de correction ne répond en ce moment. Votre remise est faite ; les points"
    " viendront avec la rétroaction (« labo feedback »)."
)
_LOST = (
    "Le service de correction ne donne plus signe de vie. Votre remise est faite, et sera corrigée"
    " à son retour : « labo feedback » ira chercher la réponse."
)


@dataclass(frozen=True)
class Answer:
    """Ce que le service dit d'une remise ; `facts` est ce qu'il a écrit."""

    facts: dict[str, Any]

    @property
    def is_final(self) -> bool:
        return self.facts["state"] != "taken" or bool(self.facts["why"])

    def text(self) -> str:
        """La réponse, en français."""
        facts = self.facts
        if facts["state"] == "trouble":
            return (
                "Cette remise n'a pas pu être corrigée : l'équipe du cours est prévenue. Elle reste"
                " faite."
            )
        if facts["told"] == "nothing":
            return _REASONS[facts["why"]](facts)
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        facts = self.facts
        tests = [each for each in facts["points"] if not each["waiting"]]
        score = sum(each["score"] for each in tests)
        yield f"Tests : {points(score)} sur {compact(sum(each['max_score'] for each in tests))}"
        width = max((len(each["exercise"]) for each in facts["points"]), default=0)
        for each in facts["points"]:
            yield f"  {each['exercise']:{width}}  {_points(each)}"
        if facts["kept_back"]:
            yield f"Dits après l'échéance seulement : {', '.join(facts['kept_back'])}"
        if not facts["counts"]:
            yield "Une remise précédente, meilleure, reste celle qui compte."
        left = facts["left_today"]
        yield (
            f"Réponses encore possibles aujourd'hui : {left}."
            if left
            else "C'était la dernière réponse d'aujourd'hui ; on peut encore remettre."
        )
        if facts["told"] == "hints":
            yield "« labo feedback » va chercher la page entière."


def _points(each: dict[str, Any]) -> str:
    if each["waiting"]:
        return "à corriger par une personne"
    told = f"{compact(each['score'])} / {compact(each['max_score'])}"
    return f"{told}  {each['hint']}".rstrip()


_RECEIVED = "Votre remise est reçue."
_REASONS: dict[str, Callable[[dict[str, Any]], str]] = {
    "policy": lambda facts: f"{_RECEIVED} De ce laboratoire, rien n'est dit pour l'instant.",
    "due date": lambda facts: f"{_RECEIVED} Les points seront dits après l'échéance{_due(facts)}.",
    "limit": lambda facts: (
        f"{_RECEIVED} Vous avez eu les réponses d'aujourd'hui ({facts['per_day']} par jour) :"
        " celle-ci viendra demain, ou après l'échéance si rien n'est remis d'ici là."
    ),
    "other counts": lambda facts: f"{_RECEIVED} Une autre remise est celle qui compte.",
}


def _due(facts: dict[str, Any]) -> str:
    if not facts["due"]:
        return ""
    return f" ({datetime.fromisoformat(facts['due']).astimezone():%Y-%m-%d, %H:%M})"


def wait(receipt: Receipt, exchange: Exchange, show: Callable[[str], None]) -> str:
    """Attend la réponse du service, et la donne en français.

    Args :
        show : dit où l'on en est.
    """
    begun = time.monotonic()
    beat, beaten = _beat(exchange), begun
    alive = beat >= datetime.strptime(f"{receipt.date}+0000", f"{DATE}%z").timestamp() - 30
    while True:
        answer = _read(receipt, exchange)
        if answer and answer.is_final:
            return answer.text()
        now = time.monotonic()
        if (last := _beat(exchange)) > beat:
            alive, beat, beaten = True, last, now
        if not (alive or answer) and now - begun > _NO_SERVICE_SECONDS:
            return NO_SERVICE
        if now - max(beaten, begun) > _LOST_SECONDS:
            return _LOST
        stage = "Correction en cours" if answer else "En attente du service de correction"
        show(f"{stage} ({now - begun:.0f} s)…")
        time.sleep(_LOOK_SECONDS)


def _beat(exchange: Exchange) -> float:
    """Le dernier signe de vie du service, à l'horloge du dépôt ; 0 s'il n'y en a jamais eu."""
    try:
        return os.stat(exchange.course / "feedback" / BEAT).st_mtime
    except OSError:
        return 0.0


def _read(receipt: Receipt, exchange: Exchange) -> Answer | None:
    key = feedback_key(exchange.cache / Path(receipt.where).name, receipt.lab)
    with suppress(OSError, ValueError, KeyError, TypeError):
        text = (exchange.course / "feedback" / f"{key}.json").read_text("utf-8")
        answer = Answer(json.loads(text))
        return answer if answer.facts["state"] else None
    return None


@contextmanager
def progress() -> Iterator[Callable[[str], None]]:
    """De quoi dire où l'on en est, sur une seule ligne : dans un terminal ou dans un notebook."""
    shell = _kernel()
    if shell is not None:
        from IPython.display import display

        handle = display({"text/plain": "…"}, raw=True, display_id=True)
        yield lambda text: handle.update({"text/plain": text}, raw=True)
        handle.update({"text/plain": ""}, raw=True)
        return
    from rich.console import Console

    console = Console(file=sys.stdout)
    if not console.is_terminal:
        yield lambda text: None
        return
    with console.status("") as status:
        yield status.update


def submit(wait: bool = True, path: Path | str | None = None) -> None:
    """Remet le notebook ouvert, montre le reçu et, là où un service corrige, les points.

    Enregistrez d'abord le notebook : c'est le fichier qui est remis. Hors d'un notebook, par
    exemple à la correction, ne fait rien.

    Args :
        wait : attendre la réponse.
        path : le notebook, s'il n'est pas trouvé tout seul.
    """
    shell = _kernel()
    if shell is None:
        print("labo.submit() s'emploie dans un notebook ouvert ; ailleurs : « labo submit ».")
        return
    notebook = notebooks.read(path or notebooks.current())
    _check_saved(notebook, shell)
    print(submitted(notebook, Exchange.here(), wait=wait))


def _check_saved(notebook: LabNotebook, shell: Any) -> None:
    """Refuse un fichier où n'est pas la cellule qui remet : il n'est pas enregistré."""
    running = getattr(getattr(shell, "labo_display", None), "cell", "").strip()
    if running and running not in {cell["source"].strip() for cell in notebook.cells}:
        raise NotebookError(
            "Rien n'a été remis : enregistrez d'abord le notebook (Ctrl-S), puis exécutez de"
            " nouveau cette cellule."
        )


def submitted(
    notebook: LabNotebook,
    exchange: Exchange | None,
    student: str | None = None,
    *,
    wait: bool,
    say: Callable[[str], None] = print,
) -> str:
    """Remet un notebook, dit le reçu aussitôt, et donne ce qu'il y a à dire ensuite.

    Erreurs :
        HandinError : rien n'a été remis.
    """
    for remark in remarks(notebook):
        say(f"Attention : {remark}\n")
    receipt = hand_in(notebook, exchange, student)
    say(receipt.text())
    if exchange is None:
        return "\nCe n'est pas encore remis : téléversez ce fichier là où le cours le demande."
    return f"\n{_awaited(receipt, exchange)}" if wait else ""


def _awaited(receipt: Receipt, exchange: Exchange) -> str:
    try:
        with progress() as show:
            return wait(receipt, exchange, show)
    except KeyboardInterrupt:
        return (
            "On n'attend plus. Votre remise est faite : « labo feedback » ira chercher la réponse."
        )


def _kernel() -> Any:
    """Le noyau Jupyter où l'on est ; None ailleurs, comme à la correction."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython else None
    kinds = type(shell).__mro__ if shell is not None else ()
    return shell if any(kind.__name__ == "ZMQInteractiveShell" for kind in kinds) else None
