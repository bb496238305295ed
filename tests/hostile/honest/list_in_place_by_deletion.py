# The list turns by deletion and insertion.
# exercise: rotate
# score: 12
# status: passed


def rotate(items):
    first = items[0]
    del items[0]
    items.insert(len(items), first)
