# Helpers, type hints, a lambda, a closure and a default argument.
# score: 5
# status: passed
from functools import partial

import torch
from torch import Tensor

EPS = 0.0


def mean_of(x: Tensor, dim: int = 0) -> Tensor:
    return torch.sum(x, dim) / x.shape[dim]


deviation = lambda x: (mean_of((x - mean_of(x)) ** 2)).sqrt()  # noqa: E731


def make(eps):
    def inner(x, *, eps=eps):
        return (x - mean_of(x)) / (deviation(x) + eps)

    return inner


standardize = partial(make(EPS), eps=EPS)
