# Memory that grows until somebody says stop; on a slow machine, the cell's budget says it first.
# score: 3
# status: failed|error|timeout
# says: memory|durait plus de
import torch

kept = []


def standardize(x):
    while True:
        kept.append(torch.ones(4_000_000))
