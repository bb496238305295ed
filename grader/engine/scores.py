"""From the value of a test to its status, score and message."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from enum import Enum
from typing import Any

from grader.engine import french
from grader.engine.outputs import Output
from grader.engine.report import Status


class Reason(Enum):
    """Why a test has not passed."""

    UNANSWERED = "unanswered"
    """The exercise is as it was given out."""
    ANSWER = "answer"
    """A wrong value or an exception of the student's code, which lacked no name."""
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Examined:
    """A test that has run, or could not; `message` is for the student (French)."""

    status: Status
    score: float
    message: str = ""
    outputs: tuple[Output, ...] = ()
    reason: Reason = Reason.UNKNOWN


def graded(value: Any, points: float) -> Examined:
    """A test that ran to its end: its last expression may give part of the points."""
    if value is None:
        return Examined(Status.PASSED, points)
    if not _is_score(value, points):
        return Examined(Status.ERROR, 0.0, french.not_a_score(value, points))
    if value == points:
        return Examined(Status.PASSED, points)
    return Examined(Status.PARTIAL, float(value), french.partial(value, points))


def _is_score(value: Any, points: float) -> bool:
    """True for a number, of Python's or NumPy's, from 0 to `points`."""
    is_number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    return is_number and math.isfinite(value) and 0 <= value <= points
