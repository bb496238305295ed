"""The protocol of proxies, explored: operations in any order, with a candidate that lies.

    PROTOCOL_EXAMPLES=5000 python -m pytest tests/engine/test_protocol.py

explores for longer than the tests do, and anew each time.
"""

import copy
import gc
import math
import operator
import os
import re
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import msgpack
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from grader.engine.natures import PLAIN, WrongNature
from grader.engine.operations import ARITHMETIC
from grader.engine.peer import Gone, Late
from grader.engine.proxy import CallableProxy, Proxy, handle_of
from grader.engine.remote import Remote
from grader.engine.student_error import StudentError, UnsupportedAcrossBoundary
from grader.engine.wire import Handle, WireError, encode
from tests.support.any_answers import candidate_that_answers_anything, restored_generators
from tests.support.honest_exercise import AUTHOR, honest_candidate

# Examples of a longer run, which stops at the first failure as it was found.
LONGER = int(os.environ.get("PROTOCOL_EXAMPLES", 0))


def bounds(examples: int, steps: int) -> settings:
    return settings(
        max_examples=LONGER or examples,
        stateful_step_count=steps,
        derandomize=not LONGER,
        database=None,
        deadline=None,
        print_blob=False,
        phases=[Phase.generate] if LONGER else list(Phase),
        suppress_health_check=list(HealthCheck),
    )


# ---- An honest candidate, beside a model in one process

SMALL = st.integers(-3, 3)
INDEX = st.integers(0, 20)
KINDS = ["ValueError", "KeyError", "TypeError", "ZeroDivisionError", "StopIteration", "SystemExit"]


class Pair(NamedTuple):
    """A value of the test, as it has it through the boundary and as it is in one process."""

    remote: Any
    model: Any


