"""The untrusted side: runs a student's cells, then answers about the objects that they defined.

Everything here may be replaced by the code that it runs. Nothing here is secret, and nothing that
it answers is believed: the examiner decodes plain data, and compares with its own torch.
"""

from __future__ import annotations

import builtins
import operator
import signal
import socket
import traceback
from collections.abc import Callable
from typing import Any, Final, NoReturn

import numpy as np
import torch

from grader.engine import state, wire
from grader.engine.peer import Gone, Peer
from grader.engine.shell import Shell
from grader.engine.wire import WireError
from labo import checks

OPERATIONS: Final[dict[str, Callable]] = {
    "call": lambda function, *args, **kwargs: function(*args, **kwargs),
    "getattr": getattr,
    "setattr": setattr,
    "getitem": operator.getitem,
    "setitem": operator.setitem,
    "delitem": operator.delitem,
    "contains": operator.contains,
    "len": len,
    "iter": iter,
    "next": next,
    "bool": bool,
    "float": float,
    "int": int,
    "repr": repr,
    **{name: getattr(operator, name) for name in ("neg", "pos", "abs", "invert")},
    **{
        name: getattr(operator, name)
        for name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul")
    },
}

_PRINTED: Final = 4_000  # characters of what one call prints
_KINDS: Final = 40


def main(sock: socket.socket, shell: Shell) -> NoReturn:
    """Serve the examiner at the other end of `sock` until it closes."""
    candidate = Candidate(sock, shell)
    try:
        candidate.peer.serve_forever()
    except Gone:
        raise SystemExit(0) from None


class Candidate:
    """What a notebook has defined, and the objects that the examiner knows by number."""

    def __init__(self, sock: socket.socket, shell: Shell) -> None:
        self.peer = Peer(sock, self._serve)
        self.shell = shell
        self.running = False
        self._forget()
        signal.signal(signal.SIGINT, self._interrupt)

    def _forget(self) -> None:
        self.objects: dict[int, Any] = {}
        self.numbers: dict[int, int] = {}
        self.tapes: list[tuple[list[torch.Tensor], list[torch.Tensor]]] = []
        self.mirrors: dict[int, bytes] = {}

    def _interrupt(self, *_: object) -> None:
        if self.running:  # between two requests, it came too late
            raise KeyboardInterrupt

    def _serve(self, message: bytes) -> bytes:
        request = wire.decode(message)
        return getattr(self, f"_on_{request['op']}")(request)

    # ---- Requests

    def _on_run(self, request: dict) -> bytes:
        self.running = True
        try:
            outputs = self.shell.run(request["source"])
        finally:
            self.running = False
        return wire.encode({"outputs": outputs})

    def _on_lookup(self, request: dict) -> bytes:
        """The values of these names, for those that the notebook has."""
        names = [name for name in request["names"] if name in self.shell.user_ns]
        tape = _Tape(())
        values = {name: self._encoded(self.shell.user_ns[name], tape) for name in names}
        return self._answer(values, tape)

    def _on_apply(self, request: dict) -> bytes:
        self._receive_mirrors(request["mirrors"])
        state.restore(request["state"])
        arguments = _Arguments(self)
        args, kwargs = wire.decode(request["arguments"], arguments.build, names=True)
        before = [_copy(tensor) for tensor in arguments.tensors]
        tape = _Tape(arguments.leaves())
        with self.shell.capturing() as capture:
            self.running = True
            try:
                value = OPERATIONS[request["operation"]](*args, **kwargs)
                result = {"value": self._encoded(value, tape)}
            except BaseException as error:  # whatever student code raises is its answer
                result = {"raised": _described(error)}
            finally:
                self.running = False
        result["changed"] = {
            i: tensor.detach() if isinstance(tensor, torch.Tensor) else tensor
            for i, tensor in enumerate(arguments.tensors)
            if not _same(tensor, before[i])
        }
        result["printed"] = capture.text()[:_PRINTED]
        result["state"] = state.current()
        return self._answer(result, tape)

    def _on_backward(self, request: dict) -> bytes:
        """Vector-Jacobian product of a recorded call; parameters accumulate their gradient."""
        self._receive_mirrors(request["mirrors"])
        inputs, outputs = self.tapes[request["tape"]]
        for leaf in inputs:
            leaf.grad = None
        pairs = zip(outputs, request["grads"], strict=True)
        reached = [(output, grad) for output, grad in pairs if grad is not None]
        self.running = True
        try:
            if reached:
                torch.autograd.backward(*map(list, zip(*reached, strict=True)), retain_graph=True)
            result = {"value": wire.encode([leaf.grad for leaf in inputs])}
        except BaseException as error:
            result = {"raised": _described(error)}
        finally:
            self.running = False
        return self._answer(result, _Tape(()))

    def _on_operators(self, request: dict) -> bytes:
        """The names of the operators that a call uses, as torch's dispatcher sees them."""
        args, kwargs = wire.decode(request["arguments"], _Arguments(self).build, names=True)
        try:
            return wire.encode({"value": sorted(checks.operators_used(*args, **kwargs))})
        except Exception as error:
            return wire.encode({"raised": _described(error)})

    def _on_forget(self, request: dict) -> bytes:
        self._forget()
        return wire.encode(None)

    # ---- Values

    def _answer(self, result: dict, tape: _Tape) -> bytes:
        if tape.outputs:
            self.tapes.append((tape.inputs, tape.outputs))
            result["tape"] = len(self.tapes) - 1
        result["mirrors"] = self._changed_mirrors()
        return wire.encode(result)

    def _encoded(self, value: Any, tape: _Tape) -> bytes:
        return wire.encode(value, lambda part: self._special(part, tape))

    def _special(self, value: Any, tape: _Tape) -> list | None:
        if isinstance(value, torch.Tensor):
            if value.is_leaf and value.requires_grad and not tape.has_input(value):
                number = self._number(value)
                self.mirrors[number] = wire.encode(_mirror_state(value))
                is_parameter = isinstance(value, torch.nn.Parameter)
                return ["mirror", number, is_parameter, self.mirrors[number]]
            if value.requires_grad:
                tape.outputs.append(value)
                return ["graph", len(tape.outputs) - 1, wire.encode(value.detach())]
            return None
        if value is None or isinstance(value, _PLAIN):
            return None
        return ["object", self._number(value), _kinds(value), callable(value)]

    def _number(self, value: Any) -> int:
        number = self.numbers.setdefault(id(value), len(self.objects))
        self.objects[number] = value  # kept alive, so that its id stays its own
        return number

    def _receive_mirrors(self, mirrors: dict) -> None:
        for number, (data, grad) in mirrors.items():
            tensor = self.objects[number]
            with torch.no_grad():
                tensor.data = data.to(tensor.device)
            tensor.grad = grad
            self.mirrors[number] = wire.encode(_mirror_state(tensor))

    def _changed_mirrors(self) -> dict[int, list]:
        changed = {}
        for number, sent in self.mirrors.items():
            state = _mirror_state(self.objects[number])
            encoded = wire.encode(state)
            if encoded != sent:
                self.mirrors[number] = encoded
                changed[number] = state
        return changed


