"""The examiner's connection to a candidate: requests, and the values that come back.

A call sends its arguments by value and brings the result back by value; what has no form as data
comes back as a `Proxy`. What makes that faithful to ordinary Python:

- gradients cross: a result is tied to the local graph by `_RemoteCall`, whose backward asks the
  candidate for the vector-Jacobian product;
- parameters are *mirrored*: a local tensor of the same value and gradient, kept equal on both sides
  at each request, so that an optimiser or `copy_` here acts there;
- an argument that the call modified in place is modified here: tensors, arrays, lists,
  dictionaries and sets; one that it gives back is that very object;
- gradient mode, default dtype and the random numbers that a test has seeded travel with each call.

And what keeps it safe: nothing that the candidate says is taken for more than plain data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakSet, WeakValueDictionary

import torch

from grader.engine import french, mirrors, wire
from grader.engine.arguments import ArgumentEncoder, encoded
from grader.engine.bounds import MAX_KINDS, MAX_NAME
from grader.engine.mirrors import Mirrors
from grader.engine.operations import ARITHMETIC, READINGS
from grader.engine.outputs import Printed
from grader.engine.peer import Gone, Late, Peer
from grader.engine.proxy import (
    CallableProxy,
    Proxy,
    WrongNature,
    add_origins,
    forget_origins,
    handle_of,
    is_own,
    nearest_kind,
)
from grader.engine.sizes import Sizes
from grader.engine.state import RandomStreams
from grader.engine.student_error import UnsupportedAcrossBoundary, rebuilt, text
from grader.engine.wire import Build, WireError


class Remote:
    """The candidate, as the tests see it."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        peer.serve = self._serve_callback
        self.trouble: BaseException | None = None
        """The error that ended the conversation, even when a test has caught it."""
        self.unsupported: UnsupportedAcrossBoundary | None = None
        """The refusal that this test has met, even when it has caught that."""
        self.printed = Printed()
        self.callbacks: list[Callable] = []
        self.mirrors = Mirrors()
        self.streams = RandomStreams()
        self.sizes = Sizes()
        self.proxies: WeakValueDictionary[int, Proxy] = WeakValueDictionary()
        self.strangers: WeakSet[Proxy] = WeakSet()
        self.author_classes: frozenset[str] = frozenset()
        """The names of the classes that the author's notebook defines."""
        self._classes: WeakSet[Proxy] = WeakSet()  # those that a test has looked up

    def raise_trouble(self) -> None:
        """Raise what a test may have caught, with all else that student code raises."""
        error = self.trouble or self.unsupported
        if error:
            raise error

    # ---- Requests

    def run(self, source: str) -> list[dict]:
        """Run a cell of the notebook; its outputs, as nbformat has them."""
        self.sizes.forget()
        return self._ask({"op": "run", "source": source})["outputs"]

    def lookup(self, name: str) -> Any:
        """The value of a name that the notebook has defined.

        Raises:
            KeyError: it has not.
        """
        answer = self._ask({"op": "lookup", "name": name})
        with self._reading():
            self.mirrors.take(answer["mirrors"])
            found = "result" in answer
            value = self._result(answer, _AnswerReader(self)) if found else None
        if not found:
            raise KeyError(name)
        if type(value) is CallableProxy and name in self.author_classes:
            value = self.stranger(value)  # which no other name and no answer stands for
            self._classes.add(value)
        return value

    def apply(self, operation: str, /, *args: Any, **kwargs: Any) -> Any:
        """Do one operation of `operations.OPERATIONS` there."""
        return self.applied(operation, args, kwargs)[0]

    def applied(
        self, operation: str, args: tuple, kwargs: dict, *, record: bool = False
    ) -> tuple[Any, Any]:
        """The value of an operation and, if recorded, the names of the operators that it used."""
        if operation not in READINGS:
            self.sizes.forget()
        encoder = ArgumentEncoder(self.mirrors, self.streams, self.callbacks)
        arguments = encoder.encode(args, kwargs)
        answer = self._ask(
            {
                "op": "apply",
                "operation": operation,
                "arguments": arguments,
                "mirrors": self.mirrors.changed(),
                "state": self.streams.lent(),
                "record": record,
            }
        )
        with self._reading():
            self.printed.append(text(answer["printed"]))
            self.mirrors.take(answer["mirrors"])
            makes = operation == "call" or operation in ARITHMETIC
            reader = _AnswerReader(self, encoder, makes=makes)
            value, changed = self._result(answer, reader)
            for index, content in changed.items():
                encoder.overwrite(index, content)
            error = None
            if "raised" in answer:
                error = rebuilt(answer["raised"], iterating=operation == "next")
        if error:
            raise error
        self._note_origins(operation, args[0] if args else None, value, reader, encoder.origins)
        return value, answer.get("operators")

    def backward(
        self, tape: int, inputs: Sequence[torch.Tensor], grads: Sequence[torch.Tensor | None]
    ) -> list[torch.Tensor | None]:
        """Vector-Jacobian product of a recorded call; itself recorded under `create_graph`."""
        self.streams.seed_anew()
        answer = self._ask(
            {
                "op": "backward",
                "tape": tape,
                "grads": encoded(list(grads)),
                "create_graph": torch.is_grad_enabled(),
                "mirrors": self.mirrors.changed(),
            }
        )
        differentiable = [grad for grad in grads if grad is not None and grad.requires_grad]
        with self._reading():
            self.mirrors.take(answer["mirrors"])
            if "raised" not in answer:
                reader = _AnswerReader(self)
                return _gradients(self._result(answer, reader, [*differentiable, *inputs]), inputs)
            error = rebuilt(answer["raised"])
        raise error

    def forget(self) -> None:
        """Have the candidate let go of all that the tests no longer hold."""
        self.callbacks.clear()
        self.streams.forget_generators()
        self.unsupported = None
        self.mirrors.keep_held()
        for proxy in self.proxies.values():
            forget_origins(proxy)
        strangers = {handle_of(stranger).number for stranger in self.strangers}
        keep = [*self.mirrors.tensors, *strangers.union(self.proxies)]
        self._ask({"op": "forget", "keep": keep})

    def _ask(self, request: dict) -> Any:
        if self.trouble:
            raise self.trouble
        message = encoded(request)
        try:
            answer = wire.decode(self.peer.request(message))
        except (Gone, Late, WireError) as error:
            self.trouble = error
            raise
        if self.unsupported:  # in a callback
            raise self.unsupported
        if isinstance(answer, dict) and "refused" in answer:
            raise WrongNature(french.unreadable(text(answer["refused"])))
        return answer

    @contextmanager
    def _reading(self) -> Iterator[None]:
        """End the conversation when an answer is none that we would send, whatever is wrong."""
        try:
            yield
        except Exception as error:
            self.trouble = WireError(f"not an answer: {type(error).__name__}: {error}"[:500])
            raise self.trouble from None

    def _serve_callback(self, message: bytes) -> bytes:
        """Answer student code that calls a function of the test."""
        request = wire.decode(message)
        try:
            function = self.callbacks[request["callback"]]
            args, kwargs = wire.decode(request["arguments"])
            if (type(args), type(kwargs)) != (tuple, dict):  # a range is as long as it says
                raise WireError("not the arguments of a function")
            value = function(*args, **kwargs)
            self.streams.seed_anew()
            if isinstance(value, torch.Tensor) and value.requires_grad:
                raise UnsupportedAcrossBoundary(
                    "student code wants the gradient of a function that the test gave it: give it"
                    " one of torch's own (torch.sin), or have the student's notebook define it"
                )
            return wire.encode({"value": value})
        except UnsupportedAcrossBoundary as error:  # kept until the test has its own answer
            self.unsupported = error
            return wire.encode({"raised": str(error)})
        except Exception as error:
            return wire.encode({"raised": f"{type(error).__name__}: {error}"})

    # ---- Values

    def _result(
        self, answer: dict, reader: _AnswerReader, inputs: Sequence[torch.Tensor] | None = None
    ) -> Any:
        """The result of an answer, its tensors tied to the inputs of the call."""
        if "tensors" in answer:
            leaves = _tensors(wire.decode(answer["leaves"], reader.build))
            tensors = _tensors(wire.decode(answer["tensors"]))
            inputs = reader.inputs if inputs is None else inputs
            reader.tied = _RemoteCall.apply(
                self, answer["tape"], len(inputs) + len(leaves), *inputs, *leaves, *tensors
            )
        return wire.decode(answer["result"], reader.build)

    def _note_origins(
        self,
        operation: str,
        operand: Any,
        value: Any,
        reader: _AnswerReader,
        classes: frozenset[str],
    ) -> None:
        """Note which of the objects of an answer the test has made, of its own classes.

        An attribute or an item is not made but read: it may stand for a value. An attribute may
        also be a method.
        """
        if reader.makes:
            for proxy in reader.proxies:
                add_origins(proxy, classes)
        elif type(value) is CallableProxy and classes.isdisjoint(handle_of(value).kinds):
            add_origins(value, classes)
        if operation == "call" and isinstance(value, Proxy) and self._is_class(operand):
            add_origins(value, frozenset({nearest_kind(value)}))

    def stranger(self, known: Proxy) -> Proxy:
        """Another proxy of an object that the test has made: what is read gives it as a value."""
        stranger = type(known)(self, handle_of(known))
        self.strangers.add(stranger)
        return stranger

    def _is_class(self, function: Any) -> bool:
        """True for a class of the author's notebook, as the student has defined it."""
        return type(function) is CallableProxy and function in self._classes


