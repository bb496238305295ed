"""No universal cheater earns a point in any exercise of any lab, nor sees what a test expects."""

from dataclasses import replace
from functools import cache

import pytest

from grader.engine import EngineConfig, Outcome, Status
from tests.labs import harness
from tests.support import cheaters
from tests.support.lent_engine import LentEngine

LABS = cheaters.labs()
CASES = [(lab, form) for lab in LABS for form in cheaters.forms(lab)]
CONFIG = EngineConfig(workers=2, cell_seconds=60, notebook_seconds=1200, whole=True)


@cache  # and no fixture with parameters: pytest would make it anew at each change of lab
def outcomes(lab: str) -> dict[str, Outcome]:
    """The reference, and of each form a notebook with all its cheaters."""
    with LentEngine(replace(CONFIG, files=harness.author_files(lab))) as engine:
        return {outcome.key: outcome for outcome in engine.map(cheaters.jobs(lab))}


@pytest.mark.parametrize("lab", LABS)
def test_the_reference_earns_every_point_where_cheaters_are_tried(lab):
    verdicts = outcomes(lab)["reference"].report.verdicts
    assert verdicts
    assert not [(v.grade_id, v.score, v.message) for v in verdicts if v.score < v.max_score]


@pytest.mark.parametrize(("lab", "form"), CASES)
def test_a_cheater_earns_nothing(lab, form):
    verdicts = outcomes(lab)[form].report.verdicts
    assert not [(v.grade_id, v.score, v.message) for v in verdicts if v.score]
    # All were really tried: a process that has ended earns nothing either.
    assert verdicts
    assert not [(v.grade_id, v.message) for v in verdicts if v.status is Status.NOT_RUN]


@pytest.mark.parametrize(("lab", "form"), CASES)
def test_a_cheater_is_shown_no_more_than_an_honest_class(lab, form):
    honest = {(test, line) for _, test, line in shown(outcomes(lab)["noted"])}
    assert not [s for s in shown(outcomes(lab)[form]) if s[1:] not in honest]


def shown(outcome: Outcome) -> list[tuple[str, str, str]]:
    """The cheater, the test, and the operator with a number of the test that reached it."""
    return [
        (*cell["metadata"]["nbgrader"]["grade_id"].rsplit("/", 1), line)
        for cell in outcome.notebook["cells"]
        if cell["metadata"].get("nbgrader")
        for output in cell["outputs"]
        for line in output.get("text", "").splitlines()
        if line.startswith(cheaters.SHOWN)
    ]
