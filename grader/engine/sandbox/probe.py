"""Trying to escape, for real: what `grader doctor` reports and the tests hold the levels to.

Every attempt is harmless: it aims at a canary made for it, at the process that asked, or at what
the policy bounds. It returns when it succeeded and raises when it was stopped.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import resource
import secrets
import signal
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from grader.engine.sandbox import kernel, processes
from grader.engine.sandbox.entry import enter, prepare, survey
from grader.engine.sandbox.policy import Level, Policy, SandboxError, interpreter_paths
from grader.engine.sandbox.watch import Excess, Watch

_MB: Final = 2**20
_PATIENCE: Final = 60.0

_PTRACE_SEIZE: Final = 0x4206
_NEW_USER_NAMESPACE: Final = 0x10000000
_IPC_PRIVATE, _IPC_REMOVE = 0, 0


class NotEscaped(Exception):
    """The attempt met nothing that stopped it, and got nothing either."""


@dataclass(frozen=True)
class Target:
    """What the attempts aim at, made by the process that asks."""

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


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended. `due`: the level entered promises to stop it."""

    name: str
    what: str
    blocked: bool
    due: bool
    detail: str


@dataclass(frozen=True)
class Report:
    """What was found: `level` is what the attempts confirm, whatever was entered."""

    level: Level
    entered: Level
    outcomes: tuple[Outcome, ...]
    missing: tuple[str, ...]

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """Attempts that should have been stopped and were not."""
        return tuple(outcome for outcome in self.outcomes if outcome.due and not outcome.blocked)


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


def small_policy(ceiling: Level = Level.NAMESPACES) -> Policy:
    """Bounds that are quickly reached, for trying them."""
    return Policy(
        readable=(*interpreter_paths(), Path(__file__).parents[2]),
        scratch_mb=16,
        scratch_files=512,
        memory_mb=512,
        processes=16,
        open_files=64,
        file_mb=8,
        cpu_seconds=60,
        required=Level.RLIMITS,
        ceiling=ceiling,
    )


def probe(ceiling: Level = Level.NAMESPACES) -> Report:
    """Enter the sandbox in a child, try every way out, and report; takes about a second.

    Leaves nothing behind. Must be called in a process with a single thread.
    """
    policy = small_policy(ceiling)
    entered = prepare(policy)
    with targets(policy) as target:
        answers = run_inside(target, lambda: list(_try_all(target)))
    outcomes = [_outcome(attempt, answers, entered) for attempt in ATTEMPTS]
    outcomes.append(_exhaust_memory(policy, entered))
    open_below = [
        attempt.closed_from
        for attempt, outcome in zip(ATTEMPTS, outcomes, strict=False)
        if outcome.due and not outcome.blocked
    ]
    if not outcomes[-1].blocked:
        open_below.append(Level.RLIMITS)
    confirmed = min([entered, *(Level(level - 1) for level in open_below)])
    reasons = tuple(reason for _, reason in survey().missing)
    return Report(confirmed, entered, tuple(outcomes), reasons)


def _outcome(attempt: Attempt, answers: dict[str, str | None], entered: Level) -> Outcome:
    """An attempt without an answer counts as not blocked: nothing shows that it was."""
    refusal = answers.get(attempt.name)
    detail = refusal or ("succeeded" if attempt.name in answers else "no answer")
    due = entered >= attempt.closed_from
    return Outcome(attempt.name, attempt.what, refusal is not None, due, detail)


def try_one(attempt: Attempt, target: Target) -> str | None:
    """None when the attempt succeeded, else what stopped it."""
    try:
        attempt.run(target)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def _try_all(target: Target) -> Iterator[tuple[str, str | None]]:
    for attempt in ATTEMPTS:
        yield attempt.name, try_one(attempt, target)


def run_inside(
    target: Target, task: Callable[[], list[tuple[str, str | None]]]
) -> dict[str, str | None]:
    """Run a task in the sandbox and bring its (name, answer) pairs back; none if it dies.

    Raises `SandboxError` when the sandbox cannot be entered.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            enter(replace(target.policy, keep_fds=(writing,)))
            os.write(writing, json.dumps(task()).encode())
        except SandboxError as error:
            os.write(writing, json.dumps(str(error)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as stream:
        answer = json.loads(stream.read() or "[]")
    processes.kill_tree(child)
    os.waitpid(child, 0)
    if isinstance(answer, str):
        raise SandboxError(answer)
    return dict(answer)


def _exhaust_memory(policy: Policy, entered: Level) -> Outcome:
    what = "use more memory than allowed"
    child = os.fork()
    if child == 0:
        try:
            enter(policy)
            for _ in range(4 * policy.memory_mb // 16):
                _HOARD.append(b"x" * (16 * _MB))
        except (MemoryError, SandboxError):
            os._exit(1)
        os._exit(0)
    with Watch(child, policy, entered) as watch:
        watch.allow(_PATIENCE)
        _, status = os.waitpid(child, 0)
    blocked = watch.excess is Excess.MEMORY
    detail = f"ended by the watch above {policy.memory_mb} MB" if blocked else f"status {status}"
    return Outcome("exhaust_memory", what, blocked, True, detail)


_HOARD: list[bytes] = []


@contextlib.contextmanager
def targets(policy: Policy) -> Iterator[Target]:
    """Make what the attempts aim at, open to every user so that only the sandbox protects it."""
    secret, name = secrets.token_hex(), f"grader-probe-{secrets.token_hex(8)}"
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="grader-probe-")))
        canary, writable = folder / "canary", folder / "writable"
        canary.write_text(secret)
        writable.write_text("x")
        folder.chmod(0o777)
        writable.chmod(0o666)
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        unix = stack.enter_context(socket.socket(socket.AF_UNIX))
        unix.bind(f"\0{name}")
        unix.listen()
        datagrams = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        datagrams.bind(f"\0{name}-datagrams")
        handle = stack.enter_context(canary.open())
        yield Target(
            secret=secret,
            folder=folder,
            canary=canary,
            parent=os.getpid(),
            port=listener.getsockname()[1],
            abstract=f"\0{name}",
            descriptor=handle.fileno(),
            policy=policy,
        )
