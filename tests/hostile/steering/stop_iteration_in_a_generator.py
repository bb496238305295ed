# StopIteration inside a generator, which Python makes an error.
# exercise: blocks
# score: 11
# status: failed
# says: RuntimeError


def blocks(n, size):
    yield [0, 1]
    raise StopIteration
