# A list where a tuple would do.
# exercise: bounds
# score: 12
# status: passed


def bounds(values):
    ordered = sorted(values)
    return [ordered[0], ordered[-1]]
