"""From the results of a class: tests that fail and how, running times, submissions to look at."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from grader.engine import STOPPED_AFTER, Status, Verdict
from grader.engine.french import name_raised
from grader.grading.results import Result
from grader.reporting.statistics import Exercise
from grader.text import printable
from labo.coursework.notebook import CODE_STUB

_LONGEST = 300  # characters of a message
_UNANSWERED = CODE_STUB.partition(" :")[0].partition('"')[2]
_NUMBER = r"[-+]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?"
_QUOTED = r"'[^']*'|\"[^\"]*\"|«[^»]*»|`[^`]*`"
_BRACKETS = r"\{[^{}]*\}|\[[^\[\]]*\]|\([^()]*\)"
_VARYING = re.compile(rf"{_QUOTED}|{_BRACKETS}|{_NUMBER}")


# ---- Failures


@dataclass(frozen=True)
class Failure:
    """One way in which a test failed, and the students whose it is."""

    exercise: str
    test: str
    kind: str
    """wrong answer, not answered, the exception that was raised ..."""
    message: str
    """The first line that most of these students read."""
    students: tuple[str, ...]


_KINDS = {
    Status.FAILED: "wrong answer",
    Status.PARTIAL: "partly right",
    Status.TIMEOUT: "too long",
    Status.ERROR: "the test itself",
    Status.NOT_RUN: "not run",
}


def failures(exercises: Sequence[Exercise], results: Sequence[Result]) -> list[Failure]:
    """The failed tests, those with the same message together, the most frequent first."""
    owners = {test: exercise.name for exercise in exercises for test in exercise.points}
    groups: dict[tuple[str, str, str], list[tuple[str, str]]] = defaultdict(list)
    for result in filter(lambda result: result.was_run, results):
        for verdict in result.outcome.report.verdicts:
            if verdict.status is not Status.PASSED:
                kind, message = _kind_and_message(verdict)
                key = verdict.grade_id, kind, _VARYING.sub("…", message)
                groups[key].append((printable(result.student), message))
    found = [
        Failure(
            exercise=owners.get(test, test),
            test=test,
            kind=kind,
            message=Counter(message for _, message in who).most_common(1)[0][0],
            students=tuple(student for student, _ in who),
        )
        for (test, kind, _), who in groups.items()
    ]
    return sorted(found, key=lambda failure: len(failure.students), reverse=True)


def _kind_and_message(verdict: Verdict) -> tuple[str, str]:
    """The kind of a failure, and the first line of what the student reads."""
    text = printable(verdict.message).strip()
    first = text.partition("\n")[0][:_LONGEST]
    name = name_raised(text)
    if not name:
        return _KINDS[verdict.status], first
    raised = first.partition(" : ")[2]
    unanswered = name == "NotImplementedError" and raised.startswith(_UNANSWERED)
    return ("not answered", "") if unanswered else (name[:60], raised)


# ---- Time


@dataclass(frozen=True)
class Times:
    """Seconds that notebooks took to run, and the tests of each exercise."""

    median: float
    most: float
    slowest: tuple[tuple[str, float], ...]
    """Students, and their notebook's seconds."""
    tests: Mapping[str, tuple[float, float]]
    """By exercise, the median and the longest."""


def times(exercises: Sequence[Exercise], results: Sequence[Result], slowest: int = 5) -> Times:
    """The times of the notebooks that were run."""
    run = [result for result in results if result.was_run]
    whole = {printable(result.student): result.outcome.report.seconds for result in run}
    ranked = sorted(whole.items(), key=lambda item: item[1], reverse=True)
    seconds = [_seconds_of_tests(result) for result in run]
    tests = {
        exercise.name: [sum(took.get(test, 0.0) for test in exercise.points) for took in seconds]
        for exercise in exercises
        if not exercise.written
    }
    return Times(
        median=float(np.median(list(whole.values()) or [0.0])),
        most=max(whole.values(), default=0.0),
        slowest=tuple(ranked[:slowest]),
        tests={
            name: (float(np.median(took or [0.0])), max(took, default=0.0))
            for name, took in tests.items()
        },
    )


def _seconds_of_tests(result: Result) -> dict[str, float]:
    return {verdict.grade_id: verdict.seconds for verdict in result.outcome.report.verdicts}


# ---- Attention


class Trouble(StrEnum):
    """Reasons to look at a submission, the worst first."""

    BROKEN = "not readable"
    TIMED_OUT = "timed out"
    INCIDENT = "incident"
    CHANGED = "changed cells"
    MISSING = "missing"


@dataclass(frozen=True)
class Attention:
    """A student whose submission a person should look at."""

    student: str
    trouble: Trouble
    reasons: tuple[str, ...]


def attention(results: Sequence[Result], missing: Iterable[str]) -> list[Attention]:
    """Submissions that grading could not take as they were, then those that are not there."""
    found = [
        Attention(result.student, _trouble(result), tuple(map(printable, result.attention)))
        for result in results
        if result.attention
    ]
    order = list(Trouble)
    found.sort(key=lambda attention: (order.index(attention.trouble), attention.student))
    return found + [Attention(student, Trouble.MISSING, ()) for student in sorted(missing)]


def _trouble(result: Result) -> Trouble:
    incidents = result.outcome.report.incidents
    if not result.was_run:
        return Trouble.BROKEN
    if any(STOPPED_AFTER in incident for incident in incidents):
        return Trouble.TIMED_OUT
    return Trouble.INCIDENT if incidents else Trouble.CHANGED
