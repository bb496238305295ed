"""Ways to other processes, to the network, and to what processes share."""

from __future__ import annotations

import ctypes
import fcntl
import os
import resource
import signal
import socket
import subprocess
import tempfile
from errno import EACCES, ECONNREFUSED, ENETUNREACH, ENOENT, EPERM, ESRCH
from pathlib import Path
from typing import Final

from grader.engine.sandbox import kernel
from grader.engine.sandbox.attempts.attempt import Attempt, Target, expect, register
from grader.engine.sandbox.layers import Layer
from grader.engine.sandbox.policy import Level

WAYS: Final[list[Attempt]] = []
_attempt = register(WAYS)

_PTRACE_SEIZE: Final = 0x4206
_IPC_PRIVATE, _IPC_REMOVE = 0, 0

_NO_SUCH_ENTRY: Final = {Layer.NAMESPACES: ENOENT, Layer.LANDLOCK: EACCES, Layer.USER: EACCES}
_REFUSED: Final = {Layer.SECCOMP: EPERM}
_NO_SUCH_SOCKET: Final = {
    Layer.SECCOMP: EPERM,
    Layer.NAMESPACES: ECONNREFUSED,
    Layer.LANDLOCK_SCOPES: EPERM,
}


@_attempt("see the grader in /proc", Level.NAMESPACES, {Layer.NAMESPACES: ENOENT})
def _see_parent(target: Target) -> None:
    os.stat(f"/proc/{target.parent}")


@_attempt("read the grader's environment", Level.LANDLOCK, _NO_SUCH_ENTRY)
def _read_parent_environment(target: Target) -> None:
    Path(f"/proc/{target.parent}/environ").read_bytes()


@_attempt("open a descriptor of the grader", Level.LANDLOCK, _NO_SUCH_ENTRY)
def _open_parent_descriptor(target: Target) -> None:
    opened = Path(f"/proc/{target.parent}/fd/{target.descriptor}")
    expect(opened.read_text() == target.secret, "other contents")


@_attempt("open the grader's memory", Level.LANDLOCK, _NO_SUCH_ENTRY)
def _open_parent_memory(target: Target) -> None:
    os.close(os.open(f"/proc/{target.parent}/mem", os.O_RDONLY))


@_attempt(
    "trace the grader",
    Level.SECCOMP,
    {
        Layer.SECCOMP: EPERM,
        Layer.NAMESPACES: ESRCH,
        Layer.LANDLOCK: EPERM,
        Layer.USER: EPERM,
    },
)
def _trace_parent(target: Target) -> None:
    kernel.call("ptrace", _PTRACE_SEIZE, target.parent, 0, 0)


@_attempt(
    "signal the grader",
    Level.SECCOMP,
    {
        Layer.NAMESPACES: ESRCH,
        Layer.LANDLOCK_SCOPES: EPERM,
        Layer.SECCOMP_SIGNALS: EPERM,
        Layer.USER: EPERM,
    },
)
def _signal_parent(target: Target) -> None:
    os.kill(target.parent, signal.SIGURG)  # ignored unless asked for


@_attempt(
    "change the grader's limits",
    Level.SECCOMP,
    {Layer.SECCOMP: EPERM, Layer.NAMESPACES: ESRCH, Layer.USER: EPERM},
)
def _limit_parent(target: Target) -> None:
    limit = resource.RLIMIT_CORE
    resource.prlimit(target.parent, limit, resource.prlimit(target.parent, limit))


@_attempt("outlive the grader", Level.SECCOMP, _REFUSED)
def _clear_parent_death_signal(target: Target) -> None:
    kernel.prctl(kernel.PDEATHSIG, 0)


@_attempt("start a program", Level.SECCOMP, _REFUSED)
def _start_program(target: Target) -> None:
    quiet = subprocess.DEVNULL
    subprocess.run([target.program], check=False, stdout=quiet, stderr=quiet)


@_attempt(
    "connect to a TCP port of this machine",
    Level.SECCOMP,
    {Layer.SECCOMP: EPERM, Layer.NAMESPACES: ENETUNREACH, Layer.LANDLOCK_TCP: EACCES},
)
def _connect_tcp(target: Target) -> None:
    with socket.socket() as client:
        client.settimeout(5)
        client.connect(("127.0.0.1", target.port))


@_attempt("connect to an abstract socket", Level.SECCOMP, _NO_SUCH_SOCKET)
def _connect_abstract(target: Target) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(target.abstract)


@_attempt("send from one end of a pair to another address", Level.SECCOMP, _NO_SUCH_SOCKET)
def _send_datagram(target: Target) -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with ours, theirs:
        ours.sendto(b"out", target.abstract + "-datagrams")


@_attempt("keep memory in System V segments", Level.SECCOMP, _REFUSED)
def _make_segment(target: Target) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    segment = libc.shmget(_IPC_PRIVATE, 4096, 0o600)
    if segment == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    libc.shmctl(segment, _IPC_REMOVE, None)


@_attempt("keep memory in a nameless file", Level.SECCOMP, _REFUSED)
def _make_memory_file(target: Target) -> None:
    os.close(os.memfd_create("probe"))


@_attempt("reach the keyring", Level.SECCOMP, _REFUSED)
def _reach_keyring(target: Target) -> None:
    process_keyring = -2
    kernel.call("add_key", b"user", b"probe", b"x", 1, process_keyring)


@_attempt("make those wait who open a file", Level.SECCOMP, _REFUSED)
def _lease_file(target: Target) -> None:
    with tempfile.TemporaryFile(dir=Path.cwd()) as file:  # one of this user's, as packages may be
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)


@_attempt("watch what others open", Level.SECCOMP, _REFUSED)
def _watch_files(target: Target) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    watch = libc.inotify_init1(0)
    if watch == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    os.close(watch)
