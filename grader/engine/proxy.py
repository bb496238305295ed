"""The examiner's view of a candidate: proxies that a test uses as if the objects were here.

A call sends its arguments by value and brings the result back by value; what has no form as data
comes back as a `Proxy`. What makes that faithful to ordinary Python:

- gradients cross: a result is tied to the local graph by `_Remote`, whose backward asks the
  candidate for the vector-Jacobian product;
- parameters are *mirrored*: a local tensor of the same value and gradient, kept equal on both sides
  at each request, so that an optimiser or `copy_` here acts there;
- an argument that the call modified in place is modified here;
- random state, gradient mode and default dtype travel with each call.

And what keeps it safe: nothing that the candidate says is taken for more than plain data. A proxy
is never equal to a value, is never ordered, and never receives a tensor to compute with.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator
from typing import Any, Final

import numpy as np
import torch
from torch.autograd.function import once_differentiable

from grader.engine import state, wire
from grader.engine.peer import Peer
from grader.engine.wire import WireError

# Classes that a proxy may claim to be an instance of. None of them has a value that a test could
# take for a number, a tensor or a container.
_CLAIMABLE: Final = ("torch.nn.", "torch.optim.", "torch.utils.data.", "torch.autograd.function.")


class UnsupportedAcrossBoundary(TypeError):
    """The test does what cannot cross to the student's process; the message says what to write."""


class StudentError(Exception):
    """Student code raised; mixed into the builtin exception of the same kind."""

    frames: str = ""
    """The student's own traceback."""


class Remote:
    """The candidate, as seen by one test cell."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        peer.serve = self._serve_callback
        self.callbacks: list[Callable] = []
        self.mirrors: dict[int, torch.Tensor] = {}  # kept, for they may be written to
        self.sent: dict[int, bytes] = {}
        self.printed: list[str] = []
        self.received: dict[int, Any] = {}  # input index -> argument, during one call

    # ---- Requests

    def run(self, source: str) -> list[dict]:
        """Run a cell of the notebook; its outputs, as nbformat has them."""
        answer = self._ask({"op": "run", "source": source})
        return answer["outputs"]

    def lookup(self, names: list[str]) -> dict[str, Any]:
        """The values of those names that the notebook has defined."""
        answer = self._ask({"op": "lookup", "names": names})
        tape = answer.pop("tape", None)
        self._update_mirrors(answer.pop("mirrors"))
        return {name: self._decoded(answer[name], tape, ()) for name in names if name in answer}

    def apply(self, operation: str, *args: Any, **kwargs: Any) -> Any:
        """Do one operation of `candidate.OPERATIONS` there."""
        encoder = _ArgumentEncoder(self)
        arguments = wire.encode([args, kwargs], encoder.special)
        answer = self._ask(
            {
                "op": "apply",
                "operation": operation,
                "arguments": arguments,
                "mirrors": self._changed_mirrors(),
                "state": state.current(),
            }
        )
        self.printed.append(_text(answer["printed"]))
        _follow(answer["state"])
        self._update_mirrors(answer["mirrors"])
        for index, value in answer["changed"].items():
            _overwrite(encoder.arguments[index], value)
        if "raised" in answer:
            raise _rebuilt(answer["raised"])
        return self._decoded(answer["value"], answer.get("tape"), encoder.inputs)

    def operators_used(self, function: Any, *args: Any, **kwargs: Any) -> set[str]:
        """The names of the torch operators that a call of the student's function uses."""
        encoder = _ArgumentEncoder(self)
        arguments = wire.encode([(function, *args), kwargs], encoder.special)
        answer = self._ask({"op": "operators", "arguments": arguments})
        if "raised" in answer:
            raise _rebuilt(answer["raised"])
        return set(answer["value"])

    def backward(self, tape: int, grads: list[torch.Tensor | None]) -> list[torch.Tensor | None]:
        """Gradients of a recorded call with respect to its inputs."""
        mirrors = self._changed_mirrors()
        answer = self._ask({"op": "backward", "tape": tape, "grads": grads, "mirrors": mirrors})
        self._update_mirrors(answer["mirrors"])
        if "raised" in answer:
            raise _rebuilt(answer["raised"])
        return wire.decode(answer["value"])

    def forget(self) -> None:
        """Let go of all that this test cell has seen."""
        self._ask({"op": "forget"})
        self.callbacks.clear()
        self.mirrors.clear()
        self.sent.clear()

    def _ask(self, request: dict) -> Any:
        return wire.decode(self.peer.request(wire.encode(request)))

    def _serve_callback(self, message: bytes) -> bytes:
        """Student code calls a function that the test gave it."""
        request = wire.decode(message)
        function = self.callbacks[request["callback"]]
        args, kwargs = wire.decode(request["arguments"])
        try:
            return wire.encode({"value": function(*args, **kwargs)})
        except Exception as error:
            return wire.encode({"raised": f"{type(error).__name__}: {error}"})

    # ---- Values

    def _decoded(self, data: bytes, tape: int | None, inputs: Any) -> Any:
        graph: list[torch.Tensor] = []

        def build(tag: str, fields: list) -> Any:
            if tag == "object":
                number, kinds, is_callable = fields
                return Proxy(self, wire.Handle(int(number), tuple(map(str, kinds)), is_callable))
            if tag == "mirror":
                number, is_parameter, content = fields
                return self._mirror(int(number), bool(is_parameter), *wire.decode(content))
            if tag == "graph":
                graph.append(wire.decode(fields[1]))
                return _Pending(len(graph) - 1)
            raise WireError(f"unexpected tag {tag!r}")

        value = wire.decode(data, build)
        if not graph:
            return value
        tied = _Remote.apply(self, tape, _anchor(), len(inputs), *inputs, *graph)
        return _filled(value, tied)

    def _mirror(
        self, number: int, is_parameter: bool, data: torch.Tensor, grad: torch.Tensor | None
    ) -> torch.Tensor:
        if number not in self.mirrors:
            made = torch.nn.Parameter(data) if is_parameter else data.requires_grad_()
            self.mirrors[number] = made
        self._update_mirror(number, data, grad)
        return self.mirrors[number]

    def _update_mirror(self, number: int, data: torch.Tensor, grad: torch.Tensor | None) -> None:
        tensor = self.mirrors[number]
        tensor.data = data.detach()
        tensor.grad = grad
        self.sent[number] = wire.encode([tensor.detach(), grad])

    def _update_mirrors(self, changed: dict) -> None:
        for number, (data, grad) in changed.items():
            if number in self.mirrors:
                self._update_mirror(number, data, grad)

    def _changed_mirrors(self) -> dict[int, list]:
        changed = {}
        for number, tensor in self.mirrors.items():
            now = [tensor.detach(), None if tensor.grad is None else tensor.grad.detach()]
            encoded = wire.encode(now)
            if encoded != self.sent[number]:
                self.sent[number] = encoded
                changed[number] = now
        return changed

    def number_of(self, tensor: torch.Tensor) -> int | None:
        """The number of the mirrored tensor that this is, if it is one."""
        return next((n for n, mirror in self.mirrors.items() if mirror is tensor), None)


