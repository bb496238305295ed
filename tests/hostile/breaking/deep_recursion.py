# Recursion without end, with Python's own guard removed: the C stack overflows.
# score: 3
# status: failed|error|timeout
import sys


def standardize(x):
    sys.setrecursionlimit(2**31 - 1)
    return (lambda f: f(f))(lambda f: max([0], key=lambda _: f(f)))
