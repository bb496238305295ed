"""Ce que tiennent les valeurs qu'un exercice lit, quelle que soit la cellule qui l'y a mis.

Une table, un objet, un réseau se remplissent sans que cela se lise : `fill(table)`, `box.put(g)`,
`net.register_forward_hook(g)`. Ce qu'ils contiennent à la fin, un exercice peut l'appeler.
"""

import dis
import gc
import sys
import weakref
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from types import (
    BuiltinFunctionType,
    ClassMethodDescriptorType,
    CodeType,
    FrameType,
    FunctionType,
    GeneratorType,
    MethodDescriptorType,
    MethodWrapperType,
    ModuleType,
    NoneType,
    TracebackType,
    WrapperDescriptorType,
)
from typing import Any, Final, NamedTuple

import numpy as np
import torch
from torch import nn

from labo.bans.fingerprints import codes, fingerprint

# What holds more is data, or all of a library.
_MOST: Final = 100_000
_PLAIN: Final = {NoneType, bool, int, float, complex, str, bytes}
_OPAQUE: Final = (ModuleType, CodeType, FrameType, TracebackType)
_FUNCTIONS: Final = (
    *(FunctionType, BuiltinFunctionType, MethodDescriptorType, ClassMethodDescriptorType),
    *(WrapperDescriptorType, MethodWrapperType),
)
_CONTAINERS: Final = {
    *("builtins", "collections", "functools", "itertools", "operator", "queue", "_queue", "types"),
    "weakref",
}
_OF_NOTEBOOK: Final = "__main__"
_TYPES_ONLY: Final = {"__annotations__", "__orig_bases__", "__parameters__"}


@dataclass
class Held:
    """Ce que des valeurs tiennent et que l'exercice n'écrit pas.

    Attributs :
        words : les fonctions, les classes et les couches de bibliothèques, et les noms que lisent
            les fonctions du notebook que l'exercice ne contient pas.
        loops : une de ces fonctions contient une boucle.
    """

    words: set[str] = field(default_factory=set)
    loops: bool = False


def held(roots: Iterable[Any], namespace: dict[str, Any], prints: Collection[str]) -> Held:
    """Ce que tiennent ces valeurs d'un notebook.

    Args :
        namespace : les noms du notebook.
        prints : les empreintes du code que contient l'exercice.
    """
    found, libraries = Held(), _Libraries()
    # Within a library's objects, only the notebook's functions count.
    waiting: list[tuple[Any, bool]] = [(root, False) for root in roots]
    seen = {id(namespace): namespace}  # alive, so that no other object has their ids
    codes_read = set[CodeType]()
    while waiting and len(seen) < _MOST:
        value, is_within = waiting.pop()
        if id(value) in seen or libraries.hide(value):
            continue
        seen[id(value)] = value
        own = libraries.own_code(value)
        if own and own.code not in codes_read and fingerprint(own.code) not in prints:
            codes_read.add(own.code)
            names = _read(own.code, found) & dict.keys(own.scope)
            waiting += [(dict.__getitem__(own.scope, name), is_within) for name in names]
        elif own is None and not is_within:
            found.words |= _names_in_library(value)
        closed = is_within or (own is None and _is_closed(value))
        waiting += [(part, closed) for part in _parts(value) if type(part) not in _PLAIN]
        waiting += [(part, is_within) for part in _given(value)]  # the last are looked at first
    return found


def of_library(value: Any) -> str:
    """Le nom sous lequel une bibliothèque a cette valeur même, fonction ou classe ; "" sinon.

    Une fonction du notebook qu'une bibliothèque enveloppe a aussi un nom, et n'y est pas.
    """
    kind = type(value)
    if kind is BuiltinFunctionType:
        return value.__name__
    if kind is not FunctionType and not issubclass(kind, type):
        return ""
    with suppress(Exception):
        module, name = value.__module__, value.__name__
        if module != _OF_NOTEBOOK and vars(sys.modules[module]).get(name) is value:
            return str(name)
    return ""


class _Own(NamedTuple):
    """Un code du notebook, et les noms qui y sont globaux."""

    code: CodeType
    scope: dict[str, Any]


