"""The operations of a test on an object that lives in the student's process."""

from __future__ import annotations

import copy
import operator
from collections.abc import Callable
from typing import Final

_KINDS: Final = 40


def class_names(kind: type) -> list[str]:
    return [f"{base.__module__}.{base.__qualname__}" for base in kind.__mro__[:_KINDS]]


def _ancestors(kind: type) -> list[str]:
    if not isinstance(kind, type):
        raise AttributeError("__bases__")
    return class_names(kind)


OPERATIONS: Final[dict[str, Callable]] = {
    "call": lambda function, *args, **kwargs: function(*args, **kwargs),
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
    "bool": bool,
    "float": float,
    "int": int,
    "repr": repr,
    "isinstance": isinstance,
    "issubclass": issubclass,
    "ancestors": _ancestors,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    **{name: getattr(operator, name) for name in ("neg", "pos", "abs", "invert")},
    **{
        name: getattr(operator, name)
        for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")
    },
}
