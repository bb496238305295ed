# Noise drawn in place.
# exercise: noisy
# score: 12
# status: passed
import torch


def noisy(x, std):
    return torch.empty_like(x).normal_().mul_(std).add_(x)
