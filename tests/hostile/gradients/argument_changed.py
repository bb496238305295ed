# The argument is cubed in place, so that the gradient expected is another.
# exercise: cube
# score: 11
# status: failed


def cube(x):
    y = x**3
    x.data.pow_(3)
    return y
