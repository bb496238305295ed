# Subnormal numbers are flushed to zero.
# exercise: slope
# score: 12
# status: passed
import torch

torch.set_flush_denormal(True)


def slope(a, b):
    return a - b
