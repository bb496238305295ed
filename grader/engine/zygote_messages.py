"""Messages between the grader and a zygote, over a SEQPACKET socket, descriptors beside them."""

from __future__ import annotations

import socket
from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final

import msgpack

from grader.engine.report import Mode
from grader.engine.sandbox import Policy

_MAX_MESSAGE: Final = 1 << 16


class ZygoteRole(StrEnum):
    """The processes that a zygote forks."""

    CANDIDATE = "candidate"
    EXAMINER = "examiner"


@dataclass(frozen=True)
class ZygoteSettings:
    """The first message to the zygotes: everything that their children have in common."""

    policy: Policy
    """Of candidates; an examiner may use as much memory."""
    mode: Mode
    preload: tuple[str, ...]
    output_bytes: int
    author_folder: str
    """The author's files, for examiners."""

    def to_bytes(self) -> bytes:
        return msgpack.packb(asdict(self), default=str)  # paths, as text

    @classmethod
    def from_bytes(cls, data: bytes) -> ZygoteSettings:
        content = msgpack.unpackb(data)
        return cls(
            Policy.from_plain(content["policy"]),
            Mode(content["mode"]),
            tuple(content["preload"]),
            content["output_bytes"],
            content["author_folder"],
        )


@dataclass(frozen=True)
class Fork:
    """To a zygote: start a child, which owns the descriptors that come with this."""

    core: int | None = None
    """The only one that the child and those that it starts may run on."""


@dataclass(frozen=True)
class End:
    """To a zygote: end this child and all that it started."""

    pid: int


@dataclass(frozen=True)
class Prepare:
    """To the zygote of examiners: read the author's notebook in the file that comes with this.

    Nothing is answered; the children that are asked for next find it read.
    """


@dataclass(frozen=True)
class Ready:
    """From a zygote, whose process id this is: everything is imported."""

    pid: int


@dataclass(frozen=True)
class Refused:
    """From a zygote: it cannot do its work here."""

    reason: str


@dataclass(frozen=True)
class Forked:
    """From a zygote: the child asked for."""

    pid: int


@dataclass(frozen=True)
class Ended:
    """From a zygote: a child has ended, with this status, as `os.waitpid` gives it."""

    pid: int
    status: int


ZygoteMessage = Fork | Prepare | End | Ready | Refused | Forked | Ended

_KINDS: Final[dict[str, Callable[..., ZygoteMessage]]] = {
    kind.__name__: kind for kind in (Fork, Prepare, End, Ready, Refused, Forked, Ended)
}


def send(control: socket.socket, message: ZygoteMessage, descriptors: tuple[int, ...] = ()) -> None:
    """Send one message."""
    data = msgpack.packb([type(message).__name__, asdict(message)])
    socket.send_fds(control, [data], list(descriptors))


def receive(control: socket.socket) -> tuple[ZygoteMessage, list[int]] | None:
    """The next message and its descriptors; None when the other side has closed."""
    try:
        data, descriptors, _, _ = socket.recv_fds(control, _MAX_MESSAGE, 4)
    except ConnectionResetError:  # closed by a kill, before it had read all
        return None
    if not data:
        return None
    kind, fields = msgpack.unpackb(data)
    return _KINDS[kind](**fields), list(descriptors)


def receive_settings(control: socket.socket) -> ZygoteSettings | None:
    """The first message to the zygotes; None if the grader closes instead."""
    content = control.recv(_MAX_MESSAGE)
    return ZygoteSettings.from_bytes(content) if content else None
