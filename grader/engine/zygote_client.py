"""A zygote process, as the grader sees it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import Any

from grader.engine import zygote
from grader.engine.packages import import_roots
from grader.engine.sandbox.limits import minimal_environment
from grader.errors import GraderError


class ZygoteClient:
    """A zygote process, seen from the grader."""

    def __init__(self, role: str, home: str, settings: dict[str, Any]) -> None:
        self.role = role
        self.settings = settings
        extra = dict(settings["environment"]) | {
            "PYTHONPATH": os.pathsep.join(map(str, import_roots())),
            "PYTHONHASHSEED": "0",
            "IPYTHONDIR": home,
            "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",  # see `zygote.use_huge_pages`
        }
        self.environment = minimal_environment(home, home, extra)

    def __enter__(self) -> ZygoteClient:
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "grader.engine", self.role, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=self.environment,
                cwd="/",
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        zygote.send(self.control, self.settings)
        return self

    def wait_ready(self) -> None:
        """Return once everything is imported."""
        self._answer("ready")

    def __exit__(self, *_: object) -> None:
        self.control.close()
        try:
            self.process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def ask_fork(self, *sockets: socket.socket) -> None:
        """Ask for a child that owns these sockets; `forked` gives its process id."""
        descriptors = tuple(sock.fileno() for sock in sockets)
        zygote.send(self.control, {"do": "fork"}, descriptors)

    def forked(self) -> int:
        """The process id of the child asked for."""
        return self._answer("pid")["pid"]

    def end(self, pid: int) -> int:
        """End a child and all that it started; its wait status."""
        zygote.send(self.control, {"do": "end", "pid": pid})
        while (answer := self._answer("status"))["ended"] != pid:
            pass  # an answer that nobody waited for: Ctrl-C came in between
        return answer["status"]

    def _answer(self, key: str) -> dict[str, Any]:
        """The next answer that has this key."""
        while (received := zygote.receive(self.control)) is not None:
            answer, _ = received
            if "error" in answer:
                raise GraderError(answer["error"])
            if key in answer:
                return answer
        raise GraderError(f"the {self.role} zygote ended; its message, if any, is above")
