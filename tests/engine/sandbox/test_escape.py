"""Each way out is seen to be open without the sandbox, and closed at the level that promises it."""

import os
import tempfile
from pathlib import Path

import pytest

from grader.engine import sandbox
from grader.engine.sandbox import Level
from grader.engine.sandbox.attempts import ATTEMPTS, Attempt
from grader.engine.sandbox.probe import probe, small_policy, targets, try_attempt
from tests.support.sandbox_children import LEVELS, USERS, need, run_as

ROOT_ONLY = {"mount", "hold_privilege"}


def try_unconfined(attempt: Attempt) -> str | None:
    with tempfile.TemporaryDirectory() as folder, targets(small_policy()) as target:
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.chdir(folder)
            os.write(writing, (try_attempt(attempt, target) or "").encode())
            os._exit(0)
        os.close(writing)
        with open(reading) as stream:
            answer = stream.read()
        os.waitpid(child, 0)
        return answer or None


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt.name)
def test_the_way_is_open_without_a_sandbox(attempt: Attempt, user: str) -> None:
    if attempt.name in ROOT_ONLY and (user == "nobody" or os.geteuid() != 0):
        pytest.skip("an ordinary user has no such right to lose")
    if attempt.name == "write_package" and not (user == "ourselves" and _owns_package()):
        pytest.skip("this user cannot write among the packages")
    if attempt.name == "trace_parent" and _yama_forbids():
        pytest.skip("kernel.yama.ptrace_scope already forbids it")
    assert run_as(user, lambda: try_unconfined(attempt)) is None


def _owns_package() -> bool:
    return os.access(Path(sandbox.__file__).parent, os.W_OK)


def _yama_forbids() -> bool:
    setting = Path("/proc/sys/kernel/yama/ptrace_scope")
    return setting.exists() and setting.read_text().strip() != "0"


@pytest.mark.parametrize("user", USERS)
@pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.name)
def test_a_level_stops_what_it_promises_to_stop(level: Level, user: str) -> None:
    def probed() -> dict:
        need(level)
        report = probe(ceiling=level)
        return {
            "entered": report.entered,
            "confirmed": report.level,
            "open": [f"{failure.what}: {failure.detail}" for failure in report.failures],
            "tried": len(report.outcomes),
        }

    found = run_as(user, probed)
    assert found == {
        "entered": level,
        "confirmed": level,
        "open": [],
        "tried": len(ATTEMPTS) + 1,
    }


def test_a_way_that_stays_open_lowers_the_level_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> list:
        need(Level.NAMESPACES)
        open_way = Attempt("nothing", "do nothing", Level.LANDLOCK, lambda target: None)
        monkeypatch.setattr("grader.engine.sandbox.probe.ATTEMPTS", [*ATTEMPTS, open_way])
        report = probe()
        return [report.entered, report.level, [failure.name for failure in report.failures]]

    assert run_as("ourselves", broken) == [Level.NAMESPACES, Level.SECCOMP, ["nothing"]]
