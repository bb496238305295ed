# A number that is computed when it is read.
# exercise: Number
# score: 12
# status: passed


class Number:
    def __init__(self, data):
        self.compute = data if callable(data) else lambda: float(data)

    @property
    def data(self):
        return self.compute()

    @staticmethod
    def of(x):
        return x if isinstance(x, Number) else Number(x)

    def __add__(self, other):
        return Number(lambda: self.data + Number.of(other).data)

    def __mul__(self, other):
        return Number(lambda: self.data * Number.of(other).data)

    __radd__, __rmul__ = __add__, __mul__
