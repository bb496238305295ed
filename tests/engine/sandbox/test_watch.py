"""The watch ends a tree that goes beyond its policy, and no other."""

import os
import time
from collections.abc import Callable

import pytest

from grader.engine.sandbox import Excess, Level, Policy, Watch, kill_tree
from grader.engine.sandbox.processes import descendants, is_running
from tests.support.sandbox_children import (
    BY_LEVEL,
    BY_USER,
    alive_below_us,
    need,
    open_to_all,
    policy_for,
    run_as,
    start,
    status_of,
)

MB = 2**20
PATIENCE = 60.0  # seconds: what is to be ended stays as long, on a machine however slow
SEVERAL_LOOKS = 0.3  # seconds


def resident_mb() -> float:
    with open("/proc/self/statm") as statm:
        return int(statm.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / MB


def hold(megabytes: int, seconds: float) -> None:
    held = b"x" * (megabytes * MB)
    time.sleep(seconds)
    assert held


def watched(policy: Policy, level: Level, task: Callable[[], None], seconds: float) -> list:
    """The bound that the task exceeded, its status, and its processes still alive."""
    child = start(policy, task)
    with Watch(child, policy, level) as watch:
        watch.allow(seconds)
        while is_running(child):
            time.sleep(0.005)
    return [watch.excess, status_of(child), alive_below_us()]


@BY_USER
@BY_LEVEL
def test_memory_beyond_the_limit_ends_it_and_below_does_not(level: Level, user: str) -> None:
    def work() -> list:
        need(level)
        preloaded = int(resident_mb())
        held = preloaded + 100
        enough = policy_for(level, memory_mb=preloaded + held + 100)
        little = policy_for(level, memory_mb=held - 50)
        return [
            watched(enough, level, lambda: hold(held, SEVERAL_LOOKS), PATIENCE),
            watched(little, level, lambda: hold(held, PATIENCE), 2 * PATIENCE),
        ]

    assert run_as(user, work) == [[None, 0, []], [Excess.MEMORY, -9, []]]


@BY_USER
@BY_LEVEL
def test_the_memory_of_children_is_added_but_what_they_share_is_not(
    level: Level, user: str
) -> None:
    # Below LANDLOCK a candidate is closed to its own user: only root sees its exact size.
    exact = level >= Level.LANDLOCK or (user == "ourselves" and os.geteuid() == 0)

    def share() -> None:
        shared = b"x" * (held * MB)
        _fork_twice()
        time.sleep(SEVERAL_LOOKS if exact else PATIENCE)
        assert shared

    def separate() -> None:
        _fork_twice()
        hold(held, PATIENCE)

    held = int(resident_mb()) + 100
    limit = 2 * held  # what is preloaded and one of what is held, but not three

    def work() -> list:
        need(level)
        policy = policy_for(level, memory_mb=limit)
        return [watched(policy, level, task, 2 * PATIENCE)[0] for task in (share, separate)]

    shared, separated = run_as(user, work)
    assert separated == Excess.MEMORY
    assert shared == (None if exact else Excess.MEMORY)


def _fork_twice() -> None:
    for _ in range(2):
        if os.fork() == 0:
            return


@BY_USER
def test_files_in_the_private_tmpfs_count_as_memory(user: str) -> None:
    def fill() -> None:
        for index in range(files):
            with open(f"/dev/shm/{index}", "wb") as file:
                file.write(bytes(MB))
        time.sleep(PATIENCE)

    files = int(resident_mb()) + 100

    def work() -> list:
        need(Level.NAMESPACES)
        room = {"scratch_mb": 2 * files, "scratch_files": 2 * files}
        little = policy_for(Level.NAMESPACES, memory_mb=files - 50, **room)
        return watched(little, Level.NAMESPACES, fill, 2 * PATIENCE)

    assert run_as(user, work) == [Excess.MEMORY, -9, []]


@pytest.mark.parametrize("level", [Level.RLIMITS, Level.SECCOMP, Level.LANDLOCK])
@pytest.mark.parametrize("blocks", [2, 64])
def test_a_scratch_folder_on_disk_is_bounded(level: Level, blocks: int, tmp_path) -> None:
    def fill() -> None:
        for index in range(blocks):
            with open(str(index), "wb") as file:
                file.write(bytes(MB))
        time.sleep(PATIENCE if blocks > 16 else 1)

    def work() -> object:
        need(level)
        policy = policy_for(level, scratch_root=open_to_all(tmp_path))
        return watched(policy, level, fill, 2 * PATIENCE)[0]

    assert run_as("ourselves", work) == (Excess.SCRATCH if blocks > 16 else None)


@BY_LEVEL
def test_time_ends_it_and_can_be_given_anew(level: Level) -> None:
    def work() -> list:
        need(level)
        policy = policy_for(level)
        child = start(policy, lambda: time.sleep(3600))
        watch = Watch(child, policy, level)
        found = [watch.poll()]
        watch.allow(PATIENCE)
        found.append(watch.poll())
        watch.allow(0)
        time.sleep(0.001)
        found.append(watch.poll())
        return [*found, status_of(child) < 0]

    assert run_as("ourselves", work) == [None, None, Excess.TIME, True]


def test_more_processes_than_allowed_end_it() -> None:
    def work() -> list:
        child = start(policy_for(Level.RLIMITS), _three_processes)
        while len(descendants(child)) < 3:
            time.sleep(0.005)
        watch = Watch(child, policy_for(Level.RLIMITS, processes=2), Level.RLIMITS)
        found = watch.poll()
        kill_tree(child)
        return [found, status_of(child)]

    assert run_as("ourselves", work) == [Excess.PROCESSES, -9]


def _three_processes() -> None:
    os.fork()
    os.fork()
    time.sleep(3600)
