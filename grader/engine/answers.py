"""The objects and parameters of the candidate that tests hold, and the reading of answers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from weakref import WeakSet, ref

import torch

from grader.engine import mirrors, wire
from grader.engine.arguments import ArgumentEncoder
from grader.engine.bounds import MAX_KINDS, MAX_NAME
from grader.engine.mirrors import Mirrors
from grader.engine.proxy import (
    Boundary,
    CallableProxy,
    Proxy,
    add_origins,
    forget_origins,
    handle_of,
    is_own,
    nearest_kind,
)
from grader.engine.student_error import text
from grader.engine.wire import Build
from grader.engine.wire_errors import WireError


class Objects:
    """The proxies and mirrors by which the tests hold what lives with the candidate."""

    def __init__(self, boundary: Boundary) -> None:
        self.boundary = boundary
        self.mirrors = Mirrors()
        self._proxies: dict[int, ref[Proxy]] = {}  # those that no test holds go with the next test
        self._latest_kinds: tuple[list, tuple[str, ...]] = [], ()
        self._strangers: WeakSet[Proxy] = WeakSet()
        self._classes: WeakSet[Proxy] = WeakSet()

    def proxy(self, number: int, kinds: list[str], is_callable: bool) -> Proxy:
        """The proxy of an object, the same one as long as a test holds it.

        Raises:
            WireError: that is no object.
        """
        reference = self._proxies.get(number)
        known = reference() if reference else None
        if known is not None:
            return known
        if type(number) is not int or type(kinds) is not list or type(is_callable) is not bool:
            raise WireError("not an object")
        kind = CallableProxy if is_callable else Proxy
        proxy = kind(self.boundary, wire.Handle(number, self._names(kinds)))
        self._proxies[number] = ref(proxy)
        return proxy

    def _names(self, kinds: list) -> tuple[str, ...]:
        """The names of an object's classes, often those of the object before it."""
        if kinds != self._latest_kinds[0]:
            names = tuple(text(kind, MAX_NAME) for kind in kinds[:MAX_KINDS])
            self._latest_kinds = kinds, names
        return self._latest_kinds[1]

    def stranger(self, known: Proxy) -> Proxy:
        """Another proxy of an object that the test has made: what is read gives it as a value."""
        stranger = type(known)(self.boundary, handle_of(known))
        self._strangers.add(stranger)
        return stranger

    def author_class(self, known: Proxy) -> Proxy:
        """The proxy of a class of the author's, which no other name and no answer stands for."""
        proxy = self.stranger(known)
        self._classes.add(proxy)
        return proxy

    def is_author_class(self, value: Any) -> bool:
        """True for what `author_class` has given."""
        return type(value) is CallableProxy and value in self._classes

    def mirror(self, number: int, is_parameter: bool, content: list) -> torch.Tensor:
        """The local tensor of a parameter; its content comes the first time."""
        if content:
            parts = mirrors.copied(mirrors.checked(content))  # no tensor of the test's
            self.mirrors.add(number, mirrors.made(parts, is_parameter=is_parameter))
        return self.mirrors.tensors[number]

    def keep_held(self) -> list[int]:
        """Let go of all that the tests no longer hold; the numbers of the rest."""
        self.mirrors.keep_held()
        living = {number: known() for number, known in self._proxies.items()}
        held = {number: proxy for number, proxy in living.items() if proxy is not None}
        self._proxies = {number: self._proxies[number] for number in held}
        for proxy in held.values():
            forget_origins(proxy)
        strangers = {handle_of(stranger).number for stranger in self._strangers}
        return [*self.mirrors.tensors, *strangers.union(held)]


class AnswerReader:
    """Makes the values of one answer that have a form of their own.

    Args:
        encoder: that of the arguments of the call which is answered.
        makes: the objects of the answer are made by the test, and not read.
    """

    def __init__(
        self, objects: Objects, encoder: ArgumentEncoder | None = None, *, makes: bool = False
    ) -> None:
        self.objects = objects
        self.makes = makes
        self.arguments = encoder.values if encoder else []
        self.inputs = encoder.inputs if encoder else []
        self.classes = encoder.origins if encoder else frozenset[str]()
        self.tied: tuple[torch.Tensor, ...] = ()
        """The results that have a gradient."""
        self.proxies: list[Proxy] = []

    def build(self, tag: str, fields: list, build: Build) -> Any:
        """The value of this tag and fields."""
        if tag == "object":
            return self._proxy(*fields)
        if tag == "objects":
            return self._proxies(build, *fields)
        if tag == "mirror":
            number, is_parameter, *content = fields
            return self.objects.mirror(number, is_parameter, [build(part) for part in content])
        if tag == "graph":
            return self.tied[fields[0]]
        if tag == "again":
            return self.arguments[fields[0]]
        raise WireError(f"unexpected tag {tag[:40]!r}")

    def _proxies(
        self, build: Build, packed: list, kinds: list[str], is_callable: bool
    ) -> list[Proxy] | tuple[Proxy, ...]:
        numbers = build(packed)
        if type(numbers) not in (list, tuple):
            raise WireError("not the numbers of objects")
        return type(numbers)([self._proxy(number, kinds, is_callable) for number in numbers])

    def _proxy(self, number: int, kinds: list[str], is_callable: bool) -> Proxy:
        proxy = self.objects.proxy(number, kinds, is_callable)
        if is_own(proxy) and not self.makes:
            proxy = self.objects.stranger(proxy)
        self.proxies.append(proxy)
        return proxy

    def note_origins(self, value: Any, *, built: bool) -> None:
        """Note which of the objects of the answer the test has made, of its own classes.

        An attribute or an item is not made but read: it may stand for a value. An attribute may
        also be a method.

        Args:
            value: the result.
            built: by calling a class of the author's.
        """
        if self.makes:
            for proxy in self.proxies:
                add_origins(proxy, self.classes)
        elif type(value) is CallableProxy and self.classes.isdisjoint(handle_of(value).kinds):
            add_origins(value, self.classes)
        if built and isinstance(value, Proxy):
            add_origins(value, frozenset({nearest_kind(value)}))


def tensors_of(values: Any) -> list[torch.Tensor]:
    """A list of tensors, as the candidate has sent it.

    Raises:
        WireError: it is none.
    """
    if type(values) is not list or not all(isinstance(value, torch.Tensor) for value in values):
        raise WireError("not a list of tensors")
    return values


def gradients_of(inputs: Sequence[torch.Tensor], values: Any) -> list[torch.Tensor | None]:
    """The gradients of these inputs, as the candidate has sent them.

    Raises:
        WireError: they are none, or not of the shape and dtype of the inputs.
    """
    if type(values) is not list or len(values) != len(inputs):
        raise WireError("not a gradient for each tensor")
    for value, tensor in zip(values, inputs, strict=True):
        if value is not None and not _is_like(value, tensor):
            raise WireError("a gradient is not of its tensor's shape and dtype")
    return values


def _is_like(value: Any, tensor: torch.Tensor) -> bool:
    if not isinstance(value, torch.Tensor):
        return False
    return (value.shape, value.dtype) == (tensor.shape, tensor.dtype)
