"""The page that a student gets back: points, the author's hints, their code and its outputs.

It begins with what to work on: the exercises that lost points, the most first, then each in the
order of the lab. The page is built from the results, not from the executed notebook: no line of a
test is in it, and of what student code displayed only text and PNG pictures are kept. It goes where
nbgrader's `release_feedback` takes it from.
"""

from __future__ import annotations

import base64
import secrets
import struct
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from markupsafe import Markup
from nbgrader.api import Comment, Grade, Gradebook, MissingEntry, SubmittedNotebook
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from sqlalchemy.orm import joinedload

from grader import notebook
from grader.course import Lab, Submission
from grader.engine import Status, Verdict
from grader.errors import GraderError
from grader.files import write_atomically
from grader.grading import lateness
from grader.grading.results import Result, read_results
from grader.grading.submission import Unreadable, read_bytes
from grader.notebook import Cell, grade_id, is_solution
from grader.reporting.as_handed_in import Outputs, outputs_as_handed_in, with_outputs
from grader.reporting.formatted import formatted
from grader.reporting.pages import render
from grader.text import printable
from labo.coursework.notebook import CODE_STUB

_MAX_TEXT = 4_000
_MAX_IMAGES = 4
_LONGEST_HINT = 180  # characters
_UNANSWERED = CODE_STUB.partition(" :")[0]
_PNG = b"\x89PNG\r\n\x1a\n"
_MOST_PIXELS = 40_000_000  # a browser takes four bytes for each, however small the file is
_NO_RESPONSE = {"No response.": "Pas de réponse."}  # nbgrader writes it in English


@dataclass(frozen=True)
class Part:
    """One exercise or written answer, as the page shows it."""

    name: str
    written: bool
    """In words; otherwise it is code."""
    score: float
    max_score: float
    waiting: bool
    """For a person to mark it."""
    tests: tuple[Verdict, ...]
    comments: tuple[str, ...]
    code: Markup | str
    texts: tuple[str, ...]
    images: tuple[str, ...]
    as_handed_in: bool = False
    """Some of the texts and pictures are those of the file, not of grading."""
    hint: str = ""
    """One line for the list of what to work on."""

    @property
    def title(self) -> str:
        return f"Question {self.name}" if self.written else self.name

    @property
    def anchor(self) -> str:
        return f"partie-{self.name}"

    @property
    def lost(self) -> float:
        """Points that are still to be had; none of what nobody has marked yet."""
        return 0.0 if self.waiting else max(0.0, self.max_score - self.score)

    @property
    def mood(self) -> str:
        """The colour of its section, as the page's style names it."""
        if self.waiting or 0 < self.score < self.max_score:
            return "part"
        return "good" if self.score >= self.max_score else "bad"


@dataclass(frozen=True)
class _Grades:
    """One submission in the gradebook: points by grade_id, comments, penalty."""

    scores: dict[str, float]
    waiting: set[str]
    comments: dict[str, tuple[str, ...]]
    penalty: float
    max_score: float
    seconds_late: float = 0.0


def write_all(lab: Lab) -> Path:
    """Write the page of every graded student; the folder they are in."""
    found = read_results(lab)
    if not found:
        raise GraderError(f"{lab.name} has not been graded: grader autograde {lab.name}")
    lateness.refresh(lab.course)
    title = title_of(lab)
    with lab.course.gradebook() as gradebook:
        for result in found:
            submission = lab.submission(result.student)
            grades = grades_of(gradebook, lab.name, lab.notebook_name, result.student)
            path = submission.feedback / f"{lab.notebook_name}.html"
            outputs = outputs_as_handed_in(submission) if result.left_out else {}
            write_atomically(path, page(title, result, grades, outputs).encode())
            path.chmod(0o644)  # its release copies the mode: students read it
            _address(submission)
    return lab.submission("*").feedback.parent.parent


def _address(submission: Submission) -> None:
    """Put beside a page the two files by which `nbgrader release_feedback` finds its reader.

    What did not come through the exchange has neither: a secret that nobody knows then keeps the
    release of the others from failing.
    """
    kinds = {"timestamp.txt": "unknown", "submission_secret.txt": secrets.token_hex(64)}
    for name, otherwise in kinds.items():
        try:
            content = read_bytes(submission.submitted / name)
        except Unreadable:
            content = otherwise.encode()
        write_atomically(submission.feedback / name, content)


def page(
    title: str, result: Result, grades: _Grades, outputs: Outputs = MappingProxyType({})
) -> str:
    """The HTML page of one student about the lab of this title.

    Args:
        outputs: as handed in, for cells that grading has left out.
    """
    parts = parts_of(result, grades, outputs)
    return render(
        "feedback.html.j2",
        title=title,
        student=result.student,
        score=sum(grades.scores.values()) - grades.penalty,
        max_score=grades.max_score,
        penalty=grades.penalty,
        seconds_late=grades.seconds_late,
        waiting=bool(grades.waiting),
        notices=[problem.student_message for problem in result.problems],
        parts=parts,
        to_work_on=sorted((p for p in parts if p.lost), key=lambda p: p.lost, reverse=True),
        colours=Markup(HtmlFormatter().get_style_defs(".code")),
    )


def parts_of(
    result: Result, grades: _Grades, outputs: Outputs = MappingProxyType({})
) -> list[Part]:
    """The exercises and written answers of a submission, in the order of the lab."""
    cells = list(with_outputs(result.outcome.notebook["cells"], outputs))
    return [_part(of_exercise, result, grades) for of_exercise in _exercises(cells)]


