"""The wire: values come back as they went, and no bytes can do anything but fail."""

import datetime as dt
import math
import tracemalloc
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePosixPath

import msgpack
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import labo
from grader.engine import wire
from grader.engine.wire import WireError, decode, encode

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=20),
    st.binary(max_size=20),
    st.complex_numbers(allow_nan=False),
    st.datetimes(timezones=st.none() | st.just(dt.timezone(dt.timedelta(hours=-5)))),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.fractions(),
    st.decimals(allow_nan=False),
    st.text("abc./", max_size=8).map(PurePosixPath),
)
hashable = st.one_of(st.booleans(), st.integers(), st.text(max_size=5))
values = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(hashable, inner, max_size=4),
        st.frozensets(hashable, max_size=4),
        st.sets(hashable, max_size=4),
    ),
    max_leaves=20,
)


@given(values)
def test_plain_values_come_back(value):
    assert decode(encode(value)) == value


@given(
    st.sampled_from(sorted(wire.DTYPES)),
    st.lists(st.integers(0, 4), max_size=4),
    st.booleans(),
)
def test_tensors_come_back(name, shape, transposed):
    dtype = wire.DTYPES[name]
    tensor = (torch.rand(shape) * 100).to(dtype)
    tensor = tensor.T if transposed and tensor.dim() == 2 else tensor
    back = decode(encode(tensor))
    assert (back.dtype, back.shape) == (dtype, tensor.shape)
    assert back.tolist() == tensor.tolist()


@given(
    st.sampled_from(["<f4", ">f8", "<i2", "|u1", "|b1", "<c16", "<f16"]),
    st.lists(st.integers(0, 4), max_size=4),
    st.booleans(),
)
def test_arrays_come_back(dtype, shape, transposed):
    array = np.arange(math.prod(shape)).reshape(shape).astype(dtype)
    array = array.T if transposed else array
    back = decode(encode(array))
    assert (type(back), back.dtype) == (np.ndarray, array.dtype)
    np.testing.assert_array_equal(back, array)


bounds = st.none() | st.integers(-(2**63), 2**63 - 1)


@given(st.builds(slice, bounds, bounds, bounds))
def test_slices_come_back(value):
    assert decode(encode(value)) == value


@given(st.integers(-(2**62), 2**62), st.integers(-9999, 9999), st.sampled_from([-3, 1, 9]))
def test_ranges_come_back(start, size, step):
    assert decode(encode(range(start, start + size, step))) == range(start, start + size, step)


def test_views_and_gradients():
    base = torch.arange(12.0).reshape(3, 4)
    views = (base[:, ::2], base[1:, 1:], base[2], base[1, 1], torch.ones(()).expand(1))
    for view in (*views, torch.ones(2).expand(3, 2), base.T, base[:, :0]):
        assert torch.equal(decode(encode(view)), view)
    assert decode(encode(torch.ones(2, requires_grad=True))).requires_grad
    assert math.isnan(decode(encode(math.nan)))


