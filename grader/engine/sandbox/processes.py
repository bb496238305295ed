"""The supervisor between the grader and a candidate, and the end of a whole process tree."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Final, NoReturn

from grader.engine.sandbox import limits

SUPERVISED: Final = {signal.SIGCHLD, signal.SIGTERM, signal.SIGINT}
_PAUSE: Final = 0.001


def scratch_prefix(supervisor: int) -> str:
    """The beginning of a scratch folder's name."""
    return f"grader-scratch-{supervisor}-"


def supervise(candidate: int, scratch: Path | None) -> NoReturn:
    """Wait for the candidate, reap orphans, then end as it ended. `SUPERVISED` must be blocked.

    SIGINT is handed to the candidate; SIGTERM, also sent by the kernel when the grader dies,
    ends everything.
    """
    try:
        limits.close_descriptors(())
        status = _wait(candidate)
        _end_own_descendants()
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
        _end_as(status)
    finally:
        os._exit(1)  # never back into the caller's code; the candidate dies with this process


def _wait(candidate: int) -> int:
    while True:
        received = signal.sigwait(SUPERVISED)
        if received == signal.SIGINT:
            os.kill(candidate, signal.SIGINT)
        elif received == signal.SIGTERM:
            os.kill(candidate, signal.SIGKILL)
        status = _reap(candidate)
        if status is not None:
            return status


def _reap(candidate: int) -> int | None:
    """Collect every child that has ended; the candidate's status when it is among them."""
    found = None
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG)) != (0, 0):
            if ended[0] == candidate:
                found = ended[1]
    return found


def _end_as(status: int) -> NoReturn:
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        with contextlib.suppress(OSError):  # SIGKILL has no handler to reset
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
        os.kill(os.getpid(), number)
    os._exit(os.waitstatus_to_exitcode(status))


def read(pid: int, name: str) -> bytes:
    """A file of /proc about a process, without the layers that make of a file a text.

    Raises:
        OSError: it is gone.
    """
    with open(f"/proc/{pid}/{name}", "rb", buffering=0) as file:
        return file.readall()


def children(pid: int) -> set[int]:
    """Direct children of a process, zombies included; none when it is gone."""
    found: set[int] = set()
    with contextlib.suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            found.update(map(int, read(pid, f"task/{thread}/children").split()))
    return found


def descendants(pid: int) -> set[int]:
    """Everything below a process. A daemon stays below its supervisor, which adopts it."""
    found: set[int] = set()
    waiting = {pid}
    while waiting:
        waiting = set().union(*map(children, waiting)) - found
        found |= waiting
    return found


def is_running(pid: int) -> bool:
    """True for a process that exists and has not ended; a zombie has."""
    try:
        state = read(pid, "stat").rpartition(b")")[2].split()[0]
    except OSError:
        return False
    return state not in b"ZX"


def kill_tree(supervisor: int, timeout: float = 5.0) -> bool:
    """End a candidate and all that it started; True when no process is left.

    `supervisor` is what the caller's fork returned. It must not have been waited for yet, so
    that its id still belongs to it; waiting for it afterwards returns at once.
    """
    deadline = time.monotonic() + timeout
    _send(supervisor, signal.SIGTERM)  # it may not have forked yet
    while is_running(supervisor) and time.monotonic() < deadline:
        _kill_living(supervisor)
        time.sleep(_PAUSE)  # it ends by itself, having removed the scratch folder
    ended = not _living(supervisor)
    if is_running(supervisor):
        _send(supervisor, signal.SIGKILL)
    return ended


def _end_own_descendants(timeout: float = 5.0) -> None:
    deadline = time.monotonic() + timeout
    while _kill_living(os.getpid()) and time.monotonic() < deadline:
        _reap(0)
        time.sleep(_PAUSE)


def _kill_living(pid: int) -> bool:
    """Stop, then kill: a stopped process cannot fork, so this overtakes a fork bomb.

    Returns whether there was anything to kill.
    """
    stopped: set[int] = set()
    while new := _living(pid) - stopped:
        for process in new:
            _send(process, signal.SIGSTOP)
        stopped |= new
    for process in stopped:
        _send(process, signal.SIGKILL)
    return bool(stopped)


def _living(pid: int) -> set[int]:
    return {process for process in descendants(pid) if is_running(process)}


def _send(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
