"""Every test cell of every lab gives the same verdict isolated as in an ordinary kernel."""

import json

import pytest

from grader.engine import EngineConfig, Job, Status
from tests.labs import both_runs, harness, isolated
from tests.labs.isolated import built
from tests.support.lent_engine import LentEngine

LABS = harness.labs()


WHOLE = EngineConfig(workers=2, whole=True)
# Whole notebooks are run in an ordinary kernel (tests/labs), and in the engine by `make proofs`.
USUAL = EngineConfig(workers=2, whole=harness.THOROUGH)


@pytest.fixture(scope="module")
def engine():
    with LentEngine(WHOLE) as engine:
        yield engine


@pytest.fixture
def usual_engine(engine):
    engine.config = USUAL
    yield engine
    engine.config = WHOLE


@pytest.mark.parametrize("lab", LABS)
def test_verdicts_are_those_of_an_ordinary_kernel(engine, lab):
    answers = {name: isolated.answers_to(lab, name) for name in harness.exercises(lab)}
    found = list(isolated.verdicts(engine, lab, answers))
    assert not [verdicts for verdicts in found if verdicts.differ]
    assert len(found) == sum(map(len, answers.values()))


@pytest.mark.parametrize("lab", LABS)
def test_the_answer_key_earns_every_point(usual_engine, lab):
    outcome = usual_engine.run(Job(lab, json.loads(json.dumps(built(lab))), built(lab)))
    lost = [v for v in outcome.report.verdicts if v.score < v.max_score]
    assert not lost
    assert not outcome.report.incidents


@pytest.mark.parametrize("lab", LABS)
def test_the_skeleton_earns_nothing(usual_engine, lab):
    notebook = json.loads(json.dumps(built(lab)))
    visible = iter(harness.source(lab).cells)
    for cell in notebook["cells"]:
        original = next(visible)
        if original.role and original.role.kind == "exercice":
            cell["source"] = original.visible
    outcome = usual_engine.run(Job(lab, notebook, built(lab)))
    assert sum(verdict.score for verdict in outcome.report.verdicts) == 0


@pytest.mark.parametrize("lab", LABS[:1])  # `make proofs` compares all answers of every lab
def test_a_short_run_gives_the_verdicts_of_a_whole_one(engine, lab):
    found = list(both_runs.compared(engine, lab, every=25))
    assert not [both for both in found if both.differ]
    statuses = {both.short.status for both in found}
    assert {Status.PASSED, Status.FAILED} <= statuses
