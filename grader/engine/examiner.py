"""The trusted side: runs a notebook's cells through a candidate, and its tests."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import replace
from operator import ne

from grader.engine import french
from grader.engine.bounds import MAX_TOLD
from grader.engine.conversation import Conversation
from grader.engine.failed_cells import FailedCells
from grader.engine.isolated import IsolatedTests
from grader.engine.outputs import Output, error_output, score_output
from grader.engine.report import Mode, Report, Status, Verdict
from grader.engine.scores import Examined, Reason
from grader.engine.shared import SharedTests
from grader.engine.short import Sources
from grader.notebook import Cell, Notebook, is_test
from grader.text import printable


class Examiner:
    """Runs one notebook.

    Args:
        source: the author's notebook, whose imports the tests rely on.
        their_modules: those that students write, beside it.
    """

    def __init__(
        self,
        conversation: Conversation,
        source: Notebook,
        mode: Mode,
        their_modules: Sequence[str] = (),
    ) -> None:
        self.conversation = conversation
        self.mode = mode
        self.failed_cells = FailedCells()
        self.tests: IsolatedTests | SharedTests = (
            SharedTests(conversation)
            if mode == Mode.SHARED
            else IsolatedTests(conversation, source, their_modules)
        )

    def run(
        self, notebook: Notebook, short: Sources | None = None, proven: Collection[str] = ()
    ) -> tuple[Notebook, Report]:
        """Execute a sanitised notebook: its tests are the trusted ones.

        Args:
            notebook: its cells are given their outputs.
            short: what to run of each code cell; all by default.
            proven: the tests of which an exercise says in such a run what it says in a whole one.
        """
        began = time.monotonic()
        cells = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
        sources = [cell["source"] for cell in cells]
        verdicts, unsure = [], []
        for count, (cell, part) in enumerate(zip(cells, short or sources, strict=True), start=1):
            self.conversation.cell = count
            cell["execution_count"], cell["outputs"] = None, []
            if is_test(cell):
                verdict, reason = self._examine(cell, count)
                verdicts.append(verdict)
                if short and not self._is_sure(verdict, reason, proven):
                    unsure.append(verdict.grade_id)
            elif not self.conversation.lost:
                self._run(cell, part, count)
        report = Report(
            tuple(verdicts),
            tuple(self.conversation.incidents),
            mode=self.mode,
            seconds=round(time.monotonic() - began, 3),
            left_out=sum(map(ne, sources, short or sources)),
            unsure=tuple(unsure),
        )
        return notebook, report

    def _run(self, cell: Cell, part: str | None, count: int) -> None:
        """Run a cell, or part of it, or nothing: what it would define is all the same known."""
        self.tests.rebind(cell["source"])
        if part is None:
            self.conversation.pass_over(cell["source"])
            return
        cell["outputs"], _ = self.conversation.run(cell["source"], part)
        self.failed_cells.ran(cell["source"], count, cell["outputs"])
        cell["execution_count"] = count if part == cell["source"] else None

    def _is_sure(self, verdict: Verdict, reason: Reason, proven: Collection[str]) -> bool:
        """True if a whole run would not give more points."""
        if verdict.status is Status.PASSED or reason is Reason.UNANSWERED:
            return True
        is_proven = verdict.grade_id in proven
        return is_proven and reason is Reason.ANSWER and self.failed_cells.none

    def _examine(self, cell: Cell, count: int) -> tuple[Verdict, Reason]:
        """A test's verdict, and why it is no pass if it is none."""
        began = time.monotonic()
        meta = cell["metadata"]["nbgrader"]
        points = float(meta["points"])
        if self.conversation.lost:
            message = french.not_run(self.conversation.lost)
            examined = Examined(Status.NOT_RUN, 0.0, message)
        else:
            examined = self._with_cause(self.tests.run(cell["source"], points))
        examined = replace(examined, message=french.cut(printable(examined.message), MAX_TOLD))
        cell["execution_count"] = count
        cell["outputs"] = [*examined.outputs, _verdict_output(examined, count)]
        verdict = Verdict(
            meta["grade_id"],
            examined.status,
            examined.score,
            points,
            examined.message,
            round(time.monotonic() - began, 3),
        )
        return verdict, examined.reason

    def _with_cause(self, examined: Examined) -> Examined:
        """Name the cell that failed before, where a test lacks what it should have defined."""
        cause = self.failed_cells.cause(examined.message)
        if examined.status is not Status.FAILED or cause is None:
            return examined
        self.conversation.note_once(f"cell {cause.cell} stopped, and tests lack it: {cause.error}")
        return replace(examined, message=f"{french.caused(*cause)}\n{examined.message}")


def _verdict_output(examined: Examined, count: int) -> Output:
    """The output from which nbgrader reads the score: a number, or an error."""
    if examined.status in (Status.PASSED, Status.PARTIAL):
        return score_output(examined.score, count)
    return error_output(french.STATUS[examined.status], examined.message)
