# The test's function is given the candidate's own function, to have it called there.
# exercise: twice
# score: 11
# status: failed|error


def twice(function, x):
    return function(twice)
