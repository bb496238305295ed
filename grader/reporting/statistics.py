"""Statistics of a class's grades: pure functions, from submissions to plain numbers.

A share is a number from 0 to 1. What was not marked by hand yet counts nowhere but in totals.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

FEWEST = 10
"""Submissions below which a correlation says nothing."""
FALL = 0.2
"""A student whose share is so much lower than usual, compared with the class, falls."""


# ---- Grades, as they are given


@dataclass(frozen=True)
class Exercise:
    """An exercise with its tests, or a written answer."""

    name: str
    points: Mapping[str, float]
    """By grade_id, those of each of its graded cells."""
    written: bool = False
    concepts: tuple[str, ...] = ()

    @property
    def max_score(self) -> float:
        return sum(self.points.values())


@dataclass(frozen=True)
class SubmissionGrades:
    """One student's work on one lab, as the gradebook has it."""

    student: str
    scores: Mapping[str, float]
    """By grade_id."""
    waiting: frozenset[str] = frozenset()
    """The grade_ids that a person has still to mark."""
    penalty: float = 0.0
    handed_in: datetime | None = None
    seconds_late: float = 0.0

    @property
    def total(self) -> float:
        return max(0.0, sum(self.scores.values()) - self.penalty)


@dataclass(frozen=True)
class LabGrades:
    """One lab: what it is worth, when it is due (UTC), and its graded submissions by student."""

    name: str
    max_score: float
    due: datetime | None
    submissions: Mapping[str, SubmissionGrades]

    def share(self, student: str) -> float | None:
        """One student's share of the points; None if nothing was handed in."""
        submission = self.submissions.get(student)
        return submission.total / self.max_score if submission and self.max_score else None


# ---- Summary


@dataclass(frozen=True)
class Summary:
    """Students who handed in, and their points; `most` is what the lab is worth."""

    expected: int
    submitted: int
    missing: int
    graded: int
    waiting: int
    late: int
    most: float
    mean: float
    median: float
    quartiles: tuple[float, float]


def summary(
    submissions: Sequence[SubmissionGrades], max_score: float, expected: int, submitted: int
) -> Summary:
    """The class in one line; `max_score` is what the lab is worth, without extra credit."""
    totals = [submission.total for submission in submissions]
    low, median, high = np.percentile(totals, [25, 50, 75])
    return Summary(
        expected=expected,
        submitted=submitted,
        missing=expected - submitted,
        graded=len(submissions),
        waiting=sum(bool(submission.waiting) for submission in submissions),
        late=sum(submission.seconds_late > 0 for submission in submissions),
        most=max_score,
        mean=float(np.mean(totals)),
        median=float(median),
        quartiles=(float(low), float(high)),
    )


# ---- Exercises and concepts


@dataclass(frozen=True)
class ExerciseStatistics:
    """The class in one exercise."""

    exercise: Exercise
    marked: int
    waiting: int
    success: float | None
    """Share of the class with all the points; None when nobody was marked."""
    mean: float | None
    """Mean share of the points."""
    discrimination: float | None
    """Correlation with the rest of the lab; None where it has no meaning."""


def by_exercise(
    exercises: Sequence[Exercise], submissions: Sequence[SubmissionGrades]
) -> list[ExerciseStatistics]:
    """In the order of the lab."""
    shares = _shares(exercises, submissions)
    points = np.array([exercise.max_score for exercise in exercises])
    return [
        _exercise(exercise, shares[:, column], _rest(shares, points, column))
        for column, exercise in enumerate(exercises)
    ]


def _exercise(exercise: Exercise, shares: np.ndarray, rest: np.ndarray) -> ExerciseStatistics:
    marked = ~np.isnan(shares)
    known = shares[marked]
    return ExerciseStatistics(
        exercise=exercise,
        marked=len(known),
        waiting=len(shares) - len(known),
        success=float(np.mean(known > 1 - 1e-9)) if known.size else None,
        mean=float(np.mean(known)) if known.size else None,
        discrimination=discrimination(known, rest[marked]),
    )


def discrimination(item: np.ndarray, rest: np.ndarray) -> float | None:
    """Corrected item-total correlation: the item with the total of the *other* items.

    None for fewer than `FEWEST` students, or where one of the two is the same for everybody.
    """
    known = ~np.isnan(rest)
    item, rest = item[known], rest[known]
    if len(item) < FEWEST or np.ptp(item) < 1e-9 or np.ptp(rest) < 1e-9:
        return None
    return float(np.corrcoef(item, rest)[0, 1])


