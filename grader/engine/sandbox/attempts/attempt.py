"""Attempts: one way out each, with the layers that stop it and the failure that each gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from grader.engine.sandbox.layers import Layer
from grader.engine.sandbox.policy import Level, Policy

VARIABLE: Final = "GRADER_PROBE"
"""A variable of the process that enters the sandbox; it holds the secret."""

Reason = int | str
"""A reason to fail: an errno, `NOTHING`, or the `Excess` for which the watch ended it."""
NOTHING: Final = "nothing"
Stops = Mapping[Layer, Reason | tuple[Reason, ...]]
"""Layers that stop an attempt, each with the reason, or the reasons, that it gives."""


class NotEscaped(Exception):
    """The attempt met nothing that stopped it, and got nothing either."""


@dataclass(frozen=True)
class Target:
    """Canaries, made for the attempts by the process that asks."""

    secret: str
    folder: Path
    canary: Path
    parent: int
    port: int
    abstract: str
    descriptor: int
    """The canary, opened."""
    folder_descriptor: int
    program: Path
    """A program that may be read in the sandbox."""
    policy: Policy
    linger: float = 0
    """Seconds for which an attempt keeps what it took, for the watch to see it."""


@dataclass(frozen=True)
class Answer:
    """The end of an attempt."""

    detail: str
    succeeded: bool = False
    reason: Reason | None = None
    """None also for a failure that no layer gives: no module, no time left..."""


@dataclass(frozen=True)
class Attempt:
    """One way out, and the level from which it must be closed.

    Each of the layers in `stops` is enough to stop it where it is there; without them it succeeds.
    """

    name: str
    what: str
    closed_from: Level
    stops: Stops
    run: Callable[[Target], None]
    """Returns when it succeeded, and raises when it was stopped."""
    watched: bool = False
    """The watch is to see it, in a sandbox of its own."""

    def failed_by(self, layer: Layer, answer: Answer) -> bool:
        """True for the failure that this layer, one of `stops`, gives."""
        reasons = self.stops[layer]
        return answer.reason in (reasons if isinstance(reasons, tuple) else (reasons,))


def attempted(attempt: Attempt, target: Target) -> Answer:
    """Make an attempt, in this process."""
    try:
        attempt.run(target)
    except Exception as error:
        detail = f"{type(error).__name__}: {error}"
        if isinstance(error, NotEscaped):
            return Answer(detail, reason=NOTHING)
        return Answer(detail, reason=error.errno if isinstance(error, OSError) else None)
    return Answer("succeeded", succeeded=True)


def register(ways: list[Attempt]) -> Callable[..., Callable]:
    """A decorator for attempts, which puts them into this list."""

    def attempt(what: str, closed_from: Level, stops: Stops, *, watched: bool = False) -> Callable:
        def add(run: Callable[[Target], None]) -> Callable[[Target], None]:
            name = run.__name__.strip("_")
            ways.append(Attempt(name, what, closed_from, stops, run, watched))
            return run

        return add

    return attempt


def expect(condition: bool, otherwise: str) -> None:
    """Raise that nothing was got, unless something was."""
    if not condition:
        raise NotEscaped(otherwise)
