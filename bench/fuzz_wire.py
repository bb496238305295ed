"""Fuzzing of the decoder, guided by coverage: what a candidate may send, whatever it is.

    python bench/fuzz_wire.py [--seconds 1800] [--folder build/fuzz_wire]

Bytes as they are, and damaged encodings of values: msgpack is read, its tree changed in a place or
two, and written again. Of each input:

- only `WireError` is raised, within libFuzzer's bounds of time and memory;
- what is decoded is encoded again, and decodes to an equal value;
- the outputs of a cell, if they are accepted, are such as nbformat takes, within the budget;
- an answer to the examiner gives a value or an exception, and no crash: tensors of its own are
  overwritten, and tied to a graph.

A finding is left in the folder, beside the corpus, which the next run goes on from. Needs atheris,
which the project does not install: `pip install atheris==3.0.0`, for Python 3.11 to 3.13.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import msgpack  # noqa: E402
import nbformat  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402

try:
    import atheris
except ImportError:
    sys.exit("Fuzzing needs atheris, for Python 3.11 to 3.13: pip install atheris==3.0.0")

with atheris.instrument_imports(include=["grader.engine"]):
    from grader.engine import outputs, wire
    from grader.engine.remote import Remote
    from grader.engine.student_error import UnsupportedAcrossBoundary
    from grader.engine.wire import WireError, decode, encode

MAX_INPUT = 1 << 16  # bytes
SECONDS_EACH = 10
MEMORY_MB = 2048

VALUES = [
    None,
    True,
    -1,
    2**63,
    -(10**40),
    0.5,
    float("nan"),
    1 - 2j,
    "é\0",
    b"\xff",
    bytearray(b"ab"),
    [1, [2, (3,)]],
    {"a": 1, 2: {3.5: "b"}, (1, "x"): frozenset({4})},
    {1, 2, "c"},
    slice(1, None, 2),
    range(0, 10, 3),
    ...,
    torch.float32,
    torch.device("cpu"),
    torch.Size([2, 3]),
    torch.arange(6.0).reshape(2, 3),
    torch.ones(2, requires_grad=True),
    torch.tensor([True, False]),
    torch.tensor(1 + 2j),
    torch.zeros(0, 3, dtype=torch.bfloat16),
    np.arange(4, dtype=">i2").reshape(2, 2),
    np.array([True]),
    np.float32(1.5),
    np.zeros((0, 2)),
]
SPECIAL = [
    ["object", 3, ["builtins.object", "notebook.Net"], True],
    ["mirror", 4, True, *(msgpack.unpackb(encode(part)) for part in (torch.ones(2), None, True))],
    ["graph", 0],
    ["again", 1],
]
CHANGED = {0: [1, 2], 1: {"b": 2}, 2: {3}, 3: (torch.ones(2), None, False), 5: np.ones(2)}
ANSWER = {
    "result": msgpack.packb(
        ["tuple", [["tuple", SPECIAL], msgpack.unpackb(encode(CHANGED))]],
    ),
    "printed": "bonjour",
    "leaves": encode([]),
    "tensors": encode([torch.ones(3)]),
    "tape": 3,
    "mirrors": {4: (torch.zeros(2), torch.ones(2), True)},
}
OUTPUTS = [
    {"output_type": "stream", "name": "stdout", "text": "bonjour\n"},
    {"output_type": "error", "ename": "E", "evalue": "v", "traceback": ["a", "b"]},
    {"output_type": "display_data", "data": {"image/png": "iVBO"}, "metadata": {}},
    {"output_type": "execute_result", "execution_count": 1, "data": {"text/plain": "1"}},
]
TAGS = ["list", "tuple", "dict", "set", "frozenset", "size", "tensor", "array", "scalar", "int"]
TAGS += ["generator", "bytes", "complex", "slice", "range", "ellipsis", "dtype", "device", "name"]
TAGS += [tag for tag, *_ in SPECIAL]
WORDS = ["float32", "bool", "uint64", "complex128", "quint8", "<f4", "|b1", ">c16", "<f16", "|O8"]
WORDS += [
    *ANSWER,
    "refused",
    "torch",
    "load",
    "cpu",
    "cuda:0",
    "9" * 4301,
    "-0",
    "1_0",
    "٣",
    "output_type",
    "data",
]
NUMBERS = [0, 1, -1, 2, 63, 64, 65, 255, 2**16, 2**31, 2**40, 2**61 - 1, 2**63 - 1, -(2**63)]
NUMBERS += [2**64 - 1]


# ---- Properties


@dataclass(frozen=True)
class Foreign:
    """What has a tag of the examiner's own."""

    tag: str
    fields: str


