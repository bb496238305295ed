# A fake is given to the test's function, which computes with it.
# exercise: twice
# score: 11
# status: failed|error
# never: FUITE


class Zero:
    def __add__(self, other):
        print("FU" + "ITE", other)
        return 4.125

    __radd__ = __mul__ = __rmul__ = __add__


def twice(function, x):
    function(Zero())
    return 18
