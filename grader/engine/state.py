"""The state that code uses without naming it: random generators, gradient mode, default dtype.

It travels to the candidate with each call. The random state also comes back, but a student who
chose it could choose what a test draws next, such as zeros only. So a state that comes back counts
only when it is the one that was sent, some draws later; of any other one, nothing is kept but that
the generator moved.
"""

from __future__ import annotations

import hashlib
import random
from typing import Any, Final

import numpy as np
import torch

_WORDS: Final = 624  # all three generators are Mersenne twisters of so many 32-bit words
_TORCH_WORDS: Final = slice(3, 3 + _WORDS)  # among the 64-bit fields of torch's state
_MAX_BLOCKS: Final = 20_000  # of 624 draws: about a second to follow


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
    torch.set_rng_state(state["torch"])
    np.random.set_state(tuple(state["numpy"]))
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words.tolist()), gauss))


def follow(sent: dict[str, Any], left: dict[str, Any]) -> None:
    """Advance the random generators from `sent` to `left`, if drawing leads there.

    Raises:
        ValueError, TypeError, RuntimeError, LookupError, AttributeError: this is no such state.
    """
    follow_torch(torch.default_generator, sent["torch"], left["torch"])
    _follow_numpy(sent["numpy"], left["numpy"])
    _follow_python(sent["python"], left["python"])


def follow_torch(generator: torch.Generator, sent: torch.Tensor, left: torch.Tensor) -> None:
    """As `follow`, for one generator."""
    if torch.equal(left, sent):
        return
    words, seed = _torch_words(left), int(left.view(torch.int64)[0])
    starts = [_torch_words(sent)]
    if seed != int(sent.view(torch.int64)[0]):  # it called `torch.manual_seed`
        starts = [_torch_words(torch.Generator().manual_seed(seed).get_state()), *starts]
    if any(_is_later(start, words) for start in starts):
        generator.set_state(left)
    else:
        generator.manual_seed(_digest(words))


def _follow_numpy(sent: list, left: list) -> None:
    _, words, position, has_gauss, gauss = left
    # NumPy checks none of this, and would read outside the array.
    if words.shape != (_WORDS,) or words.dtype != np.uint32 or not 0 <= position <= _WORDS:
        raise ValueError("not a state of NumPy's generator")
    if _is_later(sent[1], words):
        np.random.set_state(("MT19937", words, position, has_gauss, gauss))
    else:
        np.random.seed(_digest(words) % 2**32)


def _follow_python(sent: list, left: list) -> None:
    version, words, gauss = left
    if words.shape != (_WORDS + 1,) or words.min() < 0 or words.max() >= 2**32:
        raise ValueError("not a state of Python's generator")
    if _is_later(sent[1][:_WORDS], words[:_WORDS]):
        random.setstate((version, tuple(words.tolist()), gauss))
    else:
        random.seed(_digest(words))


def _torch_words(state: torch.Tensor) -> np.ndarray:
    return state.view(torch.int64)[_TORCH_WORDS].numpy()


def _is_later(start: np.ndarray, words: np.ndarray) -> bool:
    """True when a twister with the words `start` comes to `words` by drawing."""
    if np.array_equal(start, words):
        return True
    twister = np.random.MT19937()
    twister.state = {
        "bit_generator": "MT19937",
        "state": {"key": start.astype(np.uint32), "pos": _WORDS},
    }
    for _ in range(_MAX_BLOCKS):
        twister.random_raw(_WORDS, output=False)
        if np.array_equal(twister.state["state"]["key"], words):
            return True
    return False


def _digest(words: np.ndarray) -> int:
    """A seed that nobody can choose."""
    return int.from_bytes(hashlib.sha256(words.tobytes()).digest()[:7], "big")
