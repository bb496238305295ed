"""A candidate that answers anything: hypothesis draws each answer as the examiner decodes it."""

import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import Any

import msgpack
import numpy as np
import torch
from hypothesis import strategies as st

from grader.engine import wire
from grader.engine.peer import Late
from grader.engine.remote import Remote

WRONG = 40  # one place in so many
MANY = 40  # requests of one step, after which the budget of the cell is said to be used up


@contextmanager
def restored_generators() -> Iterator[None]:
    """Take away what each `Remote` puts around the functions that seed generators."""
    watched = [
        (np.random, "seed"),
        (np.random, "set_state"),
        (random, "seed"),
        (random, "setstate"),
    ]
    before = [getattr(module, name) for module, name in watched]
    states = torch.get_rng_state(), np.random.get_state(), random.getstate()
    try:
        yield
    finally:
        for (module, name), function in zip(watched, before, strict=True):
            setattr(module, name, function)
        torch.set_rng_state(states[0])
        np.random.set_state(states[1])
        random.setstate(states[2])


class Answering:
    """A peer whose candidate answers what `draw` gives; keeps the requests."""

    serve: Callable[[bytes], bytes]
    deadline = None

    def __init__(self) -> None:
        self.draw: Callable[[st.SearchStrategy], Any] = lambda _: b""
        self.requests: list[dict] = []

    def request(self, message: bytes) -> bytes:
        self.requests.append(wire.decode(message))
        if len(self.requests) > MANY:
            raise Late
        if self.draw(st.integers(0, WRONG)) == WRONG:
            self.serve(self.draw(CALLBACKS))
        return self.draw(ANSWERS[self.requests[-1]["op"]])


def candidate_that_answers_anything() -> tuple[Remote, Answering]:
    peer = Answering()
    remote = Remote(peer)  # type: ignore[arg-type]
    remote.author_classes = frozenset({"Value"})
    return remote, peer


# ---- Values as they are on the wire, before msgpack

FLOATS = np.ones(2, np.float32).tobytes()
PLAIN = st.sampled_from(
    [
        None, True, False, 0, 1, -1, 3, 2**63, -(2**63), 0.5, float("nan"), "", "x", "é", b"\0",
        ["list", []], ["dict", []], ["set", [1]], ["tuple", [["list", []]]],
        ["tensor", "float32", [2], FLOATS, False], ["tensor", "float32", [2], FLOATS, True],
        ["tensor", "float64", [1], FLOATS, False], ["tensor", "int64", [1], FLOATS, False],
        ["tensor", "float32", [0], b"", False], ["tensor", "float32", [2, 1], FLOATS, False],
        ["array", "<f4", [2], FLOATS], ["scalar", "<f8", [], FLOATS], ["bytes", b"ab"],
        ["range", 0, 3, 1], ["range", 0, 2**26, 1], ["range", 0, 2**62, 1],
        ["slice", None, 2, None], ["dtype", "float32"], ["device", "cpu"], ["size", [2]],
        ["ellipsis"], ["complex", 0.0, 1.0], ["int", "9" * 30],
    ]
)  # fmt: skip
JUNK = st.one_of(
    st.sampled_from([[], [[]], [0], ["unknown"], ["list"], ["object"], ["mirror"], ["graph"]]),
    st.binary(max_size=3),
    st.text(max_size=3),
    st.integers(-(2**63), 2**64 - 1),
)
NUMBERS = st.integers(0, 5)
CLASSES = st.sampled_from(
    [
        "notebook.Value", "Value", "builtins.function", "builtins.type", "builtins.int",
        "builtins.object", "torch.Tensor", "numpy.ndarray", "torch.nn.modules.linear.Linear",
        "torch.nn.modules.container.OrderedDict", "torch.nn.utils.rnn.PackedSequence",
        "torch.nn.parameter.Parameter", "torch.optim.sgd.SGD", "torch.utils.data.dataset.Any",
        "torch.nn.", "torch.nn.functional.Callable", "",
    ]
)  # fmt: skip
TENSORS = st.sampled_from(
    [
        ["tensor", "float32", [2], FLOATS, False], ["tensor", "float32", [2], FLOATS, True],
        ["tensor", "float64", [1], FLOATS, False], ["tensor", "int64", [1], FLOATS, False],
    ]
)  # fmt: skip


@st.composite
def _sometimes(draw: Any, usual: st.SearchStrategy, *others: st.SearchStrategy) -> Any:
    """Mostly the first, so that an answer is wrong in a place or two."""
    return draw(usual if draw(st.integers(0, WRONG)) < WRONG else st.one_of(*others))


def _object(kinds: st.SearchStrategy, is_callable: st.SearchStrategy) -> st.SearchStrategy:
    fields = _sometimes(NUMBERS, PLAIN), _sometimes(kinds, PLAIN), _sometimes(is_callable, PLAIN)
    return st.tuples(st.just("object"), *fields).map(list)


