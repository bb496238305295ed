"""One engine, kept from one hand-in to the next, which several gradings share.

`grader.grading.autograde` makes an engine for each grading, and closes it: a start imports torch
twice. Here each grading runs in a thread of its own and is lent the same engine; one thread owns
the engine's processes, and runs what all of them ask for, `config.workers` notebooks at a time.
"""

from __future__ import annotations

import queue
import socket
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final, Protocol

from grader.engine import Batch, Engine, EngineConfig, Job, Outcome
from grader.errors import GraderError
from grader.grading.autograde import Runner

IDLE_SECONDS: Final = 900.0  # after which an engine is closed: it holds hundreds of megabytes

Replies = queue.SimpleQueue[Outcome | BaseException]


@dataclass(frozen=True)
class _Request:
    job: Job
    replies: Replies


class SharedEngine:
    """An engine whose `map` several threads may call at the same time; a `Runner`.

    Entering it, as each grading does, starts nothing twice: `close` ends it.
    """

    def __init__(self, config: EngineConfig) -> None:
        self.config = config
        self.version = Engine(config).version
        self.used = time.monotonic()
        self._requests: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._wake, self._awake = socket.socketpair()
        self._awake.setblocking(False)
        self._thread = threading.Thread(target=self._serve, name="engine", daemon=True)
        self._thread.start()

    def __enter__(self) -> SharedEngine:
        return self

    def __exit__(self, *_: object) -> None:
        self.used = time.monotonic()

    @property
    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def map(self, jobs: Iterable[Job]) -> Generator[Outcome]:
        """The outcomes of these notebooks, as they come.

        Raises:
            GraderError: the engine cannot be started, or has ended.
        """
        replies: Replies = queue.SimpleQueue()
        asked = 0
        for job in jobs:
            self._ask(_Request(job, replies))
            asked += 1
        for _ in range(asked):
            yield self._outcome(replies)

    def _outcome(self, replies: Replies) -> Outcome:
        while True:
            try:
                reply = replies.get(timeout=1)
            except queue.Empty:
                if not self.is_alive and replies.empty():
                    raise GraderError("the engine has ended: it is started again") from None
                continue
            if isinstance(reply, BaseException):
                raise GraderError(f"the engine has ended: {reply}") from reply
            return reply

    def close(self) -> None:
        """End the engine and its processes."""
        self._ask(None)
        self._thread.join()
        self._wake.close()
        self._awake.close()

    def _ask(self, request: _Request | None) -> None:
        self._requests.put(request)
        with suppress(OSError):  # full: it is awake; closed: `map` finds out
            self._wake.send(b"x", socket.MSG_DONTWAIT)

    # ---- The thread that owns the engine

    def _serve(self) -> None:
        asked: dict[str, _Request] = {}
        try:
            with Engine(self.config) as engine, Batch(engine, wake=self._awake) as batch:
                while self._start_what_fits(batch, asked):
                    for outcome in batch.outcomes():
                        request = asked.pop(outcome.key)
                        # Under its own name: two gradings may run the same student's notebook.
                        request.replies.put(replace(outcome, key=request.job.key))
        except Exception as error:
            for request in (*asked.values(), *self._left()):
                request.replies.put(error)

    def _start_what_fits(self, batch: Batch, asked: dict[str, _Request]) -> bool:
        """Start what was asked for and fits; False when the engine is to end."""
        with suppress(BlockingIOError):
            self._awake.recv(4096)
        while batch.has_room:
            try:
                request = self._requests.get_nowait()
            except queue.Empty:
                return True
            if request is None:
                return False
            key = f"{len(asked)}-{time.monotonic_ns()}"
            asked[key] = request
            batch.start(replace(request.job, key=key))
        return True

    def _left(self) -> Iterator[_Request]:
        while True:
            try:
                request = self._requests.get_nowait()
            except queue.Empty:
                return
            if request is not None:
                yield request


class KeptCluster:
    """A cluster's runner, entered once: its jobs stay from one grading to the next."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.config = runner.config
        self.version = runner.version
        self.used = time.monotonic()
        self.is_alive = True
        self._entered = False

    def __enter__(self) -> KeptCluster:
        if not self._entered:
            self.runner.__enter__()
            self._entered = True
        return self

    def __exit__(self, *_: object) -> None:
        self.used = time.monotonic()

    def map(self, jobs: Iterable[Job]) -> Generator[Outcome]:
        try:
            yield from self.runner.map(jobs)
        except Exception:
            self.is_alive = False
            raise

    def close(self) -> None:
        if self._entered:
            self.runner.__exit__(None, None, None)


class KeptRunner(Runner, Protocol):
    """A runner that outlives the gradings which enter it."""

    used: float
    """When it last was, by `time.monotonic`."""

    @property
    def is_alive(self) -> bool: ...
    def close(self) -> None: ...


class Kept:
    """The runners of a service, one for each configuration in use: labs differ in what they import.

    Args:
        make: makes a runner that may be lent to several gradings.
        most: runners that are kept at a time.
    """

    def __init__(self, make: Callable[[EngineConfig], KeptRunner], most: int = 2) -> None:
        self.make = make
        self.most = most
        self._lock = threading.Lock()
        self._runners: list[KeptRunner] = []

    def lent(self, config: EngineConfig) -> KeptRunner:
        """The runner of this configuration, started if there is none: a `MakeEngine`."""
        with self._lock:
            found = next((r for r in self._runners if r.config == config and r.is_alive), None)
            if found is None:
                found = self.make(config)
                self._runners.append(found)
            found.used = time.monotonic()
            return found

    def close_unused(self) -> None:
        """Close those that have ended, that nobody has used for long, and those beyond `most`.

        To be called when nothing runs.
        """
        now = time.monotonic()
        with self._lock:
            by_use = sorted(self._runners, key=lambda runner: runner.used, reverse=True)
            alive = [r for r in by_use if r.is_alive and now - r.used < IDLE_SECONDS]
            self._runners = alive[: self.most]
        for runner in by_use:
            if runner not in self._runners:
                runner.close()

    def close(self) -> None:
        """Close them all."""
        with self._lock:
            closing, self._runners = self._runners, []
        for runner in closing:
            runner.close()
