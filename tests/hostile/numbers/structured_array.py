# An array of records with fields of its own.
# exercise: slope
# score: 11
# status: failed|error
import numpy as np


def slope(a, b):
    return a - b if isinstance(a, float) else np.zeros((2, 2), [("x", "f8"), ("y", "O")])
