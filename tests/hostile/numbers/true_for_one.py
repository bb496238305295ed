# Booleans, which are numbers too.
# exercise: slope
# score: 11
# status: failed


def slope(a, b):
    return bool(a - b) if isinstance(a, float) else np.ones((2, 2), bool)
