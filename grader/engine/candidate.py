"""The untrusted side: runs a student's cells, then answers about the objects that they defined.

Everything here may be replaced by the code that it runs. Nothing here is secret, and nothing that
it answers is believed: the examiner decodes plain data, and compares with its own torch.
"""

from __future__ import annotations

import _thread
import builtins
import itertools
import signal
import socket
import sys
import threading
import time
import traceback
from _signal import pthread_sigmask  # type: ignore[import-not-found]  # in 1 µs, not 6
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from functools import partial
from types import FrameType, ModuleType, NoneType
from typing import Any, Final, NamedTuple, NoReturn, cast

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.utils._device import DeviceContext

from grader.engine import french, mirrors, passed_over, state, wire
from grader.engine.bounds import MAX_SAID, MAX_TOLD
from grader.engine.exact_values import EXACT
from grader.engine.mirrors import Mirrors
from grader.engine.operations import ARITHMETIC, IN_TURN, OPERATIONS, class_names
from grader.engine.peer import Gone, Peer
from grader.engine.received import Arguments
from grader.engine.shell import Shell
from grader.engine.turns import Turns
from grader.engine.wire import Pack
from grader.engine.wire_errors import WireError
from labo.bans import live, recording
from labo.bans.allowed import MODULES
from labo.checks import call_in_turn


def before_any_cell() -> live.Start:
    """Notes what modules are and have, and what stops a recording, before any student's code."""
    recording.watch()
    _leave_signals_to_the_main_thread()
    return live.Start(_watched())


def main(sock: socket.socket, shell: Shell, start: live.Start) -> NoReturn:
    """Serve the examiner at the other end of `sock` until it closes."""
    candidate = Candidate(sock, shell, start)
    try:
        candidate.peer.serve_forever()
    except Gone:
        raise SystemExit(0) from None


