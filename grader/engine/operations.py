"""The operations of a test on an object that lives in the student's process."""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable
from typing import Final

from labo.checks import random_state

_KINDS: Final = 40


def class_names(kind: type) -> list[str]:
    return [f"{base.__module__}.{base.__qualname__}" for base in kind.__mro__[:_KINDS]]


def _ancestors(kind: type) -> list[str]:
    if not isinstance(kind, type):
        raise AttributeError("__bases__")
    return class_names(kind)


_UNARY: Final = ("neg", "pos", "abs", "invert")
_BINARY: Final = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")

ARITHMETIC: Final[dict[str, Callable]] = {
    name: getattr(operator, name) for name in _UNARY + _BINARY
}
"""The operations whose result is an object for the test, whatever it is."""

OPERATIONS: Final[dict[str, Callable]] = {
    "call": lambda function, /, *args, **kwargs: function(*args, **kwargs),
    "getattr": getattr,
    "setattr": setattr,
    "delattr": delattr,
    "getitem": operator.getitem,
    "setitem": operator.setitem,
    "delitem": operator.delitem,
    "contains": operator.contains,
    "len": len,
    "iter": iter,
    "next": next,
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
    **ARITHMETIC,
}

READINGS: Final = frozenset(
    {
        *("getattr", "getitem", "contains", "len", "iter", "next", "isinstance", "issubclass"),
        *("str", "repr", "format", "hash"),
    }
)
"""The operations that are not meant to change an object."""
