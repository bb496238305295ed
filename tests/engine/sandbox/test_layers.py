"""Each attempt is stopped by the layers that its table names, by each alone, and by no other.

Layers are taken away for the time of one sandbox; the product has no such switch.
"""

import os
from collections import defaultdict
from collections.abc import Iterable
from contextlib import contextmanager
from pathlib import Path

import pytest

from grader.engine.sandbox import Level, attempts, entry, limits, prepare
from grader.engine.sandbox.attempts import ATTEMPTS, Answer, Attempt, Target
from grader.engine.sandbox.layers import Layer, layers_at
from grader.engine.sandbox.probe import run_inside, small_policy, targets, try_bare
from tests.support.sandbox_children import BY_LEVEL, BY_USER, need, run_as

WATCHES = {Layer.WATCH, Layer.WATCH_SCRATCH}
# What `enter` always does: the part that does it, and what is left of it.
ALWAYS = {
    Layer.LIMITS: ("set_limits", lambda policy, processes: None),
    Layer.DESCRIPTORS: ("close_descriptors", lambda keep: None),
    Layer.ENVIRONMENT: ("replace_environment", lambda environment: None),
    Layer.USER: ("drop_privileges", lambda user, group: None),
    Layer.PRIVILEGES: ("drop_privileges", lambda user, group: None),
}
# What root may do, and others only inside a user namespace of theirs.
WITH_CAPABILITIES = {"hold_privilege", "mount"}


@contextmanager
def without(removed: Iterable[Layer]):
    """Sandboxes that are entered here lack these layers."""
    real = entry.layers_at
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(entry, "layers_at", lambda level: real(level) - {*removed})
        for layer in ALWAYS.keys() & {*removed}:
            patch.setattr(limits, *ALWAYS[layer])
        if Layer.USER in removed:
            patch.setattr(limits, "unprivileged_ids", lambda: (os.geteuid(), os.getegid()))
        yield


def cases(attempts: Iterable[Attempt], level: Level) -> dict:
    """By layers to take away, attempts with the only layer left that stops them, or None."""
    found = defaultdict(list)
    for attempt in attempts:
        stopping = attempt.stops.keys() & layers_at(level)
        found[frozenset(stopping)].append((attempt, None))
        for layer in stopping:
            found[frozenset(stopping - {layer})].append((attempt, layer))
    return found


def as_stated(attempt: Attempt, layer: Layer | None, answer: Answer) -> bool:
    return answer.succeeded if layer is None else attempt.failed_by(layer, answer)


def differences(possible: list[Attempt], target: Target, level: Level) -> list[str]:
    """Attempts that end otherwise than their table says, in words."""
    different = []
    for removed, expected in cases(possible, level).items():
        with without(removed):
            answers = run_inside([way for way, _ in expected if not way.watched], target)
            for way in (way for way, _ in expected if way.watched):
                answers |= run_inside([way], target, None if removed & WATCHES else level)
        for way, layer in expected:
            if not as_stated(way, layer, answers[way.name]):
                taken = ", ".join(sorted(removed)) or "nothing"
                different.append(f"{way.name} without {taken}, by {layer}: {answers[way.name]}")
    return different


def impossible(level: Level) -> set[str]:
    """What this user may not do in any case."""
    names = set() if os.access(Path(attempts.__file__).parent, os.W_OK) else {"write_package"}
    if os.geteuid() != 0:
        names |= {"stay_root"} if level >= Level.NAMESPACES else {"stay_root", *WITH_CAPABILITIES}
    setting = Path("/proc/sys/kernel/yama/ptrace_scope")
    yama = setting.exists() and setting.read_text().strip() != "0"
    return names | ({"trace_parent"} if yama else set())


@pytest.mark.slow
@BY_USER
@BY_LEVEL
def test_each_layer_of_the_table_stops_it_alone_and_none_else_does(level: Level, user: str) -> None:
    def work() -> list:
        need(level)
        policy = small_policy(level)
        prepare(policy)
        with targets(policy) as target:
            possible = [way for way in ATTEMPTS if try_bare(way, target, level).succeeded]
            untried = {way.name for way in ATTEMPTS if way not in possible}
            return [*(untried ^ impossible(level)), *differences(possible, target, level)]

    found = run_as(user, work)
    assert not found, "\n".join(found)
