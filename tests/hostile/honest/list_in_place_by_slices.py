# The list turns by assignment to a slice.
# exercise: rotate
# score: 12
# status: passed


def rotate(items):
    items[:] = items[1:] + items[:1]
