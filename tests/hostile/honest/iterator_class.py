# The blocks from a class with `__iter__` and `__next__`.
# exercise: blocks
# score: 12
# status: passed


class blocks:
    def __init__(self, n, size):
        self.start, self.n, self.size = 0, n, size

    def __iter__(self):
        return self

    def __next__(self):
        if self.start >= self.n:
            raise StopIteration
        block = list(range(self.start, min(self.n, self.start + self.size)))
        self.start += self.size
        return block
