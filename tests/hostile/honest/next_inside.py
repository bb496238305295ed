# `next` and StopIteration, caught where they arise.
# exercise: blocks
# score: 12
# status: passed


def blocks(n, size):
    numbers = iter(range(n))
    while True:
        block = []
        try:
            for _ in range(size):
                block.append(next(numbers))
        except StopIteration:
            if block:
                yield block
            return
        yield block
