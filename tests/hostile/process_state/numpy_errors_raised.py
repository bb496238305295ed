# NumPy raises at every rounding.
# exercise: slope
# score: 12
# status: passed
import numpy as np

np.seterr(all="raise")


def slope(a, b):
    return a - b
