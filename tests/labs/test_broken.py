"""Broken keys: what is executed of a lab, and what is said when a claim does not fail."""

from pathlib import Path

import pytest

from grader.authoring.reading import parse
from grader.errors import GraderError
from labo.settings import Profile
from tests.labs import harness
from tests.labs.broken import BrokenKey, broken, broken_keys, problems_of, try_key

LAB = """\
# %%
rate = 0.1
scores = [1 - rate * step for step in (3, 2, 1)]

# %% exercice="f"
def f():
    ### BEGIN SOLUTION
    return 1
    ### END SOLUTION

# %% test="f" points=1
assert f() == 1

# %% affirmation="descend" profils="tiny"
claim.less("le premier score est le plus bas", scores[0], scores[-1])

# %% affirmation="autre" profils="tiny"
claim.finite("fini", scores)

# %% affirmation="exercice" profils="tiny, small"
claim.holds("f vaut 1", f() == 1, f())

# %%
raise RuntimeError("after the last claim")
"""
SOURCE = parse(LAB, Path("laboratoire_99.py"))
NO_RATE = BrokenKey("learning rate 0", [("rate = 0.1", "rate = 0.0")], ["descend"])
WRONG = BrokenKey("f is 2", [("return 1", "return 2")], ["exercice", "descend"])


def test_what_is_wrong_with_a_list_is_told():
    twice = BrokenKey("twice", [("rate", "speed"), ("absent", "")], ["autre", "nobody"])
    assert problems_of(SOURCE, [NO_RATE, twice, BrokenKey("none", [], [])]) == [
        "twice: 'rate' is there 2 times, not once",
        "twice: 'absent' is there 0 times, not once",
        "twice: no claim 'nobody'",
        "none: names no claim",
        "the claim 'exercice' has no broken key",
    ]


@pytest.mark.parametrize(
    "lab", [pytest.param(lab, marks=getattr(pytest.mark, lab)) for lab in harness.labs()]
)
def test_the_mistakes_can_still_be_put_into_the_labs(lab):
    assert problems_of(harness.source(lab), broken_keys(lab)) == []


def test_a_broken_key_holds_its_claims_and_what_they_read():
    cells = broken(SOURCE, WRONG).written
    roles = [cell.role and cell.role.name for cell in cells]
    assert roles == [None, "f", "descend", "exercice"]
    assert "return 2" in cells[1].source
    rate, descend = broken(SOURCE, NO_RATE).written
    assert rate.source.startswith("rate = 0.0")
    assert descend.role.name == "descend"


def test_a_claim_that_should_fail_and_does_not_is_told(tmp_path):
    claims, wrong = try_key(SOURCE, WRONG, Profile.TINY)
    assert [(claim.name, claim.holds) for claim in claims] == [
        ("descend", True),
        ("exercice", False),
    ]
    assert wrong == ["f is 2: the claim 'descend' does not fail: it holds"]


def test_a_claim_that_is_not_checked_or_stops_has_not_failed():
    _, wrong = try_key(SOURCE, NO_RATE, Profile.SMALL)
    assert wrong == [
        "learning rate 0: the claim 'descend' does not fail: not checked: only in the profile tiny"
    ]
    empty = BrokenKey("no scores", [("(3, 2, 1)", "()")], ["autre"])
    _, wrong = try_key(SOURCE, empty, Profile.TINY)
    assert wrong == [
        "no scores: the claim 'autre' stops on an error: ValueError: a claim about no number at all"
    ]


def test_a_key_that_stops_before_its_claims_is_no_broken_key():
    early = BrokenKey("no rate", [("rate = 0.1", "unused = 0.1")], ["descend"])
    with pytest.raises(GraderError, match="NameError: name 'rate' is not defined"):
        try_key(SOURCE, early, Profile.TINY)
