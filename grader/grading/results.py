"""Results of grading, kept as one file per student."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from grader.course import Lab, Submission
from grader.engine import Outcome, Status
from grader.errors import GraderError
from grader.files import write_atomically
from grader.grading.submission import Problem


@dataclass(frozen=True)
class Result:
    """One student's result; `digest` tells what it is the result of."""

    student: str
    digest: str
    problems: tuple[Problem, ...]
    outcome: Outcome = field(repr=False)

    @property
    def was_run(self) -> bool:
        """False when there was nothing to run: no file, or none that could be read."""
        return bool(self.outcome.report.engine)

    @property
    def score(self) -> float:
        return sum(verdict.score for verdict in self.outcome.report.verdicts)

    @property
    def attention(self) -> tuple[str, ...]:
        """What an instructor should look at."""
        serious = tuple(problem.message for problem in self.problems if problem.serious)
        return (*serious, *self.outcome.report.incidents)

    @property
    def passed(self) -> bool:
        """Whether every test gave all its points."""
        return all(verdict.status is Status.PASSED for verdict in self.outcome.report.verdicts)

    def to_json(self) -> str:
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Result:
        data = json.loads(text)
        problems = tuple(Problem(**problem) for problem in data["problems"])
        return cls(data["student"], data["digest"], problems, Outcome.from_plain(data["outcome"]))


OnResult = Callable[[Result], None]


def results(lab: Lab) -> list[Result]:
    """The results of the last grading of a lab, as they are on disk."""
    return [_load(path, lab.name) for path in sorted(lab.results.glob("*.json"))]


def save(folder: Path, graded: Result) -> None:
    """Keep a result: in the lab's `Course.results`, it is the last one of this student."""
    write_atomically(_path(folder, graded.student), graded.to_json().encode())


def result_of(submission: Submission) -> Result:
    """The last result of one student."""
    lab = submission.lab.name
    if not submission.result.is_file():
        raise GraderError(f"no result of {submission.student} for {lab}: grader autograde {lab}")
    return _load(submission.result, lab)


def _load(path: Path, lab: str) -> Result:
    try:
        return Result.from_json(path.read_text(encoding="utf-8"))
    except (ValueError, KeyError, TypeError):
        raise GraderError(f"{path} is damaged: grader autograde {lab} makes it anew") from None


def _path(folder: Path, student: str) -> Path:
    return folder / f"{student}.json"
