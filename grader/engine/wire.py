"""Values as bytes: what crosses between the examiner and a candidate. Data only, never code.

msgpack carries plain values; everything else is a list that begins with a tag, and so are lists
themselves, so that no value can pass for another. Decoding builds tensors, arrays and plain Python
values and nothing else: no class is looked up, no attribute set, no constructor of the sender's
choice called. Bytes that are not exactly such a value raise `WireError`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any, Final, NamedTuple

import msgpack
import numpy as np
import torch

from grader.engine.bounds import (
    MAX_BYTES,
    MAX_DEPTH,
    MAX_EQUAL_HASHES,
    MAX_INT_DIGITS,
    MAX_ITEMS,
    MAX_LENGTH,
    MAX_TEXT,
)
from grader.engine.exact_values import EXACT_BUILDERS, TRUSTED_PATH, pack_exact
from grader.engine.numeric import (
    DTYPES,
    build_array,
    build_scalar,
    build_tensor,
    exactly,
    pack_array,
    pack_tensor,
)
from grader.engine.well_known import named, qualified_name
from grader.engine.wire_errors import TooLarge, WireError

__all__ = ["Handle", "Special", "TooLarge", "WireError", "clean", "decode", "encode"]

_REFUSALS: Final = (ValueError, TypeError, RuntimeError, OverflowError, LookupError, AttributeError)
_MAX_READ: Final = 8 * MAX_ITEMS  # an item may be a list of a tag and fields, one of them a list
_DIGITS: Final = re.compile(rf"-?[0-9]{{1,{MAX_INT_DIGITS}}}")


class Handle(NamedTuple):
    """An object that stays on the other side; `kinds` are the qualified names of its classes."""

    number: int
    kinds: tuple[str, ...] = ()


Pack = Callable[[Any], Any]
"""Writes a part of a value, as msgpack takes it."""
Special = Callable[[Any, Pack], list | None]
"""A side's own form of an object: a tagged list, or None for the common forms."""
Build = Callable[[Any], Any]
"""Makes a part of a value of what `Pack` has written."""
SpecialBuilder = Callable[[str, list, Build], Any]
"""Makes the value of such a list, of its tag and its other fields."""


def encode(value: Any, special: Special | None = None) -> bytes:
    """The bytes of a value.

    Raises:
        WireError: for an object without a form, or a value beyond the limits.
    """
    try:
        packed = msgpack.packb(_Encoder(special).pack(value), use_bin_type=True)
    except WireError:
        raise
    except ValueError as error:  # half a surrogate pair, an integer of too many digits
        raise WireError(f"no form as data: {error}") from error
    if len(packed) > MAX_BYTES:
        raise TooLarge(f"value of {len(packed) >> 20} MB, more than {MAX_BYTES >> 20}")
    return packed


_AS_IT_IS: Final = {type(None), bool, float, str, bytes}  # no side has another form of these
_READ_AS_IT_IS: Final = {*_AS_IT_IS, int}
_COUNTED: Final = (list, tuple, dict, set, frozenset)


class _Encoder:
    def __init__(self, special: Special | None) -> None:
        self.special = special
        self.items = 0

    def pack(self, value: Any, depth: int = 0) -> Any:
        kind = type(value)
        if kind in _AS_IT_IS:
            return value
        if kind is int:
            return _pack_int(value)
        if depth > MAX_DEPTH:
            raise TooLarge(f"value nested more than {MAX_DEPTH} deep")
        if issubclass(kind, _COUNTED):
            self._count(value)
        if self.special is not None:
            tagged = self.special(value, lambda part: self.pack(part, depth + 1))
            if tagged is not None:
                return tagged
        if kind is torch.Tensor:
            return pack_tensor(value)
        if kind is tuple or kind is list:
            return [kind.__name__, self._parts(value, depth + 1)]
        if isinstance(value, int):
            return _pack_int(int.__int__(value))
        if isinstance(value, float):
            return float(value)
        if isinstance(value, str):
            return str(value)
        if isinstance(value, bytes):
            return bytes(value)
        if isinstance(value, dict):
            # The items that are there, whatever a subclass says when it is asked; likewise below.
            flat = chain.from_iterable(dict.items(value))
            return ["dict", self._parts(flat, depth + 1)]
        for tag, kind in _CONTAINERS:
            if isinstance(value, kind):
                return [tag, self._parts(kind.__iter__(value), depth + 1)]
        return _pack_leaf(value)

    def _parts(self, parts: Iterable, depth: int) -> list:
        # Most are plain: these calls are for the others.
        pack, plain = self.pack, _AS_IT_IS
        return [each if type(each) in plain else pack(each, depth) for each in parts]

    def _count(self, value: Any) -> None:
        if len(value) > MAX_LENGTH:
            raise TooLarge(f"a {type(value).__name__} of more than {MAX_LENGTH} items")
        self.items += len(value)
        if self.items > MAX_ITEMS:
            raise TooLarge(f"value of more than {MAX_ITEMS} items")


