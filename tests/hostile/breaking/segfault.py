# A read at address zero.
# score: 3
# status: failed|error|not_run
import ctypes


def standardize(x):
    ctypes.string_at(0)
    return x
