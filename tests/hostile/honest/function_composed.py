# The test's function, composed with itself.
# exercise: twice
# score: 12
# status: passed
from functools import reduce


def twice(function, x):
    return reduce(lambda value, f: f(value), [function] * 2, x)
