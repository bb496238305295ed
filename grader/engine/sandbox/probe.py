"""Real attempts to escape, for `grader doctor` and for the tests of the levels."""

from __future__ import annotations

import contextlib
import enum
import json
import os
import secrets
import socket
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from grader.engine.sandbox import kernel, limits, namespaces, processes
from grader.engine.sandbox.attempts import ATTEMPTS, VARIABLE, Answer, Attempt, Target, attempted
from grader.engine.sandbox.entry import enter, prepare, survey
from grader.engine.sandbox.layers import Layer, layers_at
from grader.engine.sandbox.policy import Level, Policy, SandboxError, interpreter_paths
from grader.engine.sandbox.watch import Watch, resident_bytes

_PATIENCE: Final = 60.0
_SEEN_BY_THE_WATCH: Final = 5.0
_UNANSWERED: Final = Answer("no answer")


class Ending(enum.StrEnum):
    """The end of an attempt, once it is known what it does without the sandbox."""

    STOPPED = "stopped"
    """Its layers stopped it: it failed as they make it fail, and succeeds without them."""
    OPEN = "open"
    UNEXPLAINED = "unexplained"
    """It failed otherwise, or did not answer, and succeeds without its layers."""
    IMPOSSIBLE = "impossible"
    """It fails without its layers too: on this machine, for this user, there is nothing to try."""


@dataclass(frozen=True)
class AttemptOutcome:
    """The end of an attempt. `due`: the level entered promises to stop it."""

    name: str
    what: str
    ending: Ending
    due: bool
    detail: str
    layers: tuple[Layer, ...] = ()
    """Each stops it by itself: first those whose failure was seen, then the others."""

    @property
    def blocked(self) -> bool:
        return self.ending is Ending.STOPPED

    @property
    def tried(self) -> bool:
        return self.ending in (Ending.STOPPED, Ending.OPEN)


@dataclass(frozen=True)
class ProbeReport:
    """The attempts' outcomes: `level` is the one they confirm, whatever was entered."""

    level: Level
    entered: Level
    outcomes: tuple[AttemptOutcome, ...]
    missing: tuple[str, ...]

    @property
    def failures(self) -> tuple[AttemptOutcome, ...]:
        """Attempts that should have been stopped and, as far as is known, were not."""
        return tuple(filter(_is_failure, self.outcomes))


def _is_failure(outcome: AttemptOutcome) -> bool:
    return outcome.due and outcome.ending in (Ending.OPEN, Ending.UNEXPLAINED)


def small_policy(ceiling: Level = Level.NAMESPACES) -> Policy:
    """A policy whose bounds are quickly reached.

    Memory comes on top of what this process holds: a child that hides its own /proc entry is
    measured by its resident size, in which all that it shares with its parent counts.
    """
    return Policy(
        readable=(*interpreter_paths(), Path(__file__).parents[2]),
        scratch_mb=16,
        scratch_files=512,
        memory_mb=512 + resident_bytes(os.getpid()) // 2**20,
        processes=8,
        open_files=64,
        file_mb=8,
        cpu_seconds=60,
        required=Level.RLIMITS,
        ceiling=ceiling,
    )


def probe(ceiling: Level = Level.NAMESPACES) -> ProbeReport:
    """Try every way out, in the sandbox and without it, and report; takes some seconds.

    Leaves nothing behind. Must be called in a process with a single thread.
    """
    policy = small_policy(ceiling)
    entered = prepare(policy)
    with targets(policy) as target:
        answers = {attempt.name: try_bare(attempt, target, entered) for attempt in ATTEMPTS}
        possible = [attempt for attempt in ATTEMPTS if answers[attempt.name].succeeded]
        answers |= run_inside([way for way in possible if not way.watched], target)
        for attempt in possible:
            if attempt.watched:
                answers |= run_inside([attempt], target, watched_at=entered)
    outcomes = [_outcome(way, answers[way.name], way in possible, entered) for way in ATTEMPTS]
    open_below = [
        attempt.closed_from
        for attempt, outcome in zip(ATTEMPTS, outcomes, strict=True)
        if _is_failure(outcome)
    ]
    confirmed = min([entered, *(Level(level - 1) for level in open_below)])
    reasons = tuple(reason for _, reason in survey().missing)
    return ProbeReport(confirmed, entered, tuple(outcomes), reasons)


