# A complex number without an imaginary part.
# exercise: slope
# score: 11
# status: failed


def slope(a, b):
    return complex(a - b) if isinstance(a, float) else a
