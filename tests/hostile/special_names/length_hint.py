# An iterator that announces more items than any memory holds.
# exercise: blocks
# score: 12
# status: passed


class Blocks:
    def __init__(self, n, size):
        self.left = [list(range(i, min(n, i + size))) for i in range(0, n, size)]

    def __iter__(self):
        return self

    def __next__(self):
        if not self.left:
            raise StopIteration
        return self.left.pop(0)

    def __length_hint__(self):
        return 1 << 40


blocks = Blocks
