"""Values as bytes: what crosses between the examiner and a candidate. Data only, never code.

msgpack carries plain values; everything else is a list that begins with a tag, and so are lists
themselves, so that no value can pass for another. Decoding builds tensors, arrays and plain Python
values and nothing else: no class is looked up, no attribute set, no constructor of the sender's
choice called. Bytes that are not exactly such a value raise `WireError`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import msgpack
import numpy as np
import torch

from grader.engine.well_known import named, qualified_name

MAX_BYTES: Final = 256 * 2**20  # one message
MAX_DEPTH: Final = 64
MAX_ITEMS: Final = 1_000_000
MAX_LENGTH: Final = 65_536  # of one list; longer ones are for tensors
_MAX_INT_DIGITS: Final = 4300  # decimal digits, as Python's own limit

DTYPES: Final = {
    str(dtype).removeprefix("torch."): dtype
    for dtype in (
        torch.bool,
        torch.uint8,
        torch.uint16,
        torch.uint32,
        torch.uint64,
        torch.int8,
        torch.int16,
        torch.int32,
        torch.int64,
        torch.float16,
        torch.bfloat16,
        torch.float32,
        torch.float64,
        torch.complex64,
        torch.complex128,
    )
}
_ARRAY_KINDS: Final = "biufc"


class WireError(ValueError):
    """The value has no form on the wire, or the bytes are not those of a value."""


@dataclass(frozen=True)
class Handle:
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


def common_form(value: Any, pack: Pack) -> None:
    """A `Special` that gives no object a form of its own."""


def encode(value: Any, special: Special = common_form) -> bytes:
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
        raise WireError(f"value of {len(packed) >> 20} MB, more than {MAX_BYTES >> 20}")
    return packed


class _Encoder:
    def __init__(self, special: Special) -> None:
        self.special = special
        self.items = 0

    def pack(self, value: Any, depth: int = 0) -> Any:
        self.items += 1
        if depth > MAX_DEPTH:
            raise WireError(f"value nested more than {MAX_DEPTH} deep")
        if self.items > MAX_ITEMS:
            raise WireError(f"value of more than {MAX_ITEMS} items")
        if isinstance(value, list | tuple | dict | set) and len(value) > MAX_LENGTH:
            raise WireError(f"a {type(value).__name__} of more than {MAX_LENGTH} items")
        tagged = self.special(value, lambda part: self.pack(part, depth + 1))
        if tagged is not None:
            return tagged
        if value is None or type(value) in (bool, float, str, bytes):
            return value
        if isinstance(value, int):
            number = int.__int__(value)
            return number if -(2**63) <= number < 2**63 else ["int", str(number)]
        if isinstance(value, float):
            return float(value)
        if isinstance(value, str):
            return str(value)
        if isinstance(value, bytes):
            return bytes(value)
        if isinstance(value, dict):
            pairs = dict.items(value)
            return ["dict", [[self.pack(k, depth + 1), self.pack(v, depth + 1)] for k, v in pairs]]
        for tag, kind in _CONTAINERS:
            if isinstance(value, kind):
                # The items that are there, whatever a subclass says when it is asked.
                return [tag, [self.pack(item, depth + 1) for item in kind.__iter__(value)]]
        return _pack_leaf(value)


_CONTAINERS: Final[tuple[tuple[str, type[Iterable]], ...]] = (
    ("size", torch.Size),
    ("tuple", tuple),
    ("list", list),
    ("set", set),
    ("frozenset", frozenset),
)


def _pack_leaf(value: Any) -> list:
    if isinstance(value, torch.Tensor):
        return pack_tensor(value)
    if isinstance(value, np.ndarray | np.generic):
        return pack_array(value)
    if isinstance(value, torch.Generator):
        return ["generator", *pack_tensor(value.get_state())[1:]]
    if isinstance(value, complex):
        return ["complex", value.real, value.imag]
    if isinstance(value, slice):
        return ["slice", value.start, value.stop, value.step]
    if isinstance(value, range):
        return ["range", value.start, value.stop, value.step]
    if value is Ellipsis:
        return ["ellipsis"]
    if isinstance(value, torch.dtype):
        return ["dtype", str(value).removeprefix("torch.")]
    if isinstance(value, torch.device):
        return ["device", str(value)]
    if isinstance(value, bytearray | memoryview):
        return ["bytes", bytes(value)]
    name = qualified_name(value)
    if name is not None:
        return ["name", *name]
    raise WireError(f"an object of type {type(value).__qualname__} has no form as data")


def pack_tensor(tensor: torch.Tensor) -> list:
    """Dtype, shape and bytes; its device, strides and graph stay behind."""
    if tensor.layout != torch.strided or tensor.is_quantized:
        raise WireError("only dense tensors cross; use .to_dense()")
    if tensor.is_meta:
        raise WireError("a tensor on the device 'meta' has no values")
    name = str(tensor.dtype).removeprefix("torch.")
    if name not in DTYPES:
        raise WireError(f"tensors of dtype {name} do not cross")
    if tensor.numel() * tensor.element_size() > MAX_BYTES:
        raise WireError(f"tensor of {tensor.numel() * tensor.element_size() >> 20} MB")
    plain = tensor.detach().cpu().contiguous().resolve_conj().resolve_neg()
    # A single element may have the stride 0 and count as contiguous, which `view` does not accept.
    flat = plain.as_strided((plain.numel(),), (1,))
    content = flat.view(torch.uint8).numpy().tobytes() if plain.numel() else b""
    return ["tensor", name, list(plain.shape), content, tensor.requires_grad]


def pack_array(array: np.ndarray | np.generic) -> list:
    scalar = isinstance(array, np.generic)
    array = np.asarray(array)
    if array.dtype.kind not in _ARRAY_KINDS:
        raise WireError(f"arrays of dtype {array.dtype} do not cross")
    content = np.ascontiguousarray(array).tobytes()
    return ["scalar" if scalar else "array", array.dtype.str, list(array.shape), content]


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
            max_array_len=MAX_LENGTH,  # msgpack makes room before it has read the items
            max_map_len=0,
            max_ext_len=0,
        )
        return _Decoder(special, trusted).build(packed)
    except WireError:
        raise
    except (ValueError, TypeError, RuntimeError, OverflowError, LookupError, MemoryError) as error:
        raise WireError(f"not a value: {type(error).__name__}: {error}") from error
    except RecursionError as error:
        raise WireError("value nested too deep") from error


class _Decoder:
    def __init__(self, special: SpecialBuilder | None, trusted: bool) -> None:
        self.special = special
        self.builders = _BUILDERS | _TRUSTED_BUILDERS if trusted else _BUILDERS
        self.items = 0

    def build(self, packed: Any, depth: int = 0) -> Any:
        self.items += 1
        if depth > MAX_DEPTH or self.items > MAX_ITEMS:
            raise WireError("value too large or nested too deep")
        if type(packed) is not list:
            if packed is None or type(packed) in (bool, int, float, str, bytes):
                return packed
            raise WireError(f"unexpected {type(packed).__name__}")
        if not packed or type(packed[0]) is not str:
            raise WireError("a list without a tag")
        tag, *fields = packed
        if tag in _SEQUENCES:
            (items,) = _fields(fields, list)
            return _SEQUENCES[tag](self.build(item, depth + 1) for item in items)
        if tag == "dict":
            (pairs,) = _fields(fields, list)
            return dict(self._pair(pair, depth + 1) for pair in pairs)
        if tag in self.builders:
            return self.builders[tag](fields)
        if self.special is None:
            raise WireError(f"unknown tag {tag[:40]!r}")
        return self.special(tag, fields, lambda part: self.build(part, depth + 1))

    def _pair(self, pair: Any, depth: int) -> tuple[Any, Any]:
        if type(pair) is not list or len(pair) != 2:
            raise WireError("a dictionary's item is not a pair")
        return self.build(pair[0], depth), self.build(pair[1], depth)


def _fields(fields: list, *kinds: type) -> list:
    """The fields, checked to be exactly of these types."""
    if len(fields) != len(kinds) or any(
        type(field) is not kind for field, kind in zip(fields, kinds, strict=True)
    ):
        raise WireError("fields of the wrong number or type")
    return fields


def _build_tensor(fields: list) -> torch.Tensor:
    name, shape, content, requires_grad = _fields(fields, str, list, bytes, bool)
    dtype = DTYPES[name]
    count = _count(shape)
    if count * dtype.itemsize != len(content):
        raise WireError("a tensor's shape does not match its bytes")
    if not content:
        tensor = torch.empty(shape, dtype=dtype, device="cpu")
    else:
        tensor = torch.frombuffer(bytearray(content), dtype=torch.uint8)
        if dtype is torch.bool:
            tensor = tensor.ne(0)  # any other byte in a bool is undefined behaviour
        tensor = tensor.view(dtype).reshape(shape)
    return tensor.requires_grad_(requires_grad) if requires_grad else tensor


def _build_array(fields: list) -> np.ndarray:
    name, shape, content = _fields(fields, str, list, bytes)
    dtype = np.dtype(name) if len(name) <= 4 else None
    if dtype is None or dtype.kind not in _ARRAY_KINDS or dtype.hasobject:
        raise WireError("an array's dtype is not numeric")
    if _count(shape) * dtype.itemsize != len(content):
        raise WireError("an array's shape does not match its bytes")
    return np.frombuffer(bytearray(content), dtype).reshape(shape)


def _build_generator(fields: list) -> torch.Generator:
    return torch.Generator().set_state(_build_tensor(fields))


def _count(shape: list) -> int:
    if len(shape) > MAX_DEPTH or any(type(n) is not int or not 0 <= n < 2**40 for n in shape):
        raise WireError("not a shape")
    return math.prod(shape)


def _build_int(fields: list) -> int:
    (digits,) = _fields(fields, str)
    if len(digits) > _MAX_INT_DIGITS:
        raise WireError("integer too long")
    return int(digits)


def _build_named(fields: list) -> Any:
    module, name = _fields(fields, str, str)
    value = named(module, name)
    if value is None:
        raise WireError(f"unknown name {module[:40]}.{name[:40]}")
    return value


def _build_slice(kind: type) -> Callable[[list], Any]:
    def build(fields: list) -> Any:
        if len(fields) != 3 or any(f is not None and type(f) is not int for f in fields):
            raise WireError("bounds are integers")
        return kind(*fields)

    return build


_SEQUENCES: Final[dict[str, Callable]] = dict(_CONTAINERS)
_BUILDERS: Final = {
    "tensor": _build_tensor,
    "array": _build_array,
    "scalar": lambda fields: _build_array(fields)[()],
    "int": _build_int,
    "bytes": lambda fields: bytearray(_fields(fields, bytes)[0]),
    "complex": lambda fields: complex(*_fields(fields, float, float)),
    "slice": _build_slice(slice),
    "range": _build_slice(range),
    "ellipsis": lambda fields: _fields(fields) or Ellipsis,
    "dtype": lambda fields: DTYPES[_fields(fields, str)[0]],
    "device": lambda fields: torch.device(_fields(fields, str)[0]),
}
_TRUSTED_BUILDERS: Final = {"generator": _build_generator, "name": _build_named}
