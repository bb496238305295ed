# Every seed is set again at each call.
# score: 5
# status: passed
import random

import numpy
import torch


def standardize(x):
    torch.manual_seed(0)
    numpy.random.seed(0)
    random.seed(0)
    return (x - x.mean(0)) / x.std(0, correction=0)
