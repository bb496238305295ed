"""Proxies: a test's hold on objects that live in the student's process.

Python's own protocols are passed on to the object. A proxy is never equal to a value, is never
ordered, and never receives a tensor to compute with: what a test compares is plain data, or fails.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol

import numpy as np
import torch

from grader.engine import wire

# Classes that a proxy may claim to be an instance of. None of them has a value that a test could
# take for a number, a tensor or a container.
_CLAIMABLE: Final = ("torch.nn.", "torch.optim.", "torch.utils.data.", "torch.autograd.function.")


class Boundary(Protocol):
    """The way to the student's process."""

    def apply(self, operation: str, *args: Any, **kwargs: Any) -> Any:
        """Do one of `operations.OPERATIONS` there."""


class Proxy:
    """An object of the student's process."""

    __slots__ = ("__weakref__", "_labo_handle", "_labo_remote")

    def __init__(self, remote: Boundary, handle: wire.Handle) -> None:
        object.__setattr__(self, "_labo_remote", remote)
        object.__setattr__(self, "_labo_handle", handle)

    @property
    def __class__(self) -> type:
        return _claimed_classes(handle_of(self).kinds)[0]

    @__class__.setter
    def __class__(self, value: type) -> None:
        _apply("setattr", self, "__class__", value)

    @property
    def __bases__(self) -> tuple[type, ...]:  # what issubclass asks for
        return _claimed_classes(_apply("ancestors", self))

    def __instancecheck__(self, instance: object) -> bool:
        return _plain(_apply("isinstance", instance, self), bool)

    def __subclasscheck__(self, subclass: object) -> bool:
        return _plain(_apply("issubclass", subclass, self), bool)

    def __getattr__(self, name: str) -> Any:
        return _apply("getattr", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        _apply("setattr", self, name, value)

    def __delattr__(self, name: str) -> None:
        _apply("delattr", self, name)

    def __getitem__(self, key: Any) -> Any:
        return _apply("getitem", self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        _apply("setitem", self, key, value)

    def __delitem__(self, key: Any) -> None:
        _apply("delitem", self, key)

    def __contains__(self, item: Any) -> bool:
        return _plain(_apply("contains", self, item), bool)

    def __len__(self) -> int:
        return _plain(_apply("len", self), int)

    def __bool__(self) -> bool:
        return _plain(_apply("bool", self), bool)

    def __float__(self) -> float:
        return _plain(_apply("float", self), float)

    def __int__(self) -> int:
        return _plain(_apply("int", self), int)

    def __iter__(self) -> Iterator[Any]:
        iterator = _apply("iter", self)
        while True:
            try:
                item = next(iterator)
            except StopIteration:
                return
            yield item

    def __next__(self) -> Any:
        return _apply("next", self)

    def __repr__(self) -> str:
        return _plain(_apply("repr", self), str)

    def __copy__(self) -> Any:
        return _apply("copy", self)

    def __deepcopy__(self, memo: dict) -> Any:
        return _apply("deepcopy", self)

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return self is other


class CallableProxy(Proxy):
    """A function, a class, a module or anything else that can be called."""

    __slots__ = ()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _apply("call", self, *args, **kwargs)


def _arithmetic(operation: str, *, reflected: bool) -> Callable:
    def compute(self: Proxy, other: Any) -> Any:
        # Student code must not be shown the values that a test compares with.
        if isinstance(other, torch.Tensor | np.ndarray):
            raise TypeError(f"un objet de la classe {_short_name(self)}, et non un tenseur")
        operands = (other, self) if reflected else (self, other)
        return _apply(operation, *operands)

    return compute


def _unary(operation: str) -> Callable:
    return lambda self: _apply(operation, self)


def _refuse_ordering(self: Proxy, other: object) -> bool:
    raise TypeError(f"un objet de la classe {_short_name(self)}, et non un nombre")


for _operation in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"):
    setattr(Proxy, f"__{_operation}__", _arithmetic(_operation, reflected=False))
    setattr(Proxy, f"__r{_operation}__", _arithmetic(_operation, reflected=True))
for _operation in ("neg", "pos", "abs", "invert"):
    setattr(Proxy, f"__{_operation}__", _unary(_operation))
for _operation in ("lt", "le", "gt", "ge"):
    setattr(Proxy, f"__{_operation}__", _refuse_ordering)


def handle_of(proxy: Proxy) -> wire.Handle:
    """The number and the classes by which the other side knows the object."""
    return object.__getattribute__(proxy, "_labo_handle")


def _apply(operation: str, *args: Any, **kwargs: Any) -> Any:
    proxy = next(arg for arg in args if isinstance(arg, Proxy))
    return object.__getattribute__(proxy, "_labo_remote").apply(operation, *args, **kwargs)


def _short_name(proxy: Proxy) -> str:
    kinds = handle_of(proxy).kinds
    return kinds[0].rpartition(".")[2][:80] if kinds else "object"


def _claimed_classes(kinds: Any) -> tuple[type, ...]:
    """The nearest of these classes that is one of torch's, found by its qualified name."""
    for kind in kinds:
        if isinstance(kind, str) and kind.startswith(_CLAIMABLE):
            module, _, name = kind.rpartition(".")
            found = getattr(sys.modules.get(module), name, None)
            if isinstance(found, type) and not issubclass(found, torch.Tensor):
                return (found,)
    return (Proxy,)


def _plain(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(f"expected a {kind.__name__}")
    return value