class Honest(RuleBasedStateMachine):
    """A test works with an honest exercise; a model does the same in one process."""

    def __init__(self) -> None:
        super().__init__()
        self.open = ExitStack()
        self.open.enter_context(restored_generators())
        self.remote = self.open.enter_context(honest_candidate())
        self.names: dict[str, Any] = {"__name__": "__main__"}
        exec(AUTHOR, self.names)
        self.values: list[Pair] = []
        self.bags: list[Pair] = []
        self.nets: list[Pair] = []
        self.data: list[Pair] = []  # lists, dictionaries, sets, arrays, tensors of the test
        self.leaves: list[Pair] = []
        self.results: list[Pair] = []  # of which no part has changed since
        self.parameters: list[Pair] = []
        self.own: set[int] = set()  # ids of the model's objects that have arithmetic in this test
        self.stream: torch.Tensor | None = None  # the model's, where student code draws from
        self.remote.streams.start("test")

    def teardown(self) -> None:
        self.open.close()

    # ---- Comparison

    def function(self, name: str) -> Pair:
        return Pair(self.remote.lookup(name), self.names[name])

    def both(self, operation: Callable, *args: Any) -> Pair | None:
        """The same operation on both sides of pairs; None where both raise the same."""
        remote = _outcome(operation, [arg.remote if type(arg) is Pair else arg for arg in args])
        model = _outcome(operation, [arg.model if type(arg) is Pair else arg for arg in args])
        if isinstance(remote, Raised) or isinstance(model, Raised):
            assert remote == model
            return None
        self.alike(remote, model)
        return Pair(remote, model)

    def call(self, name: str, *args: Any) -> Pair | None:
        return self.both(lambda function, *args: function(*args), self.function(name), *args)

    def alike(self, remote: Any, model: Any) -> None:
        """Equal values; and where the model is an object that the test has, the test has it too."""
        for pair in (*self.values, *self.bags, *self.nets, *self.data, *self.leaves):
            if pair.model is model:
                assert remote is pair.remote or self.stands_for(remote, pair)
        if isinstance(remote, Proxy):
            assert not isinstance(model, PLAIN)
        elif isinstance(model, torch.Tensor):
            assert (remote.shape, remote.dtype) == (model.shape, model.dtype)
            assert remote.requires_grad == model.requires_grad
            torch.testing.assert_close(remote, model, rtol=1e-9, atol=1e-9, equal_nan=True)
        elif isinstance(model, np.ndarray):
            np.testing.assert_array_equal(remote, model)
        elif isinstance(model, list | tuple):
            assert (type(remote), len(remote)) == (type(model), len(model))
            for a, b in zip(remote, model, strict=True):
                self.alike(a, b)
        elif isinstance(model, dict):
            assert list(remote) == list(model)
            self.alike(list(remote.values()), list(model.values()))
        else:
            assert (type(remote), remote) == (type(model), model)

    def stands_for(self, remote: Any, pair: Pair) -> bool:
        """True for an own object that was read of another, which has no arithmetic then."""
        is_own = id(pair.model) in self.own and isinstance(remote, Proxy)
        return is_own and handle_of(remote).number == handle_of(pair.remote).number

    @invariant()
    def what_the_test_holds_is_alike(self):
        for remote, model in self.data + self.leaves + self.parameters:
            self.alike(remote, model)
            if isinstance(model, torch.Tensor):
                assert (remote.grad is None) == (model.grad is None)
                if model.grad is not None:
                    torch.testing.assert_close(remote.grad, model.grad, rtol=1e-9, atol=1e-9)

    # ---- Objects of the author's classes

    @rule(number=SMALL)
    def new_value(self, number):
        self._keep_own(self.values, self.call("Value", number))

    def _keep_own(self, pool: list[Pair], pair: Pair | None) -> None:
        if pair:
            self.own.add(id(pair.model))
            pool.append(pair)

    @precondition(lambda self: self.values)
    @rule(i=INDEX, other=INDEX | SMALL, name=st.sampled_from(["add", "sub", "mul"]), how=SMALL)
    def arithmetic(self, i, other, name, how):
        a = _at(self.values, i)
        operands = (a, _at(self.values, other)) if how < 0 else (a, other) if how else (other, a)
        self._compute(ARITHMETIC[name], operands)

    @precondition(lambda self: self.values)
    @rule(i=INDEX)
    def negative(self, i):
        self._compute(operator.neg, (_at(self.values, i),))

    def _compute(self, operation: Callable, operands: tuple) -> None:
        first = next(operand for operand in operands if type(operand) is Pair)
        if id(first.model) in self.own:
            self._keep_own(self.values, self.both(operation, *operands))
            return
        with pytest.raises(WrongNature):
            operation(*[arg.remote if type(arg) is Pair else arg for arg in operands])

    @precondition(lambda self: self.values)
    @rule(i=INDEX, j=INDEX, name=st.sampled_from(["data", "parts", "nothing", "label"]))
    def attributes(self, i, j, name):
        value = _at(self.values, i)
        self.both(getattr, value, name)
        self.both(hasattr, value, name)
        self.both(setattr, value, "label", j)
        self.both(getattr, value, "label")
        if j % 2:
            self.both(delattr, value, "label")

    @precondition(lambda self: self.values)
    @rule(i=INDEX, j=INDEX, number=SMALL)
    def methods(self, i, j, number):
        a, b = _at(self.values, i), _at(self.values, j)
        doubled = self.both(lambda a: a.double(), a)
        if id(a.model) in self.own:
            self._keep_own(self.values, doubled)
            self.own.add(id(b.model))  # a call has made it of an object of the class
        self.both(lambda a, b: a.given(b), a, b)
        self.both(lambda a, b: a.given([b, number])[0], a, b)
        self.both(isinstance, a, self.function("Value"))
        self.both(isinstance, b, self.function("Net"))

    @precondition(lambda self: self.values)
    @rule(i=INDEX, kind=st.sampled_from(KINDS), text=st.text(max_size=3))
    def exceptions(self, i, kind, text):
        self.both(lambda a: a.raised(kind, text), _at(self.values, i))

    @precondition(lambda self: self.values)
    @rule(i=INDEX, j=INDEX)
    def new_bag(self, i, j):
        pair = self.call("Bag", j, _at(self.values, i), [j])
        self._keep_own(self.bags, pair)

    @precondition(lambda self: self.bags)
    @rule(i=INDEX, j=INDEX, k=SMALL)
    def items(self, i, j, k):
        bag, value = _at(self.bags, i), _at(self.values, j) if self.values else j
        self.both(operator.getitem, bag, k)
        self.both(operator.setitem, bag, k, value)
        self.both(lambda bag, k: bag.add(k), bag, k)
        self.both(len, bag)
        self.both(list, bag)
        self.both(lambda bag: list(bag.reversed()), bag)
        self.both(lambda bag: bag.items, bag)
        if k > 1:
            self.both(operator.delitem, bag, k)

    # ---- Containers, arrays and tensors of the test

    @rule(n=SMALL, kind=st.sampled_from(["list", "dict", "set", "array", "tensor"]))
    def new_data(self, n, kind):
        make = {
            "list": lambda: [n, [n]],
            "dict": lambda: {"a": n, n: [n]},
            "set": lambda: {n, 1},
            "array": lambda: np.full(3, n),
            "tensor": lambda: torch.full((2, 2), n, dtype=torch.float64),
        }[kind]
        self.data.append(Pair(make(), make()))

    @precondition(lambda self: self.data)
    @rule(i=INDEX, j=INDEX, k=SMALL)
    def change(self, i, j, k):
        data, other = _at(self.data, i), _at(self.data, j)
        self.call("same", data)
        kind = type(data.model)
        if kind is list and other.model is not data.model:
            self.call("push", data, k if _holds(other.model, data.model) else other)
            self.call("push", data, k)
            self.call("drop", data)
        elif kind is dict:
            self.call("put", data, k, k if _holds(other.model, data.model) else other)
        elif kind is set:
            self.call("toggle", data, k)
        elif kind is np.ndarray:
            self.call("set_item", data, k, 7)
        elif kind is torch.Tensor:
            self.call("scale_", data, k)

    # ---- Gradients

    @rule(n=SMALL)
    def new_leaf(self, n):
        make = partial(torch.full, (2, 2), n + 0.25, dtype=torch.float64, requires_grad=True)
        self.leaves.append(Pair(make(), make()))

    @precondition(lambda self: self.leaves)
    @rule(i=INDEX, j=INDEX, graph=st.booleans())
    def compute(self, i, j, graph):
        with torch.set_grad_enabled(graph):
            pair = self.call("products", _at(self.leaves, i), _at(self.leaves, j))
        assert pair
        if graph:
            self.results += [Pair(pair.remote[0], pair.model[0])]
            self.results += [Pair(pair.remote[1]["twice"], pair.model[1]["twice"])]

    @precondition(lambda self: self.results)
    @rule(i=INDEX, j=INDEX, retain=st.booleans())
    def backward(self, i, j, retain):
        a, b = _at(self.results, i), _at(self.results, j)
        self.both(lambda a, b: (2 * a.sum() + b.sum()).backward(retain_graph=retain), a, b)

    @precondition(lambda self: self.leaves)
    @rule(i=INDEX)
    def second_derivative(self, i):
        leaf, cube = _at(self.leaves, i), self.function("cube")

        def twice(cube, x):
            (grad,) = torch.autograd.grad(cube(x), x, create_graph=True)
            grad.square().sum().backward()

        self.both(twice, cube, leaf)

    @precondition(lambda self: self.leaves)
    @rule(i=INDEX, k=SMALL)
    def change_a_leaf(self, i, k):
        self.results.clear()
        leaf = _at(self.leaves, i)
        self.call("scale_", leaf, k)
        leaf.remote.grad = leaf.model.grad = None

    # ---- Modules and their parameters

    @rule(seed=st.integers(0, 3))
    def new_net(self, seed):
        pair = self.call("Net", seed)
        assert pair
        self.nets.append(pair)
        if self.stream is not None:
            with torch.random.fork_rng():
                torch.set_rng_state(self.stream)
                torch.nn.Linear(2, 1, dtype=torch.float64)  # as Net does: a layer draws at first
                self.stream = torch.get_rng_state()

    @precondition(lambda self: self.nets)
    @rule(i=INDEX)
    def look_at_parameters(self, i):
        pair = self.both(lambda net: list(net.parameters()), _at(self.nets, i))
        assert pair
        for remote, model in zip(*pair, strict=True):
            known = [p for p in self.parameters if p.model is model]
            assert all(p.remote is remote for p in known)
            self.parameters += [] if known else [Pair(remote, model)]

    @precondition(lambda self: self.nets and self.leaves)
    @rule(i=INDEX, j=INDEX)
    def forward(self, i, j):
        pair = self.both(lambda net, x: net(x), _at(self.nets, i), _at(self.leaves, j))
        assert pair
        self.results.append(pair)

    @precondition(lambda self: self.nets)
    @rule(i=INDEX, what=st.sampled_from(["shrink", "learn", "zero_grad", "contents", "freeze"]))
    def train_there(self, i, what):
        self.results.clear()
        x = torch.ones(1, 2, dtype=torch.float64)
        steps = {
            "shrink": lambda net: net.shrink(),
            "learn": lambda net: net.learn(x),
            "zero_grad": lambda net: net.zero_grad(),
            "contents": lambda net: net.contents(),
            "freeze": lambda net: type(net.inner.requires_grad_(False)) and None,
        }
        self.both(steps[what], _at(self.nets, i))

    @precondition(lambda self: self.parameters)
    @rule(i=INDEX, step=st.booleans())
    def train_here(self, i, step):
        self.results.clear()
        parameter = _at(self.parameters, i)
        if step:
            for side in zip(*self.parameters, strict=True):
                torch.optim.SGD(list(side), lr=0.5).step()
        with torch.no_grad():
            for side in parameter:
                side.add_(1)
        self.both(lambda net: net.contents(), _at(self.nets, i)) if self.nets else None

    @precondition(lambda self: self.nets)
    @rule(i=INDEX)
    def unreadable(self, i):
        net = _at(self.nets, i)
        with pytest.raises(WrongNature):
            net.remote.unreadable()
        self.both(lambda net: net.weight, net)

    # ---- Random numbers

    @rule(seed=st.none() | st.integers(0, 3), n=st.integers(1, 3))
    def draw(self, seed, n):
        if seed is None and self.stream is None:
            return
        function = self.function("draw")
        if seed is not None:
            torch.manual_seed(seed)
        drawn = function.remote(n)
        with torch.random.fork_rng():
            if seed is None:
                torch.set_rng_state(self.stream)
            else:
                torch.manual_seed(seed)
            assert torch.equal(drawn, function.model(n))
            self.stream = torch.get_rng_state()

    @rule(seeds=st.lists(st.none() | st.integers(0, 3), min_size=1, max_size=3))
    def draw_from_a_generator(self, seeds):
        pair = Pair(torch.Generator().manual_seed(5), torch.Generator().manual_seed(5))
        for seed in seeds:
            if seed is not None:
                pair.remote.manual_seed(seed), pair.model.manual_seed(seed)
            self.call("draw_from", pair, 2)

    # ---- Callbacks

    @precondition(lambda self: self.values)
    @rule(i=INDEX, k=SMALL)
    def callbacks(self, i, k):
        calls = Pair([], [])

        def through(twice, value, same, calls):
            def callback(x):
                calls.append(x)
                if not k:
                    raise RuntimeError("no")
                return same(value.data) + x

            return twice(callback, k)

        args = _at(self.values, i), self.function("same"), calls
        self.both(through, self.function("caught"), *args)
        if k:
            self.both(through, self.function("twice"), *args)
        self.alike(*calls)

    # ---- Between tests

    @precondition(lambda self: self.values)
    @rule(i=INDEX)
    def let_go(self, i):
        self.values.remove(_at(self.values, i))

    @rule()
    def end_of_a_test(self):
        self.remote.raise_trouble()
        self.results.clear()
        self.own.clear()
        self.stream = None
        gc.collect()  # graphs that hold themselves, by `create_graph`
        self.remote.forget()
        objects, numbers, mirrors, generators, tapes = self.remote.lookup("kept")()
        held = len(self.values) + len(self.bags) + len(self.nets)
        assert objects == numbers <= held + len(self.parameters) + 1
        assert mirrors <= len(self.parameters)
        assert generators == tapes == 0
        self.call("count")
        self.remote.streams.start("another test")


