"""The state that code uses without naming it: gradient mode, default dtype, random generators.

Gradient mode and default dtype travel to the candidate with each call. Random states do not come
back, and those that go out tell nothing of what the test draws:

- the examiner and the candidate draw from generators of their own, seeded by a digest of the
  test's text and of all that students do not receive of the lab, so that every grading draws the
  same numbers and nobody can work them out beforehand;
- when a test has seeded a generator (`torch.manual_seed(0)`), the next call lends the candidate
  that stream, which the candidate then goes on with: a reference that the test seeds in the same
  way draws what the student's code drew;
- at each call the examiner's generators are seeded anew. Their numbers, of which a few hundred tell
  all that follow, are among the arguments that the candidate sees;
- a generator that a test gives as an argument is lent in the same way: the candidate goes on with
  a copy, and the test's own is seeded anew.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
import torch

_DTYPES: Final = {str(dtype): dtype for dtype in (torch.float16, torch.bfloat16, torch.float32)} | {
    str(torch.float64): torch.float64
}


class RandomStreams:
    """The examiner's random generators, of which a candidate is lent what a test has seeded."""

    def __init__(self) -> None:
        self.secret = ""
        """A text that no student has: a test may be visible from its first line to its last."""
        self._key = b""
        self._count = 0
        self._torch_seed = 0
        self._seeded_by_test: set[str] = set()  # "numpy", "python"
        self._starting = False
        self._generators: dict[torch.Generator, tuple[int, int]] = {}  # number, and seed given here
        self._seed_numpy, self._seed_python = np.random.seed, random.seed
        _watch(np.random, ("seed", "set_state"), lambda: self._seeded_by_test.add("numpy"))
        _watch(random, ("seed", "setstate"), lambda: self._seeded_by_test.add("python"))

    def start(self, test: str) -> None:
        """Seed all generators for this test, given by its text."""
        text = f"{self.secret}\0{test}"
        self._key, self._count = hashlib.sha256(text.encode("utf-8", "replace")).digest(), 0
        self._starting = True
        self.seed_anew()

    def lent(self) -> dict[str, Any]:
        """The state that the next call runs in, as data."""
        state: dict[str, Any] = {
            "grad": torch.is_grad_enabled(),
            "dtype": str(torch.get_default_dtype()),
        }
        if self._starting:
            state["seed"] = self._next_seed()
            self._starting = False
        if torch.initial_seed() != self._torch_seed:
            state["torch"] = torch.get_rng_state()
        if "numpy" in self._seeded_by_test:
            state["numpy"] = list(np.random.get_state())
        if "python" in self._seeded_by_test:
            version, words, gauss = random.getstate()
            state["python"] = [version, np.array(words, np.int64), gauss]
        self.seed_anew()
        return state

    def lend(self, generator: torch.Generator) -> tuple[int, torch.Tensor | None]:
        """The number of a generator given as an argument, and its state if the test has seeded it.

        Without a state, the candidate goes on with the copy that it has.
        """
        number, seed = self._generators.get(generator, (len(self._generators), None))
        if generator.initial_seed() == seed:
            return number, None
        state = generator.get_state()
        generator.manual_seed(self._next_seed())
        self._generators[generator] = number, generator.initial_seed()
        return number, state

    def forget_generators(self) -> None:
        """Let go of those that were lent, as the candidate does."""
        self._generators.clear()

    def seed_anew(self) -> None:
        """Make all that the examiner draws from here on independent of what it drew before."""
        digest = self._next_digest()
        self._torch_seed = int.from_bytes(digest[:7], "big")
        torch.default_generator.manual_seed(self._torch_seed)
        self._seed_numpy(int.from_bytes(digest[7:11], "big"))
        self._seed_python(int.from_bytes(digest[11:18], "big"))
        self._seeded_by_test.clear()

    def _next_seed(self) -> int:
        """A number of 56 bits; from those of before, nobody finds the next."""
        return int.from_bytes(self._next_digest()[:7], "big")

    def _next_digest(self) -> bytes:
        self._count += 1
        return hashlib.sha256(self._key + self._count.to_bytes(8, "big")).digest()


@contextmanager
def restored(state: dict[str, Any]) -> Iterator[None]:
    """Put this process, a candidate, in the state that the examiner has sent.

    After the block, gradient mode and default dtype are as before: another call may go on.
    """
    grad, default = torch.is_grad_enabled(), torch.get_default_dtype()
    _restore(state)
    try:
        yield
    finally:
        torch.set_grad_enabled(grad)
        _set_default(default)


def _set_default(dtype: torch.dtype) -> None:
    if torch.get_default_dtype() != dtype:  # to set it takes longer than to ask
        torch.set_default_dtype(dtype)


def _restore(state: dict[str, Any]) -> None:
    torch.set_grad_enabled(state["grad"])
    _set_default(_DTYPES[state["dtype"]])
    if "seed" in state:
        torch.default_generator.manual_seed(state["seed"])
        np.random.seed(state["seed"] % 2**32)
        random.seed(state["seed"])
    if "torch" in state:
        torch.set_rng_state(state["torch"])
    if "numpy" in state:
        np.random.set_state(tuple(state["numpy"]))
    if "python" in state:
        version, words, gauss = state["python"]
        random.setstate((version, tuple(words.tolist()), gauss))


def _watch(module: Any, names: tuple[str, ...], note: Callable[[], None]) -> None:
    """Call `note` whenever one of these functions of a module is called."""
    for name in names:
        setattr(module, name, _noting(getattr(module, name), note))


def _noting(function: Callable, note: Callable[[], None]) -> Callable:
    def noting(*args: Any, **kwargs: Any) -> Any:
        note()
        return function(*args, **kwargs)

    return noting