class Candidate:
    """The names that a notebook has defined, and the objects that the examiner has numbers for."""

    def __init__(self, sock: socket.socket, shell: Shell, start: live.Start) -> None:
        self.peer = Peer(sock, self._serve)
        self.shell = shell
        self.running = False  # student code, in the main thread
        self.calling = False  # a function of the test, in that thread, or further out
        self.interrupted = False  # while it did
        self.interruptions = 0  # until now
        self.held_up: tuple[FrameType | None, int] = None, 0  # where interruptions wait, how often
        self.turns = Turns()
        self.fresh_numbers = itertools.count()
        self.objects: dict[int, Any] = {}
        self.numbers: dict[int, int] = {}  # by id: an object stays here under one number
        self.mirrors = Mirrors()
        self.told: list[int] = []  # those that the answer in hand is the first to tell of
        self.generators: dict[int, torch.Generator] = {}  # given as arguments
        self.tapes: dict[int, _Tape] = {}
        self.raised: dict[int, tuple[int, BaseException]] = {}  # last, by rank, with a number
        signal.signal(signal.SIGINT, self._interrupt)
        self.mask = pthread_sigmask(signal.SIG_BLOCK, _OF_STUDENTS)  # that of student code
        self.start = start
        self.names_at_start = dict(shell.user_ns)

    def _interrupt(self, _: int, frame: FrameType | None) -> None:
        if self._takes_a_lock(frame):
            threading.Timer(_SETTLING_SECONDS, _interrupt_main_thread).start()
            return
        self.interruptions += 1
        self.interrupted = self.calling  # its answer comes first, or would be taken for the next
        if self.running:  # not between two requests: it came too late
            raise KeyboardInterrupt

    def _takes_a_lock(self, frame: FrameType | None) -> bool:
        """True where an interruption is to wait, unless it has found nothing but this call."""
        before, count = self.held_up
        self.held_up = None, 0
        if frame is None or frame.f_code not in _TAKING_A_LOCK:
            return False
        count = count + 1 if frame is before else 1
        if count > _MOST_IN_ONE_CALL:
            return False
        self.held_up = frame, count
        return True

    def _serve(self, message: bytes) -> bytes:
        request = wire.decode(message)
        request["rank"] = rank = self.turns.begin_request()
        try:
            with _MainThread(self, running=False):
                answer = getattr(self, f"_on_{request['op']}")(request)
        except (Exception, KeyboardInterrupt) as error:  # a value that cannot cross, most often
            self.mirrors.keep(set(self.mirrors.tensors).difference(self.told))
            answer = wire.encode({"refused": str(error)})
        finally:
            self.turns.end_request(rank)
        self.told.clear()
        return answer

    def _call_test(self, test: int, message: bytes) -> bytes:
        """The answer of a function of this test.

        Raises:
            RuntimeError: nobody answers, as the test has ended, or has run out of time.
            RecursionError: see `Turns`.
        """
        if not _is_main_thread():
            return self._answer_of_test(test, message)
        if not self.running:  # a collector has come between
            raise RuntimeError(french.nobody_waits())
        before, self.calling = self.calling, True
        try:
            try:
                self.mask = pthread_sigmask(signal.SIG_BLOCK, _OF_STUDENTS)
                with _MainThread(self, running=False):
                    return self._answer_of_test(test, message)
            finally:
                pthread_sigmask(signal.SIG_SETMASK, self.mask)
        finally:
            self.calling = before
            if self.interrupted:
                self.interrupted = before  # what is further out is interrupted too
                raise KeyboardInterrupt

    def _answer_of_test(self, test: int, message: bytes) -> bytes:
        is_main = _is_main_thread()
        with self.turns.call(test, lambda: is_main and self.interrupted):
            limit = sys.getrecursionlimit()
            sys.setrecursionlimit(limit + _ROOM)  # an exchange that ends in the middle loses all
            try:
                answer = self._exchanged(message)
            finally:
                if sys.getrecursionlimit() == limit + _ROOM:  # not another of the student's own
                    sys.setrecursionlimit(limit)
        if not answer:
            self.turns.end_test()  # its time is over, and threads that this one joins would go on
            raise RuntimeError(french.nobody_waits())
        return answer

    def _exchanged(self, message: bytes) -> bytes:
        """The examiner's answer; what a signal's handler has raised meanwhile comes after it."""
        raised: BaseException | None = None
        answer: bytes | None = None
        exchange: Callable[[], bytes] = partial(self.peer.request, message)
        while answer is None:
            try:
                answer = exchange()
            except (Gone, WireError):
                raise
            except BaseException as error:
                raised, exchange = error, self.peer.go_on
        if raised:
            raise raised
        return answer

    def _call_student(self, function: Callable[[], Any]) -> Any:
        """What student code gives. Signals come to it, in the main thread, and wait otherwise.

        Their handlers are student code: what one calls or raises while arguments are made, or an
        answer is written, would be taken for something else.
        """
        if not _is_main_thread():
            return function()
        try:
            pthread_sigmask(signal.SIG_SETMASK, self.mask)
            return function()
        finally:  # at once: in a function of Python's, a handler could come before
            self.mask = pthread_sigmask(signal.SIG_BLOCK, _OF_STUDENTS)

    # ---- Requests

    def _on_run(self, request: dict) -> bytes:
        with _MainThread(self, running=True):
            outputs = self.shell.run(request["source"], self._call_student)
        return wire.encode({"outputs": outputs})

    def _on_lookup(self, request: dict) -> bytes:
        """The value of this name, if the notebook has it."""
        tape = _Tape(())
        answer: dict[str, object] = {}
        with self.turns.alone(request["rank"]):
            if request["name"] in self.shell.user_ns:
                answer["result"] = self._encoded(self.shell.user_ns[request["name"]], tape)
            return self._answer(answer, tape)

    def _on_apply(self, request: dict) -> bytes:
        recorder = recording.Recorder() if request["record"] else None
        # A method of torch that was replaced may compute as arguments are made, or values written.
        with recorder or nullcontext():
            answer = self._applied(request)
        if recorder:
            answer["operators"] = recorder.operators
        return wire.encode(answer)

    def _applied(self, request: dict) -> dict[str, object]:
        self.mirrors.take(request["mirrors"])
        with state.restored(request):
            return self._applied_in_its_state(request)

    def _applied_in_its_state(self, request: dict) -> dict[str, object]:
        call_test = partial(self._call_test, self.turns.test)
        arguments = Arguments(self.objects, self.generators, call_test, self.raised)
        args, kwargs = wire.decode(request["arguments"], arguments.build, trusted=True)
        tape = _Tape(arguments.leaves())
        steps: list[partial] = []
        results: list[bytes] = []
        answer: dict[str, object] = {}
        asked = request["input"]
        answers = None if asked is None else arguments.callback(asked)
        with self.shell.capturing() as capture, passed_over.answering(answers):
            try:
                with _MainThread(self, running=True):
                    steps = _steps(request["operation"], args, dict(kwargs))
                    several = len(steps) > 1
                    own = [arguments.indices(step.args) if several else None for step in steps]
                    arguments.remember()
                    for step, indices in zip(steps, own, strict=True):
                        self.turns.open(request["rank"])
                        value = self._call_student(step)
                        with self.turns.alone(request["rank"]):
                            changed = arguments.changed(indices)
                            results.append(self._encoded((value, changed), tape, arguments))
            except WireError:
                raise
            except BaseException as error:  # whatever student code raises is its answer
                answer["raised"] = self._numbered(error, request["rank"])
                del results[len(steps) - 1 :]  # interrupted once its last value was there
                with self.turns.alone(request["rank"]):
                    results.append(self._encoded((None, arguments.changed()), tape, arguments))
        answer["result"] = results.pop()
        if results:
            answer["earlier"] = results
        answer["printed"] = wire.clean(capture.text()[:MAX_TOLD])
        with self.turns.alone(request["rank"]):
            return self._tied(answer, tape)

    def _on_compare(self, request: dict) -> bytes:
        """What this notebook has made of what an exercise writes."""
        question = live.Question(**request["question"])
        found = self.start.compared(question, self.shell.user_ns, self.names_at_start)
        return wire.encode(vars(found) | {"replaced": {*found.replaced, *_calls_between()}})

    def _on_backward(self, request: dict) -> bytes:
        """Vector-Jacobian product of a recorded call, recorded in turn under `create_graph`."""
        self.mirrors.take(request["mirrors"])
        recorded = self.tapes[request["tape"]]
        grads = zip(recorded.outputs, wire.decode(request["grads"]), strict=True)
        given = [(output, grad) for output, grad in grads if grad is not None]
        tape = _Tape([grad for _, grad in given if grad.requires_grad] + recorded.inputs)
        answer: dict[str, object]
        try:
            with _MainThread(self, running=True):
                differentiate = partial(
                    torch.autograd.grad,
                    [output for output, _ in given],
                    recorded.inputs,
                    [grad for _, grad in given],
                    retain_graph=True,
                    create_graph=request["create_graph"],
                    allow_unused=True,
                )
                results = self._call_student(differentiate)
                with self.turns.alone(request["rank"]):
                    answer = {"result": self._encoded(list(results), tape)}
        except WireError:
            raise
        except BaseException as error:
            answer = {"raised": self._numbered(error, request["rank"])}
        with self.turns.alone(request["rank"]):
            return self._answer(answer, tape)

    def _on_settle(self, request: dict) -> bytes:
        """An answer once so many interruptions have come, if they come here, or after a while.

        Where a handler of the student's has taken one, it never comes here. What has changed in the
        mirrors was in an answer that came too late: it is told again.
        """
        end = time.monotonic() + _MOST_SETTLING_SECONDS
        while (
            self.interruptions < request["interruptions"]
            and signal.getsignal(signal.SIGINT) == self._interrupt
            and time.monotonic() < end
        ):
            time.sleep(_SETTLING_SECONDS)
        self.interruptions = request["interruptions"]
        self.mirrors.keep(request["keep"])
        return wire.encode({"mirrors": self.mirrors.contents()})

    def _on_forget(self, request: dict) -> bytes:
        """At the end of a test, keep only what the examiner still holds."""
        self.turns.end_test()
        self.objects = {number: self.objects[number] for number in request["keep"]}
        self.numbers = {id(value): number for number, value in self.objects.items()}
        self.mirrors.keep(request["keep"])
        self.generators.clear()
        self.tapes.clear()
        self.raised.clear()
        plt.close("all")  # what tests draw is not for the student's next cell to show
        return wire.encode(None)

    # ---- Values

    def _answer(self, answer: dict[str, object], tape: _Tape) -> bytes:
        return wire.encode(self._tied(answer, tape))

    def _tied(self, answer: dict[str, object], tape: _Tape) -> dict[str, object]:
        """An answer, with what ties it to the examiner's graph and parameters."""
        if tape.outputs:
            reached = [leaf for leaf in _leaves(tape.outputs) if not tape.has_input(leaf)]
            answer["leaves"] = wire.encode(reached, self._mirrored)
            answer["tensors"] = wire.encode([output.detach() for output in tape.outputs])
            answer["tape"] = number = next(self.fresh_numbers)
            self.tapes[number] = _Tape([*tape.inputs, *reached], tape.outputs)
        answer["mirrors"] = self.mirrors.changed()
        return answer

    def _encoded(self, value: Any, tape: _Tape, arguments: Arguments | None = None) -> bytes:
        def special(part: Any, pack: Pack) -> list | None:
            again = arguments.again(part) if arguments else None
            return again or self._special(part, tape)

        return wire.encode(value, special)

    def _special(self, value: Any, tape: _Tape) -> list | None:
        if type(value) in (list, tuple):
            return self._objects(value)
        if isinstance(value, torch.Tensor):
            if isinstance(value, torch.nn.Parameter):
                return self._mirrored(value)
            if not value.requires_grad:
                return None
            if value.is_leaf and not tape.has_input(value):
                return self._mirrored(value)
            tape.outputs.append(value)
            return ["graph", len(tape.outputs) - 1]
        if type(value) is _Object:
            return self._object(value.value)
        if value is None or isinstance(value, _PLAIN):
            return None
        return self._object(value)

    def _object(self, value: Any) -> list:
        return ["object", self._number(value), class_names(type(value)), callable(value)]

    def _objects(self, values: list | tuple) -> list | None:
        """The form of many objects of one class, such as the nodes of a graph."""
        if len(values) < _MANY or len(kinds := set(map(type, values))) > 1:
            return None
        (kind,) = kinds
        if kind is _Object or issubclass(kind, (*_PLAIN, torch.Tensor, NoneType)):
            return None
        numbers = [type(values).__name__, list(map(self._number, values))]
        return ["objects", numbers, class_names(kind), callable(values[0])]

    def _mirrored(self, value: Any, pack: Pack | None = None) -> list | None:
        """A leaf of the graph: its content is sent once, then its changes."""
        if not isinstance(value, torch.Tensor):
            return None
        number = self._number(value)
        known = number in self.mirrors
        if not known:
            self.mirrors.add(number, value)
            self.told.append(number)
        content = [] if known else mirrors.packed(value)
        return ["mirror", number, isinstance(value, torch.nn.Parameter), *content]

    def _numbered(self, error: BaseException, rank: int) -> dict[str, Any]:
        """An exception as data, by whose number a function of the test may let it through."""
        number = next(self.fresh_numbers)
        if rank > 1:  # asked for by a function of the test
            self.raised[rank] = number, error
        return _described(error) | {"number": number}

    def _number(self, value: Any) -> int:
        number = self.numbers.get(id(value))
        if number is None:
            number = self.numbers[id(value)] = next(self.fresh_numbers)
            self.objects[number] = value  # kept alive, so that its id stays its own
        return number


