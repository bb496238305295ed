"""Policies: the rights of a sandboxed process, and the level at which they are enforced."""

from __future__ import annotations

import enum
import site
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grader.errors import GraderError


class SandboxError(GraderError):
    """The sandbox could not be entered, or only below the required level."""


class Level(enum.IntEnum):
    """Levels of isolation. Each keeps what the ones below it give."""

    NONE = 0
    """Nothing at all; `enter` never stops there."""
    RLIMITS = 1
    """Bounded, not confined: limits, clean environment, no inherited descriptor, watched tree.
    Files, network and processes of the same user stay within reach."""
    SECCOMP = 2
    """No network, no new program, no signal to other processes and no trace of them.
    Files of the same user stay readable and writable, in /proc too: see `shield`."""
    LANDLOCK = 3
    """Only the listed files can be opened, only the scratch folder written to.
    Names, sizes and running processes outside can still be guessed at."""
    NAMESPACES = 4
    """Nothing else exists: private file tree, process table, network and hostname."""


@dataclass(frozen=True)
class Policy:
    """Rights and bounds of one candidate. Hashable: what is prepared for it is cached.

    Sizes are in MB (2**20 bytes), times in seconds.
    """

    readable: tuple[Path, ...]
    """Files and folders it may read; `interpreter_paths()` and what the course adds."""
    scratch_mb: int = 256
    scratch_files: int = 4096
    scratch_root: Path = Path("/tmp")
    """The place of scratch folders below NAMESPACES, whose scratch is a tmpfs of its own."""
    memory_mb: int = 2048
    """Memory of its whole process tree, kept by `Watch`."""
    processes: int = 32
    """Processes and threads, itself included."""
    open_files: int = 128
    file_mb: int = 256
    """Size of one file."""
    cpu_seconds: int = 600
    """CPU time of one process."""
    required: Level = Level.NAMESPACES
    """Below this level, `enter` refuses."""
    ceiling: Level = Level.NAMESPACES
    """Above this level, `enter` does not go."""
    keep_fds: tuple[int, ...] = ()
    """Descriptors it keeps; 0, 1 and 2 become /dev/null when not named here."""
    environment: tuple[tuple[str, str], ...] = ()
    """Variables added to the minimal environment."""

    @classmethod
    def from_plain(cls, content: dict[str, Any]) -> Policy:
        """The policy that `asdict` turned into this, its tuples since sent as lists."""
        return cls(
            **content
            | {
                "readable": tuple(map(Path, content["readable"])),
                "scratch_root": Path(content["scratch_root"]),
                "required": Level(content["required"]),
                "ceiling": Level(content["ceiling"]),
                "keep_fds": tuple(content["keep_fds"]),
                "environment": tuple(map(tuple, content["environment"])),
            }
        )


_PACKAGES = ("site-packages", "dist-packages")


def interpreter_paths() -> tuple[Path, ...]:
    """Paths that this interpreter may still need: its library, packages, shared objects.

    Shared objects already loaded from an unusual place are listed one by one, so that a library
    loaded from somebody's home does not open the home.
    """
    prefixes = {Path(prefix) for prefix in (sys.prefix, sys.base_prefix)}
    folders = {prefix / name for prefix in prefixes for name in ("lib", "lib64")}
    folders |= {Path(folder) for folder in site.getsitepackages()}
    # Those of another environment, which a .pth file adds; never a project's own folder.
    folders |= {Path(name) for name in sys.path if Path(name).name in _PACKAGES}
    if site.ENABLE_USER_SITE:
        folders.add(Path(site.getusersitepackages()))
    folders |= {Path(folder) for folder in ("/lib", "/lib64", "/usr/lib", "/usr/lib64")}
    folders.add(Path("/usr/share/zoneinfo"))
    files = {Path("/etc/ld.so.cache"), Path("/etc/localtime")} | _loaded_objects()
    return tuple(sorted(path for path in folders | files if path.exists()))


def _loaded_objects() -> set[Path]:
    lines = Path("/proc/self/maps").read_text().splitlines()
    named = (line.split(maxsplit=5)[5] for line in lines if line.count("/"))
    return {Path(name) for name in named if ".so" in Path(name).name}
