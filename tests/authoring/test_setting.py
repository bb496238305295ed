"""Where answers are tried without a whole notebook, they find what they use of its other cells."""

from pathlib import Path

from grader.authoring.reading import parse
from grader.authoring.setting import setting

LAB = """\
# %%
import torch

SCALE = 2
print("une figure")


def doubled(x):
    return SCALE * x


def halved(x):
    return x / 2


# %% exercice="total"
def total(x):
    ### BEGIN SOLUTION
    return doubled(x).sum()
    ### END SOLUTION


# %% test="total" points=1
assert total(torch.ones(3)) == 6
"""


def test_what_the_reference_and_other_answers_use_is_there():
    source = parse(LAB, Path("lab.py"))
    assert "SCALE = 2" in setting(source)
    assert "def doubled" in setting(source)
    assert "def halved" not in setting(source)
    assert "def halved" in setting(source, ["def total(x):\n    return halved(4 * x).sum()"])
    assert "print" not in setting(source)