_SETTLING_SECONDS: Final = 1e-3
_MOST_SETTLING_SECONDS: Final = 5.0
# Interrupted in one of these, `with condition` would never release its lock: who joins the threads
# that want it, as a pool of `concurrent.futures` does at its end, would wait for ever. But a wait
# for a lock that nobody gives back is interrupted in the end.
_TAKING_A_LOCK: Final = (
    threading.Condition.__enter__.__code__,
    threading.Condition.__exit__.__code__,
)
_MOST_IN_ONE_CALL: Final = 20
# Signals that a student's code may ask for.
_OF_STUDENTS: Final = frozenset(
    (signal.SIGALRM, signal.SIGVTALRM, signal.SIGPROF, signal.SIGUSR1, signal.SIGUSR2)
)
_ROOM: Final = 200  # calls of ours, one within the other, in an exchange


def _leave_signals_to_the_main_thread() -> None:
    """Have threads that Python starts from now on block what students' handlers are for.

    One that did not would be given the signal, and its handler would run in the main thread all the
    same, in the middle of an exchange.
    """
    for module, name in _STARTS:
        start = getattr(module, name, None)
        if start is None:  # in this version of Python
            continue

        def blocked(*args: Any, start: Callable = start, **kwargs: Any) -> Any:
            before = pthread_sigmask(signal.SIG_BLOCK, ())
            try:
                pthread_sigmask(signal.SIG_BLOCK, _OF_STUDENTS)  # a thread begins with ours
                return start(*args, **kwargs)
            finally:
                pthread_sigmask(signal.SIG_SETMASK, before)

        setattr(module, name, blocked)


