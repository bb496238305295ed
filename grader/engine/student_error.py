"""Exceptions that reach a test from the student's process, or from the boundary itself."""

from __future__ import annotations

import builtins
from typing import Any

from grader.engine.bounds import MAX_KINDS, MAX_NAME, MAX_SAID


class UnsupportedAcrossBoundary(BaseException):
    """The test does what cannot cross to the student's process; the message says what to write.

    Not an `Exception`: it is about the test, so that no test may take it for the student's error.
    """


class StudentError(Exception):
    """Student code raised; mixed into the builtin exception of the same kind."""

    frames: str = ""
    """The student's own traceback."""
    number: int | None = None
    """By which the candidate knows it, when a function of the test lets it through."""

    def __str__(self) -> str:  # a KeyError would quote its message once more
        return str(self.args[0])


def rebuilt(raised: dict[str, Any], *, iterating: bool = False) -> Exception:
    """A student's exception, as the builtin class that it derives from.

    Args:
        iterating: a test has asked an iterator for its next item. Only then may StopIteration be
            one: raised by a function, it would end a loop of the test over `map(function, ...)`.
    """
    kind = _builtin_kind(raised["kinds"])
    name, message = text(raised["name"], MAX_NAME), text(raised["message"])
    if issubclass(kind, StopIteration):
        if iterating:
            return StopIteration(message)
        kind = Exception
    try:
        error = type(name, (StudentError, kind), {})(message)
    except Exception:  # classes such as UnicodeDecodeError want other arguments
        error = type("StudentError", (StudentError,), {"__qualname__": "StudentError"})(message)
    error.frames = text(raised["frames"])
    error.number = raised["number"] if type(raised["number"]) is int else None
    return error


def text(value: Any, limit: int = MAX_SAID) -> str:
    """What the candidate has sent, if it is text; at most so many characters of it."""
    return value[:limit] if isinstance(value, str) else ""


def _builtin_kind(names: Any) -> type[Exception]:
    for name in names[:MAX_KINDS]:
        found = getattr(builtins, text(name, MAX_NAME), None)
        if isinstance(found, type) and issubclass(found, Exception):
            return found
    return Exception
