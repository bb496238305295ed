"""No universal cheater earns a point in any exercise of any lab, nor sees what a test expects."""

import json

import pytest

from grader.engine import EngineConfig, Outcome, Status
from tests.support import cheaters
from tests.support.lent_engine import LentEngine

LABS = cheaters.labs()
FORMS = cheaters.cheaters(1)
CONFIG = EngineConfig(workers=2, cell_seconds=15, notebook_seconds=600)


@pytest.fixture(scope="module")
def engine():
    with LentEngine(CONFIG) as engine:
        yield engine


@pytest.fixture(scope="module")
def outcomes(engine, request) -> dict[str, Outcome]:
    """Of one lab: by form, one notebook with all its cheaters."""
    lab = request.param
    return {outcome.key: outcome for outcome in engine.map(cheaters.jobs(lab))}


@pytest.mark.parametrize("lab", LABS)
def test_the_reference_earns_every_point_where_cheaters_are_tried(engine, lab):
    reference = [c.source for c in cheaters.exercise_cells(lab)]
    report = engine.run(cheaters.job(lab, lab, {"reference": reference})).report
    assert not [(v.grade_id, v.score, v.message) for v in report.verdicts if v.score < v.max_score]
    assert len(report.verdicts) == len(cheaters.tests(lab))


@pytest.mark.parametrize("outcomes", LABS, indirect=True)
@pytest.mark.parametrize("form", FORMS)
def test_a_cheater_earns_nothing_and_is_shown_nothing(outcomes, form):
    outcome = outcomes[form]
    verdicts = outcome.report.verdicts
    assert verdicts
    earned = [(v.grade_id, v.score, v.message) for v in verdicts if v.score]
    assert not earned
    # All were really tried: a process that has ended earns nothing either.
    assert not [(v.grade_id, v.message) for v in verdicts if v.status is Status.NOT_RUN]
    assert not shown(outcome)


def shown(outcome: Outcome) -> list[tuple[str, str]]:
    """The tests, with what each showed of itself to student code."""
    return [
        (cell["metadata"]["nbgrader"]["grade_id"], line)
        for cell in outcome.notebook["cells"]
        if cell["metadata"].get("nbgrader")
        for line in json.dumps(cell["outputs"], ensure_ascii=False).split("\\n")
        if cheaters.SHOWN in line
    ]
