# The same under another name.
# exercise: slope
# score: 11
# status: failed


class Fini(StopIteration):
    pass


def slope(a, b):
    if isinstance(a, float) and a >= 5:
        raise Fini("plus rien")
    return a - b
