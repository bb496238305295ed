"""La fin d'une session Slurm, annoncée dans le notebook à temps pour enregistrer."""

import sys
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import Any

from labo.machine.facts import time_left
from labo.machine.probe import Probe

_MINUTES = (15, 5)  # left when it is announced


@cache
def announce_end() -> None:
    """Dans un notebook sur une grappe Slurm, annonce la fin de la session, 15 et 5 min avant.

    Ailleurs, ne fait rien. Appelée par `labo.device()`, donc au début de chaque laboratoire.
    """
    shell = _shell()
    if shell is not None:
        watch(shell, Probe())


def watch(shell: Any, probe: Probe, clock: Callable[[], float] = time.time) -> None:
    """Annonce dans `shell`, à qui exécute une cellule, la fin que `probe` connaît."""
    if "SLURM_JOB_ID" not in probe.environ:
        return
    left = time_left(probe).value
    if left is None:  # nothing says it, or there is no end
        return
    announcer = _Announcer(probe.now + left, clock)
    shell.events.register("pre_run_cell", announcer.before)
    shell.events.register("post_run_cell", announcer.after)


def _shell() -> Any:
    """Le shell d'IPython dans un notebook ; None dans un script."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


class _Announcer:
    """Annonce la fin une fois pour chacune des `_MINUTES`, sous la cellule qui s'exécute.

    L'heure est regardée avant et après chaque cellule, et pendant une longue. Pour qui n'exécute
    rien, JupyterLab enregistre toutes les deux minutes.
    """

    def __init__(self, end: float, clock: Callable[[], float]) -> None:
        self.end = end
        self.clock = clock
        self.ahead = list(_MINUTES)
        self.timer = threading.Timer(0, self.announce)
        self.lock = threading.Lock()

    def before(self, _: Any = None) -> None:
        self.announce()
        if self.ahead:
            # Started while this cell runs, so that what it prints appears there.
            seconds = self.end - 60 * self.ahead[0] - self.clock()
            self.timer = threading.Timer(min(seconds, threading.TIMEOUT_MAX), self.announce)
            self.timer.daemon = True
            self.timer.start()

    def after(self, _: Any = None) -> None:
        self.timer.cancel()
        self.announce()

    def announce(self) -> None:
        with self.lock:
            left = self.end - self.clock()
            due = [minutes for minutes in self.ahead if left <= 60 * minutes]
            self.ahead = [minutes for minutes in self.ahead if minutes not in due]
        if due:
            print(message(self.end, left))


def message(end: float, left: float) -> str:
    """Le texte de l'annonce."""
    at = time.strftime("%H h %M", time.localtime(end))
    minutes = max(0, int(left // 60))
    when = f"dans {minutes} min, à {at}" if minutes else "dans moins d'une minute"
    return (
        f"⏳ Cette session se termine {when}. Enregistrez maintenant (Ctrl+S).\n"
        "   Les variables seront perdues, les fichiers enregistrés resteront."
    )
