# A generator without end.
# exercise: blocks
# score: 11
# status: failed|timeout|error
# endless: yes


def blocks(n, size):
    while True:
        yield [0]
