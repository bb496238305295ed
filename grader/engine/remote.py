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

import sys
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

import torch

from grader.engine import french, wire
from grader.engine.answers import AnswerReader, Objects, gradients_of, tensors_of
from grader.engine.arguments import ArgumentEncoder, encoded
from grader.engine.bounds import MAX_TOLD
from grader.engine.natures import WrongNature
from grader.engine.operations import IN_TURN, MAKERS, READINGS
from grader.engine.outputs import Printed
from grader.engine.own_files import check_arguments
from grader.engine.peer import Gone, Late, Peer
from grader.engine.proxy import CallableProxy, Method, Proxy, handle_of
from grader.engine.sizes import Sizes
from grader.engine.state import RandomStreams
from grader.engine.student_error import StudentError, UnsupportedAcrossBoundary, rebuilt, text
from grader.engine.wire_errors import WireError
from labo.bans import live


class Remote:
    """The candidate, as the tests see it."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        peer.serve = self._serve_callback
        self.trouble: BaseException | None = None
        """The error that ended the conversation, even when a test has caught it."""
        self.unsupported: UnsupportedAcrossBoundary | None = None
        """The refusal that this test has met, even when it has caught that."""
        self.failed_within: AssertionError | None = None
        """What a function of the test has found when the call under way called it."""
        self.lacked_name = False
        """Has this test, or student code that it called, looked for a name in vain?"""
        self.printed = Printed()
        self.stdout: Any = None
        """Where a test prints, unless it has put something else in the place of `sys.stdout`."""
        self.before_call: Callable[[], Callable | None] = lambda: None
        """Refuses what student code cannot see of a test's doing; gives what answers `input`."""
        self.callbacks: list[Callable] = []
        self.objects = Objects(self)
        self.reading = _Reading(self)
        self.streams = RandomStreams()
        self.sizes = Sizes()
        self._ahead: dict[int, tuple[list, bool]] = {}
        """Of iterators, by number, the items that have come and are not asked for, if the last."""
        self._about_to_call: weakref.ref[Method] | None = None
        self.author_classes: frozenset[str] = frozenset()
        """The names of the classes that the author's notebook defines."""
        self.special_methods: Mapping[str, frozenset[str]] = {}
        """Those that each of these classes has."""

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
        self._find_method()
        answer = self._ask({"op": "lookup", "name": name})
        with self.reading:
            self.objects.mirrors.take(answer["mirrors"])
            found = "result" in answer
            reader = AnswerReader(self.objects)
            self._tie(answer, reader, ())
            value = wire.decode(answer["result"], reader.build) if found else None
        if not found:
            self.lacked_name = True
            raise KeyError(name)
        if type(value) is CallableProxy and name in self.author_classes:
            return self.objects.author_class(value)
        return value

    def compared(self, question: live.Question) -> live.Answer:
        """What the notebook has made of the names of an exercise, and of what they hold."""
        self._find_method()
        answer = self._ask({"op": "compare", "question": vars(question)})
        with self.reading:
            return live.Answer(
                prints=dict(answer["prints"]),
                patched={text(name) for name in answer["patched"]},
                replaced={text(name) for name in answer["replaced"]},
                unwritten={text(name) for name in answer["unwritten"]},
                direct={text(name) for name in answer["direct"]},
                held={text(name) for name in answer["held"]},
                loops=bool(answer["loops"]),
            )

    def apply(self, operation: str, /, *args: Any, **kwargs: Any) -> Any:
        """Do one operation of `operations.OPERATIONS` there."""
        return self.applied(operation, args, kwargs)[0]

    def applied(
        self, operation: str, args: tuple, kwargs: dict, *, record: bool = False
    ) -> tuple[Any, Any]:
        """The value of an operation and, if recorded, the names of the operators that it used."""
        answer, encoder, reader = self._sent(operation, args, kwargs, record=record)
        value = self._value(answer.get("result"), encoder, reader)
        self._raise_error(answer, iterating=operation == "following")
        built = operation == "call" and self.objects.is_author_class(args[0])
        reader.note_origins(value, built=built)
        return value, answer.get("operators")

    def in_turn(self, *calls: tuple) -> Iterator[Any]:
        """The values of calls of methods, `(object, name, *arguments)`, made by one request.

        Each call leaves its arguments as it has changed them when its value is asked for. No
        arithmetic is passed on for the objects that they give.
        """
        if calls:
            yield from self._values(calls, *self._sent(IN_TURN, calls, {}))

    def recorded_in_turn(self, *calls: tuple) -> tuple[list, Any]:
        """The values of such calls, and the names of the operators that they used together."""
        sent = self._sent(IN_TURN, calls, {}, record=True)
        return list(self._values(calls, *sent)), sent[0].get("operators")

    def _values(
        self, calls: tuple, answer: dict, encoder: ArgumentEncoder, reader: AnswerReader
    ) -> Iterator[Any]:
        """The values of these calls, up to the one that has raised an error.

        A call leaves its mark on its own arguments: student code can reach those of the others.
        """
        own = _Own(encoder, calls)
        with self.reading:
            earlier = list(answer.get("earlier", ()))
            if not (
                len(earlier) == len(calls) - 1 or ("raised" in answer and len(earlier) < len(calls))
            ):
                raise WireError("not a value for each call")
        for rank, each in enumerate(earlier):
            yield self._value(each, encoder, reader, partial(own.has, rank))
        last = partial(own.has, len(earlier))
        value = self._value(answer.get("result"), encoder, reader, last)
        self._raise_error(answer)
        yield value

    def _sent(
        self, operation: str, args: tuple, kwargs: dict, *, record: bool = False
    ) -> tuple[dict, ArgumentEncoder, AnswerReader]:
        """The answer to the request for an operation, and what reads its results."""
        self._find_method()
        if operation not in READINGS:
            self.sizes.forget()
        check_arguments((*args, *kwargs.values()))
        encoder = ArgumentEncoder(self.objects.mirrors, self.streams, self.callbacks)
        arguments = encoder.encode(args, kwargs)
        answers_input = encoder.callback(self.before_call())
        answer = self._ask(
            {
                "op": "apply",
                "operation": operation,
                "arguments": arguments,
                "mirrors": self.objects.mirrors.changed(),
                "record": record,
                "input": answers_input,
                **self.streams.lent(),
            }
        )
        with self.reading:
            self._say(text(answer["printed"], MAX_TOLD))
            self.objects.mirrors.take(answer["mirrors"])
            reader = AnswerReader(self.objects, encoder, makes=operation in MAKERS)
            self._tie(answer, reader, reader.inputs)
        return answer, encoder, reader

    def _value(
        self,
        result: Any,
        encoder: ArgumentEncoder,
        reader: AnswerReader,
        is_own: Callable[[int], bool] = lambda _: True,
    ) -> Any:
        """The value of a call, whose arguments are given the contents that it has left in them.

        Args:
            is_own: says which arguments are its own, if others have come with the same request.
        """
        with self.reading:
            value, changed = wire.decode(result, reader.build)
            for index, content in changed.items():
                if is_own(index):
                    encoder.overwrite(index, content)
        return value

    def _raise_error(self, answer: dict, *, iterating: bool = False) -> None:
        """Raise what student code has raised, if it has."""
        if "raised" not in answer:
            return
        with self.reading:
            error = self._rebuilt(answer["raised"], iterating=iterating)
        raise error

    def backward(
        self, tape: int, inputs: Sequence[torch.Tensor], grads: Sequence[torch.Tensor | None]
    ) -> list[torch.Tensor | None]:
        """Vector-Jacobian product of a recorded call; itself recorded under `create_graph`."""
        self._find_method()
        self.streams.seed_anew()
        answer = self._ask(
            {
                "op": "backward",
                "tape": tape,
                "grads": encoded(list(grads)),
                "create_graph": torch.is_grad_enabled(),
                "mirrors": self.objects.mirrors.changed(),
            }
        )
        differentiable = [grad for grad in grads if grad is not None and grad.requires_grad]
        with self.reading:
            self.objects.mirrors.take(answer["mirrors"])
            if "raised" not in answer:
                tied = [*differentiable, *inputs]
                reader = AnswerReader(self.objects)
                self._tie(answer, reader, tied)
                return gradients_of(inputs, wire.decode(answer["result"], reader.build))
            error = self._rebuilt(answer["raised"])
        raise error

    def method(self, value: Proxy, name: str) -> Method:
        """A method that a test is about to call, its arguments still to come."""
        self._find_method()
        method = Method(value, name)
        self._about_to_call = weakref.ref(method)
        return method

    def call(self, method: Method, args: tuple, kwargs: dict) -> Any:
        """Call a method: with the request that finds it, if there was no other meanwhile."""
        if method.found is not None:
            return method.found(*args, **kwargs)
        self._about_to_call = None
        return self.apply("method", method.value, method.name, *args, **kwargs)

    def _find_method(self) -> None:
        """Before another request, find the method that a test had reached, as Python would have."""
        method = self._about_to_call and self._about_to_call()
        self._about_to_call = None
        if method:  # else an error in its arguments has come before the call
            method.found = self.apply("getattr", method.value, method.name)

    def iterate(self, value: Proxy) -> Proxy:
        """An iterator over an object of the student's, the first items of which come with it."""
        match self.apply("iterate", value):
            case (iterator, *ahead) if issubclass(type(iterator), Proxy):
                number = handle_of(iterator).number
                items, are_last = _several(tuple(ahead))
                self._ahead[number] = [*self._ahead.pop(number, ([], False))[0], *items], are_last
                return iterator
            case answer:
                raise WrongNature(french.expected("un itérateur", type(answer).__name__))

    def following(self, iterator: Proxy) -> Any:
        """The next item of an iterator of the student's.

        Raises:
            StopIteration: there is none.
        """
        number = handle_of(iterator).number
        items, are_last = self._ahead.pop(number, ([], False))
        if not items and not are_last:
            items, are_last = _several(self.apply("following", iterator))
        if not items:
            raise StopIteration
        self._ahead[number] = items[1:], are_last
        return items[0]

    def forget(self) -> None:
        """Have the candidate let go of all that the tests no longer hold."""
        self._ahead.clear()
        self.callbacks.clear()
        self.streams.forget_generators()
        self.unsupported = self.failed_within = None
        keep = self.objects.keep_held()
        self._ask({"op": "forget", "keep": keep})

    def settle(self, interruptions: int) -> None:
        """Have the candidate wait until it has been interrupted so many times.

        What its late answers said of the mirrors is lost; it is asked for again.
        """
        keep = list(self.objects.mirrors.tensors)
        answer = self._ask({"op": "settle", "interruptions": interruptions, "keep": keep})
        self.objects.mirrors.take(answer["mirrors"])

    def _rebuilt(self, raised: dict, *, iterating: bool = False) -> Exception:
        error = rebuilt(raised, iterating=iterating)
        if isinstance(error, NameError) and not isinstance(error, UnboundLocalError):
            self.lacked_name = True
        return error

    def _say(self, said: str) -> None:
        """Print what student code has printed: where the test captures it, if it does."""
        if sys.stdout is self.stdout:
            self.printed.append(said)
        else:
            sys.stdout.write(said)

    def _ask(self, request: dict) -> Any:
        if self.trouble:
            raise self.trouble
        message = encoded(request)
        try:
            answer = wire.decode(self.peer.request(message))
        except (Gone, Late, WireError) as error:
            self.trouble, self.failed_within = error, None
            raise
        if self.unsupported:  # in a callback
            self.failed_within = None
            raise self.unsupported
        if failed := self.failed_within:
            self.failed_within = None  # the test may catch it
            raise failed
        if isinstance(answer, dict) and "refused" in answer:
            raise WrongNature(french.unreadable())
        return answer

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
        except (Exception, KeyboardInterrupt, SystemExit) as error:
            if isinstance(error, AssertionError) and not isinstance(error, StudentError):
                self.failed_within = error  # not for student code to read, or to catch
                return wire.encode({"raised": french.failed()})
            number = error.number if isinstance(error, StudentError) else None
            said = wire.clean(f"{type(error).__name__}: {error}")
            return wire.encode({"raised": said, "let_through": number})

    # ---- Values

    def _tie(self, answer: dict, reader: AnswerReader, inputs: Sequence[torch.Tensor]) -> None:
        """Tie the tensors of an answer to the inputs of the call, for its results to be read."""
        if "tensors" in answer:
            leaves = tensors_of(wire.decode(answer["leaves"], reader.build))
            tensors = tensors_of(wire.decode(answer["tensors"]))
            reader.tied = _RemoteCall.apply(
                self, answer["tape"], len(inputs) + len(leaves), *inputs, *leaves, *tensors
            )


