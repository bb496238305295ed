# A view with a negative stride, no copy.
# exercise: code
# score: 12
# status: passed
import numpy as np


def encode(a):
    return np.flip(a)


def decode(a):
    return a[::-1]
