"""Landlock: which files may be opened, no TCP, no abstract socket or signal to the outside.

Called through its three system calls; what the running kernel does not know yet is left out.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import functools
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from grader.engine.sandbox import kernel

# Below ABI 3 a file that may be read can still be truncated: too weak to be called a level.
MINIMUM_ABI: Final = 3
TCP_ABI: Final = 4
SCOPES_ABI: Final = 6

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE, _IOCTL_DEVICE = 1 << 14, 1 << 15
_ALL_OF_ABI_3: Final = (1 << 15) - 1

_READ: Final = _EXECUTE | _READ_FILE | _READ_DIR
_SCRATCH: Final = _ALL_OF_ABI_3 & ~(1 << 6 | 1 << 11)  # all but character and block devices
_OF_A_FILE: Final = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEVICE

_NETWORK: Final = 0b11  # TCP bind and connect
_SCOPES: Final = 0b11  # abstract sockets, signals

_GET_VERSION: Final = 1
_RULE_PATH_BENEATH: Final = 1


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scope", ctypes.c_uint64),
    )


class _PathBeneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("access", ctypes.c_uint64), ("parent", ctypes.c_int32))


@functools.cache
def abi() -> int:
    """The version that this kernel speaks, 0 when it has none."""
    try:
        return kernel.call("landlock_create_ruleset", None, 0, _GET_VERSION)
    except OSError:
        return 0


def absence() -> str | None:
    """The reason why the level cannot be reached here; None when it can."""
    try:
        version = kernel.call("landlock_create_ruleset", None, 0, _GET_VERSION)
    except OSError as error:
        if error.errno == errno.EOPNOTSUPP:
            return "Landlock: disabled at boot; add landlock to the kernel parameter lsm="
        release = os.uname().release
        return f"Landlock: not in kernel {release} (5.13 or newer, CONFIG_SECURITY_LANDLOCK)"
    if version < MINIMUM_ABI:
        return (
            f"Landlock: ABI {version} cannot forbid truncation; kernel 6.2 (ABI 3) or newer needed"
        )
    return None


def restrict(
    read: Iterable[Path],
    write: Iterable[Path],
    devices: Iterable[Path],
    *,
    tcp: bool,
    scopes: bool,
) -> None:
    """Forbid every file but these to this thread and all that it starts.

    Folders are given with what lies below them. no_new_privs must be set.

    Args:
        tcp: forbid TCP as well, which needs `TCP_ABI`.
        scopes: forbid abstract sockets and signals to the outside, which needs `SCOPES_ABI`.
    """
    files = _ALL_OF_ABI_3 | (_IOCTL_DEVICE if abi() >= 5 else 0)
    attributes = _Ruleset(files, _NETWORK if tcp else 0, _SCOPES if scopes else 0)
    size = 24 if scopes else 16 if tcp else 8  # an older kernel knows a shorter structure
    ruleset = kernel.call("landlock_create_ruleset", attributes, size, 0)
    try:
        _allow(ruleset, read, _READ)
        _allow(ruleset, write, _SCRATCH)
        _allow(ruleset, devices, _READ_FILE | _WRITE_FILE | _TRUNCATE)
        kernel.call("landlock_restrict_self", ruleset, 0)
    finally:
        os.close(ruleset)


def _allow(ruleset: int, paths: Iterable[Path], access: int) -> None:
    for path in paths:
        with _opened(path) as parent:
            granted = access if path.is_dir() else access & _OF_A_FILE
            rule = _PathBeneath(granted, parent)
            kernel.call("landlock_add_rule", ruleset, _RULE_PATH_BENEATH, rule, 0)


@contextlib.contextmanager
def _opened(path: Path):
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
