# Operations give objects of a class that derives from it.
# exercise: Number
# score: 12
# status: passed


class Number:
    def __init__(self, data):
        self.data = float(data)

    def __add__(self, other):
        return Result(self.data + getattr(other, "data", other), (self, other))

    def __mul__(self, other):
        return Result(self.data * getattr(other, "data", other), (self, other))

    __radd__, __rmul__ = __add__, __mul__


class Result(Number):
    def __init__(self, data, parents):
        super().__init__(data)
        self.parents = parents
