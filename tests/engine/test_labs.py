"""Every test cell of every lab gives the same verdict isolated as in an ordinary kernel."""

import json
from dataclasses import replace

import pytest

from grader.engine import Engine, EngineConfig, Job, Status
from tests.labs import both_runs, harness, isolated
from tests.labs.isolated import built
from tests.support.lent_engine import LentEngine

LABS = harness.labs()


WHOLE = EngineConfig(workers=2, whole=True)
# Whole notebooks are run in an ordinary kernel (tests/labs), and in the engine by `make proofs`.
USUAL = EngineConfig(workers=2, whole=harness.THOROUGH)


def lent(lab: str, config: EngineConfig) -> Engine:
    """An engine that has the files of a lab."""
    return LentEngine(replace(config, files=harness.author_files(lab)))


@pytest.mark.parametrize("lab", LABS)
def test_verdicts_are_those_of_an_ordinary_kernel(lab):
    answers = {name: isolated.answers_to(lab, name) for name in harness.exercises(lab)}
    with lent(lab, WHOLE) as engine:
        found = list(isolated.verdicts(engine, lab, answers))
    assert not [verdicts for verdicts in found if verdicts.differ]
    assert len(found) == sum(map(len, answers.values()))


@pytest.mark.parametrize("lab", LABS)
def test_the_answer_key_earns_every_point(lab):
    with lent(lab, USUAL) as engine:
        outcome = engine.run(Job(lab, json.loads(json.dumps(built(lab))), built(lab)))
    lost = [v for v in outcome.report.verdicts if v.score < v.max_score]
    assert not lost
    assert not outcome.report.incidents


@pytest.mark.parametrize("lab", LABS)
def test_the_skeleton_earns_nothing(lab):
    notebook = json.loads(json.dumps(built(lab)))
    visible = iter(harness.source(lab).cells)
    for cell in notebook["cells"]:
        original = next(visible)
        if original.role and original.role.kind == "exercice":
            cell["source"] = original.visible
    with lent(lab, USUAL) as engine:
        outcome = engine.run(Job(lab, notebook, built(lab)))
    assert sum(verdict.score for verdict in outcome.report.verdicts) == 0


@pytest.mark.parametrize("lab", LABS[:1])  # `make proofs` compares all answers of every lab
def test_a_short_run_gives_the_verdicts_of_a_whole_one(lab):
    with lent(lab, WHOLE) as engine:
        found = list(both_runs.compared(engine, lab, every=25))
    assert not [both for both in found if both.differ]
    statuses = {both.short.status for both in found}
    assert {Status.PASSED, Status.FAILED} <= statuses
