"""Every test cell of every lab gives the same verdict isolated as in an ordinary kernel."""

import json

import pytest

from grader.engine import Engine, EngineConfig, Job, Status
from tests.labs import both_runs, harness, isolated
from tests.labs.isolated import built

LABS = harness.labs()


@pytest.fixture(scope="module")
def engine():
    with Engine(EngineConfig(workers=2, whole=True)) as engine:
        yield engine


@pytest.mark.parametrize("lab", LABS)
def test_verdicts_are_those_of_an_ordinary_kernel(engine, lab):
    answers = {name: isolated.answers_to(lab, name) for name in harness.exercises(lab)}
    found = list(isolated.verdicts(engine, lab, answers))
    assert not [verdicts for verdicts in found if verdicts.differ]
    assert len(found) == sum(map(len, answers.values()))


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


@pytest.mark.parametrize("lab", LABS[:1])  # `make proofs` compares all answers of every lab
def test_a_short_run_gives_the_verdicts_of_a_whole_one(engine, lab):
    found = list(both_runs.compared(engine, lab, every=25))
    assert not [both for both in found if both.differ]
    statuses = {both.short.status for both in found}
    assert {Status.PASSED, Status.FAILED} <= statuses
