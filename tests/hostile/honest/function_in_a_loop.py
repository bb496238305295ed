# The test's function, called in a loop.
# exercise: twice
# score: 12
# status: passed


def twice(function, x):
    for _ in range(2):
        x = function(x)
    return x