class _AnswerReader:
    """Makes the values of one answer that have a form of their own.

    Args:
        encoder: that of the arguments of the call which is answered.
        makes: the objects of the answer are made by the test, and not read.
    """

    def __init__(
        self, remote: Remote, encoder: ArgumentEncoder | None = None, *, makes: bool = False
    ) -> None:
        self.remote = remote
        self.makes = makes
        self.arguments = encoder.values if encoder else []
        self.inputs = encoder.inputs if encoder else []
        self.tied: tuple[torch.Tensor, ...] = ()  # the results that have a gradient
        self.proxies: list[Proxy] = []

    def build(self, tag: str, fields: list, build: Build) -> Any:
        if tag == "object":
            return self._proxy(*fields)
        if tag == "mirror":
            number, is_parameter, *content = fields
            return self._mirror(number, is_parameter, [_fresh(part, build) for part in content])
        if tag == "graph":
            return self.tied[fields[0]]
        if tag == "again":
            return self.arguments[fields[0]]
        raise WireError(f"unexpected tag {tag[:40]!r}")

    def _proxy(self, number: int, kinds: list[str], is_callable: bool) -> Proxy:
        known = self.remote.proxies.get(number)
        if known is None:
            proxy = self._new_proxy(number, kinds, is_callable)
        else:
            proxy = self.remote.stranger(known) if is_own(known) and not self.makes else known
        self.proxies.append(proxy)
        return proxy

    def _new_proxy(self, number: int, kinds: list[str], is_callable: bool) -> Proxy:
        if type(number) is not int or type(kinds) is not list or type(is_callable) is not bool:
            raise WireError("not an object")
        names = tuple(text(kind, MAX_NAME) for kind in kinds[:MAX_KINDS])
        kind = CallableProxy if is_callable else Proxy
        proxy = self.remote.proxies[number] = kind(self.remote, wire.Handle(number, names))
        return proxy

    def _mirror(self, number: int, is_parameter: bool, content: list) -> torch.Tensor:
        if content:  # the first time
            parts = mirrors.copied(mirrors.checked(content))  # no tensor of the test's
            self.remote.mirrors.add(number, mirrors.made(parts, is_parameter=is_parameter))
        return self.remote.mirrors.tensors[number]


