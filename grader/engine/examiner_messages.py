"""Messages between the grader and an examiner, over a stream socket."""

from __future__ import annotations

import json
import socket
import struct
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from grader.engine.config import Budgets
from grader.engine.report import Mode
from grader.notebook import Notebook

_HEADER: Final = struct.Struct(">cI")
_CHUNK: Final = 1 << 20


class TooLong(Exception):
    """A message beyond what an outcome may be."""


class ExaminerMessage(Enum):
    """The kinds of message between the grader and an examiner."""

    JOB = b"J"
    """To the examiner, first of all: an `ExaminerJob`."""
    INTERRUPT = b"I"
    """From the examiner: send SIGINT to the candidate."""
    ASK_REASON = b"A"
    """From the examiner: the candidate has ended, for what reason?"""
    REASON = b"R"
    """To the examiner: the answer, for the student to read (French)."""
    NO_CANDIDATE = b"N"
    """From the examiner, last: there never was a candidate."""
    OUTCOME = b"O"
    """From the examiner, last: an `Outcome`."""


@dataclass(frozen=True)
class ExaminerJob:
    """One notebook, and how to examine it."""

    key: str
    notebook: Notebook = field(repr=False)
    source: Notebook = field(repr=False)
    """The author's."""
    budgets: Budgets
    mode: Mode
    their_modules: tuple[str, ...] = ()
    """Modules that students write: `AuthorFiles.their_modules`."""
    whole: bool = False
    """Run what no test needs too."""
    proven: tuple[str, ...] = ()
    """`EngineConfig.proven`."""

    def to_json(self) -> str:
        return json.dumps(vars(self) | {"budgets": vars(self.budgets)})

    @classmethod
    def from_json(cls, text: str) -> ExaminerJob:
        content = json.loads(text)
        content |= {
            "budgets": Budgets(**content["budgets"]),
            "mode": Mode(content["mode"]),
            "their_modules": tuple(content["their_modules"]),
            "proven": tuple(content["proven"]),
        }
        return cls(**content)


def send(sock: socket.socket, kind: ExaminerMessage, text: str = "") -> None:
    """Send one message."""
    data = text.encode()
    sock.sendall(_HEADER.pack(kind.value, len(data)) + data)


def receive(sock: socket.socket, longest: int | None = None) -> tuple[ExaminerMessage, str]:
    """The next message.

    Args:
        longest: bytes of the message; None for the grader's own, which an examiner believes.

    Raises:
        EOFError: the other side has closed.
        TooLong: the message is longer than that.
    """
    kind, length = _HEADER.unpack(_read(sock, _HEADER.size))
    if longest is not None and length > longest:
        raise TooLong
    return ExaminerMessage(kind), _read(sock, length).decode()


def _read(sock: socket.socket, length: int) -> bytes:
    data = bytearray()
    while len(data) < length:
        chunk = sock.recv(min(_CHUNK, length - len(data)))
        if not chunk:
            raise EOFError
        data += chunk
    return bytes(data)
