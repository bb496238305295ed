"""The rehearsal of a lab before a class is graded: its answer key and its skeleton, graded."""

from __future__ import annotations

from dataclasses import dataclass

import nbformat
from nbgrader.preprocessors import CheckCellMetadata, ClearSolutions

from grader import settings
from grader.authoring.notebooks import source_notebook
from grader.authoring.reading import read_source
from grader.course import Lab
from grader.engine import Engine, EngineConfig, Job, Level, Mode, Report
from grader.engine.preload import modules_used
from grader.errors import GraderError
from grader.notebook import Notebook, plain
from labo.coursework.notebook import CellKind

_KEY, _SKELETON = "the answer key", "the skeleton"


@dataclass(frozen=True)
class Rehearsal:
    """What became of the answer key and of the skeleton."""

    mode: Mode
    """That of the course for this lab."""
    problems: tuple[str, ...]
    """What keeps the lab from grading a class."""
    advice: str = ""
    """What the other mode would change."""


def rehearse(lab: Lab) -> Rehearsal:
    """Grade the answer key, which must earn every point, and the skeleton, which must earn none.

    The key passes an ordinary kernel when its author writes it; here its tests see it through the
    engine's boundary, as they will see the students' answers. Both modes are tried where that tells
    which one suits.
    """
    source, skeleton = _notebooks(lab)
    mode = Mode(lab.mode)
    reports = _graded(lab, source, mode, {_KEY: source, _SKELETON: skeleton})
    lost = _lost_points(reports[_KEY])
    problems = (*lost, *_points_for_nothing(reports[_SKELETON]))
    other = Mode.ISOLATED if mode is Mode.SHARED else Mode.SHARED
    if mode is Mode.ISOLATED and not lost:
        return Rehearsal(mode, problems)
    elsewhere = _lost_points(_graded(lab, source, other, {_KEY: source})[_KEY])
    return Rehearsal(mode, problems, _advice(lab, mode, lost, elsewhere))


def key_reports(lab: Lab) -> dict[Mode, Report]:
    """What the answer key earns in each mode."""
    source, _ = _notebooks(lab)
    return {mode: _graded(lab, source, mode, {_KEY: source})[_KEY] for mode in Mode}


def _advice(lab: Lab, mode: Mode, lost: list[str], elsewhere: list[str]) -> str:
    """What to make of an answer key that loses these points, and those in the other mode."""
    if mode is Mode.ISOLATED and not elsewhere:
        return (
            "In shared mode the answer key earns every point. Write these tests as docs/engine.md"
            f' says, or grade in that mode: c.Grader.modes = {{"{lab.name}": "shared"}}, where'
            " student code can reach the tests."
        )
    if mode is Mode.SHARED and not elsewhere:
        return (
            "In isolated mode the answer key earns every point too, and student code cannot reach"
            ' the tests there: c.Grader.mode = "isolated" suits.'
        )
    if lost and elsewhere:
        return "Neither mode gives the answer key every point: see whether it runs in Jupyter."
    return ""


def _graded(
    lab: Lab, source: Notebook, mode: Mode, notebooks: dict[str, Notebook]
) -> dict[str, Report]:
    files = lab.author_files()
    # The author's own code needs no sandbox, and many an author's machine has none.
    config = EngineConfig(
        required=Level.NONE,
        preload=modules_used(source),
        files=files,
        mode=mode,
        cell_seconds=min(settings.cell_seconds(lab.course.config) or 60.0, 600.0),
    )
    beside = {_KEY: lab.example_files(), _SKELETON: files.theirs}
    jobs = [Job(name, plain(book), source, beside[name]) for name, book in notebooks.items()]
    with Engine(config) as engine:
        return {outcome.key: outcome.report for outcome in engine.map(jobs)}


def _notebooks(lab: Lab) -> tuple[Notebook, Notebook]:
    """The author's notebook and what students get of it, its tests whole in both."""
    if not lab.source.is_file():  # written as nbgrader's source notebook
        source = lab.author_notebook()
        return source, _cleared(lab, source)
    text = read_source(lab.source)
    source, skeleton = plain(source_notebook(text)), plain(source_notebook(text))
    for cell, original in zip(skeleton["cells"], text.cells, strict=True):
        if original.kind is CellKind.EXERCISE:
            cell["source"] = original.visible
    return source, skeleton


def _cleared(lab: Lab, source: Notebook) -> Notebook:
    """A source notebook without its solutions, as nbgrader releases it.

    Raises:
        GraderError: nbgrader refuses to, whose own errors have no common class.
    """
    book = nbformat.from_dict(plain(source))
    try:
        for step in (ClearSolutions, CheckCellMetadata):
            book, _ = step(config=lab.course.config).preprocess(book, {})
    except Exception as error:
        raise GraderError(f"nbgrader cannot release {lab.title}: {error}") from None
    return plain(book)


def _lost_points(report: Report) -> list[str]:
    lost = [
        f"{_KEY} has {verdict.score:g} of {verdict.max_score:g} points for"
        f" {verdict.grade_id}: {verdict.message}"
        for verdict in report.verdicts
        if verdict.score < verdict.max_score
    ]
    return [*lost, *(f"{_KEY}, {incident}" for incident in report.incidents)]


def _points_for_nothing(report: Report) -> list[str]:
    return [
        f"{_SKELETON} has {verdict.score:g} points for {verdict.grade_id}, unanswered"
        for verdict in report.verdicts
        if verdict.score > 0
    ]
