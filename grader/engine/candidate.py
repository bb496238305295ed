"""The untrusted side: runs a student's cells, then answers about the objects that they defined.

Everything here may be replaced by the code that it runs. Nothing here is secret, and nothing that
it answers is believed: the examiner decodes plain data, and compares with its own torch.
"""

from __future__ import annotations

import builtins
import itertools
import signal
import socket
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from typing import Any, Final, NoReturn, Protocol, runtime_checkable

import matplotlib.pyplot as plt
import numpy as np
import torch

from grader.engine import mirrors, state, wire
from grader.engine.mirrors import Mirrors
from grader.engine.operations import OPERATIONS, class_names
from grader.engine.peer import Gone, Peer
from grader.engine.shell import Shell
from grader.engine.wire import WireError
from labo.bans import recording

_PRINTED: Final = 4_000  # characters of what one call prints


def main(sock: socket.socket, shell: Shell) -> NoReturn:
    """Serve the examiner at the other end of `sock` until it closes."""
    candidate = Candidate(sock, shell)
    try:
        candidate.peer.serve_forever()
    except Gone:
        raise SystemExit(0) from None


class Candidate:
    """The names that a notebook has defined, and the objects that the examiner has numbers for."""

    def __init__(self, sock: socket.socket, shell: Shell) -> None:
        self.peer = Peer(sock, self._serve)
        self.shell = shell
        self.running = False
        self.fresh_numbers = itertools.count()
        self.objects: dict[int, Any] = {}
        self.numbers: dict[int, int] = {}  # by id: an object stays here under one number
        self.mirrors = Mirrors()
        self.tapes: dict[int, _Tape] = {}
        signal.signal(signal.SIGINT, self._interrupt)
        recording.watch()  # before any code of the student has run

    def _interrupt(self, *_: object) -> None:
        if self.running:  # between two requests, it came too late
            raise KeyboardInterrupt

    def _serve(self, message: bytes) -> bytes:
        request = wire.decode(message)
        try:
            return getattr(self, f"_on_{request['op']}")(request)
        except WireError as error:  # a value that cannot cross
            return wire.encode({"refused": str(error)})

    # ---- Requests

    def _on_run(self, request: dict) -> bytes:
        self.running = True
        try:
            outputs = self.shell.run(request["source"])
        finally:
            self.running = False
        return wire.encode({"outputs": outputs})

    def _on_lookup(self, request: dict) -> bytes:
        """The value of this name, if the notebook has it."""
        tape = _Tape(())
        answer: dict[str, object] = {}
        if request["name"] in self.shell.user_ns:
            answer["value"] = self._encoded(self.shell.user_ns[request["name"]], tape)
        return self._answer(answer, tape)

    def _on_apply(self, request: dict) -> bytes:
        self.mirrors.take(request["mirrors"])
        state.restore(request["state"])
        arguments = _Arguments(self)
        args, kwargs = wire.decode(request["arguments"], arguments.build, names=True)
        before = [_content(value) for value in arguments.values]
        tape = _Tape(arguments.leaves())
        answer: dict[str, object]
        recorder = recording.Recorder() if request["record"] else None
        with self.shell.capturing() as capture:
            self.running = True
            try:
                with recorder or nullcontext():  # a value may compute as it is written
                    value = OPERATIONS[request["operation"]](*args, **kwargs)
                    answer = {"value": self._encoded(value, tape)}
            except WireError:
                raise
            except BaseException as error:  # whatever student code raises is its answer
                answer = {"raised": _described(error)}
            finally:
                self.running = False
        if recorder:
            answer["operators"] = recorder.operators
        answer["changed"] = {
            i: content
            for i, content in enumerate(map(_content, arguments.values))
            if content != before[i]
        }
        answer["printed"] = wire.clean(capture.text()[:_PRINTED])
        answer["state"] = state.current()
        return self._answer(answer, tape)

    def _on_backward(self, request: dict) -> bytes:
        """Vector-Jacobian product of a recorded call, recorded in turn under `create_graph`."""
        self.mirrors.take(request["mirrors"])
        recorded = self.tapes[request["tape"]]
        grads = zip(recorded.outputs, wire.decode(request["grads"]), strict=True)
        given = [(output, grad) for output, grad in grads if grad is not None]
        tape = _Tape([grad for _, grad in given if grad.requires_grad] + recorded.inputs)
        answer: dict[str, object]
        self.running = True
        try:
            results = torch.autograd.grad(
                [output for output, _ in given],
                recorded.inputs,
                [grad for _, grad in given],
                retain_graph=True,
                create_graph=request["create_graph"],
                allow_unused=True,
            )
            answer = {"value": self._encoded(list(results), tape)}
        except WireError:
            raise
        except BaseException as error:
            answer = {"raised": _described(error)}
        finally:
            self.running = False
        return self._answer(answer, tape)

    def _on_forget(self, request: dict) -> bytes:
        """At the end of a test, keep only what the examiner still holds."""
        self.objects = {number: self.objects[number] for number in request["keep"]}
        self.numbers = {id(value): number for number, value in self.objects.items()}
        self.mirrors.keep(request["keep"])
        self.tapes.clear()
        plt.close("all")  # what tests draw is not for the student's next cell to show
        return wire.encode(None)

    # ---- Values

    def _answer(self, answer: dict[str, object], tape: _Tape) -> bytes:
        """An answer, with what ties it to the examiner's graph and parameters."""
        if tape.outputs:
            reached = [leaf for leaf in _leaves(tape.outputs) if not tape.has_input(leaf)]
            answer["leaves"] = wire.encode(reached, self._mirror)
            answer["tape"] = number = next(self.fresh_numbers)
            self.tapes[number] = _Tape([*tape.inputs, *reached], tape.outputs)
        answer["mirrors"] = self.mirrors.changed()
        return wire.encode(answer)

    def _encoded(self, value: Any, tape: _Tape) -> bytes:
        return wire.encode(value, lambda part: self._special(part, tape))

    def _special(self, value: Any, tape: _Tape) -> list | None:
        if isinstance(value, torch.Tensor):
            if isinstance(value, torch.nn.Parameter):
                return self._mirror(value)
            if not value.requires_grad:
                return None
            if value.is_leaf and not tape.has_input(value):
                return self._mirror(value)
            tape.outputs.append(value)
            return ["graph", wire.encode(value.detach())]
        if value is None or isinstance(value, _PLAIN):
            return None
        return ["object", self._number(value), class_names(type(value)), callable(value)]

    def _mirror(self, value: Any) -> list | None:
        """A leaf of the graph: its content is sent once, then its changes."""
        if not isinstance(value, torch.Tensor):
            return None
        number = self._number(value)
        known = number in self.mirrors
        if not known:
            self.mirrors.add(number, value)
        content = None if known else wire.encode(mirrors.content(value))
        return ["mirror", number, isinstance(value, torch.nn.Parameter), content]

    def _number(self, value: Any) -> int:
        number = self.numbers.get(id(value))
        if number is None:
            number = self.numbers[id(value)] = next(self.fresh_numbers)
            self.objects[number] = value  # kept alive, so that its id stays its own
        return number


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
    torch.Generator,
    torch.dtype,
    torch.device,
)


