# A function of the standard library.
# exercise: slope
# score: 12
# status: passed
import operator


def slope(a, b):
    return operator.sub(a, b)
