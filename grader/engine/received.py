"""The arguments of a call to student code, as the candidate receives them."""

from __future__ import annotations

from collections import deque
from collections.abc import (
    Callable,
    ItemsView,
    Iterable,
    KeysView,
    Mapping,
    ValuesView,
)
from typing import Any, Final

import numpy as np
import torch

from grader.engine import french, mirrors, wire
from grader.engine.numeric import pack_array
from grader.engine.operations import indices_within
from grader.engine.wire import Build, Pack
from grader.engine.wire_errors import WireError
from labo.checks import Earlier


class Arguments:
    """Makes the arguments of one call; knows which of them the call has changed.

    Args:
        objects: those that the examiner has numbers for.
        generators: those of earlier calls, to be added to; likewise.
        call_test: sends the request for a function of the test, and returns its answer.
        raised: the exceptions that a function of the test may let through, with their numbers.
    """

    def __init__(
        self,
        objects: Mapping[int, Any],
        generators: dict[int, torch.Generator],
        call_test: Callable[[bytes], bytes],
        raised: Mapping[int, tuple[int, BaseException]],
    ) -> None:
        self.objects = objects
        self.generators = generators
        self.call_test = call_test
        self.raised = raised
        self.values: list[Any] = []
        self._indices: dict[int, int] = {}  # by id
        self._before: list[Any] = []

    def leaves(self) -> list[torch.Tensor]:
        """The tensors by which gradients come back."""
        return [v for v in self.values if isinstance(v, torch.Tensor) and v.requires_grad]

    def build(self, tag: str, fields: list, build: Build) -> Any:
        """The argument of this tag and fields."""
        if tag == "object":
            return self.objects[fields[0]]
        if tag == "again":
            return self.values[fields[0]]
        if tag == "earlier":
            return Earlier(fields[0])
        if tag == "callback":
            return self.callback(fields[0])
        if tag == "tensor argument":
            is_parameter, *content = fields
            parts = mirrors.Content(*map(build, content))
            return self._kept(mirrors.made(parts, is_parameter=is_parameter))
        if tag == "generator argument":
            return self._kept(self._generator(fields[0], build(fields[1])))
        if tag == "argument":
            return self._kept(build(fields[0]))
        if tag == "objects argument":
            return self._kept([self.objects[number] for number in fields[0]])
        return self._container(tag, fields[0], build)

    def remember(self) -> None:
        """Note what the arguments hold, before the first call."""
        self._before = [_content(value) for value in self.values]

    def indices(self, call: tuple) -> set[int]:
        """Where the arguments are that a call is given, in containers included."""
        return indices_within(call, self._indices)

    def changed(self, indices: Iterable[int] | None = None) -> dict[int, Any]:
        """The contents that calls have left in the arguments, where they differ.

        Args:
            indices: the arguments to look at; all of them if not given.
        """
        found = {}
        for index in range(len(self.values)) if indices is None else indices:
            now = _content(self.values[index])
            if not _is_same(now, self._before[index]):
                found[index] = _plain_content(self.values[index])
                self._before[index] = now
        return found

    def again(self, value: Any) -> list | None:
        """The form of an argument that the call gives back as it is."""
        index = self._indices.get(id(value))
        return None if index is None else ["again", index]

    def _container(self, tag: str, packed: list, build: Build) -> list | dict | set:
        if tag == "list argument":
            items: list = self._kept([])
            items.extend(build(item) for item in packed)
            return items
        if tag == "dict argument":
            pairs: dict = self._kept({})
            pairs.update((build(key), build(item)) for key, item in packed)
            return pairs
        if tag == "set argument":
            members: set = self._kept(set())
            members.update(build(item) for item in packed)
            return members
        raise WireError(f"unexpected tag {tag!r}")

    def _kept(self, value: Any) -> Any:
        self._indices[id(value)] = len(self.values)
        self.values.append(value)
        return value

    def _generator(self, number: int, state: torch.Tensor | None) -> torch.Generator:
        generator = self.generators.setdefault(number, torch.Generator())
        return generator if state is None else generator.set_state(state)

    def callback(self, number: int) -> Callable:
        """The function of the test that has this number."""

        def callback(*args: Any, **kwargs: Any) -> Any:
            try:
                arguments = wire.encode([args, kwargs], _as_list)
            except WireError as error:
                raise TypeError(french.not_for_the_test(str(error))) from None
            message = wire.encode({"callback": number, "arguments": arguments})
            answer = wire.decode(self.call_test(message))
            for known, own in self.raised.values():
                if known == answer.get("let_through"):
                    raise own
            if "raised" in answer:
                raise RuntimeError(answer["raised"])
            return answer["value"]

        return callback


def _as_list(value: Any, pack: Pack) -> Any:
    """The form of what has none of its own, and comes to a function of the test as a list.

    Not of an iterator: it may have no end, and student code may read on where the function stopped.
    """
    return pack(list(value)) if isinstance(value, _GONE_THROUGH) else None


_GONE_THROUGH: Final = (KeysView, ValuesView, ItemsView, deque)


def _content(value: Any) -> Any:
    """What an argument holds, to compare with what it holds later."""
    if isinstance(value, torch.Tensor):
        return tuple(mirrors.packed(value))
    if isinstance(value, np.ndarray):
        return tuple(pack_array(value))
    if isinstance(value, dict):
        return [part for pair in value.items() for part in pair]
    return list(value) if isinstance(value, list | set) else None


def _is_same(now: Any, before: Any) -> bool:
    if not isinstance(now, list):
        return now == before
    # The very same items: those that may change themselves are arguments too.
    return len(now) == len(before) and all(a is b for a, b in zip(now, before, strict=True))


def _plain_content(value: Any) -> Any:
    """The content in the form in which it crosses; a copy, not the argument itself."""
    if isinstance(value, torch.Tensor):
        return tuple(mirrors.content(value))
    return value.copy()
