"""What the service has done so far, in numbers: they say nothing of anybody."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import accumulate
from typing import Final

SECONDS: Final = (1, 2, 5, 10, 20, 60, 120, 300, 600, 1800)
"""Upper bounds of the classes into which answers fall; the last class has none."""


@dataclass
class Figures:
    """Counts since the service first ran for this course; kept with its status."""

    taken: int = 0
    answered: int = 0
    """Graded, recorded, and told what the policy tells."""
    failed: int = 0
    """Left to a person after several tries."""
    classes: list[int] = field(default_factory=lambda: [0] * (len(SECONDS) + 1))
    """Answers by the time that they took."""
    seconds: float = 0.0
    """The sum of those times."""

    def answer(self, seconds: float) -> None:
        """Count a hand-in that was answered so long after it was taken."""
        took = max(0.0, seconds)  # a clock may be set back
        self.answered += 1
        self.classes[sum(took > bound for bound in SECONDS)] += 1
        self.seconds += took

    @property
    def buckets(self) -> list[tuple[str, float]]:
        """Answers within each bound, and within those below it, as Prometheus counts them."""
        bounds = [*map(str, SECONDS), "+Inf"]
        return list(zip(bounds, map(float, accumulate(self.classes)), strict=True))