def _outcome(attempt: Attempt, answer: Answer, possible: bool, entered: Level) -> AttemptOutcome:
    """An attempt without an answer counts as not stopped: nothing shows that it was."""
    present = [layer for layer in attempt.stops if layer in layers_at(entered)]
    seen = [layer for layer in present if attempt.failed_by(layer, answer)]
    layers: tuple[Layer, ...] = ()
    if not possible:
        ending = Ending.IMPOSSIBLE
    elif answer.succeeded:
        ending = Ending.OPEN
    elif seen:
        ending = Ending.STOPPED
        layers = (*seen, *(layer for layer in present if layer not in seen))
    else:
        ending = Ending.UNEXPLAINED
    due = entered >= attempt.closed_from
    return AttemptOutcome(attempt.name, attempt.what, ending, due, answer.detail, layers)


def try_bare(attempt: Attempt, target: Target, level: Level) -> Answer:
    """Make an attempt in a child without the layers that would stop it at a level."""

    def become_bare(_: int) -> None:
        os.chdir(folder)
        if Layer.USER not in attempt.stops:
            limits.become(user, group)
            kernel.prctl(kernel.DUMPABLE, 1)
        given = Layer.PRIVILEGES in layers_at(level) and level >= Level.NAMESPACES
        if given and Layer.PRIVILEGES in attempt.stops:
            namespaces.unshare(in_user_namespace=True)
            namespaces.unshare_mounts()

    user, group = limits.unprivileged_ids()
    with tempfile.TemporaryDirectory(prefix="grader-probe-") as folder:
        os.chown(folder, user, group)
        return _answers_of_child([attempt], target, become_bare).get(attempt.name, _UNANSWERED)


def run_inside(
    attempts: Iterable[Attempt], target: Target, watched_at: Level | None = None
) -> dict[str, Answer]:
    """Make attempts, one after the other, in one sandbox; under a watch where a level is given.

    Raises `SandboxError` when the sandbox cannot be entered.
    """

    def enter_with(answers: int) -> None:
        enter(replace(target.policy, keep_fds=(answers,)))

    if watched_at is not None:
        target = replace(target, linger=_SEEN_BY_THE_WATCH)
    return _answers_of_child(list(attempts), target, enter_with, watched_at)


def _answers_of_child(
    attempts: Sequence[Attempt],
    target: Target,
    arrange: Callable[[int], None],
    watched_at: Level | None = None,
) -> dict[str, Answer]:
    """By attempt, the answer of a child that is first arranged, given its end of a pipe."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.environ[VARIABLE] = target.secret
            arrange(writing)
            for attempt in attempts:
                answer = asdict(attempted(attempt, target))
                os.write(writing, json.dumps({attempt.name: answer}).encode() + b"\n")
        except SandboxError as error:
            os.write(writing, json.dumps({"refused": str(error)}).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with contextlib.ExitStack() as stack:
        watch = Watch(child, target.policy, watched_at or Level.RLIMITS)
        watch.allow(_PATIENCE)
        if watched_at is not None:
            stack.enter_context(watch)
        lines = stack.enter_context(open(reading)).read().splitlines()
    processes.kill_tree(child)
    os.waitpid(child, 0)
    said = {name: answer for line in lines for name, answer in json.loads(line).items()}
    if "refused" in said:
        raise SandboxError(said["refused"])
    unanswered = _UNANSWERED
    if watch.excess is not None:
        unanswered = Answer(f"ended by the watch: {watch.excess}", reason=watch.excess)
    return {
        attempt.name: Answer(**said[attempt.name]) if attempt.name in said else unanswered
        for attempt in attempts
    }


@contextlib.contextmanager
def targets(policy: Policy) -> Iterator[Target]:
    """Make the canaries, open to every user so that only the sandbox protects them."""
    secret, name = secrets.token_hex(), f"grader-probe-{secrets.token_hex(8)}"
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="grader-probe-")))
        canary, writable = folder / "canary", folder / "writable"
        canary.write_text(secret)
        writable.write_text("x")
        folder.chmod(0o777)
        writable.chmod(0o666)
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        unix = stack.enter_context(socket.socket(socket.AF_UNIX))
        unix.bind(f"\0{name}")
        unix.listen()
        datagrams = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        datagrams.bind(f"\0{name}-datagrams")
        handle = stack.enter_context(canary.open())
        opened = os.open(folder, os.O_PATH)
        stack.callback(os.close, opened)
        yield Target(
            secret=secret,
            folder=folder,
            canary=canary,
            parent=os.getpid(),
            port=listener.getsockname()[1],
            abstract=f"\0{name}",
            descriptor=handle.fileno(),
            folder_descriptor=opened,
            program=_program(),
            policy=policy,
        )


def _program() -> Path:
    """A program among the shared objects, which can be read in the sandbox: what loads them."""
    found = (path for path in interpreter_paths() if path.name.startswith(("ld-linux", "ld-musl")))
    return next(found, Path("/bin/sh"))
