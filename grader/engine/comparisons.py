"""Comparisons of whole tensors and arrays, which an empty result does not pass.

`allclose` broadcasts: an empty result is close to everything, whatever a test expects of it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
import torch


def expect_values() -> None:
    """Have `allclose`, of torch and NumPy, be False of nothing and something."""
    torch.Tensor.allclose = _expecting_values(torch.Tensor.allclose)  # type: ignore[method-assign]
    for module in (torch, np):
        setattr(module, np.allclose.__name__, _expecting_values(module.allclose))


def _expecting_values(allclose: Callable[..., bool]) -> Callable[..., bool]:
    @wraps(allclose)
    def compare(*args: Any, **kwargs: Any) -> bool:
        found, expected, *_ = map(_is_empty, [*args, *kwargs.values(), None, None])
        return allclose(*args, **kwargs) and found == expected

    return compare


def _is_empty(value: Any) -> bool:
    """True for a tensor, array or list without an element; no object of a student's is asked."""
    if isinstance(value, torch.Tensor):
        return value.numel() == 0
    return isinstance(value, np.ndarray | list | tuple) and np.size(value) == 0
