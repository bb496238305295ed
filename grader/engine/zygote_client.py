"""The zygotes, as the grader sees them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import IO, TypeVar

from grader.engine.packages import import_roots
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
    """Starts both zygotes. Use as a context manager.

    Attributes:
        candidates, examiners: what each is asked through.
        process: that of the zygote of candidates, which the other ends with.
    """

    def __init__(self, home: str, settings: ZygoteSettings) -> None:
        self.settings = settings
        extra = dict(settings.policy.environment) | {
            "PYTHONPATH": os.pathsep.join(map(str, import_roots())),
            "PYTHONHASHSEED": "0",
            "IPYTHONDIR": home,
            "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",  # see `zygote.use_huge_pages`
        }
        self.environment = minimal_environment(home, home, extra)

    def __enter__(self) -> Zygotes:
        to_candidates, candidates = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        to_examiners, examiners = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        descriptors = [candidates.fileno(), examiners.fileno()]
        with candidates, examiners:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "grader.engine", *map(str, descriptors)],
                pass_fds=descriptors,
                env=self.environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        to_candidates.send(self.settings.to_bytes())
        self.candidates = ZygoteClient(ZygoteRole.CANDIDATE, to_candidates)
        self.examiners = ZygoteClient(ZygoteRole.EXAMINER, to_examiners)
        return self

    def __exit__(self, *_: object) -> None:
        self.examiners.control.close()
        self.candidates.control.close()
        if not self.candidates.pid:  # it may import for seconds yet, and has forked nothing
            self.process.kill()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


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
        send(self.control, Fork(core), tuple(each.fileno() for each in owned))

    def forked(self) -> int:
        """The process id of the child asked for."""
        self.wait_ready()
        return self._answer(Forked).pid

    def ask_prepare(self, notebook: IO[bytes]) -> None:
        """Have an author's notebook read before the next children are forked."""
        send(self.control, Prepare(), (notebook.fileno(),))

    def end(self, pid: int) -> int:
        """End a child and all that it started; its wait status."""
        send(self.control, End(pid))
        while (answer := self._answer(Ended)).pid != pid:
            pass  # an answer that nobody waited for: Ctrl-C came in between
        return answer.status

    def _answer(self, kind: type[_Answer]) -> _Answer:
        """The next answer of this kind."""
        while (received := receive(self.control)) is not None:
            answer, _ = received
            if isinstance(answer, Refused):
                raise GraderError(answer.reason)
            if isinstance(answer, kind):
                return answer
        raise GraderError(f"the {self.role} zygote ended; its message, if any, is above")
