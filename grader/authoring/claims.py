"""Claims: what the text of a lab says of its experiments, checked when its answer key is executed.

A cell `# %% affirmation="dropout"` finds an object `claim`, a `Claims`, which compares numbers that
the lab's own cells have computed. Its verdicts are kept, whatever they are, and leave the kernel as
data. NaN satisfies no claim.
"""

from __future__ import annotations

import math
import random
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from statistics import fmean
from typing import Any

MIME = "application/vnd.labo.claims+json"
FEWEST_SEEDS = 3


@dataclass(frozen=True)
class Verdict:
    """What one claim measured.

    Args:
        line: of the call in its cell, from 1.
        text: the sentence of the lab.
    """

    line: int
    text: str
    measured: str
    wanted: str
    holds: bool


class Claims:
    """The object `claim` of a cell: each method states one sentence of the lab.

    Numbers are given as a number, a tensor, an array, or a list of such.
    """

    def __init__(self) -> None:
        self.verdicts: list[Verdict] = []

    def finite(self, text: str, values: Any) -> None:
        """No value is infinite or NaN."""
        found = numbers(values)
        wrong = sum(not math.isfinite(value) for value in found)
        measured = f"{wrong} of {len(found)} are not" if wrong else _range(found)
        self._add(text, measured, "all finite", not wrong)

    def between(self, text: str, value: Any, low: float, high: float) -> None:
        """`low` <= `value` <= `high`; each of them, when there are several."""
        if not low <= high:
            raise ValueError(f"between {low} and {high} there is nothing")
        found = numbers(value)
        wanted = f"{_short(low)} to {_short(high)}"
        self._add(text, _range(found), wanted, all(low <= number <= high for number in found))

    def less(self, text: str, small: Any, large: Any) -> None:
        """`small` < `large`; each of `small` less than each of `large`, when there are several."""
        below, above = numbers(small), numbers(large)
        holds = all(first < second for first in below for second in above)
        self._add(text, f"{_range(below)} and {_range(above)}", "the first less", holds)

    def effect(self, text: str, without: Any, with_: Any) -> None:
        """The mean of `with_` exceeds that of `without` by more than the spread of each.

        Args:
            without, with_: one number for each seed, three at least; the spread is max - min.
        """
        before, after = numbers(without), numbers(with_)
        if min(len(before), len(after)) < FEWEST_SEEDS:
            raise ValueError(f"an effect is claimed over {FEWEST_SEEDS} seeds at least")
        gain = fmean(after) - fmean(before)
        spreads = [max(found) - min(found) for found in (before, after)]
        holds = all(math.isfinite(x) for x in before + after) and gain > max(spreads)
        measured = f"{_short(gain)}: from {_range(before)} to {_range(after)}"
        self._add(text, measured, f"more than {_short(max(spreads))}, the spread", holds)

    def holds(self, text: str, condition: Any, measured: Any) -> None:
        """Any other condition, with what it was measured on: numbers, or a text."""
        value = condition.item() if hasattr(condition, "item") else condition
        if not isinstance(value, bool):
            raise TypeError(f"a condition is true or false, and this is {type(value).__name__}")
        found = [] if isinstance(measured, str) else numbers(measured)
        shown = ", ".join(map(_short, found)) if found else measured
        self._add(text, shown, "true", value and not any(map(math.isnan, found)))

    def _add(self, text: str, measured: str, wanted: str, holds: bool) -> None:
        if not isinstance(text, str) or not text.strip():
            raise TypeError("a claim begins with its text, the sentence of the lab")
        self.verdicts.append(Verdict(_line_of_cell(), text, measured, wanted, holds))


def numbers(values: Any) -> list[float]:
    """All numbers of a tensor, an array, a number, or a list of such, in order.

    Raises:
        ValueError: there is none.
        TypeError: something else is there.
    """
    found = list(_numbers(values))
    if not found:
        raise ValueError("a claim about no number at all")
    return found


def _numbers(values: Any) -> Iterator[float]:
    if hasattr(values, "tolist"):
        values = values.tolist()
    if isinstance(values, int | float):
        yield float(values)
    elif isinstance(values, list | tuple):
        for value in values:
            yield from _numbers(value)
    else:
        raise TypeError(f"a claim compares numbers, and this is {type(values).__name__}")


def _short(number: float) -> str:
    return f"{number:.4g}"


def _range(found: list[float]) -> str:
    """The number, or the smallest and the largest; NaN is told whatever the others are."""
    if any(map(math.isnan, found)):
        return "nan"
    low, high = _short(min(found)), _short(max(found))
    return low if low == high else f"{low}..{high}"


def _line_of_cell() -> int:
    """The line that runs in the cell that called."""
    frame = sys._getframe()
    while frame.f_back and frame.f_code.co_name != "<module>":
        frame = frame.f_back
    return frame.f_lineno


# ---- In the kernel: a cell before that of the claims, and one after

BEFORE = "from grader.authoring import claims as _claims\nclaim = _claims.begin()"
AFTER = "_claims.end(claim)\ndel claim, _claims"

_random_states: dict[str, Any] = {}


def begin() -> Claims:
    """The object `claim` of a cell; what it draws changes nothing for the cells after it."""
    import numpy as np
    import torch

    _random_states.update(
        torch=torch.get_rng_state(), numpy=np.random.get_state(), python=random.getstate()
    )
    return Claims()


def restore_random_states() -> None:
    """As they were when `begin` was called."""
    import numpy as np
    import torch

    torch.set_rng_state(_random_states["torch"])
    np.random.set_state(_random_states["numpy"])
    random.setstate(_random_states["python"])


def end(claims: Claims) -> None:
    """Put the random states back, and show the verdicts, as data."""
    from IPython.display import display

    restore_random_states()
    display({MIME: [asdict(verdict) for verdict in claims.verdicts]}, raw=True)
