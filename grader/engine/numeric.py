"""Tensors and arrays on the wire: dtype, shape and bytes, which become nothing but numbers."""

from __future__ import annotations

import math
import re
from typing import Any, Final

import numpy as np
import torch

from grader.engine.bounds import MAX_BYTES, MAX_DEPTH
from grader.engine.wire_errors import TooLarge, WireError

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
_OF_NUMPY: Final = {
    dtype: np.dtype(name) for name, dtype in DTYPES.items() if dtype is not torch.bfloat16
}
_NAMES: Final = {dtype: name for name, dtype in DTYPES.items()}
_ARRAY_KINDS: Final = "biufc"
_ARRAY_DTYPE: Final = re.compile(rf"[<>|][{_ARRAY_KINDS}](?:1|2|4|8|16|32)")


def pack_tensor(tensor: torch.Tensor) -> list:
    """Dtype, shape and bytes; its device, strides and graph stay behind."""
    if tensor.layout is not torch.strided or tensor.is_quantized:
        raise WireError("only dense tensors cross; use .to_dense()")
    dtype = tensor.dtype
    name = _NAMES.get(dtype)
    if name is None:
        raise WireError(f"tensors of dtype {str(dtype).removeprefix('torch.')} do not cross")
    if tensor.nbytes > MAX_BYTES:
        raise TooLarge(f"tensor of {tensor.nbytes >> 20} MB")
    return ["tensor", name, [*tensor.shape], _bytes(tensor.detach()), tensor.requires_grad]


def _bytes(tensor: torch.Tensor) -> bytes:
    """The content of a tensor without a gradient, in the order of its indices."""
    if tensor.dtype is not torch.bfloat16:
        try:  # most of them
            return tensor.numpy().tobytes()
        except (RuntimeError, TypeError):
            pass
    if tensor.is_meta:
        raise WireError("a tensor on the device 'meta' has no values")
    plain = tensor.cpu().contiguous().resolve_conj().resolve_neg()
    if plain.dtype is not torch.bfloat16:
        return plain.numpy().tobytes()
    # A single element may have the stride 0 and count as contiguous, which `view` does not accept.
    return plain.as_strided((plain.numel(),), (1,)).view(torch.uint8).numpy().tobytes()


def pack_array(array: np.ndarray | np.generic) -> list:
    """Dtype, shape and bytes, in the order of the machine that made them."""
    scalar = isinstance(array, np.generic)
    array = np.asarray(array)
    if array.dtype.kind not in _ARRAY_KINDS:
        raise WireError(f"arrays of dtype {array.dtype} do not cross")
    content = np.ascontiguousarray(array).tobytes()
    return ["scalar" if scalar else "array", array.dtype.str, list(array.shape), content]


def build_tensor(fields: list) -> torch.Tensor:
    """The tensor that `pack_tensor` wrote, without the tag."""
    name, shape, content, requires_grad = exactly(fields, str, list, bytes, bool)
    dtype = DTYPES.get(name)
    if dtype is None:
        raise WireError("a tensor's dtype is not numeric")
    if _count(shape) * dtype.itemsize != len(content):
        raise WireError("a tensor's shape does not match its bytes")
    if not content:
        tensor = torch.empty(shape, dtype=dtype, device="cpu")
    elif dtype is torch.bfloat16:
        tensor = torch.frombuffer(bytearray(content), dtype=dtype).reshape(shape)
    else:
        array = np.frombuffer(bytearray(content), _OF_NUMPY[dtype])
        if dtype is torch.bool:
            array = array.view(np.uint8) != 0  # any other byte in a bool is undefined behaviour
        tensor = torch.from_numpy(array.reshape(shape))
    return tensor.requires_grad_(requires_grad) if requires_grad else tensor


def build_array(fields: list) -> np.ndarray:
    """The array that `pack_array` wrote, without the tag."""
    name, shape, content = exactly(fields, str, list, bytes)
    if not _ARRAY_DTYPE.fullmatch(name):
        raise WireError("an array's dtype is not numeric")
    dtype = np.dtype(name)
    if _count(shape) * dtype.itemsize != len(content):
        raise WireError("an array's shape does not match its bytes")
    if not content:
        return np.empty(shape, dtype)
    array = np.frombuffer(bytearray(content), dtype)
    if dtype.kind == "b":
        array = array.view(np.uint8) != 0  # as above
    return array.reshape(shape)


def build_scalar(fields: list) -> Any:
    """The scalar that `pack_array` wrote, without the tag."""
    array = build_array(fields)
    if array.ndim:
        raise WireError("a scalar has no shape")
    return array[()]


def exactly(fields: list, *kinds: type) -> list:
    """The fields, checked to be exactly of these types."""
    if tuple(map(type, fields)) != kinds:
        raise WireError("fields of the wrong number or type")
    return fields


def _count(shape: list) -> int:
    if len(shape) > MAX_DEPTH:
        raise WireError("not a shape")
    for length in shape:
        if type(length) is not int or not 0 <= length < 2**40:
            raise WireError("not a shape")
    return math.prod(shape)
