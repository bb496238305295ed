"""Real attempts to escape, for `grader doctor` and for the tests of the levels."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from grader.engine.sandbox import processes
from grader.engine.sandbox.attempts import ATTEMPTS, Attempt, Target
from grader.engine.sandbox.entry import enter, prepare, survey
from grader.engine.sandbox.policy import Level, Policy, SandboxError, interpreter_paths
from grader.engine.sandbox.watch import Excess, Watch

_MB: Final = 2**20
_PATIENCE: Final = 60.0


@dataclass(frozen=True)
class AttemptOutcome:
    """The end of an attempt. `due`: the level entered promises to stop it."""

    name: str
    what: str
    blocked: bool
    due: bool
    detail: str


@dataclass(frozen=True)
class ProbeReport:
    """The attempts' outcomes: `level` is the one they confirm, whatever was entered."""

    level: Level
    entered: Level
    outcomes: tuple[AttemptOutcome, ...]
    missing: tuple[str, ...]

    @property
    def failures(self) -> tuple[AttemptOutcome, ...]:
        """Attempts that should have been stopped and were not."""
        return tuple(outcome for outcome in self.outcomes if outcome.due and not outcome.blocked)


def small_policy(ceiling: Level = Level.NAMESPACES) -> Policy:
    """A policy whose bounds are quickly reached."""
    return Policy(
        readable=(*interpreter_paths(), Path(__file__).parents[2]),
        scratch_mb=16,
        scratch_files=512,
        memory_mb=512,
        processes=16,
        open_files=64,
        file_mb=8,
        cpu_seconds=60,
        required=Level.RLIMITS,
        ceiling=ceiling,
    )


def probe(ceiling: Level = Level.NAMESPACES) -> ProbeReport:
    """Enter the sandbox in a child, try every way out, and report; takes about a second.

    Leaves nothing behind. Must be called in a process with a single thread.
    """
    policy = small_policy(ceiling)
    entered = prepare(policy)
    with targets(policy) as target:
        answers = run_inside(target, lambda: list(_try_all(target)))
    outcomes = [_outcome(attempt, answers, entered) for attempt in ATTEMPTS]
    outcomes.append(_exhaust_memory(policy, entered))
    open_below = [
        attempt.closed_from
        for attempt, outcome in zip(ATTEMPTS, outcomes, strict=False)
        if outcome.due and not outcome.blocked
    ]
    if not outcomes[-1].blocked:
        open_below.append(Level.RLIMITS)
    confirmed = min([entered, *(Level(level - 1) for level in open_below)])
    reasons = tuple(reason for _, reason in survey().missing)
    return ProbeReport(confirmed, entered, tuple(outcomes), reasons)


def _outcome(attempt: Attempt, answers: dict[str, str | None], entered: Level) -> AttemptOutcome:
    """An attempt without an answer counts as not blocked: nothing shows that it was."""
    refusal = answers.get(attempt.name)
    detail = refusal or ("succeeded" if attempt.name in answers else "no answer")
    due = entered >= attempt.closed_from
    return AttemptOutcome(attempt.name, attempt.what, refusal is not None, due, detail)


def try_attempt(attempt: Attempt, target: Target) -> str | None:
    """The error that stopped the attempt; None when it succeeded."""
    try:
        attempt.run(target)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def _try_all(target: Target) -> Iterator[tuple[str, str | None]]:
    for attempt in ATTEMPTS:
        yield attempt.name, try_attempt(attempt, target)


def run_inside(
    target: Target, task: Callable[[], list[tuple[str, str | None]]]
) -> dict[str, str | None]:
    """Run a task in the sandbox and bring its (name, answer) pairs back; none if it dies.

    Raises `SandboxError` when the sandbox cannot be entered.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            enter(replace(target.policy, keep_fds=(writing,)))
            os.write(writing, json.dumps(task()).encode())
        except SandboxError as error:
            os.write(writing, json.dumps(str(error)).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with open(reading, "rb") as stream:
        answer = json.loads(stream.read() or "[]")
    processes.kill_tree(child)
    os.waitpid(child, 0)
    if isinstance(answer, str):
        raise SandboxError(answer)
    return dict(answer)


def _exhaust_memory(policy: Policy, entered: Level) -> AttemptOutcome:
    what = "use more memory than allowed"
    child = os.fork()
    if child == 0:
        try:
            enter(policy)
            for _ in range(4 * policy.memory_mb // 16):
                _HOARD.append(b"x" * (16 * _MB))
        except (MemoryError, SandboxError):
            os._exit(1)
        os._exit(0)
    with Watch(child, policy, entered) as watch:
        watch.allow(_PATIENCE)
        _, status = os.waitpid(child, 0)
    blocked = watch.excess is Excess.MEMORY
    detail = f"ended by the watch above {policy.memory_mb} MB" if blocked else f"status {status}"
    return AttemptOutcome("exhaust_memory", what, blocked, True, detail)


_HOARD: list[bytes] = []


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
        yield Target(
            secret=secret,
            folder=folder,
            canary=canary,
            parent=os.getpid(),
            port=listener.getsockname()[1],
            abstract=f"\0{name}",
            descriptor=handle.fileno(),
            policy=policy,
        )
