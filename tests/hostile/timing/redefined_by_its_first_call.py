# The first call puts another function in its own place.
# exercise: slope
# score: 11
# status: failed


def slope(a, b):
    globals()["slope"] = lambda a, b: 0.0
    return a - b