OBJECTS = _object(st.lists(CLASSES, max_size=2), st.sampled_from([True, False]))
NUMBERED = st.tuples(st.sampled_from(["list", "tuple"]), st.lists(NUMBERS, max_size=3)).map(list)
ALIKE = st.tuples(
    st.just("objects"),
    _sometimes(NUMBERED, PLAIN, OBJECTS),
    _sometimes(st.lists(CLASSES, max_size=2), PLAIN),
    _sometimes(st.booleans(), PLAIN),
).map(list)
AGAIN = st.tuples(st.just("again"), _sometimes(st.integers(0, 1), PLAIN)).map(list)
GRAPH = st.tuples(st.just("graph"), _sometimes(st.just(0), PLAIN)).map(list)
CONTENTS = st.tuples(
    _sometimes(TENSORS, PLAIN, OBJECTS, AGAIN),
    _sometimes(st.none() | TENSORS, PLAIN, OBJECTS, AGAIN),
    _sometimes(st.booleans(), PLAIN),
).map(list)
MIRRORS = st.tuples(
    _sometimes(NUMBERS, PLAIN), _sometimes(st.booleans(), PLAIN), _sometimes(CONTENTS, st.just([]))
).map(lambda fields: ["mirror", *fields[:2], *fields[2]])
LEAVES = _sometimes(
    st.one_of(OBJECTS, OBJECTS, ALIKE, PLAIN, MIRRORS, AGAIN, GRAPH), st.one_of(PLAIN, JUNK)
)
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.tuples(st.sampled_from(["list", "tuple", "set"]), st.lists(inner, max_size=3)),
        st.tuples(st.just("dict"), st.lists(inner, max_size=4)),
    ),
    max_leaves=4,
)


def _packed(strategy: st.SearchStrategy) -> st.SearchStrategy:
    """The bytes of a value."""
    return strategy.map(lambda value: msgpack.packb(value, use_bin_type=True))


def _list(items: st.SearchStrategy, size: int = 3) -> st.SearchStrategy:
    return st.lists(items, max_size=size).map(lambda found: ["list", found])


def _dict(fields: dict[str, st.SearchStrategy]) -> st.SearchStrategy:
    """A dictionary, or one without some of its fields."""
    whole = st.fixed_dictionaries(fields)
    some = st.fixed_dictionaries({}, optional=fields)
    return _sometimes(whole, some).map(lambda found: _packed_dict(found.items()))


def _packed_dict(pairs: Iterable[Iterable]) -> list:
    return ["dict", [*chain.from_iterable(pairs)]]


# ---- Answers

CHANGED = st.lists(
    st.tuples(
        _sometimes(st.integers(0, 1), PLAIN),
        st.one_of(TREES, CONTENTS.map(lambda parts: ["tuple", parts]), _list(TREES)),
    ),
    max_size=1,
).map(_packed_dict)
RESULTS = {
    "lookup": TREES,
    "apply": st.tuples(TREES, _sometimes(CHANGED, TREES)).map(lambda pair: ["tuple", list(pair)]),
    "backward": _list(st.none() | TENSORS),
}
TAKEN = st.lists(
    st.tuples(NUMBERS, _sometimes(CONTENTS.map(lambda parts: ["tuple", parts]), TREES)), max_size=1
).map(_packed_dict)
NAMES = ["StopIteration", "ValueError", "UnicodeDecodeError", "ExceptionGroup", "KeyboardInterrupt"]
RAISED = _dict(
    {
        "kinds": _sometimes(_list(st.sampled_from([*NAMES, "OSError", "None", "print"])), PLAIN),
        "name": _sometimes(st.sampled_from(["Oops", "", "\0"]), PLAIN),
        "message": PLAIN,
        "frames": PLAIN,
    }
)
TIED = {
    "tensors": _packed(_sometimes(_list(TENSORS), PLAIN)),
    "leaves": _packed(_sometimes(_list(MIRRORS), TREES)),
    "tape": _sometimes(NUMBERS, PLAIN),
}


def _answers(result: st.SearchStrategy) -> st.SearchStrategy:
    common = {
        "printed": _sometimes(st.just("said"), PLAIN),
        "mirrors": _sometimes(TAKEN, PLAIN),
        "result": _sometimes(_packed(_sometimes(result, TREES, JUNK)), PLAIN),
        "operators": PLAIN,
    }
    well_formed = st.one_of(_dict(common), _dict(common | TIED))
    raised = _dict(common | {"raised": _sometimes(RAISED, PLAIN)})
    others = raised | _dict({"refused": PLAIN}) | PLAIN | JUNK
    return _sometimes(_packed(st.one_of(well_formed, well_formed, others)), st.binary(max_size=8))


ANSWERS = {op: _answers(result) for op, result in RESULTS.items()}
ANSWERS["forget"] = _packed(PLAIN)
CALLBACKS = _packed(
    _dict(
        {
            "callback": _sometimes(st.integers(-1, 2), PLAIN),
            "arguments": _sometimes(_packed(_sometimes(_list(PLAIN | _list(PLAIN)), PLAIN)), PLAIN),
        }
    )
)
