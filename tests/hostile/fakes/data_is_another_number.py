# The same with another object of the class.
# exercise: Number
# score: 11
# status: failed
# never: FUITE


class Number:
    def __init__(self, data):
        pass

    data = property(lambda self: Number(0))

    def __add__(self, other):
        return Number(0)

    __mul__ = __rmul__ = __radd__ = __add__

    def __sub__(self, other):
        print("FU" + "ITE", other)
        return 0.0
