# A new list: the one that was given stays as it was.
# exercise: rotate
# score: 11
# status: failed
# says: n'a pas tourné


def rotate(items):
    items = items[1:] + items[:1]
