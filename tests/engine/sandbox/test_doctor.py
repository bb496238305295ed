"""The findings of `grader doctor`, and its exit code."""

import json
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from grader import doctor
from grader.cli import app
from grader.course import Course
from grader.engine import capacity
from grader.engine.sandbox import Level
from grader.engine.sandbox.attempts import ATTEMPTS
from grader.engine.sandbox.layers import Layer
from grader.engine.sandbox.probe import AttemptOutcome, Ending, ProbeReport
from labo.machine.facts import inspect
from tests.support.sandbox_children import BY_USER, need, open_to_all, run_as

CONFIG = "c = get_config()\nc.CourseDirectory.course_id = 'mini'\n"


def outcome(name: str, ending: Ending, due: bool = True, **fields: object) -> AttemptOutcome:
    return AttemptOutcome(name, name, ending, due, **{"detail": "", **fields})


def report(level: Level, *open_ways: str, missing: tuple[str, ...] = ()) -> ProbeReport:
    outcomes = (
        outcome("fork", Ending.STOPPED, layers=(Layer.LIMITS, Layer.WATCH)),
        outcome("list", Ending.OPEN, due=False),
        outcome("mount", Ending.IMPOSSIBLE, detail="[none]"),
        *(outcome(way, Ending.OPEN) for way in open_ways),
    )
    return ProbeReport(level, level, outcomes, missing)


@pytest.fixture
def course(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "nbgrader_config.py").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, found: ProbeReport, *options: str):
    monkeypatch.setattr(doctor, "probe", lambda: found)
    return CliRunner().invoke(app, ["doctor", *options])


@BY_USER
def test_it_tries_for_real_and_answers_in_json(course: Path, user: str) -> None:
    def answer() -> dict:
        need(Level.NAMESPACES)
        result = CliRunner().invoke(app, ["doctor", "--json"])
        return {"code": result.exit_code, **json.loads(result.stdout)}

    open_to_all(course).chmod(0o777)
    found = run_as(user, answer)
    assert (found["code"], found["fit"], found["level"]) == (0, True, "NAMESPACES")
    attempts = {attempt["name"]: attempt for attempt in found["attempts"]}
    assert len(attempts) == len(ATTEMPTS)
    untried = {name for name, attempt in attempts.items() if not attempt["tried"]}
    is_root = user == "ourselves" and os.geteuid() == 0
    assert untried <= (set() if is_root else {"stay_root", "write_package", "trace_parent"})
    for name in attempts.keys() - untried:
        assert attempts[name]["blocked"]
        assert attempts[name]["layers"]
    assert attempts["start_program"]["layers"] == ["seccomp"]
    assert {"namespaces", "Landlock"} >= set(attempts["read_file"]["layers"])


def test_below_the_required_level_it_fails_with_the_reason(course: Path, monkeypatch) -> None:
    poor = report(Level.LANDLOCK, missing=("namespaces: user.max_user_namespaces=0",))
    refused = run(monkeypatch, poor, "--json")
    assert refused.exit_code == 1
    isolation = json.loads(refused.stdout)["findings"][0]
    assert isolation["fit"] is False
    assert "user.max_user_namespaces=0" in isolation["advice"]
    assert run(monkeypatch, poor, "--required", "landlock").exit_code == 0


def test_a_way_that_is_open_against_the_promise_is_named(course: Path, monkeypatch) -> None:
    result = run(monkeypatch, report(Level.SECCOMP, "read a file outside"), "--json")
    assert result.exit_code == 1
    assert "read a file outside" in json.loads(result.stdout)["findings"][0]["advice"]


def test_what_failed_for_another_reason_is_named_with_it(course: Path, monkeypatch) -> None:
    found = report(Level.SECCOMP)
    odd = outcome("trace", Ending.UNEXPLAINED, detail="OSError: [Errno 5]")
    result = run(monkeypatch, replace(found, outcomes=(*found.outcomes, odd)), "--json")
    advice = json.loads(result.stdout)["findings"][0]["advice"]
    assert advice == "not shown to be stopped: trace (OSError: [Errno 5])"


