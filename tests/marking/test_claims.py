"""Two graders never hold one answer, whatever happens to either."""

import multiprocessing
import os
import signal
import time

import pytest

from grader.marking.claims import Claims, holders
from tests.support.marking_cases import age

NAMES = [f"{number:032x}" for number in range(150)]


def take_all(folder, start, taken):
    with Claims(folder) as claims:
        start.wait()
        mine = [name for name in NAMES if claims.take(name)]
        taken.put((os.getpid(), mine))
        start.wait()  # what is held stays held until all have tried


def test_each_answer_goes_to_one_of_many(tmp_path):
    context = multiprocessing.get_context("fork")
    start, taken = context.Barrier(4), context.Queue()
    graders = [context.Process(target=take_all, args=(tmp_path, start, taken)) for _ in range(4)]
    for grader in graders:
        grader.start()
    names = [name for _ in graders for name in taken.get(timeout=60)[1]]
    for grader in graders:
        grader.join(60)
    assert sorted(names) == NAMES


def test_what_is_given_back_goes_to_the_next(tmp_path):
    with Claims(tmp_path) as one, Claims(tmp_path) as other:
        assert one.take("a")
        assert one.take("a")
        assert not other.take("a")
        one.give_back("a")
        assert not one.has("a")
        assert other.take("a")
        assert not one.take("a")


def test_who_leaves_gives_back(tmp_path):
    with Claims(tmp_path) as one:
        one.take("a")
        assert holders(tmp_path) == [one.owner]
    assert holders(tmp_path) == []
    with Claims(tmp_path) as other:
        assert other.take("a")


def hold(folder, ready):
    with Claims(folder, beat=0.05) as claims:
        claims.take("a")
        ready.set()
        time.sleep(60)


@pytest.mark.slow
def test_a_killed_holder_is_waited_for_then_succeeded(tmp_path):
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    holder = context.Process(target=hold, args=(tmp_path, ready))
    holder.start()
    assert ready.wait(30)
    with Claims(tmp_path, patience=3) as other:
        end = time.monotonic() + 4
        while time.monotonic() < end:  # alive, it keeps its answer for longer than the patience
            assert not other.take("a")
            time.sleep(0.2)
        os.kill(holder.pid, signal.SIGKILL)
        holder.join()
        assert not other.take("a")
        end = time.monotonic() + 30
        while not other.take("a") and time.monotonic() < end:
            time.sleep(0.1)
        assert other.has("a")


def test_who_was_asleep_learns_it_and_has_no_claim(tmp_path):
    with Claims(tmp_path) as sleeper, Claims(tmp_path) as other:
        sleeper.take("a")
        age(sleeper.held["a"])
        assert other.take("a")
        assert not sleeper.has("a")
        sleeper.give_back("a")
        assert other.has("a")
        with Claims(tmp_path) as third:
            assert not third.take("a")


def test_what_dead_sessions_left_is_swept_but_nothing_of_the_living(tmp_path, monkeypatch):
    with Claims(tmp_path) as one:
        one.take("a")
        monkeypatch.setattr("grader.marking.claims._OLD", -1)  # everything is old
        with Claims(tmp_path) as other:
            assert not list(tmp_path.glob("a.*"))
            assert not one.has("a")
            assert other.take("a")
        monkeypatch.undo()
        with Claims(tmp_path):
            assert list(tmp_path.glob("a.*"))
