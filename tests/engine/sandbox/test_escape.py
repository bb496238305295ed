"""The attempts that a level promises to stop are stopped, and shown to be; nothing else is said."""

import os
from collections.abc import Callable
from errno import EPERM

import pytest

from grader.engine.sandbox import Level
from grader.engine.sandbox.attempts import ATTEMPTS, Attempt, Target
from grader.engine.sandbox.layers import Layer
from grader.engine.sandbox.probe import Ending, ProbeReport, probe
from tests.support.sandbox_children import BY_LEVEL, BY_USER, USERS, need, run_as


@BY_USER
@BY_LEVEL
def test_a_level_stops_what_it_promises_to_stop(level: Level, user: str) -> None:
    def probed() -> dict:
        need(level)
        report = probe(ceiling=level)
        return {
            "entered": report.entered,
            "confirmed": report.level,
            "open": [f"{failure.what}: {failure.detail}" for failure in report.failures],
            "outcomes": len(report.outcomes),
        }

    found = run_as(user, probed)
    assert found == {
        "entered": level,
        "confirmed": level,
        "open": [],
        "outcomes": len(ATTEMPTS),
    }


def test_what_our_process_holds_is_not_held_against_an_attempt() -> None:
    def probed() -> list:
        held = b"x" * (600 * 2**20)  # a child that hides its /proc entry is said to hold it too
        failures = probe(ceiling=Level.RLIMITS).failures
        return [failure.what for failure in failures if held]

    assert run_as(USERS[-1], probed) == []


def probed_with(run: Callable[[Target], object]) -> ProbeReport:
    """The report on one attempt only, which seccomp is said to stop from LANDLOCK on."""
    need(Level.NAMESPACES)
    attempt = Attempt("added", "do something", Level.LANDLOCK, {Layer.SECCOMP: EPERM}, run)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("grader.engine.sandbox.probe.ATTEMPTS", [attempt])
        return probe()


def missing_tool(target: Target) -> None:
    os.stat("/no/such/tool")


def refused_otherwise(target: Target) -> None:
    target.canary.read_text()  # in the sandbox it is not there, which is not what is said


def dies_inside(target: Target) -> None:
    if not target.canary.exists():
        os._exit(0)


@pytest.mark.parametrize(
    ("run", "ending", "confirmed"),
    [
        (lambda target: None, Ending.OPEN, Level.SECCOMP),
        (missing_tool, Ending.IMPOSSIBLE, Level.NAMESPACES),
        (refused_otherwise, Ending.UNEXPLAINED, Level.SECCOMP),
        (dies_inside, Ending.UNEXPLAINED, Level.SECCOMP),
        (lambda target: os.close(os.memfd_create("")), Ending.STOPPED, Level.NAMESPACES),
    ],
    ids=["open", "missing tool", "another errno", "no answer", "stopped"],
)
def test_only_what_failed_for_the_reason_stated_was_stopped(
    run: Callable[[Target], object], ending: Ending, confirmed: Level
) -> None:
    def work() -> list:
        report = probed_with(run)
        return [report.entered, report.level, *(outcome.ending for outcome in report.outcomes)]

    assert run_as("ourselves", work) == [Level.NAMESPACES, confirmed, ending]