def _shares(exercises: Sequence[Exercise], submissions: Sequence[SubmissionGrades]) -> np.ndarray:
    """Students × exercises; NaN for what waits to be marked by hand."""
    rows = [[_share(exercise, work) for exercise in exercises] for work in submissions]
    return np.array(rows, dtype=float).reshape(len(submissions), len(exercises))


def _share(exercise: Exercise, submission: SubmissionGrades) -> float:
    if submission.waiting & exercise.points.keys():
        return math.nan
    return sum(submission.scores.get(name, 0.0) for name in exercise.points) / exercise.max_score


def _rest(shares: np.ndarray, points: np.ndarray, column: int) -> np.ndarray:
    """Each student's share of all other exercises that are marked."""
    others = np.delete(shares * points, column, axis=1)
    possible = np.where(np.isnan(others), 0.0, np.delete(points, column))
    with np.errstate(invalid="ignore"):  # nothing else to compare with: NaN
        return np.nansum(others, axis=1) / possible.sum(axis=1)


@dataclass(frozen=True)
class ConceptStatistics:
    """The class in the exercises about one concept."""

    concept: str
    exercises: tuple[str, ...]
    mean: float
    """Mean share of their points."""
    missed: int
    """Students with less than half of their points."""


def by_concept(
    exercises: Sequence[Exercise], submissions: Sequence[SubmissionGrades]
) -> list[ConceptStatistics]:
    """The concept that the class missed most comes first."""
    about: dict[str, list[Exercise]] = defaultdict(list)
    for exercise in exercises:
        for concept in exercise.concepts:
            about[concept].append(exercise)
    found = (_concept(name, group, submissions) for name, group in about.items())
    return sorted(filter(None, found), key=lambda concept: concept.mean)


def _concept(
    name: str, exercises: list[Exercise], submissions: Sequence[SubmissionGrades]
) -> ConceptStatistics | None:
    points = np.array([exercise.max_score for exercise in exercises])
    shares = _shares(exercises, submissions)
    possible = np.where(np.isnan(shares), 0.0, points).sum(axis=1)
    obtained = np.nansum(shares * points, axis=1)[possible > 0] / possible[possible > 0]
    if not obtained.size:
        return None
    names = tuple(exercise.name for exercise in exercises)
    return ConceptStatistics(
        name, names, float(np.mean(obtained)), int(np.sum(obtained < 0.5 - 1e-9))
    )


# ---- Lateness


@dataclass(frozen=True)
class Late:
    """A student who handed in after the due date, their own extension included."""

    student: str
    seconds: float
    penalty: float


def late(submissions: Sequence[SubmissionGrades]) -> list[Late]:
    """The latest first."""
    found = [
        Late(work.student, work.seconds_late, work.penalty)
        for work in submissions
        if work.seconds_late > 0
    ]
    return sorted(found, key=lambda late: late.seconds, reverse=True)


# ---- The term


@dataclass(frozen=True)
class TermProgress:
    """One student's share of each lab of the term; None where nothing was handed in."""

    student: str
    shares: tuple[float | None, ...]
    flag: str
    """A reason to ask how they are; empty for most students."""


def term_progress(labs: Sequence[LabGrades], students: Iterable[str]) -> list[TermProgress]:
    """Each student's labs, in the order of the term; those who fall or stopped come first."""
    medians = [_median(lab) for lab in labs]
    found = []
    for student in sorted(students):
        shares = tuple(lab.share(student) for lab in labs)
        found.append(TermProgress(student, shares, _flag(shares, medians)))
    return sorted(found, key=lambda progress: not progress.flag)


def _median(lab: LabGrades) -> float:
    """The median share of those who handed it in."""
    shares = map(lab.share, lab.submissions)
    return float(np.median([share for share in shares if share is not None] or [0.0]))


def _flag(shares: Sequence[float | None], medians: Sequence[float]) -> str:
    """A hard lab is hard for all: shares are compared with the class's median."""
    gone = next((i for i, share in enumerate(reversed(shares)) if share is not None), len(shares))
    if gone == len(shares):
        return "has handed in nothing" if shares else ""
    if gone:
        return f"nothing for the last {gone} labs" if gone > 1 else "nothing for the last lab"
    ahead = [share - m for share, m in zip(shares, medians, strict=True) if share is not None]
    if len(ahead) < 3:
        return ""
    fall = float(np.mean(ahead[:-1])) - ahead[-1]
    return f"{100 * fall:.0f} points below their usual" if fall >= FALL - 1e-9 else ""
