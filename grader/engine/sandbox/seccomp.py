"""A seccomp filter, assembled by hand: calls that no candidate needs fail with EPERM.

A deny list, because the list of calls that torch, numpy and Python may make changes with each of
their versions, and a forgotten one would cost an honest student the points. The kernel surface
that such lists are about (mounts, namespaces, BPF, keys, io_uring, other processes) is denied; so
are new programs and every socket but a connected pair of streams.
"""

from __future__ import annotations

import ctypes
import errno
import functools
import struct
from collections.abc import Iterable
from typing import Final

from grader.engine.sandbox import kernel

_DENIED: Final = (
    # the file tree and namespaces
    *("mount", "umount2", "pivot_root", "chroot", "setns", "unshare", "mount_setattr"),
    *("open_tree", "open_tree_attr", "move_mount", "fsopen", "fsconfig", "fsmount", "fspick"),
    *("name_to_handle_at", "open_by_handle_at", "fanotify_init", "mknod", "mknodat"),
    *("statmount", "listmount"),
    # other processes
    *("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "process_mrelease"),
    *("pidfd_open", "pidfd_getfd", "pidfd_send_signal", "kcmp", "migrate_pages", "move_pages"),
    *("setpriority", "sched_setscheduler", "sched_setparam", "sched_setattr", "ioprio_set"),
    # new programs
    *("execve", "execveat"),
    # kernel features that are mostly known for their holes
    *("bpf", "perf_event_open", "userfaultfd", "add_key", "request_key", "keyctl"),
    *("io_uring_setup", "io_uring_enter", "io_uring_register", "modify_ldt"),
    # memory and messages that belong to no process, which a watch on processes cannot see
    *("memfd_create", "memfd_secret", "shmget", "semget", "msgget", "mq_open"),
    # sockets, beyond the pair
    *("socket", "connect", "bind", "listen", "accept", "accept4"),
    # what tells of files that others use, of which a user has few
    *("inotify_init", "inotify_init1"),
    # the machine
    *("init_module", "finit_module", "delete_module", "kexec_load", "kexec_file_load"),
    *("reboot", "swapon", "swapoff", "syslog", "acct", "quotactl", "quotactl_fd", "vhangup"),
    *("settimeofday", "clock_settime", "clock_adjtime", "adjtimex", "iopl", "ioperm"),
    *("sethostname", "setdomainname"),
)

# Landlock lets a process change the mode, owner, times and attributes of any file of its user:
# where the file tree is not private, these are denied too (and shutil.copy with them).
_METADATA: Final = (
    *("chmod", "fchmod", "fchmodat", "fchmodat2", "chown", "lchown", "fchown", "fchownat"),
    *("utime", "utimes", "utimensat", "futimesat", "truncate", "file_setattr"),
    *("setxattr", "lsetxattr", "fsetxattr", "setxattrat"),
    *("removexattr", "lremovexattr", "fremovexattr", "removexattrat"),
)

_SIGNALS: Final = ("kill", "tgkill", "tkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo")

# (call, argument, values that are denied): terminals that take typed input, signals sent
# through a descriptor's owner, leases on files, for which whoever opens them has to wait, the
# telling of what others do in a folder, and the link that makes a candidate die with its parent.
_DENIED_VALUES: Final = (
    ("ioctl", 1, (0x5412, 0x541C, 0x8901, 0x8902)),  # TIOCSTI TIOCLINUX FIOSETOWN SIOCSPGRP
    ("fcntl", 1, (8, 10, 15, 1024, 1026)),  # F_SETOWN F_SETSIG F_SETOWN_EX F_SETLEASE F_NOTIFY
    ("prctl", 0, (kernel.PDEATHSIG,)),
)

_NEW_NAMESPACES: Final = 0x7E020000  # every CLONE_NEW* that clone(2) takes
_STREAM_PAIR: Final = 1  # a datagram socket, even of a pair, can write to any address

_AUDIT_ARCHITECTURE: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32_BIT: Final = 0x40000000

# struct seccomp_data: number, architecture, instruction pointer, six 64-bit arguments
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16

_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _AND, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x54, 0x06
_ALLOW: Final = 0x7FFF0000
_KILL: Final = 0x80000000
_DENY: Final = 0x00050000 | errno.EPERM
_ABSENT: Final = 0x00050000 | errno.ENOSYS

_SET_MODE_FILTER: Final = 1


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("filter", ctypes.c_char_p))


