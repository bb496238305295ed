"""Proxies: a test's hold on objects that live in the student's process.

A proxy passes on calls, attributes, items and iteration: what a test does with an object to learn
what the object answers. It does not pass on what a test does with a *value*: a proxy is never a
number, a truth, an array or a text, is never equal to plain data and never ordered, and none of
this asks the student's process, which would be shown what the test compares with.

Arithmetic is between the two: an exercise may be to write a class that has it. It is passed on for
objects of such a class only, those that the test made by calling the class and those of the same
class that calls and arithmetic made of them. The result is again an object, and plain data only
once a test reads an attribute of it.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Iterator, Mapping
from types import FrameType
from typing import Any, Final, NoReturn, Protocol

import numpy as np
import torch

from grader.engine import french, wire
from grader.engine.natures import PLAIN, WrongNature, claimed_class, refuse
from grader.engine.sizes import Sizes
from grader.engine.student_error import UnsupportedAcrossBoundary

_VALUES: Final = ("builtins.", "numpy.", "torch.Tensor")
_GENERATOR: Final = "builtins.generator"

_PASSED_ON: Final = frozenset(
    {"__name__", "__qualname__", "__doc__", "__module__", "__dict__", "__annotations__"}
)
"""The special names that a test may read of a student's object. Libraries look up all others too
(`__array_interface__`, `__torch_function__`, `__wrapped__`...) and trust what they find."""

_MAX_LENGTH: Final = 2**27  # of a proxy, as Python makes room for what it is about to read


class Boundary(Protocol):
    """The way to the student's process."""

    sizes: Sizes
    special_methods: Mapping[str, frozenset[str]]

    def apply(self, operation: str, /, *args: Any, **kwargs: Any) -> Any:
        """Do one of `operations.OPERATIONS` there."""

    def method(self, value: Proxy, name: str) -> Method:
        """A method of an object there, which is called next."""

    def call(self, method: Method, args: tuple, kwargs: dict) -> Any:
        """Call such a method."""

    def iterate(self, value: Proxy) -> Proxy:
        """An iterator over an object there."""

    def following(self, iterator: Proxy) -> Any:
        """The next item of an iterator there."""


