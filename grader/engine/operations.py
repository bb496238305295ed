"""The operations of a test on an object that lives in the student's process."""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from types import GeneratorType
from typing import Any, Final

import torch
from torch.nn import Module

from labo.checks import assembled, equal_to, modes_of, parameters_of, random_state, states_of

_KINDS: Final = 40
_CONTAINERS: Final = (tuple, list, dict, set)


def class_names(kind: type) -> list[str]:
    return [f"{base.__module__}.{base.__qualname__}" for base in kind.__mro__[:_KINDS]]


def _ancestors(kind: type) -> list[str]:
    if not isinstance(kind, type):
        raise AttributeError("__bases__")
    return class_names(kind)


def indices_within(parts: Iterable[Any], indices: Mapping[int, int]) -> set[int]:
    """Those of these parts of a call, and of what their containers hold, that have an index.

    Args:
        indices: by id.
    """
    found, seen, waiting = set[int](), set[int](), list[Any](parts) if indices else []
    while waiting:
        part = waiting.pop()
        if id(part) in indices:
            found.add(indices[id(part)])
        kind = type(part)  # an object of the other side is asked for nothing
        if not issubclass(kind, _CONTAINERS) or id(part) in seen:  # a list may hold itself
            continue
        seen.add(id(part))
        waiting += [*part, *part.values()] if issubclass(kind, dict) else part
    return found


_UNARY: Final = ("neg", "pos", "abs", "invert")
_BINARY: Final = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")

_AHEAD: Final = 64  # items given at a time
_AHEAD_BYTES: Final = 1 << 22  # of their tensors, beyond which no other item is added
# What they yield stays what it is, whatever a test does between two items.
_STEADY: Final = {
    method.__code__
    for method in (
        *(Module.parameters, Module.named_parameters),
        *(Module.children, Module.named_children, Module.modules, Module.named_modules),
    )
}


def _following(iterator: Iterator) -> tuple[tuple, bool]:
    """The next items of an iterator, and true if they are its last.

    Of torch's own over the parts of a module, several: each costs a round trip. Of any other, one:
    it may run student code.
    """
    if not isinstance(iterator, GeneratorType) or iterator.gi_code not in _STEADY:
        return (next(iterator),), False
    items, size = [], 0
    for item in islice(iterator, _AHEAD):
        items.append(item)
        size += sum(part.nbytes for part in _parts(item) if isinstance(part, torch.Tensor))
        if size > _AHEAD_BYTES:
            return tuple(items), False
    return tuple(items), len(items) < _AHEAD


def _iterate(value: Any) -> tuple[Iterator, tuple, bool]:
    """The iterator of a value that is about to be gone through, with what it gives first."""
    iterator = iter(value)
    try:
        return iterator, *_following(iterator)
    except StopIteration:
        return iterator, (), True


def _parts(item: Any) -> tuple:
    return item if isinstance(item, tuple) else (item,)


ARITHMETIC: Final[dict[str, Callable]] = {
    name: getattr(operator, name) for name in _UNARY + _BINARY
}
"""The operations whose result is an object for the test, whatever it is."""

OPERATIONS: Final[dict[str, Callable]] = {
    "call": lambda function, /, *args, **kwargs: function(*args, **kwargs),
    "method": lambda value, name, /, *args, **kwargs: getattr(value, name)(*args, **kwargs),
    "getattr": getattr,
    "setattr": setattr,
    "delattr": delattr,
    "getitem": operator.getitem,
    "setitem": operator.setitem,
    "delitem": operator.delitem,
    "contains": operator.contains,
    "len": len,
    "iterate": _iterate,
    "following": _following,
    "isinstance": isinstance,
    "issubclass": issubclass,
    "ancestors": _ancestors,
    "str": str,
    "repr": repr,
    "format": format,
    "hash": hash,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "random_state": random_state,
    "states_of": states_of,
    "parameters_of": parameters_of,
    "modes_of": modes_of,
    "equal_to": equal_to,
    "assembled": assembled,
    **ARITHMETIC,
}

IN_TURN: Final = "in turn"
"""Calls of methods, one after the other, in one request."""

MAKERS: Final = frozenset({"call", "method", "equal_to", "assembled", *ARITHMETIC})
"""The operations whose objects are made by the test, and not read."""

READINGS: Final = frozenset(
    {
        *("getattr", "getitem", "contains", "len", "iterate", "following"),
        *("isinstance", "issubclass", "str", "repr", "format", "hash"),
        *("parameters_of", "modes_of"),
    }
)
"""The operations that are not meant to change an object."""
