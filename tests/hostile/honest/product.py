# A product of three.
# exercise: cube
# score: 12
# status: passed


def cube(x):
    return x * x * x
