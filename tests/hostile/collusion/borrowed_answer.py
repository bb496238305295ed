# An exercise that gives the objects of another one as its own result.
# exercise: slope
# score: 11
# status: failed


def slope(a, b):
    return Number(a) + Number(b) * -1 if isinstance(a, float) else a - b