def special(tag: str, fields: list, *_: Any) -> Foreign:
    """As the examiner does, for the tags that `remote.py` knows."""
    if tag not in [tag for tag, *_ in SPECIAL]:
        raise WireError("unexpected tag")
    return Foreign(tag, repr(fields))


def form(value: Any, *_: Any) -> list | None:
    """The special form of a value, for the encoder."""
    return [value.tag, value.fields] if isinstance(value, Foreign) else None


def check_value(data: bytes, builder: Callable | None) -> None:
    """Whatever decodes comes back as it is."""
    try:
        value = decode(data, builder)
    except WireError:
        return
    again = decode(encode(value, form), lambda tag, fields, *_: Foreign(tag, fields[0]))
    if facts(value) != facts(again):
        raise AssertionError(f"{facts(value)}\n{facts(again)}")


def check_outputs(data: bytes) -> None:
    """Outputs that are accepted are nbformat's, and no larger than the budget."""
    budget = outputs.OutputBudget(200)
    try:
        checked = outputs.checked_outputs(decode(data), 3)
    except WireError:
        return
    kept = checked if budget.covers(checked) else outputs.endings(checked, 3)
    cell = {"cell_type": "code", "metadata": {}, "source": "", "execution_count": 3}
    notebook = {"cells": [cell | {"outputs": kept}], "metadata": {}}
    nbformat.validate(nbformat.from_dict(notebook | {"nbformat": 4, "nbformat_minor": 4}))


class Answering:
    """A peer whose candidate answers the input, whatever it is asked."""

    answer = b""

    def request(self, _: bytes) -> bytes:
        return self.answer


PEER: Any = Answering()
REMOTE = Remote(PEER)


def check_answer(data: bytes) -> None:
    """The examiner has a value, or an exception; what it keeps is let go of."""
    PEER.answer = data
    tensors = torch.zeros(2), torch.zeros(2, requires_grad=True)
    with suppress(Exception, UnsupportedAcrossBoundary):
        REMOTE.apply("call", torch.sin, [1], {"a": 1}, {2}, *tensors, np.zeros(2))
    REMOTE.trouble = REMOTE.unsupported = None
    REMOTE.objects.mirrors.keep(())


def facts(value: Any) -> Any:
    """All of a value, in a form that compares: NaN equals NaN, True is not 1."""
    kind = type(value).__name__
    if isinstance(value, dict):
        return kind, [(facts(key), facts(item)) for key, item in value.items()]
    if isinstance(value, set | frozenset):
        return kind, sorted(map(_digest, value))
    if isinstance(value, list | tuple):
        return kind, [facts(item) for item in value]
    if isinstance(value, torch.Tensor):
        return kind, wire.pack_tensor(value)
    if isinstance(value, np.ndarray | np.generic):
        return kind, wire.pack_array(value)
    return kind, repr(value)


def _digest(item: Any) -> str:
    """As short for sets within sets: each `repr` of a `repr` has twice as many backslashes."""
    return hashlib.sha256(repr(facts(item)).encode()).hexdigest()


def one_input(data: bytes) -> None:
    """The first byte says as what the others are taken."""
    if not data:
        return
    match data[0] % 4:
        case 0:
            check_value(data[1:], None)
        case 1:
            check_value(data[1:], special)
        case 2:
            check_outputs(data[1:])
        case _:
            check_answer(data[1:])


# ---- Inputs


def seeds() -> list[bytes]:
    """An input of each form."""
    values = [encode(value) for value in [*VALUES, VALUES, dict(enumerate(VALUES))]]
    plain = [bytes([i % 2]) + data for i, data in enumerate(values)]
    foreign = [b"\1" + msgpack.packb(["list", [packed]]) for packed in SPECIAL]
    return [
        *plain,
        *foreign,
        b"\3" + encode(ANSWER),
        *(b"\2" + encode([output]) for output in OUTPUTS),
        b"\2" + encode(OUTPUTS),
    ]


