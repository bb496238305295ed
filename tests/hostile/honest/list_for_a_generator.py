# The blocks in a list.
# exercise: blocks
# score: 12
# status: passed


def blocks(n, size):
    return [list(range(i, min(n, i + size))) for i in range(0, n, size)]