class Raised(NamedTuple):
    """An exception, as a test sees it."""

    kind: type
    message: str


def _outcome(operation: Callable, args: list) -> Any:
    try:
        return operation(*args)
    except StudentError as error:
        return Raised(type(error).__mro__[2], str(error))
    except (StopIteration, SystemExit) as error:  # which would end more than the call
        return Raised(Exception, str(error))
    except Exception as error:
        return Raised(type(error), str(error))


def _at(pool: list[Pair], index: int) -> Pair:
    return pool[index % len(pool)]


def _holds(value: Any, item: Any) -> bool:
    """True for a container in which the item is found, at any depth."""
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return value is item or any(_holds(part, item) for part in parts)


Honest.TestCase.settings = bounds(8, 15)
TestHonest = pytest.mark.slow(Honest.TestCase)


# ---- A candidate that answers anything

SEEN = (WrongNature, StudentError, WireError, Gone, Late, UnsupportedAcrossBoundary)
"""What a test may see of its student's process."""
MAX_MEMORY = 400 * 2**20
SECRET = 12345.675
FORBIDDEN = {
    "float": float, "int": int, "bool": bool, "complex": complex, "round": round,
    "index": operator.index, "array": np.asarray, "as_tensor": torch.as_tensor,
    "floor": math.floor, "lt": lambda p: p < SECRET, "ge": lambda p: p >= SECRET,
    "eq": lambda p: p == SECRET, "ne": lambda p: p != np.float64(SECRET),
    "eq_tensor": lambda p: torch.tensor(SECRET) == p, "req": lambda p: p == SECRET,
    "and": lambda p: p & 12345, "divmod": lambda p: divmod(p, SECRET),
    "mul_tensor": lambda p: p * torch.tensor(SECRET), "radd_array": lambda p: np.ones(2) + p,
    "isclose": lambda p: math.isclose(p, SECRET), "allclose": lambda p: np.allclose(p, SECRET),
    "pickle": lambda p: p.__reduce_ex__(4), "interface": lambda p: p.__array_interface__,
}  # fmt: skip
VALUES = (int, float, str, list, tuple, dict, set, torch.Tensor, np.ndarray, np.generic)
ARGUMENTS = {
    "list": lambda: [1, [2]],
    "dict": lambda: {"a": [1]},
    "set": lambda: {1, 2},
    "array": lambda: np.ones(2),
    "tensor": lambda: torch.ones(2),
    "leaf": lambda: torch.ones(2, requires_grad=True),
    "generator": torch.Generator,
    "callback": lambda: lambda x: x,
}