def mutated(data: bytes, max_size: int, seed: int) -> bytes:
    """An input changed in a place or two: as a tree if it is one, or else as bytes."""
    chance = random.Random(seed)
    try:
        tree = msgpack.unpackb(data[1:], strict_map_key=False)
    except Exception:
        return atheris.Mutate(data, max_size)
    if chance.random() < 0.2:
        return atheris.Mutate(data, max_size)
    for _ in range(chance.choice((1, 1, 2, 4))):
        tree = changed(tree, chance)
    first = bytes([chance.randrange(4)]) if chance.random() < 0.1 else data[:1]
    try:
        return (first + msgpack.packb(tree))[:max_size]
    except Exception:  # too deep, or an integer of more than 64 bits
        return atheris.Mutate(data, max_size)


def changed(tree: Any, chance: random.Random) -> Any:
    """The tree with one of its parts changed."""
    if isinstance(tree, list) and tree and chance.random() < 0.85:
        place = chance.randrange(len(tree))
        match chance.randrange(9):
            case 0:
                return [*tree[:place], *tree[place + 1 :]]
            case 1:
                return [*tree[:place], tree[place], *tree[place:]]
            case 2:
                return [*tree[:place], anything(chance), *tree[place:]]
            case 3:
                return [*tree, *tree][:100]
            case 4 if isinstance(tree[0], str):
                return [chance.choice(TAGS), *tree[1:]]
            case _:
                return [*tree[:place], changed(tree[place], chance), *tree[place + 1 :]]
    return leaf(tree, chance)


def leaf(value: Any, chance: random.Random) -> Any:
    """Another value, of the same kind more often than not."""
    if chance.random() < 0.3:
        return anything(chance)
    if chance.random() < 0.1:
        return nested(value, chance.choice(TAGS), chance.choice((1, 2, 70)))
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return chance.choice((value + 1, value - 1, -value, chance.choice(NUMBERS)))
    if isinstance(value, str):
        return chance.choice((value[1:], value + value, chance.choice(WORDS), value + "\0"))
    if isinstance(value, bytes):
        with suppress(Exception):  # a value within a value
            if isinstance(inner := msgpack.unpackb(value), list):
                return msgpack.packb(changed(inner, chance))
        cut = chance.randrange(len(value) + 1)
        flipped = bytes(byte ^ (chance.random() < 0.1) for byte in value)
        return chance.choice((value[:cut], value + b"\0", value * 2, flipped))
    if isinstance(value, float):
        return chance.choice((-value, value * 1e300, float("inf"), float("nan"), -0.0))
    return anything(chance)


def nested(value: Any, tag: str, depth: int) -> Any:
    """The value within as many lists of this tag."""
    for _ in range(depth):
        value = [tag, [value]]
    return value


def anything(chance: random.Random) -> Any:
    """A part of some seed, or what no encoder writes."""
    if chance.random() < 0.6:
        return msgpack.unpackb(encode(chance.choice(VALUES)))
    return chance.choice(
        [
            *NUMBERS,
            *WORDS,
            *SPECIAL,
            chance.choice(TAGS),
            {"a": 1},
            {1: [2]},
            [],
            [[]],
            b"\0" * chance.randrange(20),
            msgpack.ExtType(5, b"x"),
            msgpack.Timestamp(1, 2),
            [chance.choice(TAGS), [["int", str((2**61 - 1) * n)] for n in range(40)]],
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Fuzz the decoder of the wire.")
    parser.add_argument("--seconds", type=int, default=1800)
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "fuzz_wire")
    options = parser.parse_args()
    corpus = options.folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(seeds()):
        (corpus / f"seed_{number}").write_bytes(seed)
    flags = {
        "max_total_time": options.seconds,
        "max_len": MAX_INPUT,
        "timeout": SECONDS_EACH,
        "rss_limit_mb": MEMORY_MB,
        "artifact_prefix": f"{options.folder}/",
        "print_final_stats": 1,
    }
    arguments = [sys.argv[0], *(f"-{name}={value}" for name, value in flags.items()), str(corpus)]
    atheris.Setup(arguments, one_input, custom_mutator=mutated)
    atheris.Fuzz()


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
