"""Running many notebooks: a few at a time, each in processes of its own, watched from here."""

from __future__ import annotations

import hashlib
import os
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import torch

import grader
import labo
from grader import notebook
from grader.engine import french, service, zygote
from grader.engine.examiner import error_output
from grader.engine.report import Outcome, Report, Status, Verdict
from grader.engine.sandbox import Excess, Level, Policy, Watch, interpreter_paths, prepare
from grader.engine.sandbox.limits import minimal_environment
from grader.errors import GraderError
from grader.notebook import is_test

_ENGINE = Path(__file__).parent
_LIMITS = ("memory_mb", "processes", "cpu_seconds")
_GRACE_SECONDS = 30.0  # for an examiner to finish, beyond the notebook's own budget


@dataclass(frozen=True)
class EngineConfig:
    """How notebooks are run: budgets per notebook, isolation, number at a time."""

    workers: int = 2
    cell_seconds: float = 60.0
    notebook_seconds: float = 600.0
    memory_mb: int = 2048
    output_kb: int = 1000
    """Of one cell's outputs."""
    processes: int = 32
    required: Level = Level.NAMESPACES
    mode: str = "isolated"
    """"isolated", or "shared": tests run among the student's objects, as stock nbgrader does."""
    profile: str = "tiny"
    readable: tuple[Path, ...] = ()
    """Folders that notebooks may read, beside the interpreter and the course's own package."""
    preload: tuple[str, ...] = ("labo.figures", "labo.training.loop")
    """Modules imported once, before forking; see `modules_used`."""


@dataclass(frozen=True)
class Job:
    """One notebook to run: nbformat 4 as plain data, its test cells replaced by the trusted ones.

    `source` is the author's notebook, whose import statements the tests rely on.
    """

    key: str
    notebook: dict[str, Any] = field(repr=False)
    source: dict[str, Any] = field(repr=False)


# Poutyne takes two seconds to import: a class that does not train should not wait for it.
_PRELOADED = {
    "labo.train": "labo.training.loop",
    "labo.evaluate": "labo.training.loop",
    "poutyne": "labo.training.loop",
    "labo.plot_": "labo.figures",
}


def modules_used(source: dict[str, Any]) -> tuple[str, ...]:
    """The slow modules of the course's that a lab uses, worth importing once for all notebooks."""
    code = "\n".join(cell["source"] for cell in source["cells"] if cell["cell_type"] == "code")
    return tuple(sorted({module for word, module in _PRELOADED.items() if word in code}))


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
        digest = hashlib.sha256(f"{torch.__version__} {sys.version}".encode())
        for path in sorted(_sources()):
            digest.update(path.read_bytes())
        return digest.hexdigest()[:16]

    def __enter__(self) -> Engine:
        self.policy = Policy(
            readable=(*interpreter_paths(), *_packages(), *self.config.readable),
            memory_mb=self.config.memory_mb,
            processes=self.config.processes,
            required=self.config.required,
            cpu_seconds=int(self.config.notebook_seconds) + 1,
        )
        self.level = prepare(self.policy)
        with ExitStack() as stack:
            home = stack.enter_context(tempfile.TemporaryDirectory(prefix="grader-"))
            settings = self._settings()
            self.candidates = stack.enter_context(_Zygote("candidate", home, settings))
            self.examiners = stack.enter_context(_Zygote("examiner", home, settings))
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


class _Zygote:
    """A zygote process, seen from the grader."""

    def __init__(self, role: str, home: str, settings: dict[str, Any]) -> None:
        self.role = role
        self.settings = settings
        extra = dict(settings["environment"]) | {
            "PYTHONPATH": os.pathsep.join(map(str, import_roots())),
            "PYTHONHASHSEED": "0",
            "IPYTHONDIR": home,
            "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",  # see `zygote.use_huge_pages`
        }
        self.environment = minimal_environment(home, home, extra)

    def __enter__(self) -> _Zygote:
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "grader.engine", self.role, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=self.environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        zygote.send(self.control, self.settings)
        return self

    def wait_ready(self) -> None:
        """Return once everything is imported."""
        self._answer("ready")

    def __exit__(self, *_: object) -> None:
        self.control.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def ask_fork(self, *sockets: socket.socket) -> None:
        """Ask for a child that owns these sockets; `forked` gives its process id."""
        descriptors = tuple(sock.fileno() for sock in sockets)
        zygote.send(self.control, {"do": "fork"}, descriptors)

    def forked(self) -> int:
        """The process id of the child asked for."""
        return self._answer("pid")["pid"]

    def end(self, pid: int) -> int:
        """End a child and all that it started; its wait status."""
        zygote.send(self.control, {"do": "end", "pid": pid})
        while (answer := self._answer("status"))["ended"] != pid:
            pass  # an answer that nobody waited for: Ctrl-C came in between
        return answer["status"]

    def _answer(self, key: str) -> dict[str, Any]:
        """The next answer that has this key."""
        while (received := zygote.receive(self.control)) is not None:
            answer, _ = received
            if "error" in answer:
                raise GraderError(answer["error"])
            if key in answer:
                return answer
        raise GraderError(f"the {self.role} zygote ended; its message, if any, is above")


def _course_environment(profile: str) -> dict[str, str]:
    return {
        "LABO_PROFILE": profile,
        "LABO_OFFLINE": "1",
        "LABO_FORCE_CPU": "1",
        "TORCH_COMPILE_DISABLE": "1",  # there is no C++ compiler to run
    }


def _sources() -> Iterator[Path]:
    """The code that a grade depends on: the engine, what it imports of `grader`, and `labo`."""
    yield Path(notebook.__file__)
    yield from _ENGINE.rglob("*.py")
    yield from Path(labo.__file__).parent.rglob("*.py")


def import_roots() -> tuple[Path, ...]:
    """Where this process has the course's own packages from."""
    return tuple(sorted({Path(module.__file__).parent.parent for module in (labo, grader)}))


def _packages() -> tuple[Path, ...]:
    """The course's own code and shipped data: nothing beside them, where the solutions may lie."""
    package = Path(labo.__file__).parent
    paths = (package, Path(grader.__file__).parent, package.parent / "data")
    return tuple(path for path in paths if path.exists())
