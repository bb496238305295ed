# Process-wide settings: working folder, recursion limit, locale, warnings as errors, float format.
# score: 5
# status: passed
import os
import sys
import warnings

import torch

os.chdir("/")
sys.setrecursionlimit(200)
warnings.simplefilter("error")
torch.set_printoptions(precision=1)
torch.set_num_threads(1)


def standardize(x):
    return (x - x.mean(0)) / x.std(0, correction=0)
