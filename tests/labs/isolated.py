"""The tests of a lab on many answers in the engine, beside an ordinary kernel."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from grader.authoring.notebooks import source_notebook
from grader.authoring.source import SourceCell
from grader.engine import Engine, Job
from tests.labs import harness
from tests.support import cheaters

Answers = Mapping[str, str]
"""The name of each answer, and the code of the whole exercise cell."""


@dataclass(frozen=True)
class Verdicts:
    """The points that each test of an exercise gives to one answer, in both modes."""

    exercise: str
    answer: str
    ordinary: list[float]
    isolated: list[float]

    @property
    def differ(self) -> bool:
        return self.ordinary != self.isolated


def answers_to(lab: str, name: str) -> dict[str, str]:
    """The reference, right answers, and mutants: a tenth of these, all of them if thorough."""
    every = 1 if harness.THOROUGH else 10
    right = harness.right_answers(lab).get(name, [])
    return {
        "reference": harness.exercises(lab)[name].reference,
        **dict(harness.mutants(lab)[name][::every]),
        **{f"right: {style}": code for style, code in right},
    }


def verdicts(engine: Engine, lab: str, answers: Mapping[str, Answers]) -> Iterator[Verdicts]:
    """What both modes say of the answers to each exercise."""
    exercises = harness.exercises(lab)
    for outcome in engine.map(_job(lab, name, answers[name]) for name in answers):
        name = outcome.key.rpartition("/")[2]
        given = {verdict.grade_id: verdict.score for verdict in outcome.report.verdicts}
        for answer, code in answers[name].items():
            isolated = [given[f"{answer}/{test.role.grade_id}"] for test in exercises[name].tests]
            ordinary = harness.score(lab, exercises[name], code)
            yield Verdicts(name, answer, ordinary, isolated)


@cache
def built(lab: str) -> dict:
    """The author's notebook, as plain data."""
    return json.loads(json.dumps(source_notebook(harness.source(lab))))


def _job(lab: str, name: str, answers: Answers) -> Job:
    """The unanswered exercises with what they need, then each answer followed by its tests."""
    cells = [_code_cell(cheaters.setting(lab, *answers.values()))]
    cells += [_code_cell(exercise.visible) for exercise in cheaters.exercise_cells(lab)]
    tests = harness.exercises(lab)[name].tests
    for answer, code in answers.items():
        graded = [_graded_cell(test, answer) for test in tests]
        # As the harness does; `tp1` has no torch of its own.
        graded[0]["source"] = "import torch; torch.manual_seed(0)\n" + graded[0]["source"]
        cells += [_code_cell(code), *graded]
    notebook = built(lab) | {"cells": cells}
    return Job(f"{lab}/{name}", notebook, built(lab))


def _graded_cell(test: SourceCell, answer: str) -> dict:
    """The test cell, under a name that tells which answer it examines."""
    graded = {
        "grade": True,
        "solution": False,
        "grade_id": f"{answer}/{test.role.grade_id}",
        "points": test.role.points,
    }
    return _code_cell(test.source) | {"metadata": {"nbgrader": graded}}


def _code_cell(source: str) -> dict:
    return {"cell_type": "code", "metadata": {}, "source": source, "outputs": []}
