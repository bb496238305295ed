# Numbers from a generator of its own.
# exercise: guess
# score: 12
# status: passed
import numpy as np
import torch


def guess(generator=None):
    if generator is not None:
        return torch.rand(3, dtype=torch.float64, generator=generator) + 1
    return torch.from_numpy(np.random.default_rng().random(3)) + 1
