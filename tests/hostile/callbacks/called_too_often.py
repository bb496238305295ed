# The test's function is called a hundred times more.
# exercise: twice
# score: 11
# status: failed


def twice(function, x):
    found = function(function(x))
    for _ in range(100):
        function(x)
    return found
