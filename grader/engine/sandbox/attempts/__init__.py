"""Ways out of the sandbox, each of them harmless.

An attempt aims at a canary made for it, at the process that asked, or at what the policy bounds.
"""

from typing import Final

from grader.engine.sandbox.attempts import bounds, files, neighbours
from grader.engine.sandbox.attempts.attempt import (
    VARIABLE,
    Answer,
    Attempt,
    Target,
    attempted,
)

ATTEMPTS: Final = (*files.WAYS, *neighbours.WAYS, *bounds.WAYS)

__all__ = ["ATTEMPTS", "VARIABLE", "Answer", "Attempt", "Target", "attempted"]
