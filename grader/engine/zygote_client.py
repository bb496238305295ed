"""The zygotes, as the grader sees them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TypeVar

from grader.engine import font_lists
from grader.engine.packages import import_roots
from grader.engine.policy import OF_EVERY_COURSE
from grader.engine.sandbox.limits import minimal_environment
from grader.engine.zygote_messages import (
    End,
    Ended,
    Fork,
    Forked,
    Prepare,
    Ready,
    Refused,
    ZygoteMessage,
    ZygoteRole,
    ZygoteSettings,
    receive,
    send,
)
from grader.errors import GraderError

_Answer = TypeVar("_Answer", bound=ZygoteMessage)


class Zygotes:
    """Both zygotes, which start to import what every lab uses. To be closed.

    Attributes:
        home: their folder, which they remove when they end.
        candidates, examiners: what each is asked through.
        process: that of the zygote of candidates, which the other ends with.
    """

    def __init__(self) -> None:
        self._home = TemporaryDirectory(prefix="grader-")
        self.home = Path(self._home.name)
        environment = _environment(self._home.name)
        self._fonts = Path(environment["MPLCONFIGDIR"])
        font_lists.lend(self._fonts)
        to_candidates, candidates = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        to_examiners, examiners = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        descriptors = [candidates.fileno(), examiners.fileno()]
        with candidates, examiners:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "grader.engine", *map(str, descriptors), self._home.name],
                pass_fds=descriptors,
                env=environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        self.candidates = ZygoteClient(ZygoteRole.CANDIDATE, to_candidates)
        self.examiners = ZygoteClient(ZygoteRole.EXAMINER, to_examiners)

    def settle(self, settings: ZygoteSettings) -> None:
        """Tell them for what they are: they go on with what this lab uses."""
        with suppress(ConnectionError):  # they have ended: who waits for them is told
            self.candidates.control.send(settings.to_bytes())

    def close(self) -> None:
        """End both, and what they have forked."""
        if self.candidates.pid:
            font_lists.keep(self._fonts)
        self.examiners.control.close()
        self.candidates.control.close()
        if not self.candidates.pid:  # it may import for seconds yet, and has forked nothing
            self.process.kill()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self._home.cleanup()


def _environment(home: str) -> dict[str, str]:
    extra = OF_EVERY_COURSE | {
        "PYTHONPATH": os.pathsep.join(map(str, import_roots())),
        "PYTHONHASHSEED": "0",
        "IPYTHONDIR": home,
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",  # see `zygote.use_huge_pages`
    }
    return minimal_environment(home, home, extra)


_ahead: list[Zygotes] = []  # one at most


@contextmanager
def started_ahead() -> Iterator[None]:
    """Start the zygotes of the engine that this block will enter, unless they are started already.

    They import while the caller does, and reads what is to be graded. If no engine is entered, they
    are ended with the block. A single core has no time for them meanwhile.
    """
    if _ahead or len(os.sched_getaffinity(0)) == 1:
        yield
        return
    _ahead.append(Zygotes())
    try:
        yield
    finally:
        while _ahead:
            _ahead.pop().close()


def zygotes() -> Zygotes:
    """Those that were started ahead, if they live, or new ones."""
    while _ahead:
        found = _ahead.pop()
        if found.process.poll() is None:
            return found
        found.close()
    return Zygotes()


class ZygoteClient:
    """Asks a zygote for children and for their end.

    Attributes:
        pid: the zygote's; 0 until it is ready.

    Raises (from what waits for an answer):
        GraderError: the zygote cannot do its work here, or has ended.
    """

    def __init__(self, role: ZygoteRole, control: socket.socket) -> None:
        self.role = role
        self.control = control
        self.pid = 0

    def wait_ready(self) -> None:
        """Return once everything is imported."""
        if not self.pid:
            self.pid = self._answer(Ready).pid

    def ask_fork(self, *owned: socket.socket | IO[bytes], core: int | None = None) -> None:
        """Ask for a child that owns these sockets and files; `forked` gives its process id."""
        self._send(Fork(core), tuple(each.fileno() for each in owned))

    def forked(self) -> int:
        """The process id of the child asked for."""
        self.wait_ready()
        return self._answer(Forked).pid

    def ask_prepare(self, notebook: IO[bytes]) -> None:
        """Have an author's notebook read before the next children are forked."""
        self._send(Prepare(), (notebook.fileno(),))

    def end(self, pid: int) -> int:
        """End a child and all that it started; its wait status."""
        self._send(End(pid))
        while (answer := self._answer(Ended)).pid != pid:
            pass  # an answer that nobody waited for: Ctrl-C came in between
        return answer.status

    def _send(self, message: ZygoteMessage, descriptors: tuple[int, ...] = ()) -> None:
        with suppress(ConnectionError):  # it has ended: who waits for its answer is told
            send(self.control, message, descriptors)

    def _answer(self, kind: type[_Answer]) -> _Answer:
        """The next answer of this kind."""
        while (received := receive(self.control)) is not None:
            answer, _ = received
            if isinstance(answer, Refused):
                raise GraderError(answer.reason)
            if isinstance(answer, kind):
                return answer
        raise GraderError(
            f"the process that forks a {self.role} for each submission has ended (its message, if"
            " any, is above; a lack of memory leaves none). What is graded is kept: give the same"
            " command again, with fewer --workers or after `grader doctor` if it ends again"
        )
