# A library calls a function for each match.
# lab: laboratoire_interdits
# exercise: running
# score: 0
# status: failed
import re

import numpy as np


def running(x):
    sums = []
    re.sub("-", lambda _: sums.append(x[: len(sums) + 1].sum()) or "", "-" * len(x))
    return np.array(sums)
