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
class NotebookTask:
    """One notebook to run. Its repr, which dask's logs show, tells nothing of it."""

    key: str = field(repr=False)
    job: bytes = field(repr=False)


@dataclass(frozen=True)
class NodeReply:
    """The outcome of a notebook as JSON, or the reason why this node runs none."""

    outcome: bytes = field(default=b"", repr=False)
    refusal: str = ""


class Grading(WorkerPlugin):
    """Brings the settings of the grading, with hidden tests, to each worker that joins."""

    name = "grader"

    def __init__(self, settings: bytes) -> None:
        self.settings = settings

    def setup(self, worker: Any) -> None:
        ctypes.CDLL(None).prctl(_DUMPABLE, 0, 0, 0, 0)  # its memory is not for others to read
        self.spills = hasattr(worker.data, "spilled_total")
        self.engine = _EngineProcess(self.settings)

    def teardown(self, worker: Any) -> None:
        self.engine.close()


def run(task: NotebookTask) -> NodeReply:
    """Run one notebook here; called by dask, in one of the worker's threads.

    Raises:
        NodeError: the process that owns the engine ended.
    """
    grading = get_worker().plugins[Grading.name]
    assert isinstance(grading, Grading)
    if grading.spills:
        return _refused(
            "this dask worker may write to its disk what it holds, hidden tests too: start it"
            " with --memory-limit 0"
        )
    return grading.engine.run(task)


def _refused(why: str) -> NodeReply:
    return NodeReply(refusal=f"{platform.node()}: {why}")


class _EngineProcess:
    """The process that owns the engine, seen from the worker; started for the first notebook."""

    def __init__(self, settings: bytes) -> None:
        self.settings = settings
        self.lock = threading.Lock()
        self.waiting: dict[str, Future[NodeReply]] = {}
        self.link: Connection | None = None

    def run(self, task: NotebookTask) -> NodeReply:
        with self.lock:
            link = self.link or self._start()
            reply = self.waiting[task.key] = Future()
            with suppress(OSError):  # it has ended: `_read` tells why
                link.send_bytes(task.job)
        return reply.result()

    def _start(self) -> Connection:
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-m", "grader.cluster.node_engine", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
        link = self.link = Connection(ours.detach())
        link.send_bytes(self.settings)
        threading.Thread(target=self._read, args=(link, process), daemon=True).start()
        return link

    def _read(self, link: Connection, process: subprocess.Popen[bytes]) -> None:
        """Hand each reply to the thread that waits for it, until the process ends."""
        refusal: NodeReply | None = None
        with suppress(EOFError, OSError):
            while refusal is None:
                message = link.recv_bytes()
                content = json.loads(message)
                if "refused" in content:
                    refusal = _refused(content["refused"])
                else:
                    self.waiting.pop(content["key"]).set_result(NodeReply(message))
        process.wait()
        with self.lock:
            link.close()
            self.link = None
            replies, self.waiting = self.waiting, {}
        for reply in replies.values():
            if refusal:
                reply.set_result(refusal)
            else:
                reply.set_exception(NodeError("the engine of a node ended unexpectedly"))

    def close(self) -> None:
        with self.lock, suppress(OSError):
            if self.link is not None:
                self.link.send_bytes(b"")
