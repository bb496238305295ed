"""What the tests of the labs lean on."""

from pathlib import Path

import torch

from grader.authoring.reading import parse
from tests.labs import harness


def test_claims_leave_nothing_behind_them():
    text = """\
# %%
value = 1

# %% affirmation="a" profils="tiny"
drawn = torch.rand(1)

claim.less("plus petit", drawn, 0)
claim.finite("fini", value)
"""
    names = {"torch": torch, "value": 1}
    before = dict(names)
    torch.manual_seed(0)
    expected = torch.rand(2)
    torch.manual_seed(0)
    cell = parse(text, Path("laboratoire_99.py")).written[1]
    verdicts = harness.claimed("laboratoire_99", cell, names)
    assert [(verdict.line, verdict.holds) for verdict in verdicts] == [(7, False), (8, True)]
    assert names == before
    assert torch.equal(torch.rand(2), expected)