class AnswersAnything(RuleBasedStateMachine):
    """A test works with objects of which nothing is true."""

    def __init__(self) -> None:
        super().__init__()
        self.generators = restored_generators()
        self.generators.__enter__()
        self._begin()

    def _begin(self) -> None:
        self.remote, self.peer = candidate_that_answers_anything()
        self.objects: list[Proxy] = []
        self.results: list[torch.Tensor] = []
        self.arguments: dict[str, object] = {}
        self.made = False  # an object of the exercise's own class

    def teardown(self) -> None:
        self.generators.__exit__(None, None, None)

    def seen(self, data, operation, *others: type[BaseException]):
        """The value of an operation, or None when it raises what a test may see."""
        self.peer.draw = data.draw
        self.peer.requests.clear()
        used = _peak_memory(anew=True)
        signal.signal(signal.SIGALRM, _hang)
        signal.setitimer(signal.ITIMER_REAL, 60)
        value, error = None, None
        try:
            value = operation()
        except (*SEEN, *others) as raised:
            error = raised
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        assert _peak_memory() - used < MAX_MEMORY
        self._note(value)
        if self.remote.trouble or self.remote.unsupported:
            with pytest.raises((WireError, Gone, Late, UnsupportedAcrossBoundary)):
                self.remote.raise_trouble()
            self._begin()
        else:
            assert not isinstance(error, WireError | Gone | Late)
        return value

    def _note(self, value: object) -> None:
        """Keep what a test may go on with."""
        for part in value if isinstance(value, list | tuple | set) else [value]:
            if type(part) in (Proxy, CallableProxy):
                self.objects.append(part)
                assert not isinstance(part, VALUES), handle_of(part).kinds
            elif isinstance(part, torch.Tensor) and part.requires_grad:
                self.results.append(part)

    def an_object(self, data) -> Proxy:
        return self.objects[data.draw(st.integers(0, len(self.objects) - 1))]

    @rule(data=st.data(), name=st.sampled_from(["Value", "f", "net"]))
    def look_up(self, data, name):
        self.seen(data, lambda: self.remote.lookup(name), KeyError)

    @precondition(lambda self: self.objects)
    @rule(data=st.data(), kinds=st.lists(st.sampled_from(sorted(ARGUMENTS)), max_size=2))
    def call(self, data, kinds):
        function = self.an_object(data)
        args = [self.arguments.setdefault(kind, ARGUMENTS[kind]()) for kind in kinds]
        others = () if type(function) is CallableProxy else (TypeError,)
        self.made = self.made or self.remote.objects.is_author_class(function)
        self.seen(data, lambda: function(*args, self.an_object(data)), *others)
        self._check_arguments()

    def _check_arguments(self) -> None:
        for kind, value in self.arguments.items():
            assert type(value) is type(ARGUMENTS[kind]())
            if isinstance(value, torch.Tensor):
                assert self.remote.objects.mirrors.number_of(value) is None
        self.arguments.clear()

    @rule(data=st.data())
    def build(self, data):
        self.seen(data, lambda: self.remote.apply("call", torch.nn.Linear, 1, 2))

    @precondition(lambda self: self.objects)
    @rule(data=st.data(), name=st.sampled_from(["data", "__dict__", "__name__", "__len__"]))
    def attribute(self, data, name):
        others = (AttributeError,) if name == "__len__" else ()
        self.seen(data, lambda: getattr(self.an_object(data), name), *others)

    @precondition(lambda self: self.objects)
    @rule(data=st.data(), action=st.sampled_from(["attribute", "no attribute", "item", "no item"]))
    def change(self, data, action):
        found, value = self.an_object(data), self.an_object(data)
        self.seen(
            data,
            {
                "attribute": lambda: setattr(found, "data", value),
                "no attribute": lambda: delattr(found, "data"),
                "item": lambda: operator.setitem(found, 0, value),
                "no item": lambda: operator.delitem(found, 0),
            }[action],
        )

    @precondition(lambda self: self.objects)
    @rule(data=st.data(), action=st.sampled_from(["item", "len", "next", "list", "copy", "deep"]))
    def ask(self, data, action):
        found = self.an_object(data)
        actions = {
            "item": lambda: found[0],
            "len": lambda: len(found),
            "next": lambda: next(found),
            "list": lambda: list(found),
            "copy": lambda: copy.copy(found),
            "deep": lambda: copy.deepcopy(found),
        }
        self.seen(data, actions[action], *((StopIteration,) if action == "next" else ()))

    @precondition(lambda self: self.objects)
    @rule(data=st.data(), relation=st.sampled_from([isinstance, issubclass]))
    def classes(self, data, relation):
        a = self.an_object(data)
        b = self.an_object(data) if data.draw(st.booleans()) else torch.nn.Module
        self.seen(data, lambda: relation(a, b))

    @precondition(lambda self: self.objects)
    @rule(data=st.data())
    def contains(self, data):
        # Items are compared here, and may be arrays, which are neither true nor false.
        others = (RuntimeError, ValueError)
        found = self.an_object(data)
        self.seen(data, lambda: SECRET in found, *others)
        if not self.made:
            assert str(SECRET) not in str(self.peer.requests)

    @precondition(lambda self: self.objects)
    @rule(data=st.data(), name=st.sampled_from(sorted(FORBIDDEN)))
    def take_for_a_value(self, data, name):
        found = self.an_object(data)
        value = self.seen(data, lambda: FORBIDDEN[name](found), TypeError, AttributeError)
        # torch.as_tensor reads an object that has a length, as `list` does.
        assert value is None or name == "as_tensor"
        assert {request["operation"] for request in self.peer.requests} <= {"len", "getitem"}
        assert str(SECRET) not in str(self.peer.requests)
        assert f"{found!r} {found:.3f}".startswith("un objet de la classe")
        assert isinstance(hash(found), int)

    @precondition(lambda self: self.objects)
    @rule(data=st.data(), name=st.sampled_from(sorted(ARITHMETIC)), reflected=st.booleans())
    def arithmetic(self, data, name, reflected):
        found = self.an_object(data)
        unary = name in ("neg", "pos", "abs", "invert")
        operands = (found,) if unary else (SECRET, found) if reflected else (found, SECRET)
        value = self.seen(data, lambda: ARITHMETIC[name](*operands))
        assert value is None or type(value) in (Proxy, CallableProxy)
        assert self.made or not self.peer.requests

    @precondition(lambda self: self.results)
    @rule(data=st.data(), twice=st.booleans())
    def backward(self, data, twice):
        result = self.results.pop()
        # A sum has no gradient through integers; a graph is gone once it was gone through.
        self.seen(data, lambda: result.sum().backward(create_graph=twice))

    @rule(data=st.data())
    def end_of_a_test(self, data):
        self.made = False
        self.seen(data, self.remote.forget)


