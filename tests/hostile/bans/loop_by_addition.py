# The sum of objects calls their method.
# lab: laboratoire_interdits
# exercise: running
# score: 0
# status: failed
import numpy as np


class Sums:
    def __init__(self, x):
        self.x, self.found = x, []

    def __add__(self, other):
        self.found.append(self.x[: len(self.found) + 1].sum())
        return self


def running(x):
    return np.array(sum([0] * len(x), Sums(x)).found)