_CONTAINERS: Final[tuple[tuple[str, type[Iterable]], ...]] = (
    ("size", torch.Size),
    ("tuple", tuple),
    ("list", list),
    ("set", set),
    ("frozenset", frozenset),
)


def _pack_int(number: int) -> int | list:
    return number if -(2**63) <= number < 2**63 else ["int", str(number)]


def _pack_leaf(value: Any) -> list:
    if isinstance(value, torch.Tensor):
        return pack_tensor(value)
    if isinstance(value, np.ndarray | np.generic):
        return pack_array(value)
    if isinstance(value, torch.Generator):
        return ["generator", *pack_tensor(value.get_state())[1:]]
    if isinstance(value, complex):
        return ["complex", value.real, value.imag]
    if isinstance(value, range) and _is_long(value):
        raise TooLarge(f"a range of more than {MAX_ITEMS} items")
    if isinstance(value, slice | range):
        return [type(value).__name__, *map(_bound, (value.start, value.stop, value.step))]
    if value is Ellipsis:
        return ["ellipsis"]
    if isinstance(value, torch.dtype):
        return ["dtype", str(value).removeprefix("torch.")]
    if isinstance(value, torch.device):
        return ["device", str(value)]
    if isinstance(value, bytearray | memoryview):
        return ["bytes", bytes(value)]
    exact = pack_exact(value)
    if exact is not None:
        return exact
    name = qualified_name(value)
    if name is not None:
        return ["name", *name]
    raise WireError(f"an object of type {type(value).__qualname__} has no form as data")


def _bound(value: Any) -> int | None:
    """The start, stop or step of a slice or range."""
    if value is not None and not (isinstance(value, int) and -(2**63) <= value < 2**63):
        raise WireError("the bounds of a slice or range are integers of 64 bits")
    return value if value is None else int(value)


def clean(text: str) -> str:
    """The text with what UTF-8 cannot hold replaced."""
    return text.encode("utf-8", "replace").decode("utf-8")


def decode(data: bytes, special: SpecialBuilder | None = None, *, trusted: bool = False) -> Any:
    """The value of these bytes.

    Args:
        special: builds what has a tag that this module does not know.
        trusted: accept functions and classes by name, and states of random generators. Only a
            candidate does: a name that it sent itself could stand for `torch.load` in a test that
            calls what it is given, and torch reads beyond the end of a state that is none.

    Raises:
        WireError: for any bytes that `encode` cannot have written, whatever they are.
    """
    if len(data) > MAX_BYTES:
        raise WireError(f"value of {len(data) >> 20} MB, more than {MAX_BYTES >> 20}")
    try:
        packed = msgpack.unpackb(
            data,
            raw=False,
            strict_map_key=True,
            # Bytes hold no more lists than their number.
            list_hook=None if len(data) <= _MAX_READ else _Count().added,
            max_str_len=MAX_TEXT,
            # msgpack makes room before it has read the items; a dictionary has keys and values.
            max_array_len=2 * MAX_LENGTH,
            max_map_len=0,
            max_ext_len=0,
        )
        return _Decoder(special, trusted).build(packed)
    except WireError:
        raise
    except (*_REFUSALS, MemoryError) as error:
        message = str(error)[:200]
        raise WireError(f"not a value: {type(error).__name__}: {message}") from error
    except RecursionError as error:
        raise WireError("value nested too deep") from error


class _Count:
    """Counts the items of lists as msgpack reads them: what it has read is in memory already."""

    def __init__(self) -> None:
        self.items = 0

    def added(self, items: list) -> list:
        self.items += len(items)
        if self.items > _MAX_READ:
            raise WireError(f"value of more than {MAX_ITEMS} items")
        return items