class _ArgumentEncoder:
    """Writes the arguments of a call; keeps the tensors, which may come back changed."""

    def __init__(self, remote: Remote) -> None:
        self.remote = remote
        self.arguments: list[torch.Tensor | np.ndarray] = []

    @property
    def inputs(self) -> list[torch.Tensor]:
        return [t for t in self.arguments if isinstance(t, torch.Tensor) and t.requires_grad]

    def special(self, value: Any) -> list | None:
        if type(value) is Proxy:
            return ["object", _handle(value).number]
        if isinstance(value, torch.Tensor):
            number = self.remote.number_of(value)
            if number is not None:
                return ["object", number]
            return self._argument(value)
        if isinstance(value, np.ndarray):
            return self._argument(value)
        if isinstance(value, torch.nn.Module | torch.optim.Optimizer):
            raise UnsupportedAcrossBoundary(
                f"a {type(value).__name__} built by the test cannot be given to student code; "
                "build it there: labo.checks.build(nn.Linear, 4, 3)"
            )
        if callable(value) and wire.qualified_name(value) is None:
            self.remote.callbacks.append(value)
            return ["callback", len(self.remote.callbacks) - 1]
        return None

    def _argument(self, value: torch.Tensor | np.ndarray) -> list:
        self.arguments.append(value)
        return ["argument", wire.encode(value)]


class _Pending:
    """Stands in a decoded value for a tensor that is about to be tied to the graph."""

    def __init__(self, index: int) -> None:
        self.index = index


def _filled(value: Any, tensors: tuple[torch.Tensor, ...]) -> Any:
    if isinstance(value, _Pending):
        return tensors[value.index]
    if type(value) is dict:
        return {key: _filled(item, tensors) for key, item in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_filled(item, tensors) for item in value)
    return value


class _Remote(torch.autograd.Function):
    """Ties the results of a remote call to the tensors that were given to it."""

    @staticmethod
    def forward(ctx, remote, tape, anchor, count, *tensors):
        ctx.remote, ctx.tape, ctx.count = remote, tape, count
        ctx.save_for_backward(anchor)  # so that a second backward fails as it does in one process
        ctx.set_materialize_grads(False)
        return tuple(tensors[count:])

    @staticmethod
    @once_differentiable
    def backward(ctx, *grads):
        _ = ctx.saved_tensors
        results = ctx.remote.backward(ctx.tape, list(grads))
        return None, None, None, None, *results, *[None] * len(grads)


def _anchor() -> torch.Tensor:
    """Makes a result require a gradient when only the student's parameters do."""
    return torch.zeros((), requires_grad=True)


