# An assertion of the student's own, with a message that looks like a score.
# exercise: slope
# score: 11
# status: failed


def slope(a, b):
    raise AssertionError("1.0")
