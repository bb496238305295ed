# All objects of the class are one and the same.
# exercise: Number
# score: 11
# status: failed


class Number:
    only = None

    def __new__(cls, data):
        cls.only = cls.only or object.__new__(cls)
        return cls.only

    data = 1.0
    __add__ = __mul__ = __rmul__ = lambda self, other: self
