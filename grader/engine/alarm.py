"""A bound on what the examiner computes, on its own, with what a candidate gave it."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from grader.engine.peer import Late

_GRACE_SECONDS: Final = 1.0  # after which the examiner, which waits for nobody, is late
_AT_ONCE: Final = 1e-3  # a timer of 0 s would never ring


@contextmanager
def alarm(deadline: float) -> Iterator[None]:
    """Make the examiner itself late, in the middle of its work, a second after the deadline.

    Args:
        deadline: as `time.monotonic`.

    Raises:
        Late: from wherever the work then is.
    """
    signal.signal(signal.SIGALRM, _ring)
    remaining = deadline - time.monotonic() + _GRACE_SECONDS
    signal.setitimer(signal.ITIMER_REAL, max(remaining, _AT_ONCE))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _ring(*_: object) -> None:
    raise Late
