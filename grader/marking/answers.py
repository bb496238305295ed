"""Written answers in nbgrader's gradebook: which wait for a person, and what that person writes.

Exactly the rows and fields that formgrader's score and comment boxes write, so that a class may be
marked half here and half there. A mark is written only where the row is still as it was read: two
people who mark one answer, here or in formgrader, cannot undo each other without knowing.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

from nbgrader.api import (
    Assignment,
    BaseCell,
    Comment,
    Grade,
    Gradebook,
    Notebook,
    SubmittedAssignment,
    SubmittedNotebook,
)
from sqlalchemy import select, update

from grader.authoring.reading import read_source
from grader.authoring.rubric import AnswerKey, Item, answer_key
from grader.authoring.source import Source
from grader.course import Lab
from grader.errors import GraderError
from grader.text import did_you_mean
from labo.coursework.notebook import CellKind

TICK = "✓"


class State(StrEnum):
    """The state of an answer: one of the three piles of a question."""

    WAITING = "waiting"
    MARKED = "marked"
    UNANSWERED = "unanswered"
    """Nothing was written, which autograding has given 0."""


class Changed(GraderError):
    """Somebody else has marked the answer since it was read."""


@dataclass(frozen=True)
class Question:
    """A written question of a lab."""

    lab: Lab
    name: str
    points: float
    text: str
    key: AnswerKey

    @property
    def claims(self) -> Path:
        """The folder where its graders see who has which answer."""
        return self.lab.results / ".claims" / self.name


@dataclass(frozen=True)
class Answer:
    """One student's answer, without the student: its row in the gradebook, its place in a class."""

    id: str
    number: int
    total: int
    state: State


@dataclass(frozen=True)
class Mark:
    """A person's mark and comment, as the gradebook holds them."""

    score: float | None
    waiting: bool
    comment: str | None

    @property
    def state(self) -> State:
        if self.waiting:
            return State.WAITING
        return State.UNANSWERED if self.score is None else State.MARKED


def questions_of(lab: Lab) -> list[Question]:
    """The written questions of a lab, in its order.

    Raises:
        GraderError: the lab is unknown, was not released, or its source has mistakes.
    """
    lab.check_released()
    lab.course.labs([lab.name])  # refuses one that has no source
    source = read_source(lab.source)
    return [
        Question(
            lab, cell.role.name, cell.role.points or 0, _statement(source, number), answer_key(cell)
        )
        for number, cell in enumerate(source.cells)
        if cell.role and cell.kind is CellKind.QUESTION
    ]


def find_question(lab: Lab, name: str) -> Question:
    """One of the questions of a lab."""
    found = {question.name: question for question in questions_of(lab)}
    if name not in found:
        raise GraderError(
            f"{lab.name} has no written question {name}."
            f" {did_you_mean(name, found) or 'It has ' + (', '.join(found) or 'none')}"
        )
    return found[name]


def _statement(source: Source, number: int) -> str:
    """The text above an answer, from its last title on."""
    texts = [c for c in source.cells[:number] if c.type == "markdown" and not c.role]
    lines = texts[-1].lines if texts else []
    titles = [i for i, line in enumerate(lines) if line.startswith("#")]
    return "\n".join(lines[titles[-1] if titles else 0 :])


def answers_to(question: Question) -> list[Answer]:
    """Everybody's, in an order that stays the same and says nothing of who wrote them."""
    columns = SubmittedNotebook.id, Grade.manual_score, Grade.needs_manual_grade
    with question.lab.course.gradebook() as gradebook:
        found = gradebook.db.execute(_of_question(gradebook, question, *columns)).all()
    rows = sorted(found, key=lambda row: _shuffled(question, row.id))
    return [
        Answer(row.id, i, len(rows), Mark(row.manual_score, row.needs_manual_grade, None).state)
        for i, row in enumerate(rows, start=1)
    ]


def _shuffled(question: Question, identifier: str) -> bytes:
    return hashlib.sha256(f"{question.name} {identifier}".encode()).digest()


def _of_question(gradebook: Gradebook, question: Question, *columns: Any) -> Any:
    """A query for `columns` of the grades of a question."""
    return (
        select(*columns)
        .select_from(Grade)
        .join(BaseCell, Grade.cell_id == BaseCell.id)
        .join(SubmittedNotebook, Grade.notebook_id == SubmittedNotebook.id)
        .join(Notebook, SubmittedNotebook.notebook_id == Notebook.id)
        .join(Assignment, Notebook.assignment_id == Assignment.id)
        .where(
            BaseCell.name == question.name,
            Notebook.name == question.lab.name,
            Assignment.name == question.lab.name,
            Assignment.course_id == gradebook.course_id,
        )
    )


# ---- One answer