class _Tape:
    """The tensors that tie one call to the examiner's autograd graph."""

    def __init__(
        self, inputs: Iterable[torch.Tensor], outputs: Iterable[torch.Tensor] = ()
    ) -> None:
        self.inputs = list(inputs)
        self.outputs = list(outputs)

    def has_input(self, tensor: torch.Tensor) -> bool:
        return any(tensor is leaf for leaf in self.inputs)


@runtime_checkable
class _HasVariable(Protocol):
    """An attribute of autograd's AccumulateGrad that torch does not declare."""

    variable: torch.Tensor


def _leaves(outputs: list[torch.Tensor]) -> Iterator[torch.Tensor]:
    """The tensors that a graph starts from, found from its end."""
    seen = set()
    nodes = [output.grad_fn for output in outputs]
    while nodes:
        node = nodes.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if node.name() == "torch::autograd::AccumulateGrad" and isinstance(node, _HasVariable):
            yield node.variable
        nodes.extend(following for following, _ in node.next_functions)


class _Arguments:
    """Builds the arguments of a call; keeps those that it may change."""

    def __init__(self, candidate: Candidate) -> None:
        self.candidate = candidate
        self.values: list[torch.Tensor | np.ndarray | torch.Generator] = []

    def leaves(self) -> list[torch.Tensor]:
        return [v for v in self.values if isinstance(v, torch.Tensor) and v.requires_grad]

    def build(self, tag: str, fields: list) -> Any:
        if tag == "object":
            return self.candidate.objects[fields[0]]
        if tag == "argument":
            self.values.append(wire.decode(fields[0]))
            return self.values[-1]
        if tag == "tensor argument":
            is_parameter, content = fields
            self.values.append(mirrors.made(wire.decode(content), is_parameter=is_parameter))
            return self.values[-1]
        if tag == "again":
            return self.values[fields[0]]
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


def _content(value: torch.Tensor | np.ndarray | torch.Generator) -> bytes:
    return wire.encode(mirrors.content(value) if isinstance(value, torch.Tensor) else value)


def _described(error: BaseException) -> dict[str, Any]:
    """An exception as data: its classes, its message, and the student's own frames."""
    kinds = [kind.__name__ for kind in type(error).__mro__ if kind.__module__ == builtins.__name__]
    student_frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(_ENGINE)
    ]
    try:
        message = str(error)[:_PRINTED]
    except Exception:
        message = ""
    frames = "".join(traceback.format_list(student_frames[-20:]))[:_PRINTED]
    texts = {"name": type(error).__name__[:100], "message": message, "frames": frames}
    return {"kinds": kinds, **{key: wire.clean(text) for key, text in texts.items()}}


_ENGINE: Final = __file__.rpartition("/")[0]
