"""What a student finds of a hand-in: how far it is, the points, the page."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook
from nbgrader.utils import notebook_hash

from grader.course import Lab
from grader.files import write_atomically
from grader.grading.results import Result
from grader.grading.submission import Unreadable, read_bytes
from grader.reporting.feedback import by_tests_alone, grades_of, page, parts_of, title_of
from grader.service.attempts import Attempt, Points, State, folder_of
from grader.service.exchange import Exchange
from grader.service.policy import Policy, Tell

Results = Mapping[str, Result]
"""Of one student, by notebook of the lab."""


def addresses(lab: Lab, student: str) -> dict[str, str]:
    """Where the answer to what was handed in goes, by notebook; nowhere without a secret."""
    try:
        folder = lab.submission(student).submitted
        secret = read_bytes(folder / "submission_secret.txt").decode()
    except (Unreadable, UnicodeDecodeError):
        return {}  # it did not come through the exchange
    return {
        part.notebook_name: notebook_hash(secret=secret, notebook_id=part.notebook_name)
        for part in lab.parts
    }


def digest(lab: Lab, student: str) -> str:
    """The SHA-256 of the notebook that was handed in, as on the receipt; "" without one."""
    part = lab.parts[0]
    try:
        content = read_bytes(part.submission(student).submitted / part.file_name)
    except Unreadable:
        return ""
    return hashlib.sha256(content).hexdigest()


def points(gradebook: Gradebook, lab: Lab, results: Results) -> Iterator[Points]:
    """What each exercise earned, by tests alone; questions wait."""
    for part in lab.parts:
        result = results[part.notebook_name]
        grades = grades_of(gradebook, lab.name, part.notebook_name, result.student)
        for each in parts_of(result, by_tests_alone(grades, result)):
            yield Points(each.name, each.score, each.max_score, each.waiting, each.hint)


def answer(
    lab: Lab, attempt: Attempt, policy: Policy, today: int, due: datetime | None
) -> dict[str, Any]:
    """What `labo submit --wait` reads.

    Args:
        today: answers that the student had today.
    """
    return {
        "lab": lab.name,
        "handed_in": attempt.handed_in,
        "sha256": attempt.sha256,
        "state": State.TAKEN if _is_graded_in_silence(attempt) else attempt.state,
        "told": attempt.told,
        "why": attempt.why,
        "points": [asdict(each) for each in attempt.told_points],
        "kept_back": list(attempt.kept_back),
        "counts": attempt.counts,
        "left_today": max(0, policy.per_day - today),
        "per_day": policy.per_day,
        "due": due.isoformat() if due else None,
    }


def _is_graded_in_silence(attempt: Attempt) -> bool:
    """Whether its student sees no difference from when it was taken."""
    return attempt.state is State.GRADED and attempt.told is Tell.NOTHING


def publish(exchange: Exchange, lab: Lab, attempt: Attempt, facts: dict[str, Any]) -> None:
    """Put the answer where its student looks for it."""
    first = lab.parts[0].notebook_name
    if first in attempt.addresses:
        exchange.publish(attempt.addresses[first], facts)


def publish_pages(
    exchange: Exchange, gradebook: Gradebook, lab: Lab, attempt: Attempt, results: Results
) -> None:
    """Put the feedback pages there, and where the service's own pages take them from."""
    for part in lab.parts:
        result = results[part.notebook_name]
        grades = grades_of(gradebook, lab.name, part.notebook_name, result.student)
        text = page(title_of(part), result, by_tests_alone(grades, result))
        if address := attempt.addresses.get(part.notebook_name):
            exchange.publish_page(address, text)
        write_atomically(told_page(part, result.student, attempt.handed_in), text.encode())


def told_page(part: Lab, student: str, handed_in: str) -> Path:
    """The page that was told of a hand-in; those in `feedback/` may be for nobody's eyes yet."""
    name = f"{part.notebook_name}.html"
    return folder_of(part.course) / part.name / "pages" / student / handed_in / name
