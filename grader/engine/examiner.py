"""The trusted side: runs a notebook's cells through a candidate, and its test cells here."""

from __future__ import annotations

import ast
import io
import math
import numbers
import signal
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from typing import Any, Final

from grader.engine import french
from grader.engine.names import (
    StudentNames,
    bound_names,
    compiled,
    notebook_names,
    statements,
    trusted_names,
)
from grader.engine.outputs import checked_output, error_output
from grader.engine.peer import Gone, Late, Peer
from grader.engine.remote import Remote, StudentError, UnsupportedAcrossBoundary
from grader.engine.report import STOPPED_AFTER, Report, Status, Verdict
from grader.engine.wire import WireError
from grader.notebook import is_test
from labo import checks

_MAX_TEXT: Final = 20_000  # characters that a test cell may print
_INTERRUPT_SECONDS: Final = 2.0  # left to a cell, once interrupted, to end
_START_SECONDS: Final = 30.0  # for a candidate to answer when it runs no code of a student
_ALARM_SECONDS: Final = 1.0  # after which a test that waits for nobody is late


@dataclass(frozen=True)
class Budgets:
    """Wall-clock limits, in seconds."""

    cell: float = 60.0
    notebook: float = 600.0


class Examiner:
    """Runs one notebook. `interrupt` sends SIGINT to the candidate, `why` tells how it ended."""

    def __init__(
        self,
        peer: Peer,
        source: dict[str, Any],
        *,
        budgets: Budgets,
        mode: str,
        interrupt: Callable[[], None],
        why: Callable[[], str],
    ) -> None:
        self.peer = peer
        self.remote = Remote(peer)
        self.budgets = budgets
        self.mode = mode
        self.interrupt = interrupt
        self.why = why
        self._open_checks()
        self.student = StudentNames(self.remote)
        self.trusted = trusted_names(source)
        # A test's own names come first, then Python's, then the student's.
        self.names = {"__name__": "__main__", "__builtins__": self.student, **self.trusted}
        self.notebook_names = notebook_names(source)
        self.sources: list[str] = []  # of the student's cells, as they have run
        self.incidents: list[str] = []
        self.end = time.monotonic() + budgets.notebook
        self.gone: str | None = None  # why the candidate no longer answers, in French
        self.count = 0

    def greet(self) -> None:
        """Make sure that there is a candidate, before any of its student's code has run.

        Raises:
            Gone, Late: there is none.
        """
        self.peer.deadline = time.monotonic() + _START_SECONDS
        self.remote.forget()

    def run(self, notebook: dict[str, Any]) -> tuple[dict[str, Any], Report]:
        """Execute a sanitised notebook: its test cells are the trusted ones.

        Args:
            notebook: nbformat 4, as plain data; its cells are given their outputs.
        """
        began = time.monotonic()
        verdicts = []
        for cell in notebook["cells"]:
            if cell["cell_type"] != "code":
                continue
            self.count += 1
            cell["execution_count"], cell["outputs"] = None, []
            if is_test(cell):
                verdicts.append(self._examine(cell))
            elif not self.gone:
                cell["outputs"], _ = self._run(cell["source"])
                cell["execution_count"] = self.count
        report = Report(
            tuple(verdicts),
            tuple(self.incidents),
            mode=self.mode,
            seconds=round(time.monotonic() - began, 3),
        )
        return notebook, report

    def _open_checks(self) -> None:
        """Let `labo.checks` reach across the boundary."""
        checks.build = lambda factory, *args, **kwargs: self.remote.apply(
            "call", factory, *args, **kwargs
        )
        checks.operators_used = self.remote.operators_used
        checks.source_of = self._source_of

    def _source_of(self, value: Any) -> str:
        """The definition of what a test found under a name of the student's notebook."""
        names = {name for name, found in self.student.fetched.items() if found is value}
        for source in reversed(self.sources):
            for node in reversed(statements(source)):
                if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name in names:
                    return ast.unparse(node)
        raise UnsupportedAcrossBoundary(
            "labo.checks.source_of knows functions and classes that a cell defines by def or class"
        )

    # ---- The student's cells

    def _run(self, source: str) -> tuple[list[dict], Status | None]:
        """The outputs of a cell, and how it was stopped, if it was."""
        self.peer.deadline = self._deadline()
        self._note(source)
        try:
            outputs = self.remote.run(source)
            return [checked_output(output, self.count) for output in outputs], None
        except Late:
            return [error_output("TimeoutError", self._interrupted())], Status.TIMEOUT
        except (Gone, Exception) as error:  # also when the answer is none that we would send
            return [error_output("Arrêt", self._lost(self.why(), _brief(error)))], Status.ERROR

    def _note(self, source: str) -> None:
        """A name that a test has used is the notebook's again when a cell binds it.

        Only where the author's notebook binds it too: else a student could take the place of what
        one test defines for the next ones.
        """
        self.sources.append(source)
        for name in bound_names(statements(source)) & self.notebook_names:
            self.names.pop(name, None)

    def _interrupted(self) -> str:
        """A cell beyond its budget gets one KeyboardInterrupt, as in Jupyter, and then no mercy.

        Returns what the student reads.
        """
        self.incidents.append(f"cell {self.count}: {STOPPED_AFTER} {self.budgets.cell:g} s")
        message = french.too_long(self.budgets.cell)
        if self.peer.waiting and time.monotonic() < self.end:
            self.interrupt()
            self.peer.deadline = time.monotonic() + _INTERRUPT_SECONDS
            with suppress(Late, Gone, WireError):
                while self.peer.waiting:
                    self.peer.answer()
        if self.peer.waiting:
            return self._lost(message, "did not stop when interrupted")
        self.remote.trouble = None
        return message

    def _lost(self, message: str, incident: str) -> str:
        """There is no candidate any more; `message` is what the student reads."""
        self.gone = message
        self.incidents.append(f"cell {self.count}: {incident}")
        return message

    def _deadline(self) -> float:
        return min(time.monotonic() + self.budgets.cell, self.end)

    # ---- The test cells

    def _examine(self, cell: dict) -> Verdict:
        began = time.monotonic()
        meta = cell["metadata"]["nbgrader"]
        points = float(meta["points"])
        if self.gone:
            status, score, message, outputs = Status.NOT_RUN, 0.0, french.not_run(self.gone), []
        elif self.mode == "shared":
            status, score, message, outputs = self._run_shared(cell["source"], points)
        else:
            status, score, message, outputs = self._run_isolated(cell["source"], points)
        cell["execution_count"] = self.count
        cell["outputs"] = [*outputs, self._verdict_output(status, score, message)]
        seconds = round(time.monotonic() - began, 3)
        return Verdict(meta["grade_id"], status, score, points, message, seconds)

    def _verdict_output(self, status: Status, score: float, message: str) -> dict:
        """What nbgrader reads the score from: a number, or an error."""
        if status not in (Status.PASSED, Status.PARTIAL):
            return error_output(french.STATUS[status], message)
        data = {"text/plain": repr(score)}
        return {
            "output_type": "execute_result",
            "execution_count": self.count,
            "data": data,
            "metadata": {},
        }

    def _run_isolated(self, source: str, points: float) -> tuple[Status, float, str, list[dict]]:
        self.peer.deadline = self._deadline()
        printed = io.StringIO()
        self.remote.printed.clear()
        try:
            with redirect_stdout(printed), redirect_stderr(io.StringIO()), self._alarm():
                value = self._execute(source)
            status, score, message = _graded(value, points)
            if status is Status.PARTIAL:  # the test says itself what is missing
                message = f"{message}\n{printed.getvalue()}".strip()[:_MAX_TEXT]
            if status is Status.ERROR:
                self.incidents.append(f"cell {self.count}: {message}")
        except Late:
            status, score, message = Status.TIMEOUT, 0.0, self._interrupted()
        except Gone as error:
            status, score, message = Status.ERROR, 0.0, self._lost(self.why(), _brief(error))
        except UnsupportedAcrossBoundary as error:
            status, score, message = Status.ERROR, 0.0, french.not_a_test()
            self.incidents.append(f"cell {self.count}: {_brief(error)}")
        except Exception as error:  # an assertion, student code's, or what a wrong result causes
            status, score, message = Status.FAILED, 0.0, _failure(error)
        self._end_test()
        text = (printed.getvalue() + "".join(self.remote.printed))[:_MAX_TEXT]
        outputs = [{"output_type": "stream", "name": "stdout", "text": text}] if text else []
        return status, score, message, outputs

    def _execute(self, source: str) -> Any:
        """Run a test cell; the value of its last expression."""
        body, last = compiled(source)
        exec(body, self.names)
        value = eval(last, self.names)
        # A test may have caught these, with all else that student code raises.
        if self.remote.trouble or self.remote.unsupported:
            raise self.remote.trouble or self.remote.unsupported
        return value

    @contextmanager
    def _alarm(self) -> Iterator[None]:
        """A test that computes for too long on its own, with what it was given, is late too."""
        signal.signal(signal.SIGALRM, _ring)
        signal.setitimer(signal.ITIMER_REAL, self._deadline() - time.monotonic() + _ALARM_SECONDS)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)

    def _end_test(self) -> None:
        self.student.fetched.clear()
        if self.gone:
            return
        self.peer.deadline = time.monotonic() + _START_SECONDS
        try:
            self.remote.forget()
        except (Gone, Late, WireError, UnsupportedAcrossBoundary) as error:
            self._lost(self.why(), _brief(error))

    def _run_shared(self, source: str, points: float) -> tuple[Status, float, str, list[dict]]:
        """The test runs among the student's objects: for assignments written for stock nbgrader."""
        outputs, stopped = self._run(source)
        failure = next((out for out in outputs if out["output_type"] == "error"), None)
        kept = [out for out in outputs if out["output_type"] in ("stream", "display_data")]
        kept = [out | {"name": "stdout"} if "name" in out else out for out in kept]
        if failure:
            return stopped or Status.FAILED, 0.0, failure["evalue"] or failure["ename"], kept
        results = [out for out in outputs if out["output_type"] == "execute_result"]
        value = _as_number(results[0]["data"].get("text/plain", "")) if results else None
        status, score, message = _graded(value, points)
        return status, score, message, kept


def _ring(*_: object) -> None:
    raise Late


def _graded(value: Any, points: float) -> tuple[Status, float, str]:
    """Score of a test that ran to its end: its last expression may give part of the points."""
    if value is None:
        return Status.PASSED, points, ""
    if not _is_score(value, points):
        return Status.ERROR, 0.0, french.not_a_score(value, points)
    if value == points:
        return Status.PASSED, points, ""
    return Status.PARTIAL, float(value), french.partial(value, points)


def _is_score(value: Any, points: float) -> bool:
    """Whether this is a number, of Python's or NumPy's, from 0 to `points`."""
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and 0 <= value <= points


def _as_number(text: Any) -> Any:
    try:
        return float(text)
    except (TypeError, ValueError):
        return text


def _failure(error: Exception) -> str:
    """What a student reads of a failed test: the author's message, or their own traceback."""
    if isinstance(error, StudentError):
        return french.raised(_name_of(error), str(error), error.frames)
    if isinstance(error, AssertionError):
        return str(error) or french.failed()
    return french.broke_the_test(_brief(error))


def _name_of(error: BaseException) -> str:
    return type(error).__name__


def _brief(error: BaseException) -> str:
    return "".join(traceback.format_exception_only(error)).strip()[:500]