def _peak_memory(*, anew: bool = False) -> int:
    """Bytes of memory that this process has had at most, counted anew from here on."""
    if anew:
        Path("/proc/self/clear_refs").write_text("5")
    return 1024 * int(re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[1])


def _hang(*_: object) -> None:
    raise AssertionError("this takes for ever")


AnswersAnything.TestCase.settings = bounds(25, 12)
TestAnswersAnything = AnswersAnything.TestCase


# ---- What they found, one by one


class Saying:
    """A peer whose candidate gives these answers, one after the other."""

    def __init__(self, *answers: dict) -> None:
        self.answers = list(answers)

    def request(self, message: bytes) -> bytes:
        assert self.answers, "a request of the examiner's own: an object was asked for its items"
        return encode(self.answers.pop(0))


@pytest.fixture
def saying():
    """A remote whose candidate answers so, after a first object."""
    with restored_generators():
        yield lambda *answers: Remote(Saying(_answer(OBJECT), *answers)).lookup("f")  # type: ignore


def _answer(result: Any, **others: Any) -> dict:
    return {"result": msgpack.packb(result), "printed": "", "mirrors": {}} | others


def _changed(content: Any) -> dict:
    """An answer that says that the first argument has this content now."""
    return _answer(["tuple", [None, ["dict", [0, content]]]])


