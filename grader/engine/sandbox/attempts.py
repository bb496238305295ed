"""Ways out of the sandbox, each of them harmless.

An attempt aims at a canary made for it, at the process that asked, or at what the policy bounds.
It returns when it succeeded and raises when it was stopped.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
import resource
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from grader.engine.sandbox import kernel
from grader.engine.sandbox.policy import Level, Policy

_MB: Final = 2**20

_PTRACE_SEIZE: Final = 0x4206
_NEW_USER_NAMESPACE: Final = 0x10000000
_IPC_PRIVATE, _IPC_REMOVE = 0, 0


class NotEscaped(Exception):
    """The attempt met nothing that stopped it, and got nothing either."""


@dataclass(frozen=True)
class Target:
    """Canaries, made for the attempts by the process that asks."""

    secret: str
    folder: Path
    canary: Path
    parent: int
    port: int
    abstract: str
    descriptor: int
    policy: Policy


@dataclass(frozen=True)
class Attempt:
    """One way out, and the level from which it must be closed."""

    name: str
    what: str
    closed_from: Level
    run: Callable[[Target], None]


ATTEMPTS: list[Attempt] = []


def _attempt(what: str, closed_from: Level) -> Callable:
    def register(function: Callable[[Target], None]) -> Callable[[Target], None]:
        name = function.__name__.strip("_")
        ATTEMPTS.append(Attempt(name, what, closed_from, function))
        return function

    return register


def _expect(condition: bool, otherwise: str) -> None:
    if not condition:
        raise NotEscaped(otherwise)


# Files


@_attempt("read a file outside", Level.LANDLOCK)
def _read_file(target: Target) -> None:
    _expect(target.canary.read_text() == target.secret, "other contents")


@_attempt("list a folder outside", Level.LANDLOCK)
def _list_folder(target: Target) -> None:
    _expect(target.canary.name in os.listdir(target.folder), "other contents")


@_attempt("read it through a link in the scratch folder", Level.LANDLOCK)
def _follow_link(target: Target) -> None:
    link = Path.cwd() / "link"
    link.symlink_to(target.canary)
    try:
        _expect(link.read_text() == target.secret, "other contents")
    finally:
        link.unlink()


@_attempt("write a file outside", Level.LANDLOCK)
def _write_file(target: Target) -> None:
    written = target.folder / "written"
    written.write_text("")
    written.unlink()


@_attempt("truncate a file outside", Level.LANDLOCK)
def _truncate_file(target: Target) -> None:
    os.truncate(target.folder / "writable", 0)


@_attempt("change a mode outside", Level.LANDLOCK)
def _change_mode(target: Target) -> None:
    os.chmod(target.canary, 0o644)


@_attempt("see that a file exists outside", Level.NAMESPACES)
def _see_file(target: Target) -> None:
    target.canary.stat()


@_attempt("write among the packages", Level.LANDLOCK)
def _write_package(target: Target) -> None:
    written = Path(__file__).parent / f"written-{os.getpid()}"
    written.write_text("")
    written.unlink()


# Other processes


@_attempt("see the grader in /proc", Level.NAMESPACES)
def _see_parent(target: Target) -> None:
    os.stat(f"/proc/{target.parent}")


@_attempt("read the grader's environment", Level.LANDLOCK)
def _read_parent_environment(target: Target) -> None:
    Path(f"/proc/{target.parent}/environ").read_bytes()


@_attempt("open a descriptor of the grader", Level.LANDLOCK)
def _open_parent_descriptor(target: Target) -> None:
    Path(f"/proc/{target.parent}/fd/{target.descriptor}").read_text()


@_attempt("open the grader's memory", Level.LANDLOCK)
def _open_parent_memory(target: Target) -> None:
    os.close(os.open(f"/proc/{target.parent}/mem", os.O_RDONLY))


@_attempt("trace the grader", Level.SECCOMP)
def _trace_parent(target: Target) -> None:
    kernel.call("ptrace", _PTRACE_SEIZE, target.parent, 0, 0)


@_attempt("signal the grader", Level.SECCOMP)
def _signal_parent(target: Target) -> None:
    os.kill(target.parent, signal.SIGURG)  # ignored unless asked for


@_attempt("change the grader's limits", Level.SECCOMP)
def _limit_parent(target: Target) -> None:
    resource.prlimit(target.parent, resource.RLIMIT_CORE)


@_attempt("outlive the grader", Level.SECCOMP)
def _clear_parent_death_signal(target: Target) -> None:
    kernel.prctl(kernel.PDEATHSIG, 0)


@_attempt("start a program", Level.SECCOMP)
def _start_program(target: Target) -> None:
    subprocess.run(["/bin/sh", "-c", ":"], check=True)


# Network and shared objects


@_attempt("connect to a TCP port of this machine", Level.SECCOMP)
def _connect_tcp(target: Target) -> None:
    socket.create_connection(("127.0.0.1", target.port), timeout=5).close()


@_attempt("connect to an abstract socket", Level.SECCOMP)
def _connect_abstract(target: Target) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(target.abstract)


@_attempt("send from one end of a pair to another address", Level.SECCOMP)
def _send_datagram(target: Target) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs:
        ours.sendto(b"out", target.abstract + "-datagrams")


@_attempt("keep memory in System V segments", Level.SECCOMP)
def _make_segment(target: Target) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    segment = libc.shmget(_IPC_PRIVATE, 4096, 0o600)
    if segment == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    libc.shmctl(segment, _IPC_REMOVE, None)


@_attempt("keep memory in a nameless file", Level.SECCOMP)
def _make_memory_file(target: Target) -> None:
    os.close(os.memfd_create("probe"))


@_attempt("reach the keyring", Level.SECCOMP)
def _reach_keyring(target: Target) -> None:
    process_keyring = -2
    kernel.call("add_key", b"user", b"probe", b"x", 1, process_keyring)


# Privileges


@_attempt("hold a privilege", Level.RLIMITS)
def _hold_privilege(target: Target) -> None:
    _expect(os.getuid() == 0 or kernel.effective_capabilities() != 0, "none held")


@_attempt("mount a file system", Level.RLIMITS)
def _mount(target: Target) -> None:
    kernel.mount("tmpfs", str(Path.cwd()), "tmpfs", 0)
    kernel.call("umount2", os.fsencode(Path.cwd()), 0)


@_attempt("make a user namespace", Level.SECCOMP)
def _make_user_namespace(target: Target) -> None:
    child = os.fork()
    if child == 0:
        try:
            kernel.call("unshare", _NEW_USER_NAMESPACE)
        except OSError as error:
            os._exit(error.errno or errno.EPERM)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code:
        raise OSError(code, os.strerror(code))


@_attempt("use an inherited descriptor", Level.RLIMITS)
def _use_descriptor(target: Target) -> None:
    os.fstat(target.descriptor)


@_attempt("read the inherited environment", Level.RLIMITS)
def _read_environment(target: Target) -> None:
    block = Path("/proc/self/environ").read_bytes().strip(b"\0")
    _expect(bool(block), "wiped")


# Bounds, those that may leave something behind last


@_attempt("open too many files", Level.RLIMITS)
def _open_many(target: Target) -> None:
    with contextlib.ExitStack() as opened:
        for _ in range(target.policy.open_files + 1):
            opened.enter_context(open("/dev/null"))


@_attempt("write a file that is too large", Level.RLIMITS)
def _write_large(target: Target) -> None:
    with tempfile.TemporaryFile(dir=Path.cwd()) as large:
        large.truncate((target.policy.file_mb + 1) * _MB)


@_attempt("fork without end", Level.RLIMITS)
def _fork_many(target: Target) -> None:
    # Far beyond the limit: outside a user namespace it moves with the user's other processes.
    held, holder = os.pipe()
    started: list[int] = []
    try:
        for _ in range(8 * target.policy.processes):
            child = os.fork()
            if child == 0:
                os.close(holder)
                os.read(held, 1)  # until the parent lets go
                os._exit(0)
            started.append(child)
    finally:
        os.close(holder)
        for child in started:
            os.waitpid(child, 0)
        os.close(held)


@_attempt("fill the scratch space", Level.NAMESPACES)
def _fill_scratch(target: Target) -> None:
    block = bytes(_MB)
    with contextlib.ExitStack() as opened:
        for _ in range(target.policy.scratch_mb + 1):
            file = opened.enter_context(tempfile.TemporaryFile(dir=Path.cwd()))
            file.write(block)
            file.flush()


@_attempt("use up the inodes", Level.NAMESPACES)
def _fill_inodes(target: Target) -> None:
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        for index in range(target.policy.scratch_files + 1):
            Path(folder, str(index)).touch()
