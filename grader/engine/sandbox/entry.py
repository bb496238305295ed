"""Entering the sandbox, in a process that was just forked and keeps its preloaded interpreter."""

from __future__ import annotations

import functools
import os
import shutil
import signal
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from grader.engine.sandbox import kernel, landlock, limits, namespaces, processes, seccomp
from grader.engine.sandbox.layers import Layer, layers_at
from grader.engine.sandbox.policy import Level, Policy, SandboxError

# What torch, numpy and psutil look at where the real /proc is in sight.
_MACHINE_FACTS: Final = ("/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/sys/devices/system/cpu")
_SUCCESS: Final = b"entered"


@dataclass(frozen=True)
class Survey:
    """The layers that this user lacks on this machine, each with its reason in words."""

    missing: tuple[tuple[Level, str], ...]

    @property
    def level(self) -> Level:
        """The strongest level that can be reached."""
        absent = {level for level, _ in self.missing}
        if Level.SECCOMP in absent:
            return Level.RLIMITS
        if Level.NAMESPACES not in absent:
            return Level.NAMESPACES
        return Level.SECCOMP if Level.LANDLOCK in absent else Level.LANDLOCK


def survey() -> Survey:
    """Find out which layers can be entered here; the answer is kept for this process."""
    return _survey(os.geteuid(), kernel.effective_capabilities())


@functools.cache
def _survey(user: int, capabilities: int) -> Survey:
    found = (
        (Level.SECCOMP, seccomp.absence()),
        (Level.LANDLOCK, landlock.absence()),
        (Level.NAMESPACES, _try_namespaces()),
    )
    return Survey(tuple((level, reason) for level, reason in found if reason))


def _try_namespaces() -> str | None:
    """Make the namespaces and an empty private root in a child; the reason when that fails."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _unshare()
            in_there = os.fork()
            if in_there == 0:
                namespaces.enter_private_root(Policy(readable=()))
                os.write(writing, _SUCCESS)
            else:
                os.waitpid(in_there, 0)
        except OSError as error:
            os.write(writing, namespaces.absence(error).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as stream:
        answer = stream.read()
    os.waitpid(child, 0)
    if answer == _SUCCESS:
        return None
    return answer.decode() or "namespaces: the trial ended without an answer"


def _unshare() -> None:
    administrator = kernel.effective_capabilities() >> kernel.CAP_SYS_ADMIN & 1
    if not administrator:
        limits.become(*limits.unprivileged_ids())
    kernel.prctl(kernel.DUMPABLE, 1)  # else /proc/self/uid_map would belong to root
    namespaces.unshare(in_user_namespace=not administrator)


def prepare(policy: Policy) -> Level:
    """Prepare a policy, once, in the process that will fork candidates.

    Returns the level that they will reach; raises `SandboxError` where `enter` would.
    """
    namespaces.layout(policy.readable)
    return _level_for(policy)


def _level_for(policy: Policy) -> Level:
    if not Path(f"/proc/self/task/{os.getpid()}/children").exists():
        raise SandboxError("kernel without CONFIG_PROC_CHILDREN: no process tree can be followed")
    here = survey()
    reached = max(Level.RLIMITS, min(policy.ceiling, here.level))
    if reached < policy.required:
        reasons = "; ".join(reason for _, reason in here.missing) or "the ceiling forbids it"
        raise SandboxError(
            f"isolation {policy.required.name} is required, {reached.name} is what can be"
            f" reached here: {reasons}"
        )
    return reached


def shield() -> None:
    """Close this process's memory, environment and descriptors to others of the same user.

    For the processes that hold secrets: below LANDLOCK, /proc would open them to a candidate.
    """
    kernel.prctl(kernel.DUMPABLE, 0)


def end_with_parent(parent: int) -> None:
    """Have this process, just forked by `parent`, killed when that one ends, whatever it does."""
    kernel.prctl(kernel.PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


def enter(policy: Policy) -> Level:
    """Put this process, just forked and with a single thread, into the sandbox.

    Forks once more: returns, without exec, in the grandchild only, and gives the level reached.
    The process that called stays behind as its supervisor: it has the id that the grader's fork
    returned, ends with the candidate's exit status, and when it or the grader dies so does the
    whole tree. Raises `SandboxError` below the required level or when a step fails; the caller
    must then end without running anything untrusted.
    """
    level = _level_for(policy)
    try:
        _enter(policy, level)
    except OSError as error:
        raise SandboxError(f"could not enter the sandbox: {error}") from error
    return level


def _enter(policy: Policy, level: Level) -> None:
    layers = layers_at(level)
    private = Layer.NAMESPACES in layers
    parent = os.getppid()
    os.umask(0o022)
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    unblocked = signal.pthread_sigmask(signal.SIG_BLOCK, processes.SUPERVISED)
    kernel.prctl(kernel.SUBREAPER, 1)
    user, group = limits.unprivileged_ids()
    if private:
        _unshare()
    kernel.prctl(kernel.PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        raise SandboxError("the grader ended while a candidate was being started")
    scratch = None if private else _make_scratch(policy.scratch_root, user, group)
    candidate = os.fork()
    if candidate:
        processes.supervise(candidate, scratch)

    os.setsid()
    signal.pthread_sigmask(signal.SIG_SETMASK, unblocked)
    # What needs the real /proc comes before the private root.
    limits.close_descriptors(policy.keep_fds)
    limits.yield_to_others()
    home, temporary = (namespaces.HOME, "/tmp") if scratch is None else (str(scratch),) * 2
    limits.replace_environment(
        limits.minimal_environment(home, temporary, dict(policy.environment))
    )
    allowed = policy.processes
    if private:
        namespaces.enter_private_root(policy)
    elif user == os.geteuid():
        allowed += limits.running_threads(user)
    os.chdir(home)
    limits.set_limits(policy, allowed)
    limits.drop_privileges(user, group)
    kernel.prctl(kernel.DUMPABLE, Layer.SHIELD not in layers)
    kernel.prctl(kernel.PDEATHSIG, signal.SIGKILL)
    limits.check_readable(policy.readable)
    if Layer.LANDLOCK in layers:
        _restrict_files(policy, scratch, layers)
    if Layer.SECCOMP in layers:
        signals_to = os.getpid() if Layer.SECCOMP_SIGNALS in layers else None
        seccomp.restrict(seccomp.program(Layer.SECCOMP_METADATA not in layers, signals_to))


def _make_scratch(root: Path, user: int, group: int) -> Path:
    """A folder on disk, where there is no private tmpfs; the supervisor removes it."""
    scratch = Path(tempfile.mkdtemp(prefix=processes.scratch_prefix(os.getpid()), dir=root))
    if user != os.geteuid():
        shutil.chown(scratch, user, group)
    return scratch


def _restrict_files(policy: Policy, scratch: Path | None, layers: frozenset[Layer]) -> None:
    devices = [Path("/dev") / name for name in namespaces.DEVICES]
    if scratch is None:
        read, write = [Path("/")], [Path("/tmp"), Path("/dev/shm"), Path(namespaces.HOME)]
    else:
        facts = [Path(fact) for fact in (f"/proc/{os.getpid()}", *_MACHINE_FACTS)]
        read, write = [*policy.readable, *filter(Path.exists, facts)], [scratch]
    tcp, scopes = Layer.LANDLOCK_TCP in layers, Layer.LANDLOCK_SCOPES in layers
    landlock.restrict(read, write, devices, tcp=tcp, scopes=scopes)
