"""Running many notebooks: a few at a time, each in processes of its own, watched from here."""

from __future__ import annotations

import os
import selectors
import signal
import socket
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import cached_property
from typing import Any, Protocol

from grader.engine import french, service
from grader.engine.config import EngineConfig, Job
from grader.engine.outputs import error_output
from grader.engine.packages import code_version, readable_packages
from grader.engine.report import Outcome, Report, Status, Verdict
from grader.engine.sandbox import Excess, Policy, Watch, interpreter_paths, prepare
from grader.engine.zygote_client import ZygoteClient
from grader.errors import GraderError
from grader.notebook import is_test

_LIMITS = ("memory_mb", "processes", "cpu_seconds")
_GRACE_SECONDS = 30.0  # for an examiner to finish, beyond the notebook's own budget


class Engine:
    """Grades notebooks. Use as a context manager: it owns processes.

    Raises (on entering):
        GraderError: the isolation required cannot be reached on this machine.
    """

    def __init__(self, config: EngineConfig | None = None) -> None:
        self.config = config or EngineConfig()

    @cached_property
    def version(self) -> str:
        """Changes when a grade could: this package's code, and the libraries that run tests."""
        return code_version()

    def __enter__(self) -> Engine:
        self.policy = Policy(
            readable=(*interpreter_paths(), *readable_packages(), *self.config.readable),
            memory_mb=self.config.memory_mb,
            processes=self.config.processes,
            required=self.config.required,
            cpu_seconds=int(self.config.notebook_seconds) + 1,
        )
        self.level = prepare(self.policy)
        with ExitStack() as stack:
            home = stack.enter_context(tempfile.TemporaryDirectory(prefix="grader-"))
            settings = self._settings()
            self.candidates = stack.enter_context(ZygoteClient("candidate", home, settings))
            self.examiners = stack.enter_context(ZygoteClient("examiner", home, settings))
            self.candidates.wait_ready()  # both import at the same time
            self.examiners.wait_ready()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _settings(self) -> dict[str, Any]:
        return {
            "readable": list(map(str, self.policy.readable)),
            "required": int(self.policy.required),
            "limits": {name: getattr(self.policy, name) for name in _LIMITS},
            "preload": list(self.config.preload),
            "environment": list(_course_environment(self.config.profile).items()),
            "mode": self.config.mode,
            "output_bytes": self.config.output_kb * 1000,
        }

    def run(self, job: Job) -> Outcome:
        """The outcome of one notebook."""
        return next(self.map([job]))

    def map(self, jobs: Iterable[Job]) -> Iterator[Outcome]:
        """The outcomes of these notebooks, `config.workers` at a time, as they come."""
        waiting = iter(jobs)
        with Batch(self) as batch:
            while True:
                while batch.has_room and (job := next(waiting, None)):
                    batch.start(job)
                if batch.is_idle:
                    return
                yield from batch.outcomes()


class SupportsFileno(Protocol):
    """A socket, a pipe, a connection."""

    def fileno(self) -> int: ...


class Batch:
    """Notebooks that run at the same time. Use as a context manager: none outlives it.

    Args:
        wake: `outcomes` also returns when this can be read, as a socket that new jobs come from.
    """

    def __init__(self, engine: Engine, wake: SupportsFileno | None = None) -> None:
        self.engine = engine
        self.wake = wake
        self.running: dict[socket.socket, _Run] = {}
        self.finished: list[_Run] = []
        self.selector = selectors.DefaultSelector()
        if wake is not None:
            self.selector.register(wake, selectors.EVENT_READ)

    def __enter__(self) -> Batch:
        return self

    def __exit__(self, *_: object) -> None:
        for run in (*self.running.values(), *self.finished):
            run.close()
        self.selector.close()

    @property
    def has_room(self) -> bool:
        return len(self.running) < self.engine.config.workers

    @property
    def is_idle(self) -> bool:
        return not self.running

    def start(self, job: Job) -> None:
        """Run one more notebook."""
        run = _Run(self.engine, job)
        self.running[run.results] = run
        self.selector.register(run.results, selectors.EVENT_READ)

    def outcomes(self) -> Iterator[Outcome]:
        """Wait a moment for something to happen; the outcomes of what has ended."""
        while len(self.finished) > self.engine.config.workers:  # the others are still ending
            self.finished.pop(0).close()
        ready = {key.fileobj for key, _ in self.selector.select(timeout=0.5)}
        for results, run in list(self.running.items()):
            outcome = run.advance() if results in ready else run.overdue()
            if outcome is not None:
                self.selector.unregister(results)
                self.finished.append(self.running.pop(results))
                yield outcome


