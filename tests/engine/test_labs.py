"""Every test cell of every lab gives the same verdict isolated as in an ordinary kernel."""

import json
from functools import cache

import pytest

from grader.authoring.notebooks import source_notebook
from grader.authoring.source import SourceCell
from grader.engine import Engine, EngineConfig, Job
from tests.labs import harness
from tests.support import cheaters

LABS = harness.labs()


@pytest.fixture(scope="module")
def engine():
    with Engine(EngineConfig(workers=2)) as engine:
        yield engine


@cache
def built(lab: str) -> dict:
    """The author's notebook, as plain data."""
    return json.loads(json.dumps(source_notebook(harness.source(lab))))


def code_cell(source: str) -> dict:
    return {"cell_type": "code", "metadata": {}, "source": source, "outputs": []}


def graded_cell(test: SourceCell, answer: str) -> dict:
    """The test cell, under a name that tells which answer it examines."""
    graded = {
        "grade": True,
        "solution": False,
        "grade_id": f"{answer}/{test.role.grade_id}",
        "points": test.role.points,
    }
    return code_cell(test.source) | {"metadata": {"nbgrader": graded}}


def job(lab: str, name: str, answers: dict[str, str]) -> Job:
    """The unanswered exercises with what they need, then each answer followed by its tests."""
    cells = [code_cell(cheaters.setting(lab))]
    cells += [code_cell(exercise.visible) for exercise in cheaters.exercise_cells(lab)]
    tests = harness.exercises(lab)[name].tests
    for answer, code in answers.items():
        graded = [graded_cell(test, answer) for test in tests]
        # As the harness does; `tp1` has no torch of its own.
        graded[0]["source"] = "import torch; torch.manual_seed(0)\n" + graded[0]["source"]
        cells += [code_cell(code), *graded]
    notebook = built(lab) | {"cells": cells}
    return Job(f"{lab}/{name}", notebook, built(lab))


def sample(answers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """A third of these answers, always the same; all of them when the tests are thorough."""
    return answers if harness.THOROUGH else answers[::3]


def answers_to(lab: str, name: str, reference: str) -> dict[str, str]:
    wrong = sample(harness.mutants(lab)[name])
    right = sample(harness.right_answers(lab).get(name, []))
    return {
        "reference": reference,
        **dict(wrong),
        **{f"right: {style}": code for style, code in right},
    }


@pytest.mark.parametrize("lab", LABS)
def test_verdicts_are_those_of_an_ordinary_kernel(engine, lab):
    exercises = harness.exercises(lab)
    answers = {name: answers_to(lab, name, e.reference) for name, e in exercises.items()}
    examined = 0
    for outcome in engine.map(job(lab, name, answers[name]) for name in exercises):
        name = outcome.key.rpartition("/")[2]
        given = {verdict.grade_id: verdict.score for verdict in outcome.report.verdicts}
        for answer, code in answers[name].items():
            ordinary = harness.score(lab, exercises[name], code)
            isolated = [given[f"{answer}/{test.role.grade_id}"] for test in exercises[name].tests]
            assert isolated == ordinary, (name, answer)
            examined += 1
    assert examined == sum(map(len, answers.values()))


@pytest.mark.parametrize("lab", LABS)
def test_the_answer_key_earns_every_point(engine, lab):
    outcome = engine.run(Job(lab, json.loads(json.dumps(built(lab))), built(lab)))
    lost = [v for v in outcome.report.verdicts if v.score < v.max_score]
    assert not lost
    assert not outcome.report.incidents


@pytest.mark.parametrize("lab", LABS)
def test_the_skeleton_earns_nothing(engine, lab):
    notebook = json.loads(json.dumps(built(lab)))
    visible = iter(harness.source(lab).cells)
    for cell in notebook["cells"]:
        original = next(visible)
        if original.role and original.role.kind == "exercice":
            cell["source"] = original.visible
    outcome = engine.run(Job(lab, notebook, built(lab)))
    assert sum(verdict.score for verdict in outcome.report.verdicts) == 0
