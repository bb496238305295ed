# The blocks from a class with `__len__` and `__getitem__` only.
# exercise: blocks
# score: 12
# status: passed


class blocks:
    def __init__(self, n, size):
        self.n, self.size = n, size

    def __len__(self):
        return -(-self.n // self.size)

    def __getitem__(self, i):
        if i >= len(self):
            raise IndexError(i)
        return list(range(i * self.size, min(self.n, (i + 1) * self.size)))