class _Run:
    """One notebook in progress: its candidate, its examiner, and what they say."""

    def __init__(self, engine: Engine, job: Job) -> None:
        self.engine = engine
        self.job = job
        self.results, theirs = socket.socketpair()
        examiner_end, candidate_end = socket.socketpair()
        with theirs, examiner_end, candidate_end:
            engine.candidates.ask_fork(candidate_end)  # both zygotes work at the same time
            engine.examiners.ask_fork(examiner_end, theirs)
            self.candidate = engine.candidates.forked()
            self.examiner = engine.examiners.forked()
        self.watch = Watch(self.candidate, engine.policy, engine.level)
        self.watch.__enter__()
        self.end = time.monotonic() + engine.config.notebook_seconds + _GRACE_SECONDS
        self.ended: int | None = None  # wait status of the candidate
        self._send_job()

    def _send_job(self) -> None:
        config = self.engine.config
        budgets = {"cell": config.cell_seconds, "notebook": config.notebook_seconds}
        data = service.job_message(
            self.job.key, self.job.notebook, self.job.source, budgets, config.mode
        )
        with suppress(OSError):  # a dead examiner is seen when its answer is read
            service.send(self.results, service.JOB, data)

    def advance(self) -> Outcome | None:
        """Take one message of the examiner; the outcome when that is what it sent."""
        try:
            kind, data = service.receive(self.results)
        except (EOFError, OSError):
            return self._failed("the examiner ended unexpectedly")
        if kind == service.INTERRUPT:
            with suppress(ProcessLookupError):
                os.kill(self.candidate, signal.SIGINT)
        elif kind == service.WHY:
            service.send(self.results, service.BECAUSE, self._why().encode())
        elif kind == service.ALONE:
            raise GraderError(
                "a sandboxed process could not be started: grader doctor may tell why"
            )
        elif kind == service.OUTCOME:
            return self._completed(Outcome.from_json(data.decode()))
        return None

    def overdue(self) -> Outcome | None:
        """The outcome when even the examiner did not end in time."""
        if time.monotonic() < self.end:
            return None
        return self._failed("a test cell did not end in time")

    def _why(self) -> str:
        """Why the candidate is gone, for the student."""
        self._end_candidate()
        reasons = {
            Excess.MEMORY: french.too_much(f"plus de {self.engine.config.memory_mb} Mo de mémoire"),
            Excess.PROCESSES: french.too_much("trop de processus"),
            Excess.SCRATCH: french.too_much("trop de fichiers écrits"),
        }
        if self.watch.excess in reasons:
            return reasons[self.watch.excess]
        if self.ended is not None and os.WIFSIGNALED(self.ended):
            return french.killed(signal.Signals(os.WTERMSIG(self.ended)).name)
        return french.ended()

    def _completed(self, outcome: Outcome) -> Outcome:
        incidents = outcome.report.incidents
        if self.watch.excess:
            incidents += (f"ended by the watch: {self.watch.excess}",)
        return replace(outcome, report=self._signed(outcome.report, incidents))

    def _failed(self, incident: str) -> Outcome:
        """The outcome of a notebook that could not be examined: nothing is given, nor lost."""
        message = french.not_run(french.trouble())
        tests = [cell for cell in self.job.notebook["cells"] if is_test(cell)]
        for cell in tests:  # without an output, nbgrader would give all the points
            cell["outputs"] = [error_output(french.STATUS[Status.NOT_RUN], message)]
        verdicts = tuple(
            Verdict(meta["grade_id"], Status.NOT_RUN, 0.0, float(meta["points"]), message)
            for meta in (cell["metadata"]["nbgrader"] for cell in tests)
        )
        report = Report(verdicts, mode=self.engine.config.mode)
        return Outcome(self.job.key, self.job.notebook, self._signed(report, (incident,)))

    def _signed(self, report: Report, incidents: tuple[str, ...]) -> Report:
        return replace(
            report,
            incidents=incidents,
            level=self.engine.level.name.lower(),
            engine=self.engine.version,
            peak_mb=round(self.watch.peak_mb, 1),
        )

    def _end_candidate(self) -> None:
        if self.ended is None:
            self.ended = self.engine.candidates.end(self.candidate)

    def close(self) -> None:
        """Leave no process behind."""
        self.watch.__exit__(None, None, None)
        self._end_candidate()
        self.engine.examiners.end(self.examiner)
        self.results.close()


def _course_environment(profile: str) -> dict[str, str]:
    return {
        "LABO_PROFILE": profile,
        "LABO_OFFLINE": "1",
        "LABO_FORCE_CPU": "1",
        "TORCH_COMPILE_DISABLE": "1",  # there is no C++ compiler to run
    }
