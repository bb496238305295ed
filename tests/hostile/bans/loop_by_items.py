# Python asks an object for its items one by one.
# lab: laboratoire_interdits
# exercise: running
# score: 0
# status: failed
import numpy as np


class Sums:
    def __init__(self, x):
        self.x = x

    def __getitem__(self, i):
        self.x[i]
        return self.x[: i + 1].sum()


def running(x):
    return np.array(list(Sums(x)))
