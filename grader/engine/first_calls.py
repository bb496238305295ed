"""What a process does for the first time, done before those of all notebooks are forked.

Kernels are chosen, libraries initialised, classes of optimisers wrapped: a first call takes many
times what the next one takes, an LSTM's dozens of milliseconds. What is made then stays in memory,
and nothing of it depends on the numbers.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterable
from typing import Final

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from grader.engine.preload import FIRST_CALLS
from labo.training.torchvision_compat import ensure_torchvision


def _dense() -> None:
    x, w, b = torch.ones(3, 5), torch.ones(4, 5, requires_grad=True), torch.ones(4)
    F.cross_entropy(F.linear(x, w, b).tanh(), torch.tensor([0, 1, 2])).backward()
    torch.einsum("ij,jk->ik", x.double(), w.detach().double().T).sort()
    torch.bmm(x[None], w.detach().T[None]).topk(2)
    torch.allclose(x, x)
    torch.isclose(x, x)
    np.ones((3, 3)) @ np.ones((3, 3))
    torch.multinomial(torch.ones(5), 2)
    torch.randperm(3)


def _optimisers() -> None:
    weight = nn.Parameter(torch.ones(2))
    for optimizer in (torch.optim.SGD([weight], 0.1, momentum=0.9), torch.optim.Adam([weight])):
        weight.grad = torch.ones(2)
        optimizer.step()


def _convolutions() -> None:
    x, kernel = torch.ones(2, 1, 8, 8, requires_grad=True), torch.ones(3, 1, 3, 3)
    images = nn.BatchNorm2d(3)(F.conv2d(x, kernel.requires_grad_()))
    F.conv_transpose2d(images, kernel).sum().backward()


def _attention() -> None:
    x = torch.ones(1, 2, 4, 3)
    F.scaled_dot_product_attention(x, x, x)


def _decompositions() -> None:
    torch.linalg.svd(torch.eye(4))
    torch.linalg.eigh(torch.eye(4))
    np.linalg.svd(np.eye(3))


def _figures() -> None:
    from matplotlib.figure import Figure  # once matplotlib is lean

    figure = Figure()
    figure.subplots().plot([0])
    figure.savefig(io.BytesIO(), bbox_inches="tight")


def _torchvision() -> None:
    with contextlib.suppress(ImportError):  # the notebook will say so
        ensure_torchvision()


def _lstm() -> None:
    nn.LSTM(4, 3)(torch.ones(2, 1, 4))[0].sum().backward()


_CALLS: Final[dict[str, Callable[[], None]]] = {
    "dense": _dense,
    "optimisers": _optimisers,
    "convolutions": _convolutions,
    "attention": _attention,
    "decompositions": _decompositions,
    "lstm": _lstm,
    "figures": _figures,
    "torchvision": _torchvision,
}


def make_first_calls(names: Iterable[str]) -> None:
    """Make those of these names that have the prefix of first calls."""
    for name in names:
        if name.startswith(FIRST_CALLS):
            _CALLS[name.removeprefix(FIRST_CALLS)]()
