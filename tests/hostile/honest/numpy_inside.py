# NumPy inside, a tensor at the end.
# score: 5
# status: passed
import numpy as np
import torch


def standardize(x):
    values = x.numpy().astype(np.float64)
    return torch.from_numpy((values - values.mean(0)) / values.std(0)).float()
