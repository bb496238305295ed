"""The examiner's connection to a candidate: requests, and the values that come back.

A call sends its arguments by value and brings the result back by value; what has no form as data
comes back as a `Proxy`. What makes that faithful to ordinary Python:

- gradients cross: a result is tied to the local graph by `_RemoteCall`, whose backward asks the
  candidate for the vector-Jacobian product;
- parameters are *mirrored*: a local tensor of the same value and gradient, kept equal on both sides
  at each request, so that an optimiser or `copy_` here acts there;
- an argument that the call modified in place is modified here;
- random state, gradient mode and default dtype travel with each call.

And what keeps it safe: nothing that the candidate says is taken for more than plain data.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Sequence
from typing import Any
from weakref import WeakValueDictionary

import numpy as np
import torch

from grader.engine import bounds, mirrors, outputs, state, wire
from grader.engine.mirrors import Mirrors
from grader.engine.peer import Gone, Late, Peer
from grader.engine.proxy import CallableProxy, Proxy, handle_of
from grader.engine.well_known import qualified_name
from grader.engine.wire import WireError


class UnsupportedAcrossBoundary(BaseException):
    """The test does what cannot cross to the student's process; the message says what to write.

    Not an `Exception`: it is about the test, so that no test may take it for the student's error.
    """


class StudentError(Exception):
    """Student code raised; mixed into the builtin exception of the same kind."""

    frames: str = ""
    """The student's own traceback."""

    def __str__(self) -> str:  # a KeyError would quote its message once more
        return str(self.args[0])


class Remote:
    """The candidate, as the tests see it."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        peer.serve = self._serve_callback
        self.trouble: BaseException | None = None
        """The error that ended the conversation, even when a test has caught it."""
        self.unsupported: UnsupportedAcrossBoundary | None = None
        """The refusal that this test has met, even when it has caught that."""
        self.printed = outputs.Printed()
        self.callbacks: list[Callable] = []
        self.mirrors = Mirrors()
        self.proxies: WeakValueDictionary[int, Proxy] = WeakValueDictionary()

    def raise_trouble(self) -> None:
        """Raise what a test may have caught, with all else that student code raises."""
        error = self.trouble or self.unsupported
        if error:
            raise error

    # ---- Requests

    def run(self, source: str) -> list[dict]:
        """Run a cell of the notebook; its outputs, as nbformat has them."""
        return self._ask({"op": "run", "source": source})["outputs"]

    def lookup(self, name: str) -> Any:
        """The value of a name that the notebook has defined.

        Raises:
            KeyError: it has not.
        """
        answer = self._ask({"op": "lookup", "name": name})
        self.mirrors.take(answer["mirrors"])
        if "value" not in answer:
            raise KeyError(name)
        return self._decoded(answer, ())

    def apply(self, operation: str, *args: Any, **kwargs: Any) -> Any:
        """Do one operation of `operations.OPERATIONS` there."""
        encoder = _ArgumentEncoder(self)
        arguments = encoder.encode(args, kwargs)
        now = state.current()
        answer = self._ask(
            {
                "op": "apply",
                "operation": operation,
                "arguments": arguments,
                "mirrors": self.mirrors.changed(),
                "state": now,
            }
        )
        self.printed.append(_text(answer["printed"]))
        self._follow(now, answer["state"])
        self.mirrors.take(answer["mirrors"])
        for index, content in answer["changed"].items():
            _overwrite(encoder.arguments[index], wire.decode(content))
        if "raised" in answer:
            raise _rebuilt(answer["raised"])
        return self._decoded(answer, encoder.inputs)

    def operators_used(self, function: Any, *args: Any, **kwargs: Any) -> set[str]:
        """The names of the torch operators that a call of the student's function uses."""
        arguments = _ArgumentEncoder(self).encode((function, *args), kwargs)
        answer = self._ask({"op": "operators", "arguments": arguments})
        if "raised" in answer:
            raise _rebuilt(answer["raised"])
        return set(answer["names"])

    def backward(
        self, tape: int, inputs: Sequence[torch.Tensor], grads: Sequence[torch.Tensor | None]
    ) -> list[torch.Tensor | None]:
        """Vector-Jacobian product of a recorded call; itself recorded under `create_graph`."""
        answer = self._ask(
            {
                "op": "backward",
                "tape": tape,
                "grads": _encoded(list(grads)),
                "create_graph": torch.is_grad_enabled(),
                "mirrors": self.mirrors.changed(),
            }
        )
        self.mirrors.take(answer["mirrors"])
        if "raised" in answer:
            raise _rebuilt(answer["raised"])
        differentiable = [grad for grad in grads if grad is not None and grad.requires_grad]
        return self._decoded(answer, [*differentiable, *inputs])

    def forget(self) -> None:
        """Have the candidate let go of all that the tests no longer hold."""
        self.callbacks.clear()
        self.unsupported = None
        self.mirrors.keep_held()
        self._ask({"op": "forget", "keep": [*self.mirrors.tensors, *self.proxies]})

    def _ask(self, request: dict) -> Any:
        if self.trouble:
            raise self.trouble
        message = _encoded(request)
        try:
            answer = wire.decode(self.peer.request(message))
        except (Gone, Late, WireError) as error:
            self.trouble = error
            raise
        if isinstance(answer, dict) and "refused" in answer:
            self.unsupported = UnsupportedAcrossBoundary(_text(answer["refused"]))
        if self.unsupported:  # perhaps in a callback
            raise self.unsupported
        return answer

    def _follow(self, sent: dict, left: Any) -> None:
        try:
            state.follow(sent, left)
        except Exception:  # whatever a hostile state makes torch or NumPy say
            raise WireError("the candidate's random state is not one") from None

    def _serve_callback(self, message: bytes) -> bytes:
        """Answer student code that calls a function of the test."""
        request = wire.decode(message)
        try:
            function = self.callbacks[request["callback"]]
            args, kwargs = wire.decode(request["arguments"])
            value = function(*args, **kwargs)
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

    def _decoded(self, answer: dict, inputs: Sequence[torch.Tensor]) -> Any:
        """The value of an answer, its tensors tied to the inputs of the call."""
        graph: list[torch.Tensor] = []

        def build(tag: str, fields: list) -> Any:
            if tag == "object":
                return self._proxy(*fields)
            if tag == "mirror":
                return self._mirror(*fields)
            if tag == "graph":
                graph.append(wire.decode(fields[0]))
                return _Pending(len(graph) - 1)
            raise WireError(f"unexpected tag {tag!r}")

        value = wire.decode(answer["value"], build)
        if not graph:
            return value
        leaves = wire.decode(answer["leaves"], build)
        tied = _RemoteCall.apply(
            self, answer["tape"], len(inputs) + len(leaves), *inputs, *leaves, *graph
        )
        return _filled(value, tied)

    def _proxy(self, number: int, kinds: list, is_callable: bool) -> Proxy:
        known = self.proxies.get(number)
        if known is not None:
            return known
        kind = CallableProxy if is_callable else Proxy
        proxy = kind(self, wire.Handle(int(number), tuple(map(str, kinds))))
        self.proxies[number] = proxy
        return proxy

    def _mirror(self, number: int, is_parameter: bool, content: bytes | None) -> torch.Tensor:
        if content is not None:
            made = mirrors.made(wire.decode(content), is_parameter=is_parameter)
            self.mirrors.add(number, made)
        return self.mirrors.tensors[number]


