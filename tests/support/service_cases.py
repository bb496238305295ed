"""A course that is served, its exchange, a clock that tests set, a pretended engine."""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from nbgrader.utils import notebook_hash

from grader.course import Course
from grader.engine import EngineConfig, Job, Outcome, Report, Status, Verdict
from grader.engine.outputs import error_output
from grader.notebook import grade_id, is_test
from grader.service.attempts import Attempt, Journal
from grader.service.policy import read_policy, write_policy
from grader.service.running import Means
from grader.service.server import Service
from tests.support.course_cases import LAB, QUICK, WRONG, answered, make_course

COURSE = "apprentissage-profond"
DUE = datetime(2026, 12, 1, 23, 0, tzinfo=UTC)  # 18:00 in the course's zone
SECRETS = {"alice": "secret d'alice", "bruno": "secret de bruno"}


class Pretended:
    """A `Runner` that starts no process: an exercise passes unless its answer is `WRONG`."""

    version = "pretended"
    is_alive = True
    used = 0.0

    def __init__(self, config: EngineConfig) -> None:
        self.config = config

    def __enter__(self) -> Pretended:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def close(self) -> None:
        pass

    def map(self, jobs: Iterable[Job]) -> Generator[Outcome]:
        for job in jobs:
            RUN.append(job.key)
            yield _pretend(job)


RUN: list[str] = []
"""Whose notebooks were run, since a test has cleared it; "" is the answer key."""


def _pretend(job: Job) -> Outcome:
    cells = job.notebook["cells"]
    wrong = {grade_id(cell) for cell in cells if cell["source"] == WRONG}
    verdicts = []
    for cell in filter(is_test, cells):
        meta = cell["metadata"]["nbgrader"]
        failed = meta["grade_id"].removeprefix("test_") in wrong
        status, score = (Status.FAILED, 0.0) if failed else (Status.PASSED, float(meta["points"]))
        message = "la moyenne se prend par colonne" if failed else ""
        cell["outputs"] = [error_output("Test échoué", message)] if failed else []
        verdicts.append(Verdict(meta["grade_id"], status, score, float(meta["points"]), message))
    return Outcome(job.key, job.notebook, Report(tuple(verdicts), engine="pretended"))


@dataclass
class Clock:
    """The time of day, as a test sets it, and seconds that pass at each look."""

    now: datetime = DUE - timedelta(days=3)
    ticks: float = 0.0

    def __call__(self) -> datetime:
        return self.now

    def passed(self) -> float:
        self.ticks += 1.0
        return self.ticks

    def wait(self, **delta: float) -> None:
        self.now += timedelta(**delta)
        self.ticks += timedelta(**delta).total_seconds()


@dataclass
class Served:
    """A course, its exchange, and a service on it."""

    course: Course
    exchange: Path
    clock: Clock = field(default_factory=Clock)
    said: list[str] = field(default_factory=list)

    @property
    def inbound(self) -> Path:
        return self.exchange / COURSE / "inbound"

    def service(self) -> Service:
        means = Means(lambda _: QUICK, Pretended, threads=2)
        return Service(self.course, means, self.said.append, self.clock, self.clock.passed)

    def run(self) -> Service:
        """A service that has started, and done all there was."""
        return until_idle(self.service())

    def policy(self, **values: str) -> None:
        write_policy(self.course, LAB, read_policy(values))

    def hand_in(self, student: str, end: str = "abc", **answers: str) -> str:
        """As nbgrader's `submit`, by the test's clock; the date of it."""
        self.clock.wait(seconds=1)
        date = self.clock.now
        place = self.inbound / f"{student}+{LAB}+{date:%Y-%m-%d %H:%M:%S.%f} UTC+{end}"
        place.mkdir()
        (place / f"{LAB}.ipynb").write_text(json.dumps(answered(self.course, **answers)))
        (place / "timestamp.txt").write_text(f"{date:%Y-%m-%d %H:%M:%S.%f} UTC")
        (place / "submission_secret.txt").write_text(f"{SECRETS[student]} {date.isoformat()}")
        return date.isoformat()

    def answer(self, student: str, date: str) -> dict[str, Any]:
        """What the student finds of this hand-in."""
        return json.loads(self._found(student, date, "json").read_text("utf-8"))

    def page(self, student: str, date: str) -> str | None:
        path = self._found(student, date, "html")
        return path.read_text("utf-8") if path.exists() else None

    def _found(self, student: str, date: str, kind: str) -> Path:
        address = notebook_hash(secret=f"{SECRETS[student]} {date}", notebook_id=LAB)
        return self.exchange / COURSE / "feedback" / f"{address}.{kind}"

    def attempts(self, student: str) -> tuple[Attempt, ...]:
        return Journal(self.course).of(LAB, student)

    def score(self, student: str) -> float:
        """The tests' points in the gradebook."""
        with self.course.gradebook() as gradebook:
            return gradebook.find_submission(LAB, student).score


def until_idle(service: Service) -> Service:
    """Let a service do what there is to do."""
    service.step()
    while not service.is_idle:
        service.step()
    return service


def served(folder: Path, **policy: str) -> Served:
    """A course with a due date, whose exchange is there."""
    course = make_course(folder / "course")
    exchange = folder / "exchange"
    (exchange / COURSE / "inbound").mkdir(parents=True)
    os.chmod(exchange, 0o777)
    with (course.root / "nbgrader_config.py").open("a") as config:
        config.write(f"\nc.Exchange.root = {str(exchange)!r}\n")
        config.write("c.ExchangeCollect.check_owner = False\n")
        config.write("c.Collect.clock_tolerance = 1e9\n")  # the test's clock is not the system's
    with course.gradebook() as gradebook:
        gradebook.update_or_create_assignment(LAB, duedate=DUE.replace(tzinfo=None))
    one = Served(Course(course.root), exchange)
    if policy:
        one.policy(**policy)
    return one