class _Decoder:
    def __init__(self, special: SpecialBuilder | None, trusted: bool) -> None:
        self.special = special
        self.builders = _TRUSTED_BUILDERS if trusted else _BUILDERS
        self.items = 0

    def build(self, packed: Any, depth: int = 0) -> Any:
        kind = type(packed)
        if kind in _READ_AS_IT_IS:
            return packed
        self.items += 1
        if depth > MAX_DEPTH or self.items > MAX_ITEMS:
            raise WireError("value too large or nested too deep")
        if kind is not list:
            raise WireError(f"unexpected {kind.__name__}")
        if not packed or type(packed[0]) is not str:
            raise WireError("a list without a tag")
        tag, *fields = packed
        if tag in self.builders:
            return self.builders[tag](fields)
        if tag in _SEQUENCES:
            (items,) = exactly(fields, list)
            if len(items) > MAX_LENGTH:
                raise WireError(f"a {tag} of more than {MAX_LENGTH} items")
            built = self._parts(items, depth + 1)
            return _SEQUENCES[tag](_spread(built) if tag in _HASHED else built)
        if tag == "dict":  # each key, then its value
            (flat,) = exactly(fields, list)
            built = self._parts(flat, depth + 1)
            return dict(zip(_spread(built[::2]), built[1::2], strict=True))
        if self.special is None:
            raise WireError(f"unknown tag {tag[:40]!r}")
        return self.special(tag, fields, lambda part: self.build(part, depth + 1))

    def _parts(self, parts: list, depth: int) -> list:
        self.items += len(parts)
        build, plain = self.build, _READ_AS_IT_IS
        return [each if type(each) in plain else build(each, depth) for each in parts]


def _spread(keys: Sequence[Any]) -> Sequence[Any]:
    """The keys, unless many have the same hash: to keep those takes the square of their number."""
    if len(keys) <= MAX_EQUAL_HASHES:
        return keys
    seen: dict[int, int] = {}
    for key in keys:
        mark = hash(key)
        seen[mark] = times = seen.get(mark, 0) + 1
        if times > MAX_EQUAL_HASHES:
            raise WireError("too many keys of the same hash")
    return keys


def _build_generator(fields: list) -> torch.Generator:
    return torch.Generator().set_state(build_tensor(fields))


def _build_int(fields: list) -> int:
    (digits,) = exactly(fields, str)
    if not _DIGITS.fullmatch(digits):
        raise WireError("not an integer, or too long")
    return int(digits)


def _build_named(fields: list) -> Any:
    module, name = exactly(fields, str, str)
    value = named(module, name)
    if value is None:
        raise WireError(f"unknown name {module[:40]}.{name[:40]}")
    return value


def _build_slice(kind: type) -> Callable[[list], Any]:
    def build(fields: list) -> Any:
        if len(fields) != 3 or bool in map(type, fields):
            raise WireError("a slice or range has three bounds")
        return kind(*map(_bound, fields))

    return build


def _build_short_range(fields: list) -> range:
    """One that a test may go through: to look for 0.5 in a longer one, no alarm stops."""
    found = _build_slice(range)(fields)
    if _is_long(found):
        raise WireError("a range of too many items")
    return found


def _is_long(value: range) -> bool:
    return abs(value.stop - value.start) // abs(value.step) > MAX_ITEMS  # `len` may overflow


_HASHED: Final = ("set", "frozenset")
_SEQUENCES: Final[dict[str, Callable]] = dict(_CONTAINERS)
_BUILDERS: Final = {
    "tensor": build_tensor,
    "array": build_array,
    "scalar": build_scalar,
    "int": _build_int,
    "bytes": lambda fields: bytearray(exactly(fields, bytes)[0]),
    "complex": lambda fields: complex(*exactly(fields, float, float)),
    "slice": _build_slice(slice),
    "range": _build_short_range,
    "ellipsis": lambda fields: exactly(fields) or Ellipsis,
    "dtype": lambda fields: DTYPES[exactly(fields, str)[0]],
    "device": lambda fields: torch.device(exactly(fields, str)[0]),
    **EXACT_BUILDERS,
}
_TRUSTED_BUILDERS: Final = {
    **_BUILDERS,
    "generator": _build_generator,
    "name": _build_named,
    **TRUSTED_PATH,
}