def _tensors(values: Any) -> list[torch.Tensor]:
    """A list of tensors, as the candidate has sent it."""
    if type(values) is not list or not all(isinstance(value, torch.Tensor) for value in values):
        raise WireError("not a list of tensors")
    return values


def _gradients(values: Any, inputs: Sequence[torch.Tensor]) -> list[torch.Tensor | None]:
    """The gradients of these inputs, as the candidate has sent them."""
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


def _fresh(packed: Any, build: Build) -> Any:
    """A part of the content of a mirror, which is no tensor that the test has."""
    if type(packed) is list and packed[:1] != ["tensor"]:
        raise WireError("the content of a leaf is no tensor of its own")
    return build(packed)


class _RemoteCall(torch.autograd.Function):
    """Ties the results of a remote call to the leaves that they were computed from."""

    @staticmethod
    def forward(ctx, remote, tape, count, *tensors):
        ctx.remote, ctx.tape, ctx.inputs = remote, tape, tensors[:count]
        ctx.save_for_backward(torch.empty(0))  # a second backward fails, as it does in one process
        ctx.set_materialize_grads(False)
        return tensors[count:]

    @staticmethod
    def backward(ctx, *grads):
        _ = ctx.saved_tensors
        results = ctx.remote.backward(ctx.tape, ctx.inputs, grads)
        return None, None, None, *results, *[None] * len(grads)
