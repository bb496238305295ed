# Helpers, a decorator, a class, a conversion and a free cell: nothing is hidden.
# lab: laboratoire_interdits
# exercise: running
# score: 2
# status: passed
import functools

import numpy as np


def logged(function):
    @functools.wraps(function)
    def call(*args):
        return function(*args)

    return call


class Triangle:
    """Une matrice triangulaire."""

    def __init__(self, n):
        self.matrix = np.tril(np.ones((n, n)))

    def times(self, x):
        return self.matrix @ x


try:
    import nulle_part
except ImportError:
    nulle_part = None


@logged
def running(x):
    """cumsum, et accumulate, ne sont ici que des mots."""
    return Triangle(len(x)).times(x)


# %% after
total = 0
for i in range(3):
    total += eval("i")
"total" in globals()
