"""The base of every level: limits, clean environment, no inherited descriptor, no privilege."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from grader.engine.sandbox import kernel
from grader.engine.sandbox.policy import Policy, SandboxError

_MB: Final = 2**20
_RLIMIT_MSGQUEUE: Final = 12
_SCHEDULING_LIMITS: Final = (resource.RLIMIT_NICE, resource.RLIMIT_RTPRIO)

# User ids that no account uses and no container range covers: one per candidate when root
# starts them, so that they share neither files, nor signals, nor the count of processes.
_FIRST_FREE_ID: Final = 1_900_000_000
_NOBODY: Final = 65534


def minimal_environment(home: str, temporary: str, extra: Mapping[str, str]) -> dict[str, str]:
    """The environment of a candidate: without the grader's own, which may hold tokens."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": home,
        "TMPDIR": temporary,
        "USER": "student",
        "LOGNAME": "student",
        "LANG": "C.UTF-8",
        "TZ": "UTC",
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": f"{temporary}/matplotlib",
        "OMP_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        **extra,
    }


def replace_environment(environment: Mapping[str, str]) -> None:
    """Replace the environment, and wipe the block that the kernel keeps from the last exec.

    `/proc/self/environ` shows that block whatever happens to ``os.environ``. Copies that Python
    made may survive in freed memory: a process that forks candidates should itself have been
    started with `minimal_environment`.
    """
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None  # computed once from the former TMPDIR
    fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()
    start, end = int(fields[47]), int(fields[48])
    if 0 < start < end:
        ctypes.memset(start, 0, end - start)


def close_descriptors(keep: Iterable[int]) -> None:
    """Close all but `keep`; 0, 1 and 2 become /dev/null, so that no file can take their place."""
    kept = set(keep) | {0, 1, 2}
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    for standard in {0, 1, 2}.difference(keep):
        os.dup2(null, standard)
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        if descriptor not in kept:
            with contextlib.suppress(OSError):  # the listing's own, closed since
                os.close(descriptor)


def set_limits(policy: Policy, processes: int) -> None:
    """Set the resource limits of this process, which its children inherit.

    No limit on address space: CUDA and torch reserve far more than they use. `Watch` keeps memory.
    """
    wanted = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_NOFILE: policy.open_files,
        resource.RLIMIT_FSIZE: policy.file_mb * _MB,
        resource.RLIMIT_NPROC: processes,
        resource.RLIMIT_CPU: policy.cpu_seconds,
        resource.RLIMIT_MEMLOCK: _MB,
        _RLIMIT_MSGQUEUE: 0,
        **dict.fromkeys(_SCHEDULING_LIMITS, 0),
    }
    for limit, value in wanted.items():
        _, hard = resource.getrlimit(limit)
        least = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(limit, (least, least))


def yield_to_others() -> None:
    """Have the kernel end this process first when the machine runs out of memory."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000")


def running_threads(user: int) -> int:
    """Threads of a user on this machine, as RLIMIT_NPROC counts them outside a user namespace."""
    total = 0
    for process in Path("/proc").iterdir():
        if process.name.isdecimal():
            with contextlib.suppress(OSError):
                if process.stat().st_uid == user:
                    total += len(os.listdir(process / "task"))
    return total


def unprivileged_ids() -> tuple[int, int]:
    """User and group to run as: our own, or, as root, ids that no account has."""
    if os.geteuid() != 0:
        return os.geteuid(), os.getegid()
    free = _FIRST_FREE_ID + os.getpid()
    mapped = all(_is_mapped(free, Path(f"/proc/self/{kind}_map")) for kind in ("uid", "gid"))
    return (free, free) if mapped else (_NOBODY, _NOBODY)


def _is_mapped(identifier: int, table: Path) -> bool:
    ranges = (tuple(map(int, line.split())) for line in table.read_text().splitlines())
    return any(inside <= identifier < inside + length for inside, _, length in ranges)


def become(user: int, group: int) -> None:
    """Change user for good, leaving every other group."""
    if os.geteuid() != 0:
        return
    os.setgroups([])
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)


def drop_privileges(user: int, group: int) -> None:
    """Give up root, every capability and the way back to any of them."""
    with contextlib.suppress(OSError):  # a kernel without keyrings has none to leave
        kernel.call("keyctl", 1, None)  # a new session keyring, instead of the grader's
    with contextlib.suppress(OSError):  # past the last one, or an ordinary user, who has none
        for capability in range(64):
            kernel.prctl(kernel.CAPBSET_DROP, capability)
    become(user, group)
    kernel.prctl(kernel.CAP_AMBIENT, kernel.CAP_AMBIENT_CLEAR_ALL)
    kernel.clear_capabilities()
    kernel.prctl(kernel.NO_NEW_PRIVS, 1)


def check_readable(paths: Iterable[Path]) -> None:
    """Raise a `SandboxError` when this user cannot read what the interpreter will need."""
    for path in paths:
        if not os.access(path, os.R_OK):
            raise SandboxError(
                f"user {os.getuid()} cannot read {path}: install Python and the packages where"
                " every user can read them, or run the grader as an ordinary user"
            )
