"""The rehearsal of a lab before a class is graded: its answer key and its skeleton, graded."""

from __future__ import annotations

import json

from grader.authoring.notebooks import source_notebook
from grader.authoring.reading import read_source
from grader.authoring.source import Source
from grader.course import Lab
from grader.engine import Engine, EngineConfig, Job, Level, Report
from grader.engine.config import modules_used
from grader.notebook import Notebook
from labo.coursework.notebook import CellKind


def problems(lab: Lab) -> list[str]:
    """What keeps the answer key from earning every point, and what the skeleton earns.

    The key passes an ordinary kernel when its author writes it; here its tests see it through the
    engine's boundary, as they will see the students' answers.
    """
    source = read_source(lab.source)
    notebook = _plain(source)
    skeleton = _plain(source)
    for cell, original in zip(skeleton["cells"], source.cells, strict=True):
        if original.kind is CellKind.EXERCISE:
            cell["source"] = original.visible
    # The author's own code needs no sandbox, and many an author's machine has none.
    config = EngineConfig(required=Level.NONE, preload=modules_used(notebook))
    jobs = (Job("the answer key", notebook, notebook), Job("the skeleton", skeleton, notebook))
    with Engine(config) as engine:
        reports = {outcome.key: outcome.report for outcome in engine.map(jobs)}
    return [
        *_lost_points(reports["the answer key"]),
        *_points_for_nothing(reports["the skeleton"]),
    ]


def _plain(source: Source) -> Notebook:
    return json.loads(json.dumps(source_notebook(source)))


def _lost_points(report: Report) -> list[str]:
    lost = [
        f"the answer key has {verdict.score:g} of {verdict.max_score:g} points for"
        f" {verdict.grade_id}: {verdict.message}"
        for verdict in report.verdicts
        if verdict.score < verdict.max_score
    ]
    return [*lost, *(f"the answer key, {incident}" for incident in report.incidents)]


def _points_for_nothing(report: Report) -> list[str]:
    return [
        f"the skeleton has {verdict.score:g} points for {verdict.grade_id}, unanswered"
        for verdict in report.verdicts
        if verdict.score > 0
    ]
