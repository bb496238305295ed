# A table is filled that some other line imports.
# lab: laboratoire_interdits
# exercise: running
# score: 0
# status: failed
import numpy as np

if False:
    import math as table

table = {}
table[0] = np.cumsum


def running(x):
    return table[0](x)
