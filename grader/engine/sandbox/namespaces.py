"""Namespaces: a process that sees no other process, no network and a file tree made for it.

As an ordinary user they are made inside a user namespace. As root none is needed: the private
tree is built with root's rights, which `limits.drop_privileges` then gives up.
"""

from __future__ import annotations

import errno
import functools
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from grader.engine.sandbox import kernel
from grader.engine.sandbox.policy import Policy, SandboxError

HOME: Final = "/home/student"
DEVICES: Final = ("null", "zero", "full", "random", "urandom")

_NEW_MOUNTS: Final = 0x00020000
_NEW_CGROUPS: Final = 0x02000000
_NEW_HOSTNAME: Final = 0x04000000
_NEW_IPC: Final = 0x08000000
_NEW_USERS: Final = 0x10000000
_NEW_PROCESSES: Final = 0x20000000
_NEW_NETWORK: Final = 0x40000000
# Not the mounts: a pivot_root also moves the other processes of its mount namespace, and the
# supervisor must keep the real /proc.
_OF_BOTH: Final = _NEW_CGROUPS | _NEW_HOSTNAME | _NEW_IPC | _NEW_PROCESSES | _NEW_NETWORK

_RDONLY, _NOSUID, _NODEV, _NOEXEC, _REMOUNT = 1, 2, 4, 8, 32
_BIND, _RECURSIVE, _PRIVATE = 1 << 12, 1 << 14, 1 << 18
_DETACH: Final = 2
_AT_FDCWD: Final = -100
_AT_RECURSIVE: Final = 0x8000

# The new root is mounted over this folder, in the private mount namespace only.
_STAGING: Final = "/tmp"


@dataclass(frozen=True)
class Layout:
    """The readable paths in the private root: real ones, and links to them."""

    real: tuple[Path, ...]
    links: tuple[tuple[Path, Path], ...]


@functools.lru_cache(maxsize=32)
def layout(readable: tuple[Path, ...]) -> Layout:
    """Resolve symbolic links and leave out what lies inside another path.

    A link inside a readable folder that leads out of all of them leads nowhere in the sandbox.
    """
    missing = [path for path in readable if not path.exists()]
    if missing:
        raise SandboxError(f"readable path not found: {missing[0]}")
    real: list[Path] = []
    for path in sorted({path.resolve() for path in readable}):
        if path == Path("/"):
            raise SandboxError("the whole file tree cannot be readable")
        if not any(path.is_relative_to(parent) for parent in real):
            real.append(path)
    links: list[tuple[Path, Path]] = []
    for path in sorted({Path(os.path.abspath(path)) for path in readable}):
        covered = [*real, *(link for link, _ in links)]
        if not any(path.is_relative_to(parent) for parent in covered):
            links.append((path, path.resolve()))
    return Layout(tuple(real), tuple(links))


def unshare(in_user_namespace: bool) -> None:
    """Leave the namespaces of the parent; the process table changes for the next child only."""
    if not in_user_namespace:
        kernel.call("unshare", _OF_BOTH)
        return
    user, group = os.geteuid(), os.getegid()
    kernel.call("unshare", _OF_BOTH | _NEW_USERS)
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
    Path("/proc/self/gid_map").write_text(f"{group} {group} 1")


def unshare_mounts() -> None:
    """Leave the mounts of the parent."""
    kernel.call("unshare", _NEW_MOUNTS)


