# The number, as a text.
# exercise: slope
# score: 11
# status: failed


def slope(a, b):
    return str(a - b)
