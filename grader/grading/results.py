"""Results of grading: one file per student, put in place whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from grader.course import Lab, Submission
from grader.engine import Outcome, Status
from grader.errors import GraderError
from grader.files import write_atomically
from grader.grading.submission import Problem
from grader.text import did_you_mean


@dataclass(frozen=True)
class Result:
    """A student's outcome, kept with the digest of what it is the result of."""

    student: str
    digest: str
    problems: tuple[Problem, ...]
    outcome: Outcome = field(repr=False)

    @property
    def was_run(self) -> bool:
        """False when there was nothing to run: no file, or none that could be read."""
        return bool(self.outcome.report.engine)

    @property
    def left_out(self) -> bool:
        """True if cells that no test needs were not run."""
        return self.outcome.report.left_out > 0

    @property
    def scores(self) -> dict[str, float]:
        """The points earned, test by test."""
        return {verdict.grade_id: verdict.score for verdict in self.outcome.report.verdicts}

    @property
    def score(self) -> float:
        return sum(verdict.score for verdict in self.outcome.report.verdicts)

    @property
    def attention(self) -> tuple[str, ...]:
        """The reasons for an instructor to look at this submission."""
        serious = tuple(problem.message for problem in self.problems if problem.serious)
        return (*serious, *self.outcome.report.incidents)

    @property
    def passed(self) -> bool:
        """True if every test gave all its points."""
        return all(verdict.status is Status.PASSED for verdict in self.outcome.report.verdicts)

    def to_json(self) -> str:
        problems = [asdict(problem) for problem in self.problems]
        plain = vars(self) | {"problems": problems, "outcome": self.outcome.to_plain()}
        return json.dumps(plain, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Result:
        data = json.loads(text)
        problems = tuple(Problem(**problem) for problem in data["problems"])
        return cls(data["student"], data["digest"], problems, Outcome.from_plain(data["outcome"]))


OnResult = Callable[[Result], None]


def read_results(lab: Lab) -> list[Result]:
    """The results of the last grading of a lab, in alphabetical order."""
    return [_read(path, lab.name) for path in sorted(lab.results.glob("*.json"))]


def graded_parts(lab: Lab) -> tuple[Lab, ...]:
    """`Lab.parts`, told by the results where there are some: without nbgrader's slow import."""
    if not lab.results.is_dir():
        return lab.parts
    folders = sorted(each.name for each in lab.results.glob("[!.]*") if each.is_dir())
    return tuple(replace(lab, part=folder) for folder in folders) or (lab,)


def read_result(submission: Submission) -> Result:
    """The last result of one student."""
    lab = submission.lab.name
    if not submission.result.is_file() and not submission.submitted.is_dir():
        nothing = f"{submission.student} has handed in nothing for {lab}."
        raise GraderError(
            f"{nothing} {did_you_mean(submission.student, submission.lab.students())}"
        )
    if not submission.result.is_file():
        raise GraderError(f"no result of {submission.student} for {lab}: grader autograde {lab}")
    return _read(submission.result, lab)


def find_result(folder: Path, student: str, digest: str) -> Result | None:
    """The student's result in a folder; None if there is none, or not one of this digest."""
    with suppress(OSError, ValueError, KeyError, TypeError):  # absent or damaged
        result = Result.from_json(_path(folder, student).read_text("utf-8"))
        return result if result.digest == digest else None
    return None


def write_result(folder: Path, result: Result) -> None:
    """Keep a result; in `Lab.results`, it is now the student's last one."""
    write_atomically(_path(folder, result.student), result.to_json().encode())


def _read(path: Path, lab: str) -> Result:
    try:
        return Result.from_json(path.read_text("utf-8"))
    except (ValueError, KeyError, TypeError):
        raise GraderError(f"{path} is damaged: grader autograde {lab} makes it anew") from None


def _path(folder: Path, student: str) -> Path:
    return folder / f"{student}.json"
