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
    """IPython's, in a notebook; None in a script."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


class _Announcer:
    """Tells once for each of `_MINUTES`, where a student looks: below the cell that runs.

    Before and after each cell, and during a long one. Whoever runs no code for a while has
    JupyterLab, which saves every two minutes.
    """

    def __init__(self, end: float, clock: Callable[[], float]) -> None:
        self.end = end
        self.clock = clock
        self.ahead = list(_MINUTES)
        self.timer = threading.Timer(0, self.tell)
        self.lock = threading.Lock()

    def before(self, _: Any = None) -> None:
        self.tell()
        if self.ahead:
            # Started while this cell runs, so that what it prints appears there.
            seconds = self.end - 60 * self.ahead[0] - self.clock()
            self.timer = threading.Timer(min(seconds, threading.TIMEOUT_MAX), self.tell)
            self.timer.daemon = True
            self.timer.start()

    def after(self, _: Any = None) -> None:
        self.timer.cancel()
        self.tell()

    def tell(self) -> None:
        with self.lock:
            left = self.end - self.clock()
            due = [minutes for minutes in self.ahead if left <= 60 * minutes]
            self.ahead = [minutes for minutes in self.ahead if minutes not in due]
        if due:
            print(message(self.end, left))


def message(end: float, left: float) -> str:
    """Ce que lit l'étudiante ou l'étudiant."""
    at = time.strftime("%H h %M", time.localtime(end))
    minutes = max(0, int(left // 60))
    when = f"dans {minutes} min, à {at}" if minutes else "dans moins d'une minute"
    return (
        f"⏳ Cette session se termine {when}. Enregistrez maintenant (Ctrl+S).\n"
        "   Les variables seront perdues, les fichiers enregistrés resteront."
    )
