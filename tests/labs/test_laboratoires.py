"""Each lab's tests accept its reference, under many seeds, and refuse every plausible mistake."""

from collections.abc import Iterator

import pytest

from tests.labs import harness

FEWEST_MUTANTS = 4


def _labs() -> Iterator:
    for lab in harness.labs():
        yield pytest.param(lab, marks=getattr(pytest.mark, lab), id=lab)


def _exercises() -> Iterator:
    for lab in harness.labs():
        for name in harness.source(lab).exercises:
            yield pytest.param(lab, name, marks=getattr(pytest.mark, lab), id=f"{lab}-{name}")


def _mutants() -> Iterator:
    for lab in harness.labs():
        for name, wrong in harness.mutants(lab).items():
            for mistake, code in wrong:
                mark, label = getattr(pytest.mark, lab), f"{lab}-{name}-{mistake}"
                yield pytest.param(lab, name, code, marks=mark, id=label)


@pytest.mark.parametrize("lab", _labs())
def test_answer_key_runs_and_earns_every_point(lab):
    earned, printed = harness.run_notebook(lab, lambda cell: cell.source)
    tests = [c.role for c in harness.source(lab).cells if c.role and c.role.kind == "test"]
    assert earned == {role.grade_id: role.points for role in tests}
    assert "Cette cellule" not in printed, "a cell under `labo.needs` failed with the solutions"


@pytest.mark.parametrize("lab", _labs())
def test_unanswered_notebook_runs_and_earns_nothing(lab):
    earned, _ = harness.run_notebook(lab, lambda cell: cell.visible)
    assert set(earned.values()) == {0}


@pytest.mark.parametrize("lab", _labs())
def test_every_exercise_has_enough_mutants(lab):
    counts = {name: len(wrong) for name, wrong in harness.mutants(lab).items()}
    assert set(counts) == set(harness.source(lab).exercises)
    assert min(counts.values()) >= FEWEST_MUTANTS


@pytest.mark.parametrize(("lab", "name"), _exercises())
def test_reference_passes_whatever_the_seed_and_the_other_answers(lab, name):
    exercise = harness.exercises(lab)[name]
    for seed in harness.SEEDS:
        earned = harness.score(lab, exercise, exercise.reference, seed)
        assert earned == harness.full_score(exercise), f"seed {seed}"


@pytest.mark.parametrize(("lab", "name"), _exercises())
def test_stub_earns_nothing(lab, name):
    exercise = harness.exercises(lab)[name]
    assert not any(harness.score(lab, exercise, exercise.stub))


@pytest.mark.parametrize(("lab", "name", "code"), _mutants())
def test_mutant_is_refused(lab, name, code):
    exercise = harness.exercises(lab)[name]
    assert harness.score(lab, exercise, code) != harness.full_score(exercise)