def _instruction(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("HBBI", code, if_true, if_false, value)


def _return(action: int) -> bytes:
    return _instruction(_RETURN, action)


def _argument(index: int) -> bytes:
    """Load the low half of an argument: the kernel reads each of those below as an int."""
    return _instruction(_LOAD, _ARGUMENTS_AT + 8 * index)


def _on_call(name: str, *body: bytes) -> bytes:
    """Run `body`, which must return, when the call has this name; else go on behind it."""
    known = kernel.number(name)
    if known is None:
        return b""
    return _instruction(_EQUAL, known, 0, len(body)) + b"".join(body)


def _deny_values(name: str, index: int, values: Iterable[int]) -> bytes:
    tests = [part for v in values for part in (_instruction(_EQUAL, v, 0, 1), _return(_DENY))]
    return _on_call(name, _argument(index), *tests, _return(_ALLOW))


def _allow_values(name: str, index: int, values: Iterable[int], mask: int = 0xFFFFFFFF) -> bytes:
    tests = [part for v in values for part in (_instruction(_EQUAL, v, 0, 1), _return(_ALLOW))]
    load = (_argument(index), _instruction(_AND, mask))
    return _on_call(name, *load, *tests, _return(_DENY))


@functools.lru_cache(maxsize=8)
def program(private_files: bool, signals_to: int | None) -> bytes:
    """The filter as BPF code.

    `private_files`: the file tree is private, so that changing modes and owners harms nobody.
    `signals_to`: the only process that may be signalled (its own id), None for any in sight.
    """
    machine = kernel.machine()
    denied = _DENIED if private_files else _DENIED + _METADATA
    parts = [
        _instruction(_LOAD, _ARCHITECTURE_AT),
        _instruction(_EQUAL, _AUDIT_ARCHITECTURE[machine], 1, 0),
        _return(_KILL),
        _instruction(_LOAD, _NUMBER_AT),
    ]
    if machine == "x86_64":
        parts += [_instruction(_AT_LEAST, _X32_BIT, 0, 1), _return(_KILL)]
    parts += [_on_call(name, _return(_DENY)) for name in denied]
    # The flags of clone3 lie in memory, out of a filter's sight: glibc then falls back on clone.
    parts.append(_on_call("clone3", _return(_ABSENT)))
    new_namespace = _instruction(_ANY_BIT, _NEW_NAMESPACES, 0, 1)
    parts.append(_on_call("clone", _argument(0), new_namespace, _return(_DENY), _return(_ALLOW)))
    parts.append(_allow_values("socketpair", 1, (_STREAM_PAIR,), mask=0xF))
    parts += [_deny_values(name, index, values) for name, index, values in _DENIED_VALUES]
    parts += [_allow_values(name, 0, (0,)) for name in ("prlimit64", "sched_setaffinity")]
    if signals_to is not None:
        parts += [_allow_values(name, 0, (signals_to,)) for name in _SIGNALS]
    parts.append(_return(_ALLOW))
    return b"".join(parts)


def restrict(code: bytes) -> None:
    """Install the filter on this thread and all that it starts; no_new_privs must be set."""
    kernel.call("seccomp", _SET_MODE_FILTER, 0, _Program(len(code) // 8, code))


def absence() -> str | None:
    """The reason why no filter can be installed here; None when one can."""
    if kernel.machine() not in _AUDIT_ARCHITECTURE:
        return f"seccomp: no filter was written for {kernel.machine()}"
    get_action_available, kill_process = 2, ctypes.c_uint32(_KILL)
    try:
        kernel.call("seccomp", get_action_available, 0, bytes(kill_process))
    except OSError as error:
        return f"seccomp: the kernel refuses filters ({error.strerror})"
    return None