OBJECT = ["object", 1, ["notebook.Value"], True]
TENSOR = ["tensor", "float32", [2], np.ones(2, np.float32).tobytes(), False]
TIED = {"tensors": encode([torch.ones(2)]), "leaves": encode([]), "tape": 1}


@pytest.mark.parametrize("argument", [[1], {"a": 1}, {1}, np.ones(2), torch.ones(2)], ids=str)
@pytest.mark.parametrize(
    "content",
    [OBJECT, ["range", 0, 2**24, 1], "ab", ["tuple", [OBJECT, None, False]], ["mirror", 1, True]],
    ids=str,
)
def test_an_argument_keeps_its_nature(saying, argument, content):
    before = copy.deepcopy(argument)
    with pytest.raises(WireError):
        saying(_changed(content))(argument)
    assert str(argument) == str(before)


@pytest.mark.parametrize(
    "numbers",
    ["ab", 3, ["range", 0, 2**24, 1], ["set", [1]], ["list", [None]], ["list", [["list", [1]]]]],
    ids=str,
)
def test_many_objects_are_a_list_of_numbers(saying, numbers):
    with pytest.raises(WireError):
        saying(_answer(["tuple", [["objects", numbers, ["notebook.Value"], True], ["dict", []]]]))()


def test_a_gradient_is_not_a_tensor_of_the_test(saying):
    x, y = torch.ones(2), torch.ones(2)
    saying(_changed(["tuple", [TENSOR, ["again", 1], False]]))(x, y)
    x.grad.add_(1)
    assert y.tolist() == [1, 1]


