"""Parameters and other leaves of the graph that both sides hold, kept equal at each exchange."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import NoneType
from typing import Any, NamedTuple
from weakref import WeakValueDictionary

import torch

from grader.engine.numeric import pack_tensor


class Content(NamedTuple):
    """Of a tensor, all that the other side needs to know."""

    value: torch.Tensor
    grad: torch.Tensor | None
    requires_grad: bool


class Mirrors:
    """One side's tensors, under the numbers that both sides give them."""

    def __init__(self) -> None:
        self.tensors: dict[int, torch.Tensor] = {}  # kept alive: a test may write to one and let go
        self._exchanged: dict[int, Content] = {}
        self._numbers: dict[int, int] = {}  # by id

    def __contains__(self, number: int) -> bool:
        return number in self.tensors

    def add(self, number: int, tensor: torch.Tensor) -> None:
        """Mirror a tensor, which the other side now has as it is."""
        self.tensors[number] = tensor
        self._numbers[id(tensor)] = number
        self._exchanged[number] = copied(content(tensor))

    def changed(self) -> dict[int, Content]:
        """The contents that have changed since the last exchange, for the other side to take."""
        changed = {}
        for number, tensor in self.tensors.items():
            if not _is_as(tensor, self._exchanged[number]):
                changed[number] = now = content(tensor)
                self._exchanged[number] = copied(now)
        return changed

    def contents(self) -> dict[int, Content]:
        """All contents, for the other side to take."""
        for number, tensor in self.tensors.items():
            self._exchanged[number] = copied(content(tensor))
        return {number: content(tensor) for number, tensor in self.tensors.items()}

    def take(self, changed: dict[int, Content]) -> None:
        """Make the same changes here; on the wire, a `Content` is a plain tuple."""
        for number, parts in changed.items():
            if number in self.tensors:
                value, grad, requires_grad = checked(parts)
                tensor = self.tensors[number]
                if (tensor.shape, tensor.dtype) == (value.shape, value.dtype):
                    tensor.data.copy_(value.detach())  # also for what shares its memory
                else:
                    tensor.grad, tensor.data = None, value.detach()
                tensor.grad = grad
                tensor.requires_grad_(requires_grad)
                self.add(number, tensor)

    def keep(self, numbers: Iterable[int]) -> None:
        """Forget all but these."""
        self.tensors = {n: self.tensors[n] for n in numbers if n in self.tensors}
        self._exchanged = {n: self._exchanged[n] for n in self.tensors}
        self._numbers = {id(tensor): n for n, tensor in self.tensors.items()}

    def keep_held(self) -> None:
        """Forget those to which this is the only reference."""
        held = WeakValueDictionary(self.tensors)
        self.tensors.clear()
        self.tensors.update(held.items())  # not by its keys: one may go meanwhile
        self.keep(self.tensors)

    def number_of(self, tensor: object) -> int | None:
        """The number of this very tensor, if it is mirrored."""
        number = self._numbers.get(id(tensor))
        return number if number is not None and self.tensors[number] is tensor else None


def content(tensor: torch.Tensor) -> Content:
    """The content of a tensor, which shares its memory."""
    grad = tensor.grad.detach() if tensor.is_leaf and tensor.grad is not None else None
    return Content(tensor.detach(), grad, tensor.requires_grad)


def packed(tensor: torch.Tensor) -> list:
    """The content of a tensor as bytes, for an encoder to write as it is."""
    value, grad, requires_grad = content(tensor)
    return [pack_tensor(value), None if grad is None else pack_tensor(grad), requires_grad]


def made(parts: Content, *, is_parameter: bool) -> torch.Tensor:
    """A tensor of that content."""
    value, grad, requires_grad = parts
    tensor = torch.nn.Parameter(value, requires_grad) if is_parameter else value
    tensor.requires_grad_(requires_grad).grad = grad
    return tensor


def checked(parts: Sequence[Any]) -> Content:
    """The parts of a content, as the other side has sent them.

    Raises:
        TypeError, ValueError: they are none: an object in a tensor's place would be asked for more.
    """
    value, grad, requires_grad = parts
    if type(value) is not torch.Tensor or type(grad) not in (torch.Tensor, NoneType):
        raise TypeError("not the content of a tensor")
    if type(requires_grad) is not bool:
        raise TypeError("not the content of a tensor")
    return Content(value, grad, requires_grad)


def copied(parts: Content) -> Content:
    """The same content, in memory of its own."""
    grad = None if parts.grad is None else parts.grad.detach().clone()
    return Content(parts.value.detach().clone(), grad, parts.requires_grad)


def _is_as(tensor: torch.Tensor, before: Content) -> bool:
    """True if a tensor still has this content; asked of each of them at each exchange."""
    if tensor.requires_grad != before.requires_grad or not _equal(tensor, before.value):
        return False
    grad = tensor.grad if tensor.is_leaf else None
    if grad is None or before.grad is None:
        return grad is before.grad
    return _equal(grad, before.grad)


def _equal(a: torch.Tensor, b: torch.Tensor) -> bool:
    return a.dtype is b.dtype and torch.equal(a, b)  # false of another shape
