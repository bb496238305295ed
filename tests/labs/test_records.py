"""What was measured of the labs is committed, and speaks of the sources as they are."""

import pytest

from tests.labs import harness, records
from tests.labs.records import Part

LAB = "laboratoire_99"
SOURCE = """# %% exercice="somme"
def somme(n):
    ### BEGIN SOLUTION
    return n
    ### END SOLUTION


# %% test="somme" points=1
assert somme(1) == 1
### BEGIN HIDDEN TESTS
assert somme(2) == 2
### END HIDDEN TESTS

# %%
print(somme(9))
"""


@pytest.mark.parametrize("part", Part)
@pytest.mark.parametrize(
    "lab", [pytest.param(lab, marks=getattr(pytest.mark, lab)) for lab in harness.labs()]
)
def test_the_record_speaks_of_the_sources_as_they_are(lab, part):
    assert records.record(lab, part).exists(), f"not measured yet; run: make claims LAB={lab}"
    assert records.is_fresh(lab, part), f"changed since it was measured; run: make claims LAB={lab}"


def _changed(tmp_path, *changes):
    """The parts whose digests are others once the source is."""
    path = tmp_path / f"solutions/{LAB}.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(SOURCE)
    before = {part: records.digests(LAB, part, tmp_path) for part in Part}
    text = SOURCE
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    return {part for part in Part if records.digests(LAB, part, tmp_path) != before[part]}


def test_a_hidden_test_changes_what_is_said_of_answers_only(tmp_path):
    assert _changed(tmp_path, ("somme(2) == 2", "somme(3) == 3")) == {Part.ANSWERS}


def test_what_a_student_executes_changes_both(tmp_path):
    assert _changed(tmp_path, ("somme(1) == 1", "somme(0) == 0")) == set(Part)
    assert _changed(tmp_path, ("return n", "return 1 * n")) == set(Part)
    assert _changed(tmp_path) == set()


def test_what_no_test_reads_changes_what_is_claimed_only(tmp_path):
    assert _changed(tmp_path, ("print(somme(9))", "print(somme(8))")) == {Part.CLAIMS}


def test_a_comment_in_a_hidden_test_changes_nothing(tmp_path):
    assert _changed(tmp_path, ("somme(2) == 2", "somme(2) == 2  # deux")) == set()


def test_a_record_names_each_file_with_its_digest(tmp_path):
    _changed(tmp_path)
    before = records.digests(LAB, Part.ANSWERS, tmp_path)
    text = f"# {LAB}\n\n{records.table(before)}\n\n| `other` | 3 |\n"
    assert records.recorded(text) == before
    assert list(before) == [f"solutions/{LAB}.py, exercises, tests and what they read"]
    right = tmp_path / f"tests/labs/right/{LAB}.py"
    right.parent.mkdir(parents=True)
    right.write_text("RIGHT = {}\n")
    assert len(records.digests(LAB, Part.ANSWERS, tmp_path)) == 2
