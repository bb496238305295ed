"""What code uses without naming it: random generators, gradient mode, default dtype."""

from __future__ import annotations

import random
from typing import Any, Final

import numpy as np
import torch

_WORDS: Final = 624  # of a Mersenne twister


def current() -> dict[str, Any]:
    """The state of this process, as data."""
    version, words, gauss = random.getstate()
    return {
        "torch": torch.get_rng_state(),
        "numpy": list(np.random.get_state()),
        "python": [version, np.array(words, np.int64), gauss],
        "grad": torch.is_grad_enabled(),
        "dtype": torch.get_default_dtype(),
    }


def restore(state: dict[str, Any]) -> None:
    """Put this process in that state."""
    torch.set_grad_enabled(state["grad"])
    torch.set_default_dtype(state["dtype"])
    restore_random(state)


def restore_random(state: dict[str, Any]) -> None:
    """Put the random generators where `current` found them.

    Raises:
        ValueError, TypeError, RuntimeError, KeyError: this is no such state.
    """
    torch.set_rng_state(state["torch"])
    _, words, position, *_ = numpy_state = state["numpy"]
    # NumPy checks neither, and would read outside the array.
    if words.shape != (_WORDS,) or words.dtype != np.uint32 or not 0 <= position <= _WORDS:
        raise ValueError("not a state of NumPy's generator")
    np.random.set_state(tuple(numpy_state))
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words.tolist()), gauss))
