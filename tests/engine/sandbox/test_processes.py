"""The end of a candidate: its status comes back, and nothing that it started stays."""

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Callable

import pytest

from grader.engine.sandbox import Level, kill_tree
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

PATIENCE = 30.0


def wait_for(condition: Callable[[], object]) -> object:
    """The condition's value, once it is true."""
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.005)
    return value


def at_least(count: int, supervisor: int) -> set[int]:
    """The tree below a supervisor, once it has so many processes."""
    return wait_for(lambda: len(tree := descendants(supervisor)) >= count and tree)


def fork_for_ever() -> None:
    while True:
        with contextlib.suppress(OSError):
            os.fork()


def daemonise() -> None:
    """A child that leaves session and parent, beside the candidate, which stays."""
    between = os.fork()
    if between == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
    else:
        os.waitpid(between, 0)
    time.sleep(3600)


@BY_LEVEL
@pytest.mark.parametrize(
    ("task", "expected"),
    [
        (lambda: os._exit(42), 42),
        (lambda: ctypes.string_at(0), -signal.SIGSEGV),
        (lambda: None, 0),
    ],
    ids=["exit", "segfault", "return"],
)
def test_the_supervisor_ends_as_the_candidate_did(
    level: Level, task: Callable[[], None], expected: int
) -> None:
    def work() -> int:
        need(level)
        return status_of(start(policy_for(level), task))

    assert run_as("ourselves", work) == expected


@BY_LEVEL
def test_an_interrupt_reaches_the_candidate(level: Level) -> None:
    def interrupted() -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            os.write(writing, b"x")
            time.sleep(3600)
        except KeyboardInterrupt:
            os._exit(9)

    reading, writing = os.pipe()

    def work() -> int:
        need(level)
        child = start(policy_for(level, keep_fds=(writing,)), interrupted)
        os.read(reading, 1)
        os.kill(child, signal.SIGINT)
        return status_of(child)

    assert run_as("ourselves", work) == 9
    os.close(reading)
    os.close(writing)


@BY_USER
@BY_LEVEL
@pytest.mark.parametrize("task", [fork_for_ever, daemonise], ids=["fork bomb", "daemon"])
def test_kill_tree_leaves_no_process(task: Callable[[], None], level: Level, user: str) -> None:
    def work() -> list:
        need(level)
        child = start(policy_for(level), task)
        tree = at_least(2, child)
        ended = kill_tree(child)
        return [ended, status_of(child), sorted(filter(is_running, tree)), alive_below_us()]

    assert run_as(user, work) == [True, -signal.SIGKILL, [], []]


@BY_LEVEL
def test_kill_tree_ends_a_candidate_that_is_still_entering(level: Level) -> None:
    def work() -> list:
        need(level)
        ended = []
        for pause in range(8):
            child = start(policy_for(level), daemonise)
            time.sleep(pause / 500)
            ended.append(kill_tree(child))
            os.waitpid(child, 0)
        return [all(ended), alive_below_us()]

    assert run_as("ourselves", work) == [True, []]


@BY_USER
@BY_LEVEL
def test_what_it_started_dies_with_the_candidate(level: Level, user: str) -> None:
    def leave_a_daemon() -> None:
        if os.fork() == 0:
            os.setsid()
            os.write(writing, b"x")
            time.sleep(3600)
        os.read(reading, 1)

    reading, writing = os.pipe()

    def work() -> list:
        need(level)
        child = start(policy_for(level, keep_fds=(reading, writing)), leave_a_daemon)
        return [status_of(child), alive_below_us()]

    assert run_as(user, work) == [0, []]
    os.close(reading)
    os.close(writing)


@BY_USER
@BY_LEVEL
def test_when_the_grader_is_killed_the_tree_dies(level: Level, user: str) -> None:
    def work() -> bool:
        need(level)
        reading, writing = os.pipe()
        grader = os.fork()
        if grader == 0:
            child = start(policy_for(level), daemonise)
            tree = at_least(2, child) | {child}
            os.write(writing, " ".join(map(str, tree)).encode())
            time.sleep(3600)
        tree = [int(pid) for pid in os.read(reading, 1000).split()]
        running = len(list(filter(is_running, tree)))
        os.kill(grader, signal.SIGKILL)
        os.waitpid(grader, 0)
        wait_for(lambda: not any(map(is_running, tree)))
        return running >= 2

    assert run_as(user, work) is True


@BY_LEVEL
def test_the_limit_on_processor_time_ends_a_loop(level: Level) -> None:
    def spin() -> None:
        while True:
            pass

    def work() -> int:
        need(level)
        return status_of(start(policy_for(level, cpu_seconds=1), spin))

    assert run_as("ourselves", work) == -signal.SIGKILL


@BY_LEVEL
def test_no_scratch_folder_stays_on_disk(level: Level, tmp_path) -> None:
    def write() -> None:
        with open("left", "w") as file:
            file.write("x")

    def work() -> list:
        need(level)
        statuses = [status_of(start(policy_for(level, scratch_root=tmp_path), write))]
        child = start(policy_for(level, scratch_root=tmp_path), daemonise)
        at_least(2, child)
        kill_tree(child)
        return [*statuses, status_of(child), os.listdir(tmp_path)]

    open_to_all(tmp_path)
    assert run_as("ourselves", work) == [0, -signal.SIGKILL, []]