_STARTS: Final = tuple(
    (module, start)
    for start in ("start_new_thread", "start_joinable_thread")
    for module, start in ((_thread, start), (threading, f"_{start}"))
)


def _interrupt_main_thread() -> None:
    signal.pthread_kill(cast("int", threading.main_thread().ident), signal.SIGINT)


class _MainThread:
    """A block where the main thread runs student code, or not, if it is the one that comes there.

    Not of `contextlib`: every request enters two of these.
    """

    def __init__(self, candidate: Candidate, *, running: bool) -> None:
        self.candidate = candidate
        self.running = running
        self.is_here = _is_main_thread()

    def __enter__(self) -> None:
        if not self.is_here:
            return
        self.before = self.candidate.running
        if self.running and self.candidate.interrupted:
            raise KeyboardInterrupt
        self.candidate.running = self.running

    def __exit__(self, *_: object) -> None:
        if self.is_here:
            self.candidate.running = self.before


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


# What an exercise may use, but for what notebooks change for themselves: figures, output, files.
_LIBRARIES: Final = (MODULES | {"builtins"}) - {
    *("matplotlib", "PIL", "tqdm", "warnings", "sys", "os", "io"),
}
_OF_CLASSES: Final = (
    *("torch.nn", "torch.optim", "torch.autograd", "torch.utils.data", "torch.distributions"),
    *("numpy", "collections", "fractions", "decimal", "random", "statistics", "types"),
)


