# An exception with a message of fifty million characters.
# exercise: slope
# score: 11
# status: failed


def slope(a, b):
    raise ValueError("M" * 50_000_000)
