"""The examiner's conversation with a candidate: within budgets, and over once it fails."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from grader.engine import french
from grader.engine.alarm import alarm
from grader.engine.config import Budgets
from grader.engine.outputs import (
    Output,
    OutputBudget,
    checked_outputs,
    endings,
    error_output,
)
from grader.engine.peer import Gone, Late, Peer
from grader.engine.remote import Remote
from grader.engine.report import STOPPED_AFTER, Status
from grader.engine.student_error import UnsupportedAcrossBoundary
from grader.text import printable

_INTERRUPT_SECONDS: Final = 2.0  # left to a cell, once interrupted, to end
_SETTLING_SECONDS: Final = 10.0  # for an interruption to come to what has ended without it
_AGAIN_SHARE: Final = 0.1  # of a cell's time, for what has not ended in it before
_START_SECONDS: Final = 30.0  # for a candidate to answer when it runs no code of a student


class Conversation:
    """Runs cells in a candidate, and notes what had to be stopped.

    Args:
        interrupt: sends SIGINT to the candidate.
        ask_reason: why the candidate has ended, for the student to read (French).
    """

    def __init__(
        self,
        peer: Peer,
        budgets: Budgets,
        *,
        interrupt: Callable[[], None],
        ask_reason: Callable[[], str],
    ) -> None:
        self.peer = peer
        self.remote = Remote(peer)
        self.budgets = budgets
        self.outputs = OutputBudget(budgets.output_bytes)
        self.interrupt = interrupt
        self.ask_reason = ask_reason
        self.cell_seconds = budgets.cell  # of the one that runs
        self.left_out = False  # outputs of some cell
        self.cell = 0  # number of the one that runs
        self.sources: list[str] = []  # of the cells up to here, those left out included
        self.incidents: list[str] = []
        self.lost: str | None = None  # why the candidate no longer answers, in French
        self.interruptions = 0  # asked for until now

    def start(self) -> None:
        """Make sure that there is a candidate, before any of its student's code has run.

        Raises:
            Gone, Late: there is none.
        """
        self.end = time.monotonic() + self.budgets.notebook
        self.peer.deadline = time.monotonic() + _START_SECONDS
        self.remote.forget()

    def allow_cell(self) -> float:
        """Start the budget of a cell; its deadline, as `time.monotonic` has it."""
        self.cell_seconds = self.budgets.cell
        self.peer.deadline = min(time.monotonic() + self.budgets.cell, self.end)
        return self.peer.deadline

    def shorten(self) -> None:
        """Leave little time to the cell that runs: it calls what has not ended before."""
        self.cell_seconds = _AGAIN_SHARE * self.budgets.cell
        again = time.monotonic() + self.cell_seconds
        self.peer.deadline = min(again, self.peer.deadline or again)

    def run(self, source: str, part: str | None = None) -> tuple[list[Output], Status | None]:
        """Run a cell in the candidate: its outputs, and how it was stopped, if it was.

        Args:
            part: the lines of it to run; all by default.
        """
        self.sources.append(source)
        source = source if part is None else part
        try:
            with alarm(self.allow_cell(), self.peer):
                return self._kept(checked_outputs(self.remote.run(source), self.cell)), None
        except Late:
            return [error_output("TimeoutError", self.stop_cell())], Status.TIMEOUT
        except (Gone, Exception) as error:  # also when the answer is none that we would send
            return [error_output("Arrêt", self.lose(error))], Status.ERROR

    def pass_over(self, source: str) -> None:
        """Leave out a cell, which tests may read all the same."""
        self.sources.append(source)

    def _kept(self, outputs: list[Output]) -> list[Output]:
        """What is kept of a cell's outputs: all, as long as the notebook's are not too large."""
        if self.outputs.covers(outputs):
            return outputs
        if not self.left_out:
            limit = self.budgets.output_bytes / 1e6
            self.note(f"outputs left out: with them, the notebook has more than {limit:g} MB")
        self.left_out = True
        return endings(outputs, self.cell)

    def stop_cell(self) -> str:
        """Stop a cell beyond its budget; the message for the student.

        It gets one KeyboardInterrupt, as in Jupyter. A candidate that then goes on is lost, and so
        is one whose notebook has used its own budget.
        """
        if time.monotonic() >= self.end:
            self.note_once(f"the notebook was {STOPPED_AFTER} {self.budgets.notebook:g} s")
            self.lost = french.notebook_too_long(self.budgets.notebook)
            return self.lost
        self.note(f"{STOPPED_AFTER} {self.cell_seconds:g} s")
        message = french.too_long(self.cell_seconds)
        if self.peer.waiting:
            self.interrupt()
            self.interruptions += 1
            self.peer.deadline = time.monotonic() + _INTERRUPT_SECONDS
            with suppress(Late, Gone, Exception), alarm(self.peer.deadline, self.peer):
                while self.peer.waiting:
                    self.peer.answer()
                # It may have ended by itself meanwhile: what comes next is not to be interrupted.
                self.peer.deadline = time.monotonic() + _SETTLING_SECONDS
                self.remote.trouble = None
                self.remote.settle(self.interruptions)
        if self.peer.waiting:
            self.note("did not stop when interrupted")
            self.lost = message
        else:
            self.remote.trouble = None
        return message

    def lose(self, error: BaseException) -> str:
        """Do without a candidate from here on; the message for the student."""
        self.lost = self.ask_reason()
        self.note(brief(error))
        return self.lost

    def forget(self) -> None:
        """At the end of a test, have the candidate let go of what it kept for it."""
        if self.lost:
            return
        self.peer.deadline = time.monotonic() + _START_SECONDS
        try:
            with alarm(self.peer.deadline, self.peer):
                self.remote.forget()
        except (Gone, Late, UnsupportedAcrossBoundary, Exception) as error:
            self.lose(error)

    def note(self, incident: str) -> None:
        """Add to what the instructor reads of this notebook."""
        self.incidents.append(f"cell {self.cell}: {printable(incident)}")

    def note_once(self, incident: str) -> None:
        """As `note`, for what concerns the whole notebook."""
        text = printable(incident)
        if text not in self.incidents:
            self.incidents.append(text)


def brief(error: BaseException) -> str:
    """An exception in a line."""
    return "".join(traceback.format_exception_only(error)).strip()[:500]
