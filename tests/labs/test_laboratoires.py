"""Each lab's tests accept its reference, under many seeds, and refuse every plausible mistake."""

import pytest

from labo.coursework.notebook import CellKind
from tests.labs import harness

FEWEST_MUTANTS = 4  # of a lab that has no right answers yet
FEWEST_MUTANTS_BESIDE_RIGHT = 10
FEWEST_RIGHT = 5


def _case(lab: str, *values: str, label: str = "", slow: bool = False):
    marks = [getattr(pytest.mark, lab), *([pytest.mark.slow] if slow else [])]
    return pytest.param(lab, *values, marks=marks, id=lab + label)


LABS = [_case(lab) for lab in harness.labs()]
EXERCISES = [
    _case(lab, name, label=f"-{name}")
    for lab in harness.labs()
    for name in harness.exercise_names(lab)
]
# `make quick` tries the first of each exercise.
MUTANTS = [
    _case(lab, name, code, label=f"-{name}-{mistake}", slow=number > 0)
    for lab in harness.labs()
    for name, wrong in harness.mutants(lab).items()
    for number, (mistake, code) in enumerate(wrong)
]
RIGHT = [
    _case(lab, name, code, label=f"-{name}-{style}", slow=number > 0)
    for lab in harness.labs()
    for name, right in harness.right_answers(lab).items()
    for number, (style, code) in enumerate(right)
]


@pytest.mark.parametrize("lab", LABS)
@pytest.mark.slow
def test_answer_key_runs_earns_every_point_and_keeps_its_claims(lab):
    verdicts = []
    earned, printed = harness.run_notebook(lab, lambda cell: cell.source, verdicts=verdicts)
    tests = [c.role for c in harness.source(lab).cells if c.kind is CellKind.TEST]
    assert earned == {role.grade_id: role.points for role in tests}
    assert "Cette cellule" not in printed, "a cell under `labo.needs` failed with the solutions"
    assert not [verdict for verdict in verdicts if not verdict.holds]


@pytest.mark.parametrize("lab", LABS)
def test_unanswered_notebook_runs_and_earns_nothing(lab):
    run = harness.unanswered(lab)
    assert set(run.earned.values()) == {0}
    assert "s'est arrêtée sur une erreur" not in run.printed, "nobody made a mistake yet"


@pytest.mark.parametrize("lab", LABS)
def test_every_exercise_has_enough_mutants(lab):
    counts = {name: len(wrong) for name, wrong in harness.mutants(lab).items()}
    assert set(counts) == set(harness.exercise_names(lab))
    fewest = FEWEST_MUTANTS_BESIDE_RIGHT if harness.right_answers(lab) else FEWEST_MUTANTS
    assert min(counts.values()) >= fewest


@pytest.mark.parametrize("lab", [lab for lab in LABS if harness.right_answers(lab.values[0])])
def test_every_exercise_has_enough_right_answers(lab):
    counts = {name: len(right) for name, right in harness.right_answers(lab).items()}
    assert set(counts) == set(harness.exercise_names(lab))
    assert min(counts.values()) >= FEWEST_RIGHT


@pytest.mark.parametrize("lab", LABS)
def test_each_answer_has_a_name_of_its_own(lab):
    for name in harness.exercise_names(lab):
        answers = harness.mutants(lab)[name] + harness.right_answers(lab).get(name, [])
        assert len(dict(answers)) == len(answers), name


@pytest.mark.parametrize(("lab", "name"), EXERCISES)
def test_reference_passes_whatever_the_seed_and_the_other_answers(lab, name):
    exercise = harness.exercises(lab)[name]
    for seed in harness.SEEDS:
        earned = harness.score(lab, exercise, exercise.reference, seed)
        assert earned == harness.full_score(exercise), f"seed {seed}"


@pytest.mark.parametrize(("lab", "name"), EXERCISES)
def test_stub_earns_nothing(lab, name):
    exercise = harness.exercises(lab)[name]
    assert not any(harness.score(lab, exercise, exercise.stub))


@pytest.mark.parametrize(("lab", "name", "code"), MUTANTS)
def test_mutant_is_refused(lab, name, code):
    exercise = harness.exercises(lab)[name]
    assert harness.score(lab, exercise, code) != harness.full_score(exercise)


@pytest.mark.parametrize(("lab", "name", "code"), RIGHT)
def test_right_answer_earns_every_point(lab, name, code):
    exercise = harness.exercises(lab)[name]
    for seed in harness.RIGHT_SEEDS:
        earned = harness.score(lab, exercise, code, seed)
        assert earned == harness.full_score(exercise), f"seed {seed}"