class Proxy:
    """An object of the student's process.

    `_labo_own` names the classes of the author's notebook from whose objects it was obtained.
    """

    __slots__ = ("__weakref__", "_labo_handle", "_labo_own", "_labo_remote")

    def __init__(self, remote: Boundary, handle: wire.Handle) -> None:
        object.__setattr__(self, "_labo_remote", remote)
        object.__setattr__(self, "_labo_handle", handle)
        object.__setattr__(self, "_labo_own", frozenset())

    @property
    def __class__(self) -> type:
        return claimed_class(handle_of(self).kinds) or Proxy

    @__class__.setter
    def __class__(self, value: type) -> None:
        raise AttributeError("__class__")

    @property
    def __bases__(self) -> tuple[type, ...]:  # what issubclass asks for
        kinds = _found(list, "une liste de classes", _apply("ancestors", self))
        return (claimed_class(kinds) or Proxy,)

    def __instancecheck__(self, instance: object) -> bool:
        return isinstance(instance, Proxy) and _truth(_apply("isinstance", instance, self))

    def __subclasscheck__(self, subclass: object) -> bool:
        return isinstance(subclass, Proxy) and _truth(_apply("issubclass", subclass, self))

    def __getattr__(self, name: str) -> Any:
        if _is_special(name) and name not in _PASSED_ON:
            raise AttributeError(name)
        if _calls_next(sys._getframe(1)):
            return _remote(self).method(self, name)
        return _apply("getattr", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        if _is_special(name):
            raise AttributeError(name)
        _apply("setattr", self, name, value)

    def __delattr__(self, name: str) -> None:
        if _is_special(name):
            raise AttributeError(name)
        _apply("delattr", self, name)

    def __getitem__(self, key: Any) -> Any:
        return _apply("getitem", self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        _apply("setitem", self, key, value)

    def __delitem__(self, key: Any) -> None:
        _apply("delitem", self, key)

    def __contains__(self, item: Any) -> bool:
        if is_own(self):
            return _truth(_apply("contains", self, item))
        return any(found is item or found == item for found in self)

    def __len__(self) -> int:
        if nearest_kind(self) == _GENERATOR:  # `list` looks for a length before it iterates
            raise TypeError("object of type 'generator' has no len()")
        length = _apply("len", self)
        if type(length) is not int or not 0 <= length < _MAX_LENGTH:
            raise WrongNature(french.expected("une longueur", type(length).__name__))
        if not (is_own(self) or _sizes(self).agrees_with_length(handle_of(self).number, length)):
            raise WrongNature(french.another_length(_kind(self)))
        return length

    def __iter__(self) -> Iterator[Any]:
        iterator = _remote(self).iterate(self)
        count = 0
        while True:
            try:
                item = next(iterator)
            except StopIteration:
                break
            count += 1
            yield item
        if not (is_own(self) or _sizes(self).agrees_with_count(handle_of(self).number, count)):
            raise WrongNature(french.another_length(_kind(self)))

    def __next__(self) -> Any:
        return _remote(self).following(self)

    def __copy__(self) -> Any:
        return _apply("copy", self)

    def __deepcopy__(self, memo: dict) -> Any:
        return _apply("deepcopy", self)

    def __repr__(self) -> str:
        if not _has(self, "__repr__"):
            return french.an_object(_kind(self))
        return _found(str, "un texte", _apply("repr", self))

    def __str__(self) -> str:
        if not _has(self, "__str__"):
            return repr(self)
        return _found(str, "un texte", _apply("str", self))

    def __format__(self, specification: str) -> str:
        if not _has(self, "__format__"):
            text = str(self)
            shown = _has(self, "__str__") or _has(self, "__repr__")
            return format(text, specification) if shown else text
        return _found(str, "un texte", _apply("format", self, specification))

    # What keeps proxies apart here; `hash(x)` in a test is the builtin of `StudentNames`.
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if type(other) in (Proxy, CallableProxy):
            _check_in_one_process(self, "__eq__", "==")
            _check_in_one_process(other, "__eq__", "==")
        elif isinstance(other, PLAIN):
            if is_own(self):
                _check_in_one_process(self, "__eq__", "==")
            _refuse(self, other)
        return False

    def __mro_entries__(self, bases: tuple) -> NoReturn:
        raise UnsupportedAcrossBoundary(
            f"class ...({_kind(self)}): a class of the student's is derived from in the notebook"
        )

    def __enter__(self) -> NoReturn:
        raise UnsupportedAcrossBoundary(
            f"with an object of the class {_kind(self)}: a function of the notebook does that"
        )

    def __exit__(self, *_: object) -> None:
        pass

    # NumPy leaves arithmetic to the proxy, which refuses it.
    __array_ufunc__ = None


class CallableProxy(Proxy):
    """A function, a class, a module or anything else that can be called."""

    __slots__ = ()

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return _apply("call", self, *args, **kwargs)


class Method:
    """What `x.name` stands for in `x.name(...)`, until it is called: one request does both.

    Attributes:
        found: what the name stood for, if another request came between the two.
    """

    __slots__ = ("__weakref__", "found", "name", "value")

    def __init__(self, value: Proxy, name: str) -> None:
        self.value = value
        self.name = name
        self.found: Any = None

    def __call__(self, /, *args: Any, **kwargs: Any) -> Any:
        return _remote(self.value).call(self, args, kwargs)


def handle_of(proxy: Proxy) -> wire.Handle:
    """The number and the classes by which the other side knows the object."""
    return object.__getattribute__(proxy, "_labo_handle")


def origins(proxy: Proxy) -> frozenset[str]:
    """The classes of the author's notebook from whose objects this one was obtained."""
    return object.__getattribute__(proxy, "_labo_own")


def add_origins(proxy: Proxy, classes: frozenset[str]) -> None:
    """Note that the object was obtained from objects of these classes."""
    if not classes <= origins(proxy):
        object.__setattr__(proxy, "_labo_own", origins(proxy) | classes)


def forget_origins(proxy: Proxy) -> None:
    """Let the object be any other's, for the next test."""
    object.__setattr__(proxy, "_labo_own", frozenset())


def is_own(proxy: Proxy) -> bool:
    """True for an object of a class of the author's notebook, which may have arithmetic."""
    own = origins(proxy)
    return bool(own) and not own.isdisjoint(handle_of(proxy).kinds)


def nearest_kind(proxy: Proxy) -> str:
    """The qualified name of the object's class, as the student's process gives it."""
    kinds = handle_of(proxy).kinds
    return kinds[0] if kinds else "object"


def _has(proxy: Any, method: str) -> bool:
    """True for an object of a class that has this method in the author's notebook."""
    methods = _remote(proxy).special_methods
    classes = (kind.rpartition(".")[2] for kind in handle_of(proxy).kinds)
    return any(method in methods.get(name, ()) for name in classes)


def _check_in_one_process(proxy: Any, method: str, shown: str) -> None:
    """Refuse, as the test's own doing, what the exercise defines and is not asked for here."""
    if _has(proxy, method):
        raise UnsupportedAcrossBoundary(
            f"{shown} of an object of the class {_kind(proxy)} would believe what its {method}"
            f" says: compare its attributes, or call a function of the notebook that uses {shown}"
        )


def _arithmetic(operation: str, *, reflected: bool) -> Callable:
    def compute(self: Proxy, other: Any) -> Any:
        if not is_own(self) or isinstance(other, torch.Tensor | np.ndarray):
            _refuse(self, other)
        operands = (other, self) if reflected else (self, other)
        return _of_own_class(self, _apply(operation, *operands))

    return compute


def _unary(operation: str) -> Callable:
    def compute(self: Proxy) -> Any:
        if not is_own(self):
            _refuse(self, 0)
        return _of_own_class(self, _apply(operation, self))

    return compute


def _of_own_class(operand: Proxy, result: Any) -> Proxy:
    """The result of arithmetic, which is an object too."""
    if type(result) not in (Proxy, CallableProxy):  # from a process that lies
        raise WrongNature(french.expected(french.an_object(_kind(operand)), type(result).__name__))
    if nearest_kind(result).startswith(_VALUES):
        raise WrongNature(french.expected(french.an_object(_kind(operand)), _kind(result)))
    return result


def _refuse(proxy: Proxy, other: Any) -> NoReturn:
    refuse(_kind(proxy), other)


def _refusing(nature: str, method: str) -> Callable:
    def refuse(self: Proxy, *_: Any) -> NoReturn:
        if is_own(self):
            _check_in_one_process(self, method, method)
        raise WrongNature(french.expected(nature, _kind(self)))

    return refuse


def _ordering(method: str, sign: str) -> Callable:
    def compare(self: Proxy, other: Any) -> NoReturn:
        if is_own(self) or isinstance(other, Proxy):
            _check_in_one_process(self, method, sign)
        _refuse(self, other)

    return compare


for _operation in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"):
    setattr(Proxy, f"__{_operation}__", _arithmetic(_operation, reflected=False))
    setattr(Proxy, f"__r{_operation}__", _arithmetic(_operation, reflected=True))
for _operation in ("neg", "pos", "abs", "invert"):
    setattr(Proxy, f"__{_operation}__", _unary(_operation))
for _operation in ("divmod", "and", "or", "xor", "lshift", "rshift"):
    setattr(Proxy, f"__{_operation}__", _refuse)
    setattr(Proxy, f"__r{_operation}__", _refuse)
for _operation, _sign in {"lt": "<", "le": "<=", "gt": ">", "ge": ">="}.items():
    setattr(Proxy, f"__{_operation}__", _ordering(f"__{_operation}__", _sign))
for _nature, _operations in {
    "un nombre": ("float", "complex", "round", "trunc", "floor", "ceil"),
    "un entier": ("int", "index"),
    "un booléen": ("bool",),
    "un tableau": ("array",),
    "une valeur": ("reduce_ex",),
}.items():
    for _operation in _operations:
        setattr(Proxy, f"__{_operation}__", _refusing(_nature, f"__{_operation}__"))


def _calls_next(frame: FrameType) -> bool:
    """True where the frame has come to `x.name(...)`, which calls what the name stands for."""
    code, at = frame.f_code.co_code, frame.f_lasti
    if sys.version_info < (3, 12):
        return code[at] == _LOAD_METHOD
    return code[at] == _LOAD_ATTR and code[at + 1] & 1 == 1


_LOAD_METHOD: Final = dis.opmap.get("LOAD_METHOD")
_LOAD_ATTR: Final = dis.opmap["LOAD_ATTR"]


def _is_special(name: str) -> bool:
    return name.startswith("__") and name.endswith("__")


def _apply(operation: str, /, *args: Any, **kwargs: Any) -> Any:
    proxy = next(arg for arg in args if isinstance(arg, Proxy))
    return _remote(proxy).apply(operation, *args, **kwargs)


def _remote(proxy: Any) -> Boundary:
    return object.__getattribute__(proxy, "_labo_remote")


def _sizes(proxy: Proxy) -> Sizes:
    return _remote(proxy).sizes


def _kind(proxy: Proxy) -> str:
    return nearest_kind(proxy).rpartition(".")[2][:80]


def _truth(answer: Any) -> bool:
    return _found(bool, "un booléen", answer)


def _found(kind: type, nature: str, answer: Any) -> Any:
    """The answer, which Python's protocols want of this class; from a process that lies, any."""
    if not issubclass(type(answer), kind):
        raise WrongNature(french.expected(nature, type(answer).__name__))
    return answer
