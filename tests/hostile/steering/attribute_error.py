# AttributeError where the test reads an attribute.
# exercise: Number
# score: 11
# status: failed


class Number:
    def __init__(self, data):
        self.value = data

    def __getattr__(self, name):
        raise AttributeError("data")

    __add__ = __mul__ = __rmul__ = lambda self, other: self
