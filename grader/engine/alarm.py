"""A bound on what the examiner computes, on its own, with what a candidate gave it."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from grader.engine.peer import Late, Peer

_GRACE_SECONDS: Final = 1.0  # after which the examiner, which waits for nobody, is late
_AT_ONCE: Final = 1e-3  # a timer of 0 s would never ring
_AGAIN_SECONDS: Final = 0.02


@contextmanager
def alarm(deadline: float, peer: Peer) -> Iterator[None]:
    """Make the examiner itself late, in the middle of its work, a second after the deadline.

    Args:
        deadline: as `time.monotonic`.
        peer: its messages come and go whole; it knows when it is late.

    Raises:
        Late: from wherever the work then is.
    """

    def ring(*_: object) -> None:
        if not peer.exchanging:  # else again, soon
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise Late

    signal.signal(signal.SIGALRM, ring)
    remaining = deadline - time.monotonic() + _GRACE_SECONDS
    signal.setitimer(signal.ITIMER_REAL, max(remaining, _AT_ONCE), _AGAIN_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