def by_tests_alone(grades: _Grades, result: Result) -> _Grades:
    """The grades without what people have given so far: their marks and comments wait."""
    written = grades.scores.keys() - result.scores.keys()
    scores = dict.fromkeys(written, 0.0) | result.scores
    return replace(grades, scores=scores, waiting=set(written), comments={})


def grades_of(gradebook: Gradebook, lab: str, name: str, student: str) -> _Grades:
    try:
        notebook: SubmittedNotebook = gradebook.find_submission_notebook(name, lab, student)
    except MissingEntry:
        raise GraderError(
            f"{student} is not in the gradebook for {lab}: grader autograde {lab}"
        ) from None
    query = gradebook.db.query(Grade).options(joinedload(Grade.cell))
    grades = query.filter(Grade.notebook_id == notebook.id).all()
    query = gradebook.db.query(Comment).options(joinedload(Comment.cell))
    comments = query.filter(Comment.notebook_id == notebook.id).all()
    return _Grades(
        scores={grade.cell.name: grade.score or 0.0 for grade in grades},
        waiting={grade.cell.name for grade in grades if grade.needs_manual_grade},
        comments={comment.cell.name: _comments(comment) for comment in comments},
        penalty=notebook.late_submission_penalty or 0.0,
        max_score=sum(grade.max_score for grade in grades),
        seconds_late=lateness.seconds_late(notebook.assignment),
    )


def _comments(comment: Comment) -> tuple[str, ...]:
    written = comment.comment
    return (_NO_RESPONSE.get(written, written),) if written else ()


def _exercises(cells: Sequence[Cell]) -> Iterable[list[Cell]]:
    """The cells of each exercise: the answer, its tests, and the cells that show its result."""
    current: list[Cell] = []
    for cell in cells:
        if grade_id(cell) and is_solution(cell):
            if current:
                yield current
            current = [cell]
        elif current and (grade_id(cell) or str(grade_id(current[0])) in cell["source"]):
            current.append(cell)
    if current:
        yield current


def _part(cells: list[Cell], result: Result, grades: _Grades) -> Part:
    answer = cells[0]
    names = [name for cell in cells if (name := grade_id(cell))]
    verdicts = {verdict.grade_id: verdict for verdict in result.outcome.report.verdicts}
    tests = tuple(verdicts[name] for name in names if name in verdicts)
    code = answer["cell_type"] == "code"
    if code:
        score = sum(grades.scores.get(test.grade_id, test.score) for test in tests)
        max_score = sum(test.max_score for test in tests)
    else:
        score = grades.scores.get(names[0], 0.0)
        max_score = float(answer["metadata"]["nbgrader"]["points"])
    return Part(
        name=names[0],
        written=not code,
        score=score,
        max_score=max_score,
        waiting=names[0] in grades.waiting,
        tests=tuple(test for test in tests if test.status is not Status.PASSED),
        comments=tuple(text for name in names for text in grades.comments.get(name, ())),
        code=_coloured(answer["source"]) if code else formatted(_clean(answer["source"])),
        texts=tuple(_texts(cells, hints="\n".join(test.message for test in tests))),
        images=tuple(_images(cells))[:_MAX_IMAGES],
        as_handed_in=any(cell.get("as_handed_in") for cell in cells),
        hint=_hint(answer, tests),
    )


def _hint(answer: Cell, tests: Iterable[Verdict]) -> str:
    if answer["cell_type"] == "code" and _UNANSWERED in answer["source"]:
        return "Il reste une réponse à écrire."
    messages = (test.message.strip() for test in tests if test.status is not Status.PASSED)
    first = next(filter(None, messages), "").partition("\n")[0]
    return textwrap.shorten(printable(first), _LONGEST_HINT, placeholder=" …")


def _coloured(source: str) -> Markup:
    return Markup(highlight(_clean(source), PythonLexer(), HtmlFormatter(nowrap=False)))


def _texts(cells: list[Cell], hints: str) -> Iterable[str]:
    """The prints and errors of the student's code, in order, without what the hints say already."""
    for cell in cells:
        is_test_cell = grade_id(cell) and not is_solution(cell)
        for output in cell.get("outputs", ()):
            if output["output_type"] == "stream":
                if not is_test_cell or output["text"].strip() not in hints:
                    yield _clean(output["text"])
            elif output["output_type"] == "error" and not is_test_cell:
                yield _clean("\n".join(output["traceback"]))


def _images(cells: list[Cell]) -> Iterable[str]:
    for cell in cells:
        for output in cell.get("outputs", ()):
            png = output.get("data", {}).get("image/png")
            if png and _is_picture(png):
                yield "".join(png.split())


def _is_picture(text: str) -> bool:
    """True for a PNG that a browser has room for, by what its header says first."""
    try:
        png = base64.b64decode("".join(text.split()), validate=True)
        width, height = struct.unpack_from(">8x4x4xII", png)
    except (ValueError, struct.error):
        return False
    return png.startswith(_PNG) and png[12:16] == b"IHDR" and width * height <= _MOST_PIXELS


def _clean(text: str) -> str:
    text = printable(text)
    return text if len(text) <= _MAX_TEXT else text[:_MAX_TEXT] + "\n…"


def title_of(lab: Lab) -> str:
    """Its first heading; its name, when it has none or is not built here."""
    found = notebook.title(lab.author_notebook()) if lab.notebook.is_file() else None
    return found or lab.name.replace("_", " ").capitalize()