def test_a_tensor_of_the_test_becomes_no_mirror(saying):
    x = torch.ones(2)
    f = saying(
        _answer(["tuple", [["mirror", 5, False, ["again", 0], None, False], ["dict", []]]]),
        _answer(["tuple", [None, ["dict", []]]], mirrors={5: (torch.zeros(2), None, False)}),
    )
    f(x)
    f(3)
    assert x.tolist() == [1, 1], "changed by a call that it was no argument of"


@pytest.mark.parametrize("part", range(3))
def test_a_mirror_is_made_of_tensors(saying, part):
    content = [TENSOR, None, False]
    content[part] = OBJECT
    with pytest.raises(WireError):
        saying(_answer(["tuple", [["mirror", 5, False, *content], ["dict", []]]]))()


@pytest.mark.parametrize("name", ["tensors", "leaves"])
@pytest.mark.parametrize("value", [OBJECT, ["range", 0, 2**24, 1], ["list", [1]], TENSOR], ids=str)
def test_a_result_is_tied_to_tensors(saying, name, value):
    tied = TIED | {name: msgpack.packb(value)}
    with pytest.raises(WireError):
        saying(_answer(["tuple", [["graph", 0], ["dict", []]]], **tied))()


@pytest.mark.parametrize(
    "value", [OBJECT, ["list", []], ["list", [1]], ["list", [["tensor", "int64", [0], b"", False]]]]
)
def test_a_gradient_is_like_its_tensor(saying, value):
    x = torch.ones(2, requires_grad=True)
    graph = ["tuple", [["graph", 0], ["dict", []]]]
    result = saying(_answer(graph, **TIED), _answer(value))(x)
    with pytest.raises(WireError):
        result.sum().backward()