def test_the_table_tells_the_endings_apart(course: Path, monkeypatch) -> None:
    shown = run(monkeypatch, report(Level.SECCOMP, "read a file outside")).stdout
    rows = {line.split("│")[1].strip(): line for line in shown.splitlines() if "│" in line}
    assert "stopped by resource limits, the watch" in rows["fork"]
    assert "possible at this level" in rows["list"]
    assert "NOT STOPPED" in rows["read a file outside"]
    assert "not tried" in rows["mount"]
    assert "[none]" in shown


def test_an_unknown_level_is_refused(course: Path, monkeypatch) -> None:
    result = run(monkeypatch, report(Level.NAMESPACES), "--required", "docker")
    assert result.exit_code == 2
    assert all(level.name.lower() in result.output for level in Level)


def check(name: str, root: Path | None) -> doctor.Check | None:
    found = doctor.examine(root and Course(root)).checks
    return next((entry for entry in found if entry.name == name), None)


def test_outside_a_course_there_is_no_gradebook_to_look_at(monkeypatch) -> None:
    monkeypatch.setattr(doctor, "probe", lambda: report(Level.NAMESPACES))
    assert check("gradebook", None) is None


def test_a_gradebook_that_cannot_be_written_is_a_failure(course: Path) -> None:
    def examine() -> bool:
        doctor.probe = lambda: report(Level.NAMESPACES)
        return check("gradebook", course).fit

    open_to_all(course)
    assert run_as("ourselves", examine) is True
    if os.geteuid() == 0:
        assert run_as("nobody", examine) is False


def test_sqlite_on_a_shared_file_system_comes_with_a_warning(course: Path, monkeypatch) -> None:
    monkeypatch.setattr(doctor, "probe", lambda: report(Level.NAMESPACES))
    assert check("gradebook", course).advice == ""
    monkeypatch.setattr(doctor, "file_system", lambda path: "nfs4")
    warned = check("gradebook", course)
    assert warned.fit
    assert "locks" in warned.advice


def test_a_database_server_is_tried_and_shown_without_its_password(course, monkeypatch) -> None:
    """Whether its driver is missing here, or nothing listens there."""
    monkeypatch.setattr(doctor, "probe", lambda: report(Level.NAMESPACES))
    url = "c.CourseDirectory.db_url = 'postgresql://grader:hush@127.0.0.1:1/course'\n"
    (course / "nbgrader_config.py").write_text(CONFIG + url)
    found = check("gradebook", course)
    assert found.value == "postgresql://grader:***@127.0.0.1:1/course"
    assert not found.fit
    assert "psycopg" in found.advice or "does not answer" in found.advice
    assert "hush" not in found.advice


@pytest.mark.parametrize(
    ("granted_mb", "free_mb", "expected"),
    [(100_000, 100_000, "8 "), (100_000, 5_000, "2 "), (5_000, 100_000, "2 "), (None, 5_000, "2 ")],
)
def test_workers_are_bounded_by_memory(
    granted_mb: int | None, free_mb: int, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, granted_mb, free_mb)
    assert doctor._workers().value.startswith(expected)


def test_too_little_memory_for_one_submission_is_a_failure(monkeypatch) -> None:
    pretend(monkeypatch, 100_000, 500)
    assert not doctor._workers().fit


def pretend(monkeypatch: pytest.MonkeyPatch, granted_mb: int | None, free_mb: int) -> None:
    """A machine of 8 processors, with what Slurm grants and what is free."""
    memory = None if granted_mb is None else granted_mb * 2**20
    machine = replace(inspect(), cpus=8, memory=memory)
    monkeypatch.setattr(capacity, "inspect", lambda: machine)
    available = SimpleNamespace(available=free_mb * 2**20)
    monkeypatch.setattr(capacity.psutil, "virtual_memory", lambda: available)


def test_the_file_system_of_a_file_to_come_is_that_of_its_folder(tmp_path: Path) -> None:
    assert doctor.file_system(tmp_path / "absent") == doctor.file_system(tmp_path) != "unknown"
    assert doctor.file_system(Path("/proc/self")) == "proc"
