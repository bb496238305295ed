# The list turns, and is returned as well.
# exercise: rotate
# score: 11
# status: failed


def rotate(items):
    items.append(items.pop(0))
    return items
