"""What a lab needs is imported once, not by each of its students' processes."""

import json
import os
import signal
import sys
from contextlib import closing

import pytest

from grader.engine import (
    Engine,
    EngineConfig,
    Job,
    Level,
    Mode,
    first_calls,
    font_lists,
    modules_of_short_runs,
    modules_used,
    zygote_client,
)
from grader.engine.policy import policy
from grader.engine.zygote_client import Zygotes, started_ahead
from grader.errors import GraderError
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
        ("labo.ensure_torchvision()", "first calls: torchvision"),
        ("from torchvision.models import resnet18", "first calls: torchvision"),
        ("figure, axes = plt.subplots()", "first calls: figures"),
        ("labo.plot_history(history)", "labo.figures"),
        ("rnn = nn.LSTM(4, 3)", "first calls: lstm"),
        ("def convolve(x): pass", "first calls: convolutions"),
        ("optimizer = torch.optim.SGD(net.parameters())", "first calls: optimisers"),
    ],
)
def test_what_a_lab_uses_is_imported_before_the_fork(cell, module):
    assert module in modules_used(notebook("x = 1", cell))
    assert module not in modules_used(notebook("x = 1"))


@pytest.mark.parametrize("cell", ["import utils", "from pandas import DataFrame", "%cd /", "x ="])
def test_only_packages_that_are_known_to_be_harmless(cell):
    assert modules_used(notebook(cell)) == ()


def test_first_calls_leave_what_children_draw_as_it_is():
    lab = notebook(
        "torch.optim, conv2d, attention, linalg, LSTM, plt.plot",
        "labo.ensure_torchvision()",
    )
    names = modules_used(lab)
    assert len(names) == len(first_calls._CALLS)
    drawing = (
        "import random, numpy, torch\nprint(torch.rand(3), numpy.random.rand(), random.random())"
    )
    assert _printed(drawing, names) == _printed(drawing, ())


def test_processes_are_spared_what_no_notebook_asks_for():
    asked = (
        "import sys\nfrom matplotlib.lines import Line2D\n"
        "print({'sympy', 'torch._dynamo'} & sys.modules.keys(),"
        " 'antialiased' in Line2D.set.__doc__)"
    )
    usual = "import matplotlib.pyplot as plt\nplt.plot([0])\nlabo.train(net, torch.optim.Adam([w]))"
    assert _printed(asked, modules_used(notebook(usual))) == "set() False\n"


def test_the_list_of_fonts_is_made_once_for_a_user(tmp_path, monkeypatch):
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path / "kept"))
    names = "from matplotlib.font_manager import fontManager\nprint(fontManager.get_font_names())"
    assert "D'essai" not in _printed(names, ())
    (made,) = (tmp_path / "kept").iterdir()
    fonts = json.loads(made.read_text())
    fonts["ttflist"].append(fonts["ttflist"][0] | {"name": "D'essai"})
    made.write_text(json.dumps(fonts))
    assert "D'essai" in _printed(names, ())