@pytest.mark.parametrize("answer", [5, ["dict", []], ["range", 0, 10**6, 1]], ids=str)
def test_what_python_s_protocols_are_answered_is_of_their_class(saying, answer):
    said = _answer(["tuple", [answer, ["dict", []]]])
    for operation in (lambda f: next(iter(f)), lambda f: issubclass(f, torch.nn.Module)):
        with pytest.raises(WrongNature):
            operation(saying(said))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("torch.nn.functional.DType", int),
        ("torch.nn.modules.container.OrderedDict", dict),
        ("torch.nn.utils.rnn.PackedSequence", tuple),
        ("torch.nn.modules.normalization.Size", tuple),
        ("torch.nn.parameter.Parameter", torch.Tensor),
    ],
)
def test_what_torch_s_modules_only_import_is_no_class_to_claim(name, value):
    assert isinstance(sys.modules[name.rpartition(".")[0]].__dict__[name.rpartition(".")[2]], type)
    claims = Proxy(None, Handle(1, (name,)))  # type: ignore[arg-type]
    assert not isinstance(claims, value)


def test_a_callback_is_called_with_its_arguments_only():
    called = []
    with restored_generators():
        remote = Remote(Saying())  # type: ignore[arg-type]
    remote.callbacks.append(lambda *args: called.append(args))
    for args in ([range(10**6), {}], ["ab", {}], [[1], {}], [(), [("a", 1)]]):
        remote.peer.serve(encode({"callback": 0, "arguments": encode(args)}))
    assert not called
    remote.peer.serve(encode({"callback": 0, "arguments": encode([(1,), {}])}))
    assert called == [(1,)]


def test_a_parameter_that_came_with_what_cannot_be_read_is_read_later():
    with restored_generators(), honest_candidate() as remote:
        net = remote.lookup("Net")(1)
        with pytest.raises(WrongNature):
            net.unreadable()
        assert net.weight.shape == (2, 2)
