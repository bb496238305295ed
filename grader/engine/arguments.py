"""The arguments of a call to student code, as the examiner writes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
import torch

from grader.engine import french, mirrors, wire
from grader.engine.mirrors import Mirrors
from grader.engine.natures import WrongNature
from grader.engine.numeric import pack_array, pack_tensor
from grader.engine.operations import indices_within
from grader.engine.proxy import Proxy, handle_of, origins
from grader.engine.state import RandomStreams
from grader.engine.student_error import UnsupportedAcrossBoundary
from grader.engine.well_known import qualified_name
from grader.engine.wire import Pack
from grader.engine.wire_errors import WireError
from labo.checks import Earlier

Argument = torch.Tensor | np.ndarray | torch.Generator | list | dict | set
"""A value that a call may change in place, or give back as it is."""

_ARGUMENTS: Final = {torch.Tensor, torch.nn.Parameter, np.ndarray, list, dict, set}  # most of them
_CONTENTS: Final = (np.ndarray, list, dict, set)
# What a class that derives from str, list ... may have of its own, and be told by its plain value.
_HARMLESS: Final = {
    *("__new__", "__init__", "__init_subclass__", "__repr__", "__str__", "__format__", "__hash__"),
    *("__doc__", "__module__", "__dict__", "__slots__", "__getnewargs__", "__reduce_ex__"),
}


class ArgumentEncoder:
    """Writes the arguments of one call; keeps those that may come back changed.

    Args:
        callbacks: the functions of the test that student code may call, to be added to.
    """

    def __init__(
        self, mirrored: Mirrors, streams: RandomStreams, callbacks: list[Callable]
    ) -> None:
        self.mirrored = mirrored
        self.streams = streams
        self.callbacks = callbacks
        self.values: list[Argument] = []
        self.origins: frozenset[str] = frozenset()
        """Those of all objects among the arguments."""
        self._indices: dict[int, int] = {}  # by id

    @property
    def inputs(self) -> list[torch.Tensor]:
        """The tensors by which gradients come back."""
        return [t for t in self.values if isinstance(t, torch.Tensor) and t.requires_grad]

    def encode(self, args: tuple, kwargs: dict[str, Any]) -> bytes:
        """The arguments as bytes.

        Raises:
            UnsupportedAcrossBoundary: one of them cannot cross.
        """
        return encoded((args, tuple(kwargs.items())), self._special)

    def indices(self, call: tuple) -> set[int]:
        """Where the arguments are that a call is given, in containers included."""
        return indices_within(call, self._indices)

    def overwrite(self, index: int, content: Any) -> None:
        """Give an argument the content that the call has left in it.

        Raises:
            TypeError, ValueError, RuntimeError, LookupError: it can have no such content.
        """
        argument = self.values[index]
        if isinstance(argument, torch.Tensor):
            _overwrite_tensor(argument, mirrors.copied(mirrors.checked(content)))
        elif type(content) not in _CONTENTS or not isinstance(argument, type(content)):
            # A range, or an object, is as long as it says, and an object is asked for its items.
            raise TypeError(f"a {type(argument).__name__} holds no {type(content).__name__}")
        elif isinstance(argument, np.ndarray):
            argument[...] = content
        elif isinstance(argument, list):
            argument[:] = content
        else:
            argument.clear()
            argument.update(content)

    def _special(self, value: Any, pack: Pack) -> list | None:
        kind = type(value)
        if kind is tuple:
            return None
        if issubclass(kind, Proxy):
            self.origins |= origins(value)
            return ["object", handle_of(value).number]
        if kind is Earlier:
            return ["earlier", value.rank]
        if name := _overridden(kind):
            raise UnsupportedAcrossBoundary(
                f"a {kind.__name__} of the test would be given without its {name}, a plain value:"
                " see what student code does with checks.forbid(...), or grade in shared mode"
            )
        if kind in _ARGUMENTS or isinstance(value, Argument):
            number = self.mirrored.number_of(value)
            return self._argument(value, pack) if number is None else ["object", number]
        if isinstance(value, torch.nn.Module | torch.optim.Optimizer):
            raise UnsupportedAcrossBoundary(
                f"a {type(value).__name__} built by the test cannot be given to student code: "
                "build it there with labo.checks.build(nn.Linear, 4, 3)"
            )
        if callable(value) and qualified_name(value) is None:
            return ["callback", self.callback(value)]
        return None

    def callback(self, function: Callable | None) -> int | None:
        """The number by which student code may call a function of the test."""
        if function is None:
            return None
        self.callbacks.append(function)
        return len(self.callbacks) - 1

    def _argument(self, value: Argument, pack: Pack) -> list:
        if id(value) in self._indices:
            return ["again", self._indices[id(value)]]
        self._indices[id(value)] = len(self.values)
        self.values.append(value)
        if isinstance(value, torch.Tensor):
            is_parameter = isinstance(value, torch.nn.Parameter)
            return ["tensor argument", is_parameter, *mirrors.packed(value)]
        if isinstance(value, dict):
            pairs = [[pack(key), pack(item)] for key, item in value.items()]
            return ["dict argument", pairs]
        if type(value) is list and value and all(issubclass(type(v), Proxy) for v in value):
            self.origins = self.origins.union(*map(origins, value))
            return ["objects argument", [handle_of(item).number for item in value]]
        if isinstance(value, list | set):
            tag = "list argument" if isinstance(value, list) else "set argument"
            return [tag, [pack(item) for item in value]]
        if isinstance(value, torch.Generator):
            number, state = self.streams.lend(value)
            return ["generator argument", number, state if state is None else pack_tensor(state)]
        return ["argument", pack_array(value)]


def encoded(value: Any, special: wire.Special | None = None) -> bytes:
    """The bytes of a value of the test.

    Raises:
        UnsupportedAcrossBoundary: it has no form as data.
        WrongNature: it is too large, or holds a result that is as large as one may be.
    """
    try:
        return wire.encode(value, special)
    except wire.TooLarge:
        raise WrongNature(french.unreadable()) from None
    except WireError as error:
        raise UnsupportedAcrossBoundary(f"given to student code: {error}") from None


def _overridden(kind: type) -> str:
    """What a class of the test does otherwise than the str, list ... that it derives from."""
    if kind.__module__ != "__main__":
        return ""
    base = next(each for each in kind.__mro__ if each.__module__ == "builtins")
    of_the_test = (each for each in kind.__mro__ if each.__module__ == "__main__")
    own = {name for each in of_the_test for name in vars(each)} - _HARMLESS
    changed = sorted(name for name in own if hasattr(base, name))
    return changed[0] if base is not object and changed else ""


def _overwrite_tensor(argument: torch.Tensor, content: mirrors.Content) -> None:
    data, grad, requires_grad = content
    if argument.shape == data.shape:
        argument.data.copy_(data)
    else:  # in memory of its own: the argument may be a view of what the call was not given
        argument.data = data.to(argument.dtype)
    if argument.is_leaf:
        argument.grad = grad
        argument.requires_grad_(requires_grad)
