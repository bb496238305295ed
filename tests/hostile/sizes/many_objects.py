# Thirty thousand objects, each of which gets a number.
# exercise: blocks
# score: 11
# status: failed|error|timeout


def blocks(n, size):
    return [[object() for _ in range(6_000)] for _ in range(5)]
