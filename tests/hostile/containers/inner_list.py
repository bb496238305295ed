# The list turns, and a list in it is changed as well.
# exercise: rotate
# score: 11
# status: failed


def rotate(items):
    items.append(items.pop(0))
    for item in items:
        if isinstance(item, list):
            item.clear()