_PLAIN: Final = (
    bool,
    int,
    float,
    complex,
    str,
    bytes,
    bytearray,
    list,
    tuple,
    dict,
    set,
    frozenset,
    slice,
    range,
    type(Ellipsis),
    np.ndarray,
    np.generic,
    torch.dtype,
    torch.device,
)


class _Tape:
    """The tensors that tie one call to the examiner's autograd graph."""

    def __init__(self, inputs: Any) -> None:
        self.inputs = list(inputs)
        self.outputs: list[torch.Tensor] = []

    def has_input(self, tensor: torch.Tensor) -> bool:
        return any(tensor is leaf for leaf in self.inputs)


class _Arguments:
    """Builds the arguments of a call; keeps the tensors, to see which ones it changes."""

    def __init__(self, candidate: Candidate) -> None:
        self.candidate = candidate
        self.tensors: list[torch.Tensor | np.ndarray] = []

    def leaves(self) -> list[torch.Tensor]:
        return [t for t in self.tensors if isinstance(t, torch.Tensor) and t.requires_grad]

    def build(self, tag: str, fields: list) -> Any:
        if tag == "object":
            return self.candidate.objects[fields[0]]
        if tag == "argument":
            self.tensors.append(wire.decode(fields[0]))
            return self.tensors[-1]
        if tag == "callback":
            return self._callback(fields[0])
        raise WireError(f"unexpected tag {tag!r}")

    def _callback(self, number: int) -> Callable:
        def callback(*args: Any, **kwargs: Any) -> Any:
            message = wire.encode({"callback": number, "arguments": wire.encode([args, kwargs])})
            answer = wire.decode(self.candidate.peer.request(message))
            if "raised" in answer:
                raise RuntimeError(answer["raised"])
            return answer["value"]

        return callback


def _mirror_state(tensor: torch.Tensor) -> list:
    grad = tensor.grad
    return [tensor.detach(), None if grad is None else grad.detach()]


def _copy(value: torch.Tensor | np.ndarray) -> torch.Tensor | np.ndarray:
    return value.detach().clone() if isinstance(value, torch.Tensor) else value.copy()


def _same(value: torch.Tensor | np.ndarray, before: torch.Tensor | np.ndarray) -> bool:
    return wire.encode(value)[:-1] == wire.encode(before)[:-1]  # but for requires_grad, at the end


def _kinds(value: Any) -> list[str]:
    kinds = type(value).__mro__[:_KINDS]
    return [f"{kind.__module__}.{kind.__qualname__}" for kind in kinds]


def _described(error: BaseException) -> dict[str, Any]:
    """An exception as data: its classes, its message, and the student's own frames."""
    kinds = [kind.__name__ for kind in type(error).__mro__ if kind.__module__ == builtins.__name__]
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(_ENGINE)
    ]
    try:
        message = str(error)[:_PRINTED]
    except Exception:
        message = ""
    lines = traceback.format_list(own[-20:])
    name = type(error).__name__[:100]
    return {"kinds": kinds, "name": name, "message": message, "frames": "".join(lines)[:_PRINTED]}


_ENGINE: Final = __file__.rpartition("/")[0]
