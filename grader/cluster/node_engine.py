"""The engine of one node, in a process without threads.

Started as `python -m grader.cluster.node_engine DESCRIPTOR`.

`grader.cluster.node` starts it and sends the settings, then notebooks. It probes the sandbox of
this node, refuses below the required isolation, and runs as many notebooks at a time as fit here.
"""

from __future__ import annotations

import json
import sys
from base64 import b64decode, b64encode
from collections import deque
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from multiprocessing.connection import Connection
from pathlib import Path

from grader.beside import AuthorFiles, Files
from grader.engine import Batch, Engine, EngineConfig, Job, Level, Mode
from grader.engine.capacity import Capacity
from grader.engine.sandbox import shield
from grader.errors import GraderError
from grader.notebook import Notebook
from labo.settings import Profile


@dataclass(frozen=True)
class Settings:
    """The settings of a grading, the same for each notebook. They hold hidden tests."""

    source: Notebook = field(repr=False)
    config: EngineConfig
    version: str
    """The head node's `Engine.version`: a node that has another would grade otherwise."""
    workers: int | None = None
    """Notebooks run at a time on each node; what fits there by default."""

    def to_json(self) -> bytes:
        files = self.config.files
        config = asdict(replace(self.config, files=AuthorFiles()))
        config["files"] = {"own": _as_text(files.own), "theirs": _as_text(files.theirs)}
        content = {"source": self.source, "version": self.version, "workers": self.workers}
        return json.dumps(content | {"config": config}, default=str).encode()

    @classmethod
    def from_json(cls, data: bytes) -> Settings:
        content = json.loads(data)
        config = content["config"]
        config |= {
            "required": Level(config["required"]),
            "mode": Mode(config["mode"]),
            "profile": Profile(config["profile"]),
            "readable": tuple(map(Path, config["readable"])),
            "preload": tuple(config["preload"]),
            "proven": tuple(config["proven"]),
            "files": AuthorFiles(**{kind: _as_bytes(f) for kind, f in config["files"].items()}),
        }
        return cls(**content | {"config": EngineConfig(**config)})


def job_message(job: Job) -> bytes:
    """A notebook as it is sent to a node, which has the author's from the settings."""
    files = _as_text(job.files)
    return json.dumps({"key": job.key, "notebook": job.notebook, "files": files}).encode()


def _job(message: bytes, source: Notebook) -> Job:
    content = json.loads(message)
    return Job(**content | {"files": _as_bytes(content["files"])}, source=source)


def _as_text(files: Files) -> dict[str, str]:
    return {name: b64encode(content).decode() for name, content in files.items()}


def _as_bytes(files: dict[str, str]) -> Files:
    return {name: b64decode(content) for name, content in files.items()}


def main(link: Connection) -> None:
    """Run the notebooks that come in on `link`, until it closes."""
    settings = Settings.from_json(link.recv_bytes())
    workers = settings.workers or Capacity.here().workers(settings.config.memory_mb)
    engine = Engine(replace(settings.config, workers=workers))
    try:
        if engine.version != settings.version:
            raise GraderError(
                "it has another Python, torch or version of the course's code than the head node"
            )
        with engine:
            shield()  # not before: the sandbox is tried in a child, which must own its /proc
            with Batch(engine, link) as batch:
                _serve(batch, link, settings.source)
    except GraderError as error:
        with suppress(OSError):
            link.send_bytes(json.dumps({"refused": str(error)}).encode())


def _serve(batch: Batch, link: Connection, source: Notebook) -> None:
    waiting: deque[Job] = deque()
    while True:
        while batch.has_room and waiting:
            batch.start(waiting.popleft())
        for outcome in batch.outcomes():
            with suppress(OSError):  # the worker has ended, which `_receive` sees
                link.send_bytes(outcome.to_json().encode())
        if link.poll():
            message = _receive(link)
            if not message:
                return
            waiting.append(_job(message, source))


def _receive(link: Connection) -> bytes:
    """The next message; nothing when the worker has ended, or wants this to end."""
    try:
        return link.recv_bytes()
    except (EOFError, OSError):
        return b""


if __name__ == "__main__":
    main(Connection(int(sys.argv[1])))