def enter_private_root(policy: Policy) -> None:
    """Build the private root and make it the only one. In the first child after `unshare`."""
    tree = layout(policy.readable)
    unshare_mounts()
    kernel.mount(None, "/", None, _RECURSIVE | _PRIVATE)
    # Opened first: the staging folder may hide them.
    sources = {path: os.open(path, os.O_PATH | os.O_CLOEXEC) for path in tree.real}
    devices = {name: os.open(f"/dev/{name}", os.O_PATH | os.O_CLOEXEC) for name in DEVICES}
    size = f"size={policy.scratch_mb}m,nr_inodes={policy.scratch_files},mode=0755"
    kernel.mount("tmpfs", _STAGING, "tmpfs", _NOSUID | _NODEV, size)
    for folder in (HOME, "/tmp", "/dev/shm"):
        os.makedirs(_STAGING + folder)
        os.chmod(_STAGING + folder, 0o1777)
    for path, source in sources.items():
        _bind(source, _STAGING + str(path))
    for link, target in tree.links:
        os.makedirs(_STAGING + str(link.parent), exist_ok=True)
        os.symlink(target, _STAGING + str(link))
    for name, source in devices.items():
        _bind_device(source, f"{_STAGING}/dev/{name}")
    _mount_proc(_STAGING + "/proc")
    for name, entry in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        os.symlink("/proc/self/fd" + entry, f"{_STAGING}/dev/{name}")
    _switch_root()
    kernel.call("sethostname", b"candidate", len(b"candidate"))
    for descriptor in (*sources.values(), *devices.values()):
        os.close(descriptor)


def _bind(source: int, target: str) -> None:
    if stat.S_ISDIR(os.fstat(source).st_mode):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o444))
    kernel.mount(f"/proc/self/fd/{source}", target, None, _BIND | _RECURSIVE)
    _make_read_only(target)


def _make_read_only(target: str) -> None:
    """Read-only, without set-uid programs or devices, with the mounts below it."""
    wanted = _RDONLY | _NOSUID | _NODEV
    attributes = (wanted).to_bytes(8, "little") + bytes(24)
    try:
        path = os.fsencode(target)
        kernel.call("mount_setattr", _AT_FDCWD, path, _AT_RECURSIVE, attributes, len(attributes))
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        for mounted in _mounts_below(target):  # kernel older than 5.12
            kept = os.statvfs(mounted).f_flag & _NOEXEC  # a locked flag must be repeated
            kernel.mount(None, mounted, None, _BIND | _REMOUNT | wanted | kept)


def _mounts_below(target: str) -> list[str]:
    table = Path("/proc/self/mountinfo").read_text().splitlines()
    points = (line.split()[4] for line in table)
    plain = (re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), point) for point in points)
    return [point for point in plain if Path(point).is_relative_to(target)]


def _bind_device(source: int, target: str) -> None:
    os.close(os.open(target, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o666))
    kernel.mount(f"/proc/self/fd/{source}", target, None, _BIND)


def _mount_proc(target: str) -> None:
    """The process table of the sandbox; none at all where a container masks its own."""
    os.mkdir(target)
    try:
        kernel.mount("proc", target, "proc", _NOSUID | _NODEV | _NOEXEC)
    except PermissionError:
        os.rmdir(target)


def _switch_root() -> None:
    os.chdir(_STAGING)
    kernel.call("pivot_root", b".", b".")  # stacks the old root on the new one
    kernel.call("umount2", b".", _DETACH)
    os.chdir("/")


def absence(error: OSError) -> str:
    """The obstacle, from the error met and the system's settings."""
    for setting, refusal, remedy in _SETTINGS:
        path = Path("/proc/sys") / setting.replace(".", "/")
        if path.exists() and path.read_text().strip() == refusal:
            return f"namespaces: {setting}={refusal}; {remedy}"
    where = f"{error.filename}: " if error.filename else ""
    reason = f"namespaces: {where}{error.strerror}"
    if error.errno == errno.ENOSPC:
        return f"{reason}; the limit user.max_user_namespaces is used up"
    status = Path("/proc/self/status").read_text()
    if re.search(r"^Seccomp:\s+[12]$", status, re.MULTILINE):
        return f"{reason}; a container's seccomp profile forbids them to this process"
    return reason


_SETTINGS: Final = (
    ("kernel.unprivileged_userns_clone", "0", "the administrator can set it to 1 (Debian)"),
    ("user.max_user_namespaces", "0", "the administrator can raise it (Red Hat, many clusters)"),
    (
        "kernel.apparmor_restrict_unprivileged_userns",
        "1",
        "the administrator can add an AppArmor profile with userns for Python, or set it to 0"
        " (Ubuntu)",
    ),
)
