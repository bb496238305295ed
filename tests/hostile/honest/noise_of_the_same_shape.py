# Noise by `randn_like`, after draws from other generators.
# exercise: noisy
# score: 12
# status: passed
import random

import numpy as np
import torch


def noisy(x, std):
    random.random(), np.random.rand()
    return x + std * torch.randn_like(x)