class _Libraries:
    """Les modules importés, et leurs noms : `FunctionType(code, {…})` en a d'autres."""

    def hide(self, value: Any) -> bool:
        """Un module, par exemple ; mais non celui que le notebook a fait lui-même."""
        if type(value) is ModuleType:
            return self._named(_NAMES(value)) is value or id(value) in self._modules
        return issubclass(type(value), _OPAQUE)

    def own_code(self, value: Any) -> _Own | None:
        """Celui d'une fonction ou d'un générateur du notebook."""
        kind = type(value)  # an object may say that it has another class
        if kind is FunctionType:
            own = _Own(value.__code__, value.__globals__)
        elif kind is GeneratorType and value.gi_frame is not None:
            own = _Own(value.gi_frame.f_code, value.gi_frame.f_globals)
        else:
            return None
        return None if self._has(own.scope) else own

    def _has(self, scope: dict[str, Any]) -> bool:
        main = _imported_as(_OF_NOTEBOOK)
        if main is not None and _NAMES(main) is scope:
            return False
        module = self._named(scope)
        return (module is not None and _NAMES(module) is scope) or id(scope) in self._scopes

    def _named(self, scope: dict[str, Any]) -> ModuleType | None:
        """Le module importé sous le nom qu'un module se donne."""
        with suppress(Exception):  # whatever a key of the notebook's raises when it is compared
            return _imported_as(dict.get(scope, "__name__"))
        return None

    # To look at each module would copy its page to a process that was forked: 1,700 pages.

    @cached_property
    def _modules(self) -> set[int]:
        return set(map(id, _imported()))

    @cached_property
    def _scopes(self) -> set[int]:
        # Whatever a class of modules says of its attributes.
        return {id(_NAMES(each)) for each in _imported()}


def _imported_as(name: object) -> ModuleType | None:
    module = sys.modules.get(name) if type(name) is str else None
    return module if issubclass(type(module), ModuleType) else None


def _imported() -> Iterator[ModuleType]:
    return (each for each in sys.modules.values() if issubclass(type(each), ModuleType))


_NAMES: Final = vars(ModuleType)["__dict__"].__get__


def _read(code: CodeType, found: Held) -> set[str]:
    """Les noms que lit un code, et ses boucles, notés."""
    names = set[str]()
    for each in (code, *codes(code)):
        names |= {*each.co_names}
        found.loops = found.loops or any(map(_is_loop, dis.get_instructions(each)))
    found.words |= names
    return names


def _is_loop(instruction: dis.Instruction) -> bool:
    return instruction.opname == "FOR_ITER" or "JUMP_BACKWARD" in instruction.opname


def _names_in_library(value: Any) -> set[str]:
    """Le nom d'une fonction, d'une classe ou d'une couche de bibliothèque, s'il en est une."""
    kind = type(value)
    if issubclass(kind, type):
        return (
            {type.__getattribute__(value, "__name__")} if _module(value) != _OF_NOTEBOOK else set()
        )
    if issubclass(kind, nn.Module):
        return {each.__name__ for each in kind.__mro__ if _module(each) != _OF_NOTEBOOK}
    if not issubclass(kind, _FUNCTIONS) and not (_is_closed(value) and callable(value)):
        return set()
    with suppress(Exception):  # whatever an object raises when it is asked its name
        name, module = value.__name__, getattr(value, "__module__", "")
        # A library's wrapper of a function of the notebook has its names: what it wraps is read.
        return {name} if type(name) is str and module != _OF_NOTEBOOK else set()
    return set()


def _module(kind: type) -> str:
    """Le module qu'une classe dit être le sien."""
    with suppress(Exception):
        module = type.__getattribute__(kind, "__module__")
        return module if type(module) is str else ""
    return ""


def _is_closed(value: Any) -> bool:
    """Une fonction de bibliothèque, ou un objet d'une de ses classes, mais ni table ni réseau."""
    kind = type(value)
    is_open = _module(kind) in {*_CONTAINERS, _OF_NOTEBOOK} or issubclass(kind, nn.Module)
    return kind is FunctionType or not is_open


def _parts(value: Any) -> Iterable[Any]:
    kind = type(value)
    if kind is FunctionType:
        return *(value.__closure__ or ()), value.__defaults__, value.__kwdefaults__, vars(value)
    if issubclass(kind, type):
        return _members(value) if _module(value) == _OF_NOTEBOOK else ()
    return gc.get_referents(value)


def _given(value: Any) -> Iterable[Any]:
    """Ce que le notebook a mis dans un objet d'une bibliothèque qui n'en tient pas d'elle-même."""
    kind = type(value)
    with suppress(Exception):  # whatever a class of the notebook makes of its attributes
        if issubclass(kind, np.ndarray):
            return _objects_in(value)
        if issubclass(kind, torch.Tensor):
            return object.__getattribute__(value, "__dict__").values()
        if issubclass(kind, weakref.ref):
            return [weakref.ref.__call__(value)]
    return ()


def _objects_in(array: np.ndarray) -> list[Any]:
    """Les premiers éléments d'un tableau d'objets, sans les nombres et les textes."""
    if vars(np.ndarray)["dtype"].__get__(array) != np.dtype(object):
        return []
    items = islice(vars(np.ndarray)["flat"].__get__(array), _MOST)
    return [item for item in items if type(item) not in _PLAIN]


def _members(kind: type) -> Iterator[Any]:
    members = type.__getattribute__(kind, "__dict__").items()
    yield from (member for name, member in members if name not in _TYPES_ONLY)
    yield from type.__getattribute__(kind, "__bases__")
