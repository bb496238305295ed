# A result whose class has a name of ten million characters.
# exercise: slope
# score: 11
# status: failed


def slope(a, b):
    return type("C" * 10_000_000, (), {})()
