# The class as a frozen dataclass, with equality and a hash.
# exercise: Number
# score: 12
# status: passed
from dataclasses import dataclass


@dataclass(frozen=True)
class Number:
    data: float

    def __add__(self, other):
        return Number(self.data + getattr(other, "data", other))

    def __mul__(self, other):
        return Number(self.data * getattr(other, "data", other))

    __radd__, __rmul__ = __add__, __mul__