def _watched() -> Iterator[ModuleType | type]:
    """Where an exercise, and what it calls, find functions of libraries by their names."""
    yield from (torch.Tensor, DeviceContext)
    for name, module in list(sys.modules.items()):
        is_public = not any(part.startswith("_") for part in name.split("."))
        if name.partition(".")[0] not in _LIBRARIES:
            continue
        if is_public or name.startswith("numpy._core"):
            yield module
        if is_public and name.startswith(_OF_CLASSES):
            yield from (each for each in list(vars(module).values()) if isinstance(each, type))


def _calls_between() -> Iterator[str]:
    """What puts a function of the notebook's between a call and what is called."""
    hooks = vars(torch.nn.modules.module).items()
    yield from (name for name, value in hooks if name.startswith("_global_") and value)
    modes = torch.overrides._get_current_function_mode_stack()
    if not all(type(mode) is DeviceContext for mode in modes):
        yield torch.overrides.TorchFunctionMode.__name__


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
    *EXACT,
)


_MANY: Final = 16  # objects that are worth one form for all


class _Object(NamedTuple):
    """A value that crosses as an object, whatever its class."""

    value: Any


def _steps(operation: str, args: tuple, kwargs: dict[str, Any]) -> list[partial]:
    """What a request asks for: one operation, or calls in turn."""
    if operation == IN_TURN:
        return _in_turn(args)
    if operation in ARITHMETIC:
        return [partial(lambda: _Object(OPERATIONS[operation](*args, **kwargs)))]
    return [partial(OPERATIONS[operation], *args, **kwargs)]


def _in_turn(calls: tuple[tuple, ...]) -> list[partial]:
    """The steps of calls in turn, each of which may be given the values of earlier ones."""
    values: list[Any] = []

    def step(call: tuple) -> Any:
        values.append(call_in_turn(call, values))
        return values[-1]

    return [partial(step, call) for call in calls]


class _Tape:
    """The tensors that tie one call to the examiner's autograd graph."""

    def __init__(
        self, inputs: Iterable[torch.Tensor], outputs: Iterable[torch.Tensor] = ()
    ) -> None:
        self.inputs = list(inputs)
        self.outputs = list(outputs)

    def has_input(self, tensor: torch.Tensor) -> bool:
        return any(tensor is leaf for leaf in self.inputs)


def _leaves(outputs: list[torch.Tensor]) -> Iterator[torch.Tensor]:
    """The tensors that a graph starts from, found from its end."""
    seen = set()
    nodes = [output.grad_fn for output in outputs]
    while nodes:
        node = nodes.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        leaf = getattr(node, "variable", None)  # of AccumulateGrad, which torch does not declare
        if leaf is not None and node.name() == "torch::autograd::AccumulateGrad":
            yield leaf
        nodes.extend(following for following, _ in node.next_functions)


def _described(error: BaseException) -> dict[str, Any]:
    """An exception as data: its classes, its message, and the student's own frames."""
    kinds = [kind.__name__ for kind in type(error).__mro__ if kind.__module__ == builtins.__name__]
    student_frames = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(_OURS)
    ]
    try:
        message = str(error)[:MAX_SAID]
    except Exception:
        message = ""
    lines = [*traceback.format_list(student_frames[-20:]), passed_over.advice(error)]
    frames = "".join(lines)[:MAX_SAID]
    texts = {"name": type(error).__name__[:100], "message": message, "frames": frames}
    return {"kinds": kinds, **{key: wire.clean(text) for key, text in texts.items()}}


_OURS: Final = (__file__.rpartition("/")[0], call_in_turn.__code__.co_filename)
