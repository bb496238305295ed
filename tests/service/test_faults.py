"""A service that is killed, a disk that is full, an exchange that goes away, two of them."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from grader.errors import GraderError
from grader.grading.autograde import locked
from grader.service.holder import alone
from tests.support.course_cases import LAB, ROOT, WRONG
from tests.support.service_cases import RUN, served, until_idle

HINTS = {"tell": "hints", "per_day": "2"}


class Killed(BaseException):
    """The end of a process, at one of its writes."""


@pytest.fixture
def course(tmp_path):
    RUN.clear()
    return served(tmp_path, **HINTS)


def killed_at(number: int, monkeypatch) -> None:
    """End whatever runs before it puts the so-manieth file or folder in its place."""
    left = iter(range(number, -1, -1))

    def counting(original):
        def put(path, *words):
            if next(left, 1) == 0:
                raise Killed
            return original(path, *words)

        return put

    monkeypatch.setattr(Path, "replace", counting(Path.replace))
    monkeypatch.setattr(Path, "rename", counting(Path.rename))


@pytest.mark.parametrize("number", range(1, 16, 3))
def test_killed_at_any_write_it_goes_on_from_there(course, number, monkeypatch):
    first = course.hand_in("alice", standardize=WRONG)
    course.run()
    second = course.hand_in("alice")
    with monkeypatch.context() as patched:
        killed_at(number, patched)
        service = course.service()
        with suppress(Killed):  # or fewer writes than that
            until_idle(service)
    service.flights.close()  # its locks, which end with a process

    course.run().desk.review()
    attempts = course.attempts("alice")
    assert [attempt.published for attempt in attempts] == [True, True]
    assert sum(bool(attempt.answered) for attempt in attempts) == 2
    assert course.score("alice") == 5
    assert course.answer("alice", first)["told"] == "hints"
    assert course.answer("alice", second)["left_today"] == 0
    assert "Tout est réussi" not in course.page("alice", first)
    assert course.page("alice", second)


def test_an_exchange_that_goes_away_is_waited_for(course):
    service = course.service()
    away = course.exchange.with_name("away")
    course.exchange.rename(away)
    for _ in range(4):
        service.step()
    assert "cannot be listed" in service.troubles.reasons["the exchange"]
    away.rename(course.exchange)
    date = course.hand_in("alice")
    course.clock.wait(minutes=2)
    until_idle(service)
    assert course.answer("alice", date)["told"] == "hints"
    assert "the exchange: works again" in course.said
    assert not service.troubles.reasons


def test_a_full_disk_loses_nothing(course, monkeypatch):
    date = course.hand_in("alice")
    service = course.service()

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("grader.files.write_durably", full)
        for _ in range(4):
            service.step()
        assert "No space left" in str(service.troubles.reasons)
        course.clock.wait(minutes=2)
        service.step()
    for _ in range(4):
        course.clock.wait(minutes=2)
        service.step()
    until_idle(service)
    assert course.answer("alice", date)["told"] == "hints"
    assert course.score("alice") == 5


def test_a_lab_that_a_command_grades_is_graded_afterwards(course):
    date = course.hand_in("alice")
    service = course.service()
    with locked(course.course.lab(LAB)):
        for _ in range(3):
            service.step()
        assert "graded already" in service.troubles.reasons[LAB]
    course.clock.wait(minutes=2)
    until_idle(service)
    assert course.answer("alice", date)["told"] == "hints"
    with locked(course.course.lab(LAB)):
        pass  # and it lets others grade, once nothing runs


def test_a_locked_gradebook_is_waited_for(course, monkeypatch):
    date = course.hand_in("alice")
    service = course.service()

    def held(*_):
        raise GraderError("The gradebook cannot be written: database is locked.")

    with monkeypatch.context() as patched:
        patched.setattr("grader.service.desk.record_some", held)
        for _ in range(3):
            service.step()
        assert "locked" in service.troubles.reasons[f"recording {LAB}"]
    course.clock.wait(minutes=2)
    until_idle(service)
    assert course.answer("alice", date)["told"] == "hints"
    assert RUN.count("alice") == 1, "it is not run again"


def start(course, *words: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "grader", "serve", *words]
    return subprocess.Popen(
        command,
        cwd=course.course.root,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
def test_killed_for_good_and_started_again_with_the_real_engine(course):
    """And a second one on the course is refused meanwhile."""
    date = course.hand_in("alice", standardize=WRONG)
    first = start(course)
    try:
        while not course.attempts("alice"):
            assert first.poll() is None, first.stderr.read()
            time.sleep(0.1)
        second = start(course, "--once")
        _, said = second.communicate(timeout=120)
        assert second.returncode == 1
        assert f"process {first.pid} on" in said
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()

    second = start(course, "--once")
    _, said = second.communicate(timeout=200)
    assert second.returncode == 0, said
    answer = course.answer("alice", date)
    assert {each["exercise"]: each["score"] for each in answer["points"]} == {
        "standardize": 0,
        "SimpleLinear": 3,
        "q1": 0,
    }
    assert len(course.attempts("alice")) == 1
    with alone(course.course):
        pass
    shutil.rmtree(course.course.root)


def test_a_damaged_journal_stops_the_answers_of_its_student_only(course):
    """What was told cannot be counted, so nothing more is; the others are answered."""
    course.hand_in("alice", standardize=WRONG)
    course.run()
    path = course.course.root / ".grader/.service" / LAB / "alice.json"
    kept = path.read_bytes()
    path.write_bytes(kept[:-20])
    alice, bruno = course.hand_in("alice"), course.hand_in("bruno")
    service = course.service()
    for _ in range(6):
        service.step()
    assert course.answer("bruno", bruno)["told"] == "hints"
    assert "is damaged" in str(service.inbound.refused)
    path.write_bytes(kept)
    course.clock.wait(minutes=2)
    until_idle(service)
    assert course.answer("alice", alice)["told"] == "hints"
    assert course.answer("alice", alice)["left_today"] == 0
