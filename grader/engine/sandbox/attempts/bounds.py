"""Ways to privileges, to what was inherited, and beyond the bounds of a policy."""

from __future__ import annotations

import contextlib
import os
import tempfile
import time
from errno import EACCES, EAGAIN, EBADF, EFBIG, EMFILE, ENOSPC, EPERM
from pathlib import Path
from typing import Final

from grader.engine.sandbox import kernel
from grader.engine.sandbox.attempts.attempt import (
    NOTHING,
    VARIABLE,
    Attempt,
    Target,
    expect,
    register,
)
from grader.engine.sandbox.layers import Layer
from grader.engine.sandbox.policy import Level
from grader.engine.sandbox.watch import Excess

WAYS: Final[list[Attempt]] = []
_attempt = register(WAYS)

_MB: Final = 2**20
_NEW_USER_NAMESPACE: Final = 0x10000000


@_attempt("stay root", Level.RLIMITS, {Layer.USER: NOTHING})
def _stay_root(target: Target) -> None:
    expect(os.getuid() == 0, "another user")


@_attempt("hold a privilege", Level.RLIMITS, {Layer.USER: NOTHING, Layer.PRIVILEGES: NOTHING})
def _hold_privilege(target: Target) -> None:
    expect(kernel.effective_capabilities() != 0, "none held")


@_attempt(
    "mount a file system",
    Level.RLIMITS,
    {
        Layer.SECCOMP: EPERM,
        Layer.LANDLOCK: EPERM,
        Layer.USER: EPERM,
        Layer.PRIVILEGES: EPERM,
    },
)
def _mount(target: Target) -> None:
    kernel.mount("tmpfs", str(Path.cwd()), "tmpfs", 0)
    kernel.call("umount2", os.fsencode(Path.cwd()), 0)


@_attempt("make a user namespace", Level.SECCOMP, {Layer.SECCOMP: EPERM})
def _make_user_namespace(target: Target) -> None:
    child = os.fork()
    if child == 0:
        try:
            kernel.call("unshare", _NEW_USER_NAMESPACE)
        except OSError as error:
            os._exit(error.errno or EPERM)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code:
        raise OSError(code, os.strerror(code))


@_attempt("use an inherited descriptor", Level.RLIMITS, {Layer.DESCRIPTORS: EBADF})
def _use_descriptor(target: Target) -> None:
    content = os.pread(target.descriptor, len(target.secret), 0)
    expect(content.decode() == target.secret, "other contents")


@_attempt("read an inherited variable", Level.RLIMITS, {Layer.ENVIRONMENT: NOTHING})
def _read_variable(target: Target) -> None:
    expect(os.environ.get(VARIABLE) == target.secret, "unset")


@_attempt(
    "read the inherited environment",
    Level.RLIMITS,
    {Layer.ENVIRONMENT: NOTHING, Layer.SHIELD: EACCES},
)
def _read_environment(target: Target) -> None:
    block = Path("/proc/self/environ").read_bytes().strip(b"\0")
    expect(bool(block), "wiped")


# Bounds, those that may leave something behind last


@_attempt("open too many files", Level.RLIMITS, {Layer.LIMITS: EMFILE})
def _open_many(target: Target) -> None:
    with contextlib.ExitStack() as opened:
        for _ in range(target.policy.open_files + 1):
            opened.enter_context(open("/dev/null"))


@_attempt("write a file that is too large", Level.RLIMITS, {Layer.LIMITS: EFBIG})
def _write_large(target: Target) -> None:
    with tempfile.TemporaryFile(dir=Path.cwd()) as large:
        large.truncate((target.policy.file_mb + 1) * _MB)


@_attempt("fill the scratch space with deleted files", Level.NAMESPACES, {Layer.NAMESPACES: ENOSPC})
def _fill_with_deleted(target: Target) -> None:
    block = bytes(_MB)
    with contextlib.ExitStack() as opened:
        for _ in range(target.policy.scratch_mb + 1):
            file = opened.enter_context(tempfile.TemporaryFile(dir=Path.cwd()))
            file.write(block)
            file.flush()


_SCRATCH_IS_FULL: Final = {Layer.NAMESPACES: ENOSPC, Layer.WATCH_SCRATCH: Excess.SCRATCH}


@_attempt("fill the scratch space", Level.RLIMITS, _SCRATCH_IS_FULL, watched=True)
def _fill_scratch(target: Target) -> None:
    block = bytes(_MB)
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        for index in range(target.policy.scratch_mb + 1):
            Path(folder, str(index)).write_bytes(block)
        time.sleep(target.linger)


@_attempt("use up the inodes", Level.RLIMITS, _SCRATCH_IS_FULL, watched=True)
def _fill_inodes(target: Target) -> None:
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        for index in range(target.policy.scratch_files + 1):
            Path(folder, str(index)).touch()
        time.sleep(target.linger)


@_attempt(
    "fork without end",
    Level.RLIMITS,
    {Layer.LIMITS: EAGAIN, Layer.WATCH: (Excess.PROCESSES, Excess.MEMORY)},
    watched=True,
)
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
        time.sleep(target.linger)
    finally:
        os.close(holder)
        for child in started:
            os.waitpid(child, 0)
        os.close(held)


@_attempt("use more memory than allowed", Level.RLIMITS, {Layer.WATCH: Excess.MEMORY}, watched=True)
def _exhaust_memory(target: Target) -> None:
    # Written to, in small pieces: memory that was only asked for is not used.
    held = [b"x" * (16 * _MB) for _ in range(target.policy.memory_mb // 16 + 1)]
    time.sleep(target.linger)
    expect(len(held) > 0, "nothing held")
