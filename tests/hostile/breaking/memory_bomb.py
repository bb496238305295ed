# Memory that grows until somebody says stop.
# score: 3
# status: failed|error|timeout
# says: memory
import torch

kept = []


def standardize(x):
    while True:
        kept.append(torch.ones(4_000_000))
