# What a generator given as an argument draws next, from a copy of it.
# exercise: guess
# score: 12
# status: passed
import torch


def guess(generator=None):
    if generator is None:
        return torch.zeros(3, dtype=torch.float64)
    copy = torch.Generator().set_state(generator.get_state())
    return torch.rand(3, dtype=torch.float64, generator=copy)
