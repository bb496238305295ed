"""How many notebooks fit on this machine at a time."""

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
    """What may be used here, as Slurm or a control group has granted it."""

    processors: int
    memory_mb: int

    @classmethod
    def here(cls) -> Capacity:
        granted = inspect()
        memory = min(granted.memory or sys.maxsize, psutil.virtual_memory().available)
        return cls(granted.cpus or len(os.sched_getaffinity(0)), memory // _MB)

    def workers(self, each_mb: int) -> int:
        """One per processor, as long as each can give a candidate all that it may use."""
        return max(1, min(self.processors, self.memory_mb // each_mb))