class _Own:
    """Which arguments are those of each of several calls.

    Looked for once one has changed: no list had been given another content before.
    """

    def __init__(self, encoder: ArgumentEncoder, calls: tuple) -> None:
        self.encoder = encoder
        self.calls = calls

    @cached_property
    def indices(self) -> list[set[int]]:
        return [self.encoder.indices(call) for call in self.calls]

    def has(self, rank: int, index: int) -> bool:
        """True if the call of this rank was given the argument of this index."""
        return index in self.indices[rank]


class _Reading:
    """A block that ends the conversation when an answer is none that we would send.

    Whatever is wrong with it. Not of `contextlib`: every request enters four of these.
    """

    def __init__(self, remote: Remote) -> None:
        self.remote = remote

    def __enter__(self) -> None:
        pass

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, Exception):
            trouble = WireError(f"not an answer: {type(error).__name__}: {error}"[:500])
            self.remote.trouble = trouble
            raise trouble from None


def _several(answer: Any) -> tuple[list, bool]:
    """The next items of an iterator, and whether they are its last.

    Raises:
        WrongNature: the answer is none, from a process that lies.
    """
    match answer:
        case (tuple(items), bool(are_last)) if type(answer) is tuple:
            return [*items], are_last
    raise WrongNature(french.expected("les éléments d'un itérateur", type(answer).__name__))


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
