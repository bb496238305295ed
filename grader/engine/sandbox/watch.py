"""Keeping a candidate within memory, processes, scratch space and time, from the outside."""

from __future__ import annotations

import contextlib
import enum
import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from grader.engine.sandbox import processes
from grader.engine.sandbox.policy import Level, Policy

_MB: Final = 2**20
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
_POLLS_PER_DISK_WALK: Final = 10


class Excess(enum.StrEnum):
    """The bound that a candidate exceeded."""

    MEMORY = "memory"
    PROCESSES = "processes"
    SCRATCH = "scratch"
    TIME = "time"


class Watch:
    """Looks at a candidate's process tree every few milliseconds and ends it beyond its policy.

    Memory is what the whole tree holds, the preloaded libraries and the scratch tmpfs included.
    The cheap sum of resident sizes counts shared pages once per process; only when it passes the
    limit is the exact, proportional size read. What is allocated between two looks comes on top.

        with Watch(pid, policy, level) as watch:
            watch.allow(seconds=10)   # for the next cell
            ...
        watch.excess                  # None, or the bound beyond which the tree was ended
    """

    def __init__(self, supervisor: int, policy: Policy, level: Level, interval: float = 0.02):
        self.supervisor = supervisor
        self.policy = policy
        self.level = level
        self.interval = interval
        self.excess: Excess | None = None
        self.peak_mb = 0.0
        self._deadline = float("inf")
        self._polls = 0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch", daemon=True)

    def allow(self, seconds: float) -> None:
        """Set the time limit anew, counted from now."""
        self._deadline = time.monotonic() + seconds

    def poll(self) -> Excess | None:
        """Look once; end the tree when it is beyond its policy, and return the bound."""
        excess = self._measure()
        if excess is not None:
            self.excess = excess
            processes.kill_tree(self.supervisor)
        return excess

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(self.interval):
            if self.poll() is not None:
                return

    def _measure(self) -> Excess | None:
        if time.monotonic() > self._deadline:
            return Excess.TIME
        tree = processes.descendants(self.supervisor)
        if len(tree) > self.policy.processes:
            return Excess.PROCESSES
        if self._memory_mb(tree) > self.policy.memory_mb:
            return Excess.MEMORY
        self._polls += 1
        on_disk = self.level < Level.NAMESPACES and self._polls % _POLLS_PER_DISK_WALK == 0
        return Excess.SCRATCH if on_disk and self._is_scratch_full() else None

    def _memory_mb(self, tree: Iterable[int]) -> float:
        tmpfs = self._tmpfs_bytes(tree) if self.level >= Level.NAMESPACES else 0
        used = (sum(map(resident_bytes, tree)) + tmpfs) / _MB
        if used > self.policy.memory_mb:
            # Who forks between two readings counts in full beside its children: look again.
            used = (min(sum(map(_proportional, tree)) for _ in range(2)) + tmpfs) / _MB
        self.peak_mb = max(self.peak_mb, used)
        return used

    def _tmpfs_bytes(self, tree: Iterable[int]) -> int:
        """Bytes in the private root; 0 while it is being made."""
        with contextlib.suppress(OSError):
            for process in tree:
                root = f"/proc/{process}/root"
                if os.stat(root).st_dev == os.stat("/").st_dev:
                    continue
                space = os.statvfs(root)
                return (space.f_blocks - space.f_bfree) * space.f_frsize
        return 0

    def _is_scratch_full(self) -> bool:
        used, files = 0, 0
        prefix = processes.scratch_prefix(self.supervisor)
        for scratch in self.policy.scratch_root.glob(f"{prefix}*"):
            for folder, _, names in os.walk(scratch):
                files += 1 + len(names)
                used += sum(_on_disk(Path(folder, name)) for name in names)
        return used > self.policy.scratch_mb * _MB or files > self.policy.scratch_files


def resident_bytes(pid: int) -> int:
    """Bytes in memory, shared ones included; 0 when the process is gone."""
    try:
        return int(processes.read(pid, "statm").split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def _proportional(pid: int) -> int:
    """Bytes in memory and swap, each shared one divided by the number that share it."""
    try:
        rollup = processes.read(pid, "smaps_rollup").decode().splitlines()
    except OSError:  # not ours to read, or gone: the coarser figure
        return resident_bytes(pid)
    sizes = (line.split() for line in rollup if line.startswith(("Pss:", "SwapPss:")))
    return sum(int(size) * 1024 for _, size, _ in sizes)


def _on_disk(path: Path) -> int:
    try:
        return path.lstat().st_blocks * 512
    except OSError:
        return 0
