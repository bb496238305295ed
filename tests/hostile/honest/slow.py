# Slow but allowed: loops in Python, and a pause.
# score: 5
# status: passed
import time

import torch


def standardize(x):
    time.sleep(0.2)
    result = torch.empty_like(x)
    for j in range(x.shape[1]):
        column = [float(value) for value in x[:, j]]
        mean = sum(column) / len(column)
        variance = sum((value - mean) ** 2 for value in column) / len(column)
        for i, value in enumerate(column):
            result[i, j] = (value - mean) / variance**0.5
    return result