class _ArgumentEncoder:
    """Writes the arguments of a call; keeps those that may come back changed."""

    def __init__(self, remote: Remote) -> None:
        self.remote = remote
        self.arguments: list[torch.Tensor | np.ndarray | torch.Generator] = []

    @property
    def inputs(self) -> list[torch.Tensor]:
        return [t for t in self.arguments if isinstance(t, torch.Tensor) and t.requires_grad]

    def encode(self, args: tuple, kwargs: dict) -> bytes:
        """The arguments as bytes.

        Raises:
            UnsupportedAcrossBoundary: one of them cannot cross.
        """
        return _encoded([args, kwargs], self._special)

    def _special(self, value: Any) -> list | None:
        if isinstance(value, Proxy):
            return ["object", handle_of(value).number]
        if isinstance(value, torch.Tensor | np.ndarray | torch.Generator):
            number = self.remote.mirrors.number_of(value)
            return self._argument(value) if number is None else ["object", number]
        if isinstance(value, torch.nn.Module | torch.optim.Optimizer):
            raise UnsupportedAcrossBoundary(
                f"a {type(value).__name__} built by the test cannot be given to student code: "
                "build it there with labo.checks.build(nn.Linear, 4, 3)"
            )
        if callable(value) and qualified_name(value) is None:
            self.remote.callbacks.append(value)
            return ["callback", len(self.remote.callbacks) - 1]
        return None

    def _argument(self, value: torch.Tensor | np.ndarray | torch.Generator) -> list:
        for index, argument in enumerate(self.arguments):
            if argument is value:
                return ["again", index]
        self.arguments.append(value)
        if not isinstance(value, torch.Tensor):
            return ["argument", wire.encode(value)]
        is_parameter = isinstance(value, torch.nn.Parameter)
        return ["tensor argument", is_parameter, wire.encode(mirrors.content(value))]


class _Pending:
    """Stands in a decoded value for a tensor that is about to be tied to the graph."""

    def __init__(self, index: int) -> None:
        self.index = index


def _filled(value: Any, tensors: tuple[torch.Tensor, ...]) -> Any:
    if isinstance(value, _Pending):
        return tensors[value.index]
    if type(value) is dict:
        return {key: _filled(item, tensors) for key, item in value.items()}
    if type(value) in (list, tuple, set, frozenset):
        return type(value)(_filled(item, tensors) for item in value)
    return value


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


def _encoded(value: Any, special: wire.Special = lambda _: None) -> bytes:
    try:
        return wire.encode(value, special)
    except WireError as error:
        raise UnsupportedAcrossBoundary(f"given to student code: {error}") from None


def _text(value: Any, longest: int = bounds.MAX_SAID) -> str:
    return value[:longest] if isinstance(value, str) else ""


def _overwrite(argument: torch.Tensor | np.ndarray | torch.Generator, value: Any) -> None:
    """Give an argument the content that the call left in it."""
    if isinstance(argument, torch.Generator):
        state.follow_torch(argument, argument.get_state(), value.get_state())
    elif isinstance(argument, torch.Tensor):
        data, grad, _ = value
        with torch.no_grad():
            argument.data.copy_(data) if argument.shape == data.shape else argument.set_(data)
        if argument.is_leaf:
            argument.grad = grad
    else:
        argument[...] = value


def _rebuilt(raised: dict) -> BaseException:
    """A student's exception, as the builtin class that it derives from."""
    kind: type = Exception
    for name in raised["kinds"][: bounds.MAX_KINDS]:
        found = getattr(builtins, _text(name), None)
        if isinstance(found, type) and issubclass(found, Exception):
            kind = found
            break
    message = _text(raised["message"])
    if kind is StopIteration:
        return StopIteration(message)
    try:
        error = type(_text(raised["name"], bounds.MAX_NAME), (StudentError, kind), {})(message)
    except Exception:  # classes such as UnicodeDecodeError want other arguments
        error = StudentError(message)
    error.frames = _text(raised["frames"])
    return error
