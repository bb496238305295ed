# What one function is given is smuggled to the other in the last bits of a result.
# exercise: code
# score: 11
# status: failed
import numpy as np


def encode(a):
    return (a[::-1] if len(a) == 2 else np.sort(a)).copy()


def decode(a):
    return a[::-1].copy()
