# The default dtype is changed for all that follows.
# score: 5
# status: passed
import torch

torch.set_default_dtype(torch.float64)


def standardize(x):
    return (x - x.mean(0)) / x.std(0, correction=0)
