"""Requests in both directions over one socket: each side serves the other while it waits.

A test that passes a function to student code is called back in the middle of its own call, so a
request may arrive before the answer to ours does.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final, NoReturn

from grader.engine.bounds import MAX_BYTES
from grader.engine.wire_errors import WireError

_HEADER: Final = struct.Struct(">BI")
_REQUEST, _ANSWER = 1, 2
_NONE: Final = b""  # the answer of who has no time for one
_CHUNK: Final = 1 << 20
_SMALL: Final = 1 << 16  # a message and its header come together
_SENDING_SECONDS: Final = 2.0  # left to a message that is being sent when time is over
_MAX_NESTING: Final = 50


class Gone(BaseException):  # not for a test's `except Exception`
    """The other side has ended, or no longer speaks as agreed."""


class Late(BaseException):
    """The other side has not answered in time."""


class Peer:
    """One end. `serve` turns the bytes of a request into those of its answer.

    `deadline` (as `time.monotonic`) bounds every wait; None waits for ever.
    """

    def __init__(self, sock: socket.socket, serve: Callable[[bytes], bytes]) -> None:
        self.socket = sock
        self.serve = serve
        self.deadline: float | None = None
        self.waiting = 0  # answers yet to come
        self.exchanging = False  # an alarm would lose a message; all waits have an end
        self._nesting = 0
        self._received = bytearray()  # and not yet read
        self._room = memoryview(bytearray(_SMALL))  # where it arrives
        self._readable, self._writable = select.poll(), select.poll()
        self._readable.register(sock, select.POLLIN)
        self._writable.register(sock, select.POLLOUT)

    def request(self, message: bytes) -> bytes:
        """Send a request, serve those that come meanwhile, return the answer.

        Raises:
            Gone, Late: no answer will come, or none came in time.
        """
        self.waiting += 1
        return self._exchange(self._serve_request, message)

    def go_on(self) -> bytes:
        """As `request`, once something has come between it and its answer."""
        return self._exchange(self._serve_request)

    def answer(self) -> bytes:
        """Wait for the answer to the request already sent; serve nothing meanwhile."""
        return self._exchange(lambda _: self._send(_ANSWER, _NONE))

    def _exchange(self, serve: Callable[[bytes], None], request: bytes | None = None) -> bytes:
        before, self.exchanging = self.exchanging, True
        try:
            if request is not None:
                self._send(_REQUEST, request)
            while True:
                kind, message = self._receive()
                if kind == _ANSWER:
                    self.waiting -= 1
                    return message
                serve(message)
        finally:
            self.exchanging = before

    def serve_forever(self) -> NoReturn:
        """Serve until the other side closes."""
        while True:
            kind, message = self._receive()
            if kind != _REQUEST:
                raise Gone("an answer to no request")
            self._serve_request(message)

    def _serve_request(self, message: bytes) -> None:
        self._nesting += 1
        try:
            if self._nesting > _MAX_NESTING:
                raise Gone("calls nested too deep")
            answer = self._served(message)
            self._send(_ANSWER, answer)
        finally:
            self._nesting -= 1

    def _served(self, message: bytes) -> bytes:
        before, self.exchanging = self.exchanging, False
        try:
            return self.serve(message)
        except Late:  # the other side waits for an answer all the same
            self.exchanging = True
            with suppress(Late, Gone):
                self._send(_ANSWER, _NONE)
            raise
        finally:
            self.exchanging = before

    def _send(self, kind: int, message: bytes) -> None:
        if len(message) > MAX_BYTES:
            raise WireError(f"message of {len(message) >> 20} MB")
        data = memoryview(_HEADER.pack(kind, len(message)) + message)
        while data:
            try:
                data = data[self.socket.send(data[:_CHUNK], socket.MSG_DONTWAIT) :]
            except (
                BlockingIOError
            ):  # begun, it is sent whole: the other side would wait for the rest
                self._wait(self._writable, _SENDING_SECONDS)
            except OSError as error:
                raise Gone(str(error)) from error

    def _receive(self) -> tuple[int, bytes]:
        data = self._received  # grows with what really comes, whatever length was announced
        self._read(_HEADER.size)
        kind, length = _HEADER.unpack_from(data)
        if kind not in (_REQUEST, _ANSWER) or length > MAX_BYTES:
            raise Gone("not a message")
        end = _HEADER.size + length
        self._read(end)
        message = bytes(data[_HEADER.size : end])
        del data[:end]  # all of it at once: who comes too late for a part finds the whole later
        return kind, message

    def _read(self, length: int) -> None:
        """Receive until so much is there."""
        data = self._received
        while len(data) < length:
            self._wait(self._readable)
            try:
                count = self.socket.recv_into(self._room)
            except OSError as error:
                raise Gone(str(error)) from error
            if not count:
                raise Gone("closed")
            data += self._room[:count]

    def _wait(self, ready: select.poll, grace: float = 0.0) -> None:
        """Wait until the socket can be read, or written, so many seconds after the deadline."""
        if self.deadline is None:
            ready.poll()
            return
        remaining = self.deadline + grace - time.monotonic()
        if remaining <= 0 or not ready.poll(1000 * remaining):
            raise Late