class Proxy:
    """An object of the student's process. Python's own protocols are passed on to it."""

    __slots__ = ("_labo_handle", "_labo_remote")

    def __init__(self, remote: Remote, handle: wire.Handle) -> None:
        object.__setattr__(self, "_labo_remote", remote)
        object.__setattr__(self, "_labo_handle", handle)

    @property
    def __class__(self) -> type:
        return _claimed_class(_handle(self).kinds)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return _remote(self).apply("call", self, *args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return _remote(self).apply("getattr", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        _remote(self).apply("setattr", self, name, value)

    def __getitem__(self, key: Any) -> Any:
        return _remote(self).apply("getitem", self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        _remote(self).apply("setitem", self, key, value)

    def __delitem__(self, key: Any) -> None:
        _remote(self).apply("delitem", self, key)

    def __contains__(self, item: Any) -> bool:
        return _plain(_remote(self).apply("contains", self, item), bool)

    def __len__(self) -> int:
        return _plain(_remote(self).apply("len", self), int)

    def __bool__(self) -> bool:
        return _plain(_remote(self).apply("bool", self), bool)

    def __float__(self) -> float:
        return _plain(_remote(self).apply("float", self), float)

    def __int__(self) -> int:
        return _plain(_remote(self).apply("int", self), int)

    def __iter__(self) -> Iterator[Any]:
        iterator = _remote(self).apply("iter", self)
        while True:
            try:
                item = next(iterator)
            except StopIteration:
                return
            yield item

    def __next__(self) -> Any:
        return _remote(self).apply("next", self)

    def __repr__(self) -> str:
        return _text(_remote(self).apply("repr", self))

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return type(other) is Proxy and _handle(self).number == _handle(other).number


def _refuse_ordering(self: Proxy, other: object) -> bool:
    raise UnsupportedAcrossBoundary(
        f"an object of the class {_short_name(self)} cannot be compared with < or >: "
        "compare a number or a tensor that it holds"
    )


def _arithmetic(operation: str, *, reflected: bool) -> Callable:
    def compute(self: Proxy, other: Any) -> Any:
        # Student code must not be shown the values that a test compares with.
        if isinstance(other, torch.Tensor | np.ndarray):
            raise UnsupportedAcrossBoundary(
                f"the result is an object of the class {_short_name(self)}, not a tensor"
            )
        operands = (other, self) if reflected else (self, other)
        return _remote(self).apply(operation, *operands)

    return compute


for _operation in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul"):
    setattr(Proxy, f"__{_operation}__", _arithmetic(_operation, reflected=False))
    setattr(Proxy, f"__r{_operation}__", _arithmetic(_operation, reflected=True))
for _operation in ("neg", "pos", "abs", "invert"):
    setattr(
        Proxy,
        f"__{_operation}__",
        lambda self, _operation=_operation: _remote(self).apply(_operation, self),
    )
for _operation in ("lt", "le", "gt", "ge"):
    setattr(Proxy, f"__{_operation}__", _refuse_ordering)


def _handle(proxy: Proxy) -> wire.Handle:
    return object.__getattribute__(proxy, "_labo_handle")


def _remote(proxy: Proxy) -> Remote:
    return object.__getattribute__(proxy, "_labo_remote")


def _short_name(proxy: Proxy) -> str:
    kinds = _handle(proxy).kinds
    return kinds[0].rpartition(".")[2][:80] if kinds else "object"


def _claimed_class(kinds: tuple[str, ...]) -> type:
    for kind in kinds:
        if kind.startswith(_CLAIMABLE):
            module, _, name = kind.rpartition(".")
            found = getattr(_loaded(module), name, None)
            if isinstance(found, type) and not issubclass(found, torch.Tensor):
                return found
    return Proxy


def _loaded(module: str) -> Any:
    found: Any = torch
    for part in module.split(".")[1:]:
        found = found.__dict__.get(part)
        if found is None:
            break
    return found


def _plain(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise TypeError(f"expected a {kind.__name__}")
    return value


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _overwrite(argument: torch.Tensor | np.ndarray, value: Any) -> None:
    """Give an argument the content that the call left in it."""
    if isinstance(argument, torch.Tensor):
        with torch.no_grad():
            argument.data.copy_(value) if argument.shape == value.shape else argument.set_(value)
    else:
        argument[...] = value


def _follow(left: dict) -> None:
    """Take the random state that the call left, if it is one."""
    try:
        state.restore_random(left)
    except Exception:  # whatever a hostile state makes torch or NumPy say
        raise WireError("the candidate's random state is not one") from None


def _rebuilt(raised: dict) -> BaseException:
    """A student's exception, as the builtin class that it derives from."""
    kind: type = Exception
    for name in raised["kinds"]:
        found = getattr(builtins, str(name), None)
        if isinstance(found, type) and issubclass(found, Exception):
            kind = found
            break
    message = _text(raised["message"])
    if kind is StopIteration:
        return StopIteration(message)
    try:
        error = type(str(raised["name"]), (StudentError, kind), {})(message)
    except Exception:  # classes such as UnicodeDecodeError want other arguments
        error = StudentError(message)
    error.frames = _text(raised["frames"])
    return error
