"""Running many notebooks: a few at a time, each in processes of its own, watched from here.

Theory of operation
-------------------
Entering `Engine`, or ahead of it (`started_ahead`), the grader starts two zygotes (`zygote.py`),
one for candidates and one for examiners. Each has a control socket to the grader, and a single
thread. They begin as one process, which imports what every lab uses, receives their settings and
imports the rest; then it forks the zygote of examiners, and is the other. A zygote says `Ready` and
then serves: `Fork`, which comes with the child's sockets, is answered by `Forked`; `End` by
`Ended`, once the child is reaped, which only its parent can do.

Each notebook is a `NotebookRun`. The grader makes two socket pairs, hands three of their ends to
the zygotes and keeps one. No other process has a copy: each side sees when the other has ended.
With its socket the candidate gets the files that lie beside the notebook, in memory: what was
handed in never passes through an examiner, which finds the author's files in a folder of its own.

    grader ──results── examiner ──link── candidate
       └──────────── Watch ─────────────────┘

- The candidate zygote's child enters the sandbox, which forks once more: the child that the grader
  knows stays as the supervisor, the grandchild is the candidate (`sandbox/entry.py`). The candidate
  waits for requests on the link, and serves them until it closes.
- The examiner waits for an `ExaminerJob` on `results`, then leads: it sends a request on the link
  and waits for the answer, until the deadline of the cell. A call back to a test's function is a
  request the other way, served meanwhile (`peer.py`).
- The grader waits in `Batch.outcomes` for a message of any examiner (`ExaminerMessage`):
  INTERRUPT becomes a SIGINT to the supervisor, which hands it on; at ASK_REASON the grader ends the
  candidate and answers why; OUTCOME or NO_CANDIDATE is the last.
- A thread, `Watch`, looks at the candidate's process tree and ends it beyond its bounds.

Ends, from the gentle to the hard:
- A cell beyond its budget is interrupted. The examiner gives it 2 s, then does without a candidate.
- A test that computes for too long in the examiner is stopped by the examiner's own alarm.
- An examiner silent 30 s after the notebook's budget is given up: the grader makes the outcome.
- `NotebookRun.close` stops the watch, then has the candidate's tree and the examiner ended.
- `Engine.__exit__` closes the control sockets: a zygote ends at the end of file, or after 5 s.
- When the grader is killed, its sockets close: the zygotes end. The end of a zygote is a signal
  (PR_SET_PDEATHSIG) to its examiners, or to its supervisors, which end their candidates; and that
  of the zygote of candidates is one to the other zygote.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import time
from collections import Counter
from collections.abc import Generator, Iterable, Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Final, Protocol

from grader.engine import examiner_messages, french, zygote_client
from grader.engine.bounds import MAX_OUTCOME
from grader.engine.carried import in_memory, packed, write_read_only
from grader.engine.config import EngineConfig, Job
from grader.engine.confirmation import confirmed
from grader.engine.examiner_messages import ExaminerJob, ExaminerMessage
from grader.engine.outputs import error_output
from grader.engine.packages import code_version
from grader.engine.policy import policy
from grader.engine.report import Outcome, Report, Status, Verdict
from grader.engine.sandbox import Excess, Watch, prepare
from grader.engine.zygote_messages import ZygoteSettings
from grader.errors import GraderError
from grader.notebook import Notebook, is_test

_GRACE_SECONDS: Final = 30.0  # for an examiner to finish, beyond the notebook's own budget


class Engine:
    """Grades notebooks. Use as a context manager: it owns processes.

    Entering it waits for nothing: they import while the caller reads what is to be graded.

    Raises (on entering, or with the first notebook):
        GraderError: the isolation required cannot be reached on this machine.
    """

    def __init__(self, config: EngineConfig | None = None) -> None:
        self.config = config or EngineConfig()
        self._prepared: Notebook | None = None

    @cached_property
    def version(self) -> str:
        """Digest of the engine's and labo's code, torch and Python.

        Results of another version are graded again.
        """
        return code_version()

    def __enter__(self) -> Engine:
        self.policy = policy(self.config)
        with ExitStack() as stack:
            zygotes = stack.enter_context(closing(zygote_client.zygotes()))
            zygotes.settle(self._settings(zygotes.home))
            self.candidates, self.examiners = zygotes.candidates, zygotes.examiners
            self.level = prepare(self.policy)  # while they import
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def _settings(self, home: Path) -> ZygoteSettings:
        """The zygotes' settings, once the author's files are there for the examiners to read."""
        folder = home / "author"
        write_read_only(folder, self.config.files.own)
        return ZygoteSettings(
            policy=self.policy,
            mode=self.config.mode,
            preload=self.config.preload,
            output_bytes=self.config.output_kb * 1000,
            author_folder=str(folder),
        )

    def prepare(self, source: Notebook) -> None:
        """Have what is the same for a whole class done once.

        Only the zygote of examiners sees an author's notebook.
        """
        if source is not self._prepared:
            self._prepared = source
            with suppress(OSError), in_memory(json.dumps(source).encode()) as content:
                self.examiners.ask_prepare(content)  # otherwise each does it for itself

    def run(self, job: Job) -> Outcome:
        """The outcome of one notebook."""
        return next(self.map([job]))

    def map(self, jobs: Iterable[Job]) -> Generator[Outcome]:
        """The outcomes of these notebooks, `config.workers` at a time, as they come."""
        waiting = iter(jobs)
        with Batch(self) as batch:
            batch.fill(waiting)
            while not batch.is_idle:
                for outcome in batch.outcomes():
                    batch.fill(waiting)  # before the outcome, which takes a moment to write
                    yield outcome


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
        self.cores = sorted(os.sched_getaffinity(0))
        self.wake = wake
        self.running: dict[socket.socket, NotebookRun] = {}
        self.finished: list[NotebookRun] = []
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

    def fill(self, waiting: Iterator[Job]) -> None:
        """Start as many of these as there is room for."""
        while self.has_room and (job := next(waiting, None)):
            self.start(job)

    def start(self, job: Job, short: Outcome | None = None) -> None:
        """Run another notebook, or one again, whose short run has left something to confirm."""
        self.engine.prepare(job.source)
        run = NotebookRun(self.engine, job, short, core=self._core())
        self.running[run.results] = run
        self.selector.register(run.results, selectors.EVENT_READ)

    def _core(self) -> int | None:
        """The core with the fewest notebooks; None where some core would have none.

        A candidate and its examiner take turns: on one core, one wakes the other at a quarter of
        the cost. Beside other work, the system knows better where there is room.
        """
        if self.engine.config.workers < len(self.cores):
            return None
        used = Counter(run.core for run in self.running.values())
        return min(self.cores, key=lambda core: used[core])

    def outcomes(self) -> Iterator[Outcome]:
        """Wait a moment for something to happen; the outcomes of what has ended."""
        while len(self.finished) > self.engine.config.workers:  # the others are still ending
            self.finished.pop(0).close()
        ready = {key.fileobj for key, _ in self.selector.select(timeout=0.5)}
        for results, run in list(self.running.items()):
            outcome = run.advance() if results in ready else run.overdue()
            if outcome is not None and run.short is not None:
                outcome = confirmed(run.short, outcome)
            if outcome is not None:
                self.selector.unregister(results)
                self.finished.append(self.running.pop(results))
                if outcome.report.unsure and self.engine.config.confirm:
                    self.start(run.job, outcome)
                else:
                    yield outcome


class NotebookRun:
    """One notebook in progress: its candidate, its examiner, their watch.

    Args:
        short: the outcome of its short run, which this whole one is to confirm.
        core: the only one that both processes may run on.
    """

    def __init__(
        self, engine: Engine, job: Job, short: Outcome | None = None, core: int | None = None
    ) -> None:
        self.engine = engine
        self.job = job
        self.short = short
        self.core = core
        self.longest = MAX_OUTCOME + engine.config.budgets.output_bytes
        self.status: int | None = None  # of the candidate, once it has been ended
        with ExitStack() as stack:
            self.results = self._start_processes()
            stack.enter_context(self.results)
            stack.callback(engine.examiners.end, self.examiner)
            stack.callback(self._end_candidate)
            watch = Watch(self.candidate, engine.policy, engine.level)
            self.watch = stack.enter_context(watch)
            self.end = time.monotonic() + engine.config.notebook_seconds + _GRACE_SECONDS
            self._send_job()
            self._stack = stack.pop_all()

    def _start_processes(self) -> socket.socket:
        """Start the candidate and the examiner; the socket to the examiner."""
        results, theirs = socket.socketpair()
        examiner_end, candidate_end = socket.socketpair()
        files = packed(self.engine.config.files.over(self.job.files))
        with theirs, examiner_end, candidate_end, files:
            # Both zygotes work at the same time.
            self.engine.candidates.ask_fork(candidate_end, files, core=self.core)
            self.engine.examiners.ask_fork(examiner_end, theirs, core=self.core)
            self.candidate = self.engine.candidates.forked()
            self.examiner = self.engine.examiners.forked()
        return results

    def _send_job(self) -> None:
        config = self.engine.config
        job = self.job
        theirs = tuple(sorted(config.files.their_modules))
        task = ExaminerJob(
            job.key,
            job.notebook,
            job.source,
            config.budgets,
            config.mode,
            theirs,
            whole=config.runs_whole or self.short is not None,
            proven=config.proven,
        )
        with suppress(OSError):  # a dead examiner is seen when its answer is read
            examiner_messages.send(self.results, ExaminerMessage.JOB, task.to_json())

    def close(self) -> None:
        """End both processes and the watch."""
        self._stack.close()

    def advance(self) -> Outcome | None:
        """Take one message of the examiner; the outcome, if that is the message."""
        try:
            kind, text = examiner_messages.receive(self.results, self.longest)
        except (EOFError, OSError):
            return self._failed("the examiner ended unexpectedly")
        except examiner_messages.TooLong:
            return self._failed("the outcome is too large")
        match kind:
            case ExaminerMessage.INTERRUPT:
                with suppress(ProcessLookupError):
                    os.kill(self.candidate, signal.SIGINT)
            case ExaminerMessage.ASK_REASON:
                examiner_messages.send(self.results, ExaminerMessage.REASON, self._reason())
            case ExaminerMessage.NO_CANDIDATE:
                raise GraderError(
                    "a sandboxed process could not be started: grader doctor may tell why"
                )
            case ExaminerMessage.OUTCOME:
                return self._completed(Outcome.from_json(text))
        return None

    def overdue(self) -> Outcome | None:
        """The outcome of a notebook whose examiner did not end in time."""
        if time.monotonic() < self.end:
            return None
        return self._failed("a test cell did not end in time")

    def _reason(self) -> str:
        """The reason for the candidate's end, for the student to read (French)."""
        self._end_candidate()
        reasons = {
            Excess.MEMORY: french.too_much(f"plus de {self.engine.config.memory_mb} Mo de mémoire"),
            Excess.PROCESSES: french.too_much("trop de processus"),
            Excess.SCRATCH: french.too_much("trop de fichiers écrits"),
        }
        if self.watch.excess in reasons:
            return reasons[self.watch.excess]
        if self.status is not None and os.WIFSIGNALED(self.status):
            return french.killed(signal.Signals(os.WTERMSIG(self.status)).name)
        return french.ended()

    def _completed(self, outcome: Outcome) -> Outcome:
        incidents = outcome.report.incidents
        if self.watch.excess:
            incidents += (f"ended by the watch: {self.watch.excess}",)
        return replace(outcome, report=self._signed(outcome.report, incidents))

    def _failed(self, incident: str) -> Outcome:
        """The outcome of a notebook that could not be examined: its tests have not run."""
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
        if self.status is None:
            self.status = self.engine.candidates.end(self.candidate)
