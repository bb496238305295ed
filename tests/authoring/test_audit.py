"""Small mistakes that an author's tests accept are shown, but for those that are explained."""

import json

import pytest
from typer.testing import CliRunner

from grader.authoring.equivalents import equivalents_file
from grader.cli import app
from grader.course import Course
from tests.support.course_cases import ROOT

# The sum is tested in one dimension only; the second exercise has mutants that end badly.
LAB = """\
# %%
import os

import torch

# %% exercice="total"
def total(x):
    ### BEGIN SOLUTION
    return x.sum(0)
    ### END SOLUTION


# %% test="total" points=1
assert total(torch.ones(3)) == 3
### BEGIN HIDDEN TESTS
assert total(torch.ones(2)).shape == ()
### END HIDDEN TESTS

# %% exercice="lowered"
def lowered(flag):
    ### BEGIN SOLUTION
    while flag:
        flag = False
    if flag:
        os._exit(1)
    return flag
    ### END SOLUTION


# %% test="lowered" points=1
assert lowered(True) is False
"""
EQUIVALENT = """
[[total]]
before = "return x.sum(0)"
after = "return x.sum(-1)"
reason = "x has one dimension"
"""
STALE = """
[[total]]
before = "return x.sum(0)"
after = "return x.mean(0)"
reason = "a mean is no sum"
"""


@pytest.fixture
def lab(tmp_path, monkeypatch):
    (tmp_path / "nbgrader_config.py").write_bytes((ROOT / "nbgrader_config.py").read_bytes())
    (tmp_path / "solutions").mkdir()
    monkeypatch.chdir(tmp_path)
    # An endless mutant need not last.
    monkeypatch.setattr("grader.authoring.audit._CELL_SECONDS", 3.0)
    lab = Course(tmp_path).lab("laboratoire_99")
    lab.source.write_text(LAB, encoding="utf-8")
    return lab


def audit(*options: str):
    return CliRunner().invoke(app, ["audit", "laboratoire_99", *options])


@pytest.mark.slow
def test_accepted_mistakes_are_left_and_explained_ones_are_not(lab):
    equivalents_file(lab).write_text(EQUIVALENT, encoding="utf-8")
    done = audit("--exercise", "total", "--json")
    assert done.exit_code == 1, done.output
    (found,) = json.loads(done.stdout)["exercises"]
    left = {mutant["after"] for mutant in found["left"]}
    assert "return x.sum()" in left
    assert left.isdisjoint({"return x.mean(0)", "return x.prod(0)", "return x", "return x.sum(1)"})
    assert [mutant["reason"] for mutant in found["equivalent"]] == ["x has one dimension"]
    assert found["made"] == found["killed"] + len(left) + 1


def test_a_survivor_is_shown_with_its_line_and_its_diff(lab):
    done = audit("--exercise", "total")
    assert "solutions/laboratoire_99.py:9: total: last argument dropped" in done.stdout
    assert "-    return x.sum(0)\n+    return x.sum()\n" in done.stdout


@pytest.mark.slow
def test_what_is_no_equivalent_any_more_is_told(lab):
    equivalents_file(lab).write_text(STALE, encoding="utf-8")
    done = audit("--exercise", "total")
    assert done.exit_code == 1
    assert "no mutant that the tests accept" in done.stdout


@pytest.mark.slow
def test_mutants_that_do_not_end_or_end_the_process_hide_no_other(lab):
    (found,) = json.loads(audit("--exercise", "lowered", "--json").stdout)["exercises"]
    left = {mutant["after"].strip() for mutant in found["left"]}
    assert left.isdisjoint({"while True:", "flag = True", "if True:"})
    assert "if False:" in left  # it comes after "if True:", which ends the process


@pytest.mark.slow
def test_a_test_that_takes_longer_than_the_limit_does_not_refuse_its_reference(lab, monkeypatch):
    monkeypatch.setattr("grader.authoring.audit._CELL_SECONDS", 0.5)
    slow = LAB.replace("### BEGIN HIDDEN TESTS\n", "### BEGIN HIDDEN TESTS\ntime.sleep(1)\n")
    lab.source.write_text(slow.replace("import os\n", "import os\nimport time\n"), "utf-8")
    done = audit("--exercise", "total", "--json")
    (found,) = json.loads(done.stdout)["exercises"]
    assert "return x.sum()" in {mutant["after"] for mutant in found["left"]}


@pytest.mark.slow
def test_wrong_usage_and_a_wrong_reference_are_told(lab):
    assert "has no exercise maximum. It has total, lowered" in audit("--exercise", "maximum").stderr
    lab.source.write_text(LAB.replace("== 3", "== 4"), encoding="utf-8")
    assert "total: its tests refuse the reference" in audit("--exercise", "total").stderr
    equivalents_file(lab).write_text("[[total]]\nbefore = 1\n", encoding="utf-8")
    assert "Write [[exercise]]" in audit().stderr
