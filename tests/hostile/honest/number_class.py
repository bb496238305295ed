# A class with more arithmetic than was asked for.
# exercise: Number
# score: 12
# status: passed


class Number:
    def __init__(self, data):
        self.data = data.data if isinstance(data, Number) else float(data)

    def __add__(self, other):
        return Number(self.data + Number(other).data)

    def __mul__(self, other):
        return Number(self.data * Number(other).data)

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -Number(other)

    def __radd__(self, other):
        return self + other

    def __rmul__(self, other):
        return self * other

    def __repr__(self):
        return f"Number({self.data})"
