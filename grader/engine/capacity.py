"""The number of notebooks that fit on this machine at a time."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Final

import psutil

from labo.machine.facts import inspect

_MB: Final = 2**20


@dataclass(frozen=True)
class Capacity:
    """Processors and memory that Slurm or a control group grants here, or that are free."""

    processors: int
    memory_mb: int

    @classmethod
    def here(cls) -> Capacity:
        granted = inspect()
        memory = min(granted.memory or sys.maxsize, psutil.virtual_memory().available)
        return cls(granted.cpus or len(os.sched_getaffinity(0)), memory // _MB)

    def workers(self, each_mb: int) -> int:
        """One worker per processor, as long as each has `each_mb` for its candidate."""
        return max(1, min(self.processors, self.memory_mb // each_mb))
