"""The layers of the sandbox, and which of them make each level.

`enter` goes by `layers_at`, and `grader doctor` names the layers that stop an attempt by it.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Iterator

from grader.engine.sandbox import landlock
from grader.engine.sandbox.policy import Level


class Layer(enum.StrEnum):
    """A part of the sandbox that stops something by itself; the value is its name in words."""

    LIMITS = "resource limits"
    DESCRIPTORS = "closed descriptors"
    ENVIRONMENT = "a clean environment"
    USER = "another user"
    """Root's candidates: a user that nobody else is, without root's capabilities."""
    PRIVILEGES = "no capabilities"
    """An ordinary user's candidates: those that a user namespace gives are given up."""
    SHIELD = "a closed /proc entry"
    WATCH = "the watch"
    WATCH_SCRATCH = "the watch on scratch folders"
    SECCOMP = "seccomp"
    SECCOMP_SIGNALS = "seccomp for signals"
    SECCOMP_METADATA = "seccomp for modes and owners"
    LANDLOCK = "Landlock"
    LANDLOCK_TCP = "Landlock for TCP"
    LANDLOCK_SCOPES = "Landlock for sockets and signals"
    NAMESPACES = "namespaces"


def layers_at(level: Level) -> frozenset[Layer]:
    """The layers that a process of this user has once it entered a level on this machine."""
    return frozenset(_layers_at(level))


def _layers_at(level: Level) -> Iterator[Layer]:
    private = level >= Level.NAMESPACES
    restricted = level >= Level.LANDLOCK and landlock.absence() is None
    scoped = restricted and landlock.abi() >= landlock.SCOPES_ABI
    yield from (Layer.LIMITS, Layer.DESCRIPTORS, Layer.ENVIRONMENT, Layer.WATCH)
    yield Layer.USER if os.geteuid() == 0 else Layer.PRIVILEGES
    yield Layer.NAMESPACES if private else Layer.WATCH_SCRATCH
    if level >= Level.SECCOMP:
        yield Layer.SECCOMP
        if not private:  # others' files are in sight, and their processes
            yield Layer.SECCOMP_METADATA
        if not private and not scoped:
            yield Layer.SECCOMP_SIGNALS
    # Below Landlock nothing else keeps one candidate from opening another one's memory. Above,
    # the grader may read the exact memory use of a dumpable process; core files stay at size 0.
    if level < Level.LANDLOCK:
        yield Layer.SHIELD
    if restricted:
        yield Layer.LANDLOCK
    if restricted and landlock.abi() >= landlock.TCP_ABI:
        yield Layer.LANDLOCK_TCP
    if scoped:
        yield Layer.LANDLOCK_SCOPES
