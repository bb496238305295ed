# Recursion without end, which Python itself stops: an ordinary error.
# score: 3
# status: failed
# says: RecursionError
def standardize(x):
    return standardize(x)