def current_mark(question: Question, answer: Answer) -> Mark:
    """The mark that the gradebook has now."""
    with question.lab.course.gradebook() as gradebook:
        grade, comment = _rows(gradebook, question, answer)
        return Mark(grade.manual_score, grade.needs_manual_grade, comment.manual_comment)


def answer_text(question: Question, answer: Answer) -> str:
    """The student's text, not safe to print.

    Raises:
        GraderError: the graded notebook cannot be read.
    """
    lab = question.lab
    with lab.course.gradebook() as gradebook:
        query = select(SubmittedAssignment.student_id).join(SubmittedAssignment.notebooks)
        student = gradebook.db.execute(query.where(SubmittedNotebook.id == answer.id)).scalar_one()
    path = lab.submission(student).autograded / lab.file_name
    try:
        cells = json.loads(path.read_bytes())["cells"]
    except (OSError, ValueError, KeyError, TypeError):
        raise GraderError(
            f"answer {answer.number} cannot be read in autograded/: grader autograde {lab.name},"
            " then mark it"
        ) from None
    return next(_sources(cells, question.name), "")


def _sources(cells: list[dict[str, Any]], name: str) -> Iterator[str]:
    for cell in cells:
        if cell.get("metadata", {}).get("nbgrader", {}).get("grade_id") == name:
            source = cell.get("source", "")
            yield source if isinstance(source, str) else "".join(source)


def write_mark(question: Question, answer: Answer, before: Mark, after: Mark) -> None:
    """Put `after` in the place of `before`, at once.

    Raises:
        Changed: the gradebook does not hold `before` any more; it is left as it is.
        GraderError: it cannot be written.
    """
    with question.lab.course.gradebook() as gradebook:
        grade, comment = _rows(gradebook, question, answer)
        score = update(Grade).where(
            Grade.id == grade.id,
            Grade.manual_score.is_not_distinct_from(before.score),
            Grade.needs_manual_grade == before.waiting,
        )
        words = update(Comment).where(
            Comment.id == comment.id, Comment.manual_comment.is_not_distinct_from(before.comment)
        )
        done = [
            gradebook.db.execute(
                score.values(manual_score=after.score, needs_manual_grade=after.waiting)
            ),
            gradebook.db.execute(words.values(manual_comment=after.comment)),
        ]
        if any(result.rowcount != 1 for result in done):
            gradebook.db.rollback()
            raise Changed(f"answer {answer.number} was changed meanwhile by somebody else")
        gradebook.db.commit()


def _rows(gradebook: Gradebook, question: Question, answer: Answer) -> tuple[Grade, Comment]:
    grades = _of_question(gradebook, question, Grade).where(SubmittedNotebook.id == answer.id)
    comments = (
        select(Comment)
        .join(BaseCell, Comment.cell_id == BaseCell.id)
        .where(Comment.notebook_id == answer.id, BaseCell.name == question.name)
    )
    execute = gradebook.db.execute
    return execute(grades).scalar_one(), execute(comments).scalar_one()


# ---- A mark in the making


@dataclass
class Draft:
    """Lines of the barème that were earned, a score that overrides their sum, a comment."""

    ticks: frozenset[Item] = frozenset()
    override: Decimal | None = None
    comment: str = ""

    @classmethod
    def of(cls, key: AnswerKey, mark: Mark) -> Draft:
        """The draft of a mark; a line that the barème no longer has is part of the comment."""
        by_line = {_line(item): item for item in key.items}
        lines = (mark.comment or "").split("\n")
        draft = cls(
            frozenset(by_line[line] for line in lines if line in by_line),
            comment="\n".join(line for line in lines if line not in by_line).strip(),
        )
        score = None if mark.score is None else Decimal(str(mark.score))
        if score != draft.score:
            draft.override = score
        return draft

    @property
    def score(self) -> Decimal | None:
        """None as long as nothing was decided."""
        if self.override is not None:
            return self.override
        return sum((item.points for item in self.ticks), Decimal(0)) if self.ticks else None

    def tick(self, ticks: frozenset[Item]) -> None:
        """Let these lines, and nothing else, make the score."""
        self.ticks, self.override = ticks, None

    def mark(self, key: AnswerKey, before: Mark) -> Mark:
        """The mark to write: the lines that were earned stand above the comment.

        An empty comment is what formgrader leaves: nothing, or "" where there was one.
        """
        assert self.score is not None
        lines = [_line(item) for item in key.items if item in self.ticks]
        comment = "\n".join([*lines, *filter(None, [self.comment])])
        empty = None if before.comment is None else ""
        return Mark(float(self.score), waiting=False, comment=comment or empty)


def _line(item: Item) -> str:
    return f"{TICK} {item.worth}\N{NO-BREAK SPACE}: {item.text}"
