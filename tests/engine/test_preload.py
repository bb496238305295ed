"""What a lab needs is imported once, not by each of its students' processes."""

import traceback

import pytest
import torch

from grader.engine import (
    Engine,
    EngineConfig,
    Job,
    Level,
    Mode,
    modules_of_short_runs,
    modules_used,
)
from grader.engine.zygote import seed_no_device
from grader.notebook import plain


def notebook(*cells: str) -> dict:
    code = [{"cell_type": "code", "metadata": {}, "source": s, "outputs": []} for s in cells]
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": code}


@pytest.mark.parametrize(
    ("cell", "module"),
    [
        ("from IPython.display import display", "IPython.display"),
        ("import matplotlib.pyplot as plt", "matplotlib.pyplot"),
        ("from torch.nn import functional", "torch.nn.functional"),
        ("labo.train(model, data)", "labo.training.loop"),
        ("labo.ensure_torchvision()", "labo.training.loop"),
        ("from torchvision.models import resnet18", "labo.training.loop"),
        ("labo.plot_history(history)", "labo.figures"),
        ("optimizer = torch.optim.SGD([w], lr=1)", "torch._dynamo"),
        ("y.backward(torch.ones(2))", "torch.fx.experimental.symbolic_shapes"),
        ("torch.autograd.grad(y, x, grad_outputs=g)", "torch.fx.experimental.symbolic_shapes"),
    ],
)
def test_what_a_lab_uses_is_imported_before_the_fork(cell, module):
    assert module in modules_used(notebook("x = 1", cell))
    assert module not in modules_used(notebook("x = 1"))


@pytest.mark.parametrize("cell", ["import utils", "from pandas import DataFrame", "%cd /", "x ="])
def test_only_packages_that_are_known_to_be_harmless(cell):
    assert modules_used(notebook(cell)) == ()


def test_what_no_test_needs_is_left_to_whole_runs():
    """Training, which the author shows below the exercise."""
    answer = "def f(y): return y.backward(torch.ones(2))"
    book = notebook("import torch", answer, "labo.train(model, data)")
    graded = {"grade": False, "solution": True, "grade_id": "f"}
    book["cells"][1]["metadata"] = {"nbgrader": graded}
    assert "labo.training.loop" in modules_used(book)
    needed = modules_of_short_runs(book, Mode.ISOLATED)
    assert needed == ("torch", "torch.fx.experimental.symbolic_shapes")


def test_the_gradient_of_an_answer_needs_no_import():
    """Torch imports sympy, for half a second, where it is told the gradient of a result."""
    book = notebook(
        "import sys; import torch", "def f(x): return x**2\ndef modules(): return [*sys.modules]"
    )
    (test,) = notebook(
        "x = torch.ones(3, requires_grad=True)\n"
        "(f(x) * torch.tensor([1.0, 2.0, 3.0])).sum().backward()\n"
        "torch.testing.assert_close(x.grad, torch.tensor([2.0, 4.0, 6.0]))\n"
        "assert 'sympy' not in [*modules(), *sys.modules]"
    )["cells"]
    assert _scores(book, test) == [1]


def test_a_notebook_finds_it_there_and_a_name_that_is_no_module_hinders_nobody():
    imports = "from torch import no_module"
    book = notebook(imports, "x.backward(y)", "import sys; THERE = set(sys.modules)")
    (test,) = notebook("assert 'torch.fx.experimental.symbolic_shapes' in THERE")["cells"]
    assert _scores(book, test) == [1]


def _scores(book: dict, test: dict) -> list[float]:
    """What a notebook earns, with a test of one point."""
    graded = {"grade": True, "solution": False, "grade_id": "test", "points": 1}
    book["cells"].append(test | {"metadata": {"nbgrader": graded}})
    config = EngineConfig(workers=1, preload=modules_used(book), required=Level.NONE)
    with Engine(config) as engine:
        (outcome,) = engine.map([Job("student", plain(book), plain(book))])
    return [verdict.score for verdict in outcome.report.verdicts]


def test_a_seed_asks_no_device(monkeypatch) -> None:
    """Each device that is asked notes where it was, by a stack trace: a millisecond in a test."""
    for accelerator in (torch.cuda, torch.xpu, torch.mtia):
        monkeypatch.setattr(accelerator, "manual_seed_all", accelerator.manual_seed_all)
    seed_no_device()
    monkeypatch.setattr(traceback, "format_stack", lambda *_: pytest.fail("a stack trace"))
    torch.manual_seed(0)
