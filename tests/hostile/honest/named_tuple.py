# A pair with names.
# exercise: bounds
# score: 12
# status: passed
from typing import NamedTuple


class Bounds(NamedTuple):
    low: float
    high: float


def bounds(values):
    return Bounds(min(values), max(values))
