# The same with Python's generator.
# exercise: guess
# score: 12
# status: passed
import random

import torch


def guess(generator=None):
    state = random.getstate()
    found = torch.tensor([random.random() for _ in range(3)], dtype=torch.float64)
    random.setstate(state)
    return found