@pytest.mark.parametrize(
    "value",
    [
        object(),
        lambda: None,
        torch.nn.Linear(1, 1),
        torch.ones(2).to_sparse(),
        torch.ones(2, device="meta"),
        torch.zeros(1).expand(100_000, 100_000),
        [0] * (wire.MAX_LENGTH + 1),
        np.array([object()]),
        range(2**70),
        range(2**62),
        range(2**62, 0, -1000),
        slice("a", "b"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_form_is_refused(value):
    with pytest.raises(WireError):
        encode(value)


def test_names_pass_to_a_candidate_only():
    for value in (torch.sin, torch.nn.Linear, math.sqrt, np.mean, len, dict, labo.BatchLoader):
        assert decode(encode(value), trusted=True) is value
        with pytest.raises(WireError):
            decode(encode(value))
    for module, name in (("os", "system"), ("builtins", "eval"), ("torch", "__builtins__")):
        with pytest.raises(WireError):
            decode(msgpack.packb(["name", module, name]), trusted=True)


def test_depth_is_limited():
    nested = []
    for _ in range(wire.MAX_DEPTH + 5):
        nested = [nested]
    with pytest.raises(WireError):
        encode(nested)
    with pytest.raises(WireError):
        decode(msgpack.packb(_nested_lists(wire.MAX_DEPTH + 5)))


def test_a_path_opens_nothing_where_tests_are_and_is_one_for_the_student():
    data = encode(Path("/etc/passwd"))
    assert type(decode(data)) is PurePosixPath
    assert decode(data) == Path("/etc/passwd")
    assert isinstance(decode(data, trusted=True), Path)


def _nested_lists(depth: int) -> list:
    packed = ["list", []]
    for _ in range(depth):
        packed = ["list", [packed]]
    return packed


@pytest.mark.parametrize(
    "packed",
    [
        [],
        [1, 2],
        ["unknown", 1],
        {"a": 1},
        ["list"],
        ["list", 3],
        ["dict", [1]],
        ["dict", [["list", []], 1]],  # an unhashable key
        ["set", [["dict", []]]],
        ["tensor", "float32", [2, 2], b"\0" * 15, False],
        ["tensor", "float32", [-1], b"\0" * 4, False],
        ["tensor", "float32", [2**62, 4], b"", False],
        ["tensor", "float32", [0, 2**39, 2**39], b"", False],
        ["tensor", "quint8", [1], b"\0", False],
        ["tensor", "int64", [1], b"\0" * 8, True],  # integers have no gradient
        ["tensor", ["float32"], [1], b"\0" * 4, False],
        ["generator", "uint8", [4], b"\0" * 4, False],
        ["generator", "uint8", [5056], b"\0" * 5056, False],
        ["array", "|O8", [1], b"\0" * 8],
        ["array", "f4,f4", [1], b"\0" * 8],
        ["array", "<f4", [2**40], b""],
        ["int", "9" * 5000],
        ["int", "0x10"],
        ["int", "1_000"],
        ["int", " 1"],
        ["int", "٣"],
        ["scalar", "<f4", [2], b"\0" * 8],
        ["date", 2020, 13, 1],
        ["date", 2020, 1],
        ["date", 2020, 1, True],
        ["datetime", 2020, 1, 1, 0, 0, 0, 0, 0, 86_400],
        ["datetime", 2020, 1, 1, 0, 0, 0, 0, 0, float("nan")],
        ["datetime"],
        ["time", 1, 2, 3],
        ["timedelta", 2**62, 0, 0],
        ["timedelta", 0.5, 0, 0],
        ["fraction", "1", "0"],
        ["fraction", "1_0", "1"],
        ["fraction", "9" * 5000, "1"],
        ["decimal", "1e999999"],
        ["decimal", "un"],
        ["decimal", "9" * 5000],
        ["path", "a" * 5000],
        ["path", 3],
        ["array", "f4", [1], b"\0" * 4],
        ["array", "2f4", [1], b"\0" * 8],
        ["name", "os", "system"],
        ["name", "torch", "load"],
        ["name", "builtins", "eval"],
        ["name", "builtins", "__import__"],
        ["name", "torch", "__builtins__"],
        ["name", "torch.nn", "modules"],
        ["dtype", "object"],
        ["device", "cuda:99999999999"],
        ["slice", "a", 1, 1],
        ["range", 0, 1, 0],
        ["range", 0, 2**63, 1],
        ["range", 0, 2**62, 1],
        ["range", 2**62, -(2**62), -3],
        ["range", None, 1, 1],
        ["slice", 2**64 - 1, None, None],
        ["slice", True, None, None],
        ["size", [1, "a"]],
        ["complex", 1, 2],
        msgpack.ExtType(1, b"x"),
        msgpack.Timestamp(0),
    ],
    ids=str,
)
def test_forged_values_are_refused(packed):
    with pytest.raises(WireError):
        decode(msgpack.packb(packed))


MODULUS = 2**61 - 1  # of the hashes of numbers
EQUAL_HASHES = {
    "integers": [["int", str(MODULUS * n)] for n in range(8, 100)],
    "complex numbers": [["complex", float(-1000003 * n), float(n)] for n in range(1, 100)],
    "one item again": [0] * 100,
}


@pytest.mark.parametrize("keys", EQUAL_HASHES.values(), ids=EQUAL_HASHES)
def test_keys_of_the_same_hash_are_refused_while_they_are_few(keys):
    for packed in (
        ["set", keys],
        ["frozenset", keys],
        ["dict", [part for key in keys for part in (key, 1)]],
    ):
        with pytest.raises(WireError, match="hash"):
            decode(msgpack.packb(packed))


def test_honest_keys_have_hashes_of_their_own():
    grid = {complex(a, b) for a in range(100) for b in range(100)}
    for value in (grid, {(a, -a) for a in range(5_000)}, {-1, -2}, {math.nan: 1, 2.0**200: 2}):
        assert len(decode(encode(value))) == len(value)


def test_texts_are_bounded():
    with pytest.raises(WireError):
        decode(msgpack.packb("x" * (wire.MAX_TEXT + 1)))


def test_items_are_counted_before_they_are_built():
    many = b"\xdd\0\0\xff\xff" + b"\xc0" * 0xFFFF  # a list of None
    with pytest.raises(WireError, match="items"):
        decode(b"\xdc\xff\xff" + many * 0xFF)


def test_a_message_does_not_repeat_what_it_refuses():
    with pytest.raises(WireError) as refused:
        decode(msgpack.packb(["device", "x" * 100_000]))
    assert len(str(refused.value)) < 1_000


def test_truth_values_are_0_or_1():
    array = decode(msgpack.packb(["array", "|b1", [2], b"\2\xff"]))
    tensor = decode(msgpack.packb(["tensor", "bool", [2], b"\2\xff", False]))
    assert array.tobytes() == tensor.numpy().tobytes() == b"\1\1"


@given(st.binary(max_size=300))
def test_any_bytes_decode_or_are_refused(data):
    _decode_or_refuse(data)


@given(values, st.data())
@settings(max_examples=200)
def test_damaged_bytes_decode_or_are_refused(value, data):
    encoded = bytearray(encode([value, torch.ones(2, 2), np.ones(3)]))
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(encoded) - 1))
        action = data.draw(st.sampled_from(["flip", "cut", "insert"]))
        if action == "flip":
            encoded[position] = data.draw(st.integers(0, 255))
        elif action == "cut" and len(encoded) > 2:
            del encoded[position : position + data.draw(st.integers(1, 8))]
        else:
            encoded[position:position] = data.draw(st.binary(max_size=8))
        if not encoded:
            return
    _decode_or_refuse(bytes(encoded))


def _decode_or_refuse(data: bytes) -> None:
    try:
        value = decode(data)
    except WireError:
        return
    _check_plain(value)


_EXACT = (dt.date, dt.time, dt.timedelta, Fraction, Decimal)
_PLAIN = (bool, int, float, complex, str, bytes, bytearray, slice, range, type(...), type(None))
_NUMERIC = (torch.Tensor, np.ndarray, np.generic, torch.dtype, torch.device)


def _check_plain(value) -> None:
    if isinstance(value, dict):
        value = [*value.keys(), *value.values()]
    if isinstance(value, list | tuple | set | frozenset):
        for item in value:
            _check_plain(item)
    else:
        assert isinstance(value, (*_PLAIN, *_NUMERIC, *_EXACT)) or type(value) is PurePosixPath
        assert type(value) is not torch.nn.Parameter


def test_small_bytes_cannot_claim_much_memory():
    bombs = [
        b"\xdd\xff\xff\xff\xff" * 1000,  # lists of four billion items
        b"\xc6\xff\xff\xff\xff" * 1000,  # strings of four gigabytes
        (b"\xdd" + (wire.MAX_LENGTH).to_bytes(4, "big")) * 400,
        msgpack.packb(["tensor", "float64", [2**39], b"", False]),
    ]
    for bomb in bombs:
        tracemalloc.start()
        with pytest.raises(WireError):
            decode(bomb)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 300 * 2**20
