"""On a node of a cluster: takes the notebooks that the head node sends to an engine of its own.

Two processes. The *worker*, dask's, takes part in the network and has threads: it must not fork,
and imports nothing of the engine. It starts `grader.cluster.node_engine`, which owns the engine.
Hidden tests reach both over TLS and stay in their memory.
"""

from __future__ import annotations

import ctypes
import json
import platform
import socket
import subprocess
import sys
import threading
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from distributed import WorkerPlugin, get_worker

_DUMPABLE = 4  # prctl's


class NodeError(Exception):
    """Something on a node ended unexpectedly; another try may succeed."""


@dataclass(frozen=True)
class Sheet:
    """One notebook to run. Hidden from dask's logs, which show what a task was given."""

    key: str = field(repr=False)
    job: bytes = field(repr=False)


@dataclass(frozen=True)
class Answer:
    """What became of a notebook: its outcome as JSON, or why this node runs none."""

    outcome: bytes = field(default=b"", repr=False)
    refusal: str = ""


class Grading(WorkerPlugin):
    """Brings what every notebook is run with, hidden tests too, to each worker that joins."""

    name = "grader"

    def __init__(self, settings: bytes) -> None:
        self.settings = settings

    def setup(self, worker: Any) -> None:
        ctypes.CDLL(None).prctl(_DUMPABLE, 0, 0, 0, 0)  # its memory is not for others to read
        self.spills = hasattr(worker.data, "spilled_total")
        self.engine = _Engine(self.settings)

    def teardown(self, worker: Any) -> None:
        self.engine.close()


def run(sheet: Sheet) -> Answer:
    """Run one notebook here; called by dask, in one of the worker's threads.

    Raises:
        NodeError: the process that owns the engine ended.
    """
    grading = get_worker().plugins[Grading.name]
    if grading.spills:
        return _refused(
            "this dask worker may write to its disk what it holds, hidden tests too: start it"
            " with --memory-limit 0"
        )
    answer = grading.engine.run(sheet)
    refusal = json.loads(answer).get("refused")
    return _refused(refusal) if refusal else Answer(answer)


def _refused(why: str) -> Answer:
    return Answer(refusal=f"{platform.node()}: {why}")


class _Engine:
    """The process that owns the engine, seen from the worker; started for the first notebook."""

    def __init__(self, settings: bytes) -> None:
        self.settings = settings
        self.lock = threading.Lock()
        self.waiting: dict[str, Future] = {}
        self.link: Connection | None = None

    def run(self, sheet: Sheet) -> bytes:
        with self.lock:
            if self.link is None:
                self._start()
            answer = self.waiting[sheet.key] = Future()
            with suppress(OSError):  # it has ended: `_read` tells why
                self.link.send_bytes(sheet.job)
        return answer.result()

    def _start(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "grader.cluster.node_engine", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
        self.link = Connection(ours.detach())
        self.link.send_bytes(self.settings)
        threading.Thread(target=self._read, args=(self.link, process), daemon=True).start()

    def _read(self, link: Connection, process: subprocess.Popen) -> None:
        """Hand each answer to the thread that waits for it, until the process ends."""
        refusal = None
        with suppress(EOFError, OSError):
            while refusal is None:
                answer = link.recv_bytes()
                content = json.loads(answer)
                if "refused" in content:
                    refusal = answer
                else:
                    self.waiting.pop(content["key"]).set_result(answer)
        process.wait()
        with self.lock:
            link.close()
            self.link = None
            answers, self.waiting = self.waiting, {}
        for answer in answers.values():
            if refusal:
                answer.set_result(refusal)
            else:
                answer.set_exception(NodeError("the engine of a node ended unexpectedly"))

    def close(self) -> None:
        with self.lock, suppress(OSError, AttributeError):
            self.link.send_bytes(b"")