@pytest.mark.parametrize("cache", ["a file", "nowhere", ""])
def test_a_list_of_fonts_that_cannot_be_kept_is_made_again(tmp_path, monkeypatch, cache):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MPLCONFIGDIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)  # no home
    if cache == "a file":
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / cache))
    elif cache:
        monkeypatch.setenv("XDG_CACHE_HOME", cache)
    (tmp_path / "a file").touch()
    (tmp_path / "fontlist-v1.json").touch()
    font_lists.keep(tmp_path)
    font_lists.lend(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {"a file", "fontlist-v1.json"}


def test_a_library_that_is_missing_is_for_the_notebook_to_tell(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchvision", None)  # as where it is not installed
    first_calls.make_first_calls(modules_used(notebook("from torchvision import models")))


def _printed(code: str, preload: tuple[str, ...]) -> str:
    book = notebook(code)
    with Engine(
        EngineConfig(workers=1, preload=preload, required=Level.NONE, whole=True)
    ) as engine:
        (outcome,) = engine.map([Job("student", book, book)])
    return outcome.notebook["cells"][0]["outputs"][0]["text"]


def test_zygotes_that_nobody_waits_for_end_at_once(tmp_path):
    """As where the isolation required cannot be reached, or after Ctrl-C."""
    engine = Engine()
    engine.policy = policy(engine.config)
    with closing(Zygotes()) as zygotes:
        zygotes.settle(engine._settings(tmp_path))
    assert not zygotes.home.exists()
    assert zygotes.process.returncode == -signal.SIGKILL


def test_an_engine_takes_the_zygotes_that_were_started_ahead(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    book = notebook("import os; print(os.environ['LABO_GRADED_PROFILE'])")
    config = EngineConfig(workers=1, required=Level.NONE, whole=True)
    with started_ahead(), started_ahead():
        (ahead,) = zygote_client._ahead
        with Engine(config) as engine:
            assert engine.candidates is ahead.candidates
            (outcome,) = engine.map([Job("student", book, book)])
    assert outcome.notebook["cells"][0]["outputs"][0]["text"] == "tiny\n"
    assert not ahead.home.exists()


def test_zygotes_started_ahead_of_no_engine_end_with_the_block(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    with started_ahead():
        (unused,) = zygote_client._ahead
        with started_ahead():
            pass
        assert unused.process.poll() is None
    assert unused.process.returncode == -signal.SIGKILL
    assert not unused.home.exists()


def test_zygotes_whose_grader_was_killed_end():
    alone = Zygotes()
    alone.candidates.control.close()
    assert alone.process.wait(timeout=60) == 0
    assert not alone.home.exists()
    alone.close()


def test_zygotes_that_died_while_they_waited_are_replaced(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})
    with started_ahead():
        (dead,) = zygote_client._ahead
        dead.process.kill()
        dead.process.wait()
        with closing(zygote_client.zygotes()) as others:
            assert others.process.poll() is None
    assert not dead.home.exists()


def test_zygotes_that_die_as_they_are_told_are_missed_with_a_sentence(tmp_path):
    engine = Engine()
    engine.policy = policy(engine.config)
    with closing(Zygotes()) as zygotes:
        zygotes.process.kill()
        zygotes.process.wait()
        zygotes.settle(engine._settings(tmp_path))
        zygotes.candidates.ask_fork()
        with pytest.raises(GraderError, match="same command again"):
            zygotes.candidates.forked()


def test_a_single_core_has_no_time_for_zygotes_ahead(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0})
    with started_ahead():
        assert not zygote_client._ahead


def test_what_no_test_needs_is_left_to_whole_runs():
    """Training, which the author shows below the exercise; examiners make all imports, though."""
    answer = "def f(history): return labo.plot_history(history)"
    shown = "import torchvision\nlabo.train(model, data)\nplt.plot([0])"
    book = notebook("import torch", answer, shown)
    graded = {"grade": False, "solution": True, "grade_id": "f"}
    book["cells"][1]["metadata"] = {"nbgrader": graded}
    assert "labo.training.loop" in modules_used(book)
    assert "first calls: figures" in modules_used(book)
    assert modules_of_short_runs(book, Mode.ISOLATED) == (
        *("labo.figures", "torch", "first calls: dense", "first calls: torchvision"),
    )


def test_a_notebook_finds_it_there_and_a_name_that_is_no_module_hinders_nobody():
    imports = "from torch import no_module"
    book = notebook(imports, "labo.plot_history(h)", "import sys; THERE = set(sys.modules)")
    (test,) = notebook("assert 'labo.figures' in THERE")["cells"]
    assert _scores(book, test) == [1]


def _scores(book: dict, test: dict) -> list[float]:
    """What a notebook earns, with a test of one point."""
    graded = {"grade": True, "solution": False, "grade_id": "test", "points": 1}
    book["cells"].append(test | {"metadata": {"nbgrader": graded}})
    config = EngineConfig(workers=1, preload=modules_used(book), required=Level.NONE)
    with Engine(config) as engine:
        (outcome,) = engine.map([Job("student", plain(book), plain(book))])
    return [verdict.score for verdict in outcome.report.verdicts]


def test_what_is_no_list_of_fonts_is_left_where_it_is(tmp_path, monkeypatch):
    kept, lent = tmp_path / "kept", tmp_path / "lent"
    kept.mkdir()
    monkeypatch.setenv("MPLCONFIGDIR", str(kept))
    (kept / "fontlist-v1.json").write_text("{}")
    (kept / "fontlist-v2.json").symlink_to("/dev/zero")
    with (kept / "fontlist-v3.json").open("wb") as file:
        file.truncate(11_000_000)
    font_lists.lend(lent)
    assert [path.name for path in lent.iterdir()] == ["fontlist-v1.json"]
