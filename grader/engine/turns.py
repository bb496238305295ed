"""Whose turn it is, among a student's threads, to call a function of the test.

The examiner serves one call at a time, while it waits for an answer; serving it, it may send a
request in turn, during which one more call is served, and so on. So there are at most as many calls
under way as requests, each within the one before, and an answer is sent once no call is under way
that came after its request. A thread that calls between two requests waits for the next one.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from grader.engine import french

_HANDING_OVER_SECONDS: Final = 0.02
_MAX_WITHIN: Final = 49
"""Requests that are served one within the other, when one more call may still be made."""


class Turns:
    """The turns of one candidate.

    Attributes:
        test: a number of the test that runs; its functions are called until it ends.
    """

    def __init__(self) -> None:
        self.test = 0
        self._changed = threading.Condition()
        self._requests: list[bool] = []  # served now, each within the one before: has it ended?
        self._calls = 0  # of its functions, not answered yet
        self._waiting = 0  # threads, to call one
        self._alone = 0  # the thread that writes an answer
        self._process = os.getpid()

    def begin_request(self) -> int:
        """Serve a request, until it ends; its rank among those served now."""
        with self._changed:
            self._requests.append(False)
            rank = len(self._requests)
            if self._waiting:  # who waits goes first, or would starve beside many short requests
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._calls >= rank, _HANDING_OVER_SECONDS)
            return rank

    def open(self, rank: int) -> None:
        """Let functions of the test be called, while the request of this rank runs student code."""
        self._requests[rank - 1] = False

    @contextmanager
    def alone(self, rank: int) -> Iterator[None]:
        """A block, of the request of this rank, beside which nothing else is written.

        No function is called from here on, as its answer would come before what is written.
        """
        with self._changed:
            self._requests[rank - 1] = True
            self._changed.wait_for(lambda: len(self._requests) == rank and self._calls < rank)
            before, self._alone = self._alone, threading.get_ident()
            try:
                yield
            finally:
                self._alone = before

    def end_request(self, rank: int) -> None:
        """Serve the request of this rank no more: its answer is sent next."""
        with self._changed:
            self._requests[rank - 1] = True
            while len(self._requests) > rank or self._calls >= rank:
                self._changed.wait()
            self._requests.pop()
            self._changed.notify_all()

    @contextmanager
    def call(self, test: int, is_urgent: Callable[[], bool]) -> Iterator[None]:
        """Call a function of a test, once the examiner serves one more.

        Args:
            is_urgent: says that the thread may not wait any longer.

        Raises:
            RuntimeError: the test has ended, or its function is called from another process.
            RecursionError: too many calls are made one within the other.
        """
        if os.getpid() != self._process:
            raise RuntimeError(french.another_process())
        if self._alone == threading.get_ident():  # a finaliser, or a signal's handler
            raise RuntimeError(french.nobody_waits())
        with self._changed:
            self._waiting += 1
            try:
                self._changed.wait_for(lambda: self._is_next() or test != self.test or is_urgent())
            finally:
                self._waiting -= 1
            if test != self.test or not self._is_next():
                raise RuntimeError(french.nobody_waits())
            if len(self._requests) > _MAX_WITHIN:
                raise RecursionError(french.calls_within_calls())
            self._calls += 1
            self._changed.notify_all()
        try:
            yield
        finally:
            with self._changed:
                self._calls -= 1
                self._changed.notify_all()

    def _is_next(self) -> bool:
        """True when the innermost request has no call under way, and has not ended."""
        return self._calls < len(self._requests) and not self._requests[-1]

    def end_test(self) -> None:
        """Refuse, from now on, what calls the functions of this test."""
        with self._changed:
            self.test += 1
            self._changed.notify_all()
