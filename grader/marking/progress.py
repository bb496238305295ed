"""The progress of marking a lab, question by question."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

from grader.course import Lab
from grader.marking.answers import Question, State, answers_to, questions_of
from grader.marking.claims import holders


@dataclass(frozen=True)
class MarkingProgress:
    """The numbers of answers to a question that wait, are marked, or are empty."""

    question: str
    points: float
    waiting: int
    marked: int
    unanswered: int
    open: list[str]
    """The graders who have an answer on the screen now."""


def marking_progress(lab: Lab) -> list[MarkingProgress]:
    """The progress of each written question of a lab."""
    return [_progress(question) for question in questions_of(lab)]


def _progress(question: Question) -> MarkingProgress:
    count = Counter(answer.state for answer in answers_to(question))
    return MarkingProgress(
        question=question.name,
        points=question.points,
        waiting=count[State.WAITING],
        marked=count[State.MARKED],
        unanswered=count[State.UNANSWERED],
        open=holders(question.claims),
    )


def show(lab: str, questions: list[MarkingProgress], console: Console) -> None:
    """Print the questions of a lab as a table."""
    table = Table(title=lab, caption=f"grader mark {lab} QUESTION")
    table.add_column("question", style="bold")
    for title in ("points", "waiting", "marked", "unanswered"):
        table.add_column(title, justify="right")
    table.add_column("open now")
    for one in questions:
        counts = one.waiting, one.marked, one.unanswered
        table.add_row(one.question, f"{one.points:g}", *map(str, counts), ", ".join(one.open))
    console.print(table)


def to_json(questions: list[MarkingProgress]) -> str:
    """The same, for a program."""
    return json.dumps([asdict(one) for one in questions], ensure_ascii=False, indent=1)
