"""Functions and classes that pass by name, towards the candidate only."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

import numpy as np
import torch
import torch.utils.data

import labo

# Where functions and classes that pass by name are looked up.
_MODULES: Final = {
    "torch": torch,
    "torch.nn": torch.nn,
    "torch.nn.functional": torch.nn.functional,
    "torch.nn.init": torch.nn.init,
    "torch.optim": torch.optim,
    "torch.linalg": torch.linalg,
    "torch.special": torch.special,
    "torch.utils.data": torch.utils.data,
    "math": math,
    "numpy": np,
    "labo": labo,
}
_BUILTINS: Final = {
    kind.__name__: kind
    for kind in (bool, int, float, complex, str, bytes, list, tuple, dict, set, frozenset, object)
} | {
    function.__name__: function
    for function in (abs, len, max, min, sum, sorted, round, range, getattr, setattr)
}


def qualified_name(value: Any) -> tuple[str, str] | None:
    """Module and name under which both sides find `value`, if it is well known."""
    if isinstance(value, ModuleType):
        return None
    name = getattr(value, "__name__", None)
    if not isinstance(name, str):
        return None
    if _BUILTINS.get(name) is value:
        return "builtins", name
    for module_name, module in _MODULES.items():
        if module.__dict__.get(name) is value and callable(value):
            return module_name, name
    return None


def named(module: str, name: str) -> Callable | None:
    """The function or class of this qualified name, if it is well known."""
    value = _BUILTINS.get(name) if module == "builtins" else None
    if module in _MODULES:
        value = getattr(_MODULES[module], name, None)
    return value if callable(value) and not name.startswith("_") else None
