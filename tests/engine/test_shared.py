"""Shared mode gives stock nbgrader's scores, but where stock nbgrader is wrong or unfair."""

import copy
import json
from pathlib import Path

import nbformat
import nbgrader
import pytest
from nbgrader.preprocessors import Execute
from nbgrader.utils import determine_grade

from grader.engine import Engine, EngineConfig, Job, Mode, Status
from grader.grading.intake import sanitise
from grader.grading.submission import read_notebook
from grader.notebook import is_test
from tests.support.engine_cases import cell, job

COURSE = Path(nbgrader.__file__).parent / "docs" / "source" / "user_guide"


@pytest.fixture(scope="module")
def engine():
    with Engine(EngineConfig(workers=2, mode=Mode.SHARED, cell_seconds=5)) as engine:
        yield engine


def stock_scores(notebook: dict, folder: Path) -> dict[str, float]:
    """The scores from nbgrader's own execution and reading of outputs, by test."""
    executed = nbformat.from_dict(copy.deepcopy(notebook))
    Execute().preprocess(executed, {"metadata": {"path": str(folder)}})
    tests = [cell for cell in executed.cells if is_test(cell)]
    return {cell.metadata.nbgrader.grade_id: determine_grade(cell)[0] for cell in tests}


def our_scores(outcome) -> dict[str, float]:
    return {verdict.grade_id: verdict.score for verdict in outcome.report.verdicts}


@pytest.mark.parametrize("student", ["bitdiddle", "hacker", "source"])
@pytest.mark.parametrize("name", ["problem1", "problem2"])
def test_nbgraders_own_course(engine, tmp_path, student, name):
    source = read_notebook(COURSE / "source" / "ps1" / f"{name}.ipynb")
    submitted = source
    if student != "source":
        submitted = read_notebook(COURSE / "submitted" / student / "ps1" / f"{name}.ipynb")
    notebook, _ = sanitise(submitted, source)
    ours = our_scores(engine.run(Job(student, copy.deepcopy(notebook), source)))
    assert ours == stock_scores(notebook, tmp_path)


# Each is a test cell of 2 points after `STUDENT`.
STUDENT = """
import sys, warnings
from IPython.display import display, Markdown
def double(x): return 2 * x
def triple(x): return 2 * x
def todo(x): raise NotImplementedError
def noisy(x):
    print('calcul')
    return x
def warned(x):
    warnings.warn('prudence')
    return x
counter = []
"""

SAME = {
    "passes": "assert double(2) == 4",
    "fails": "assert triple(2) == 6, 'il fallait 6'",
    "not written": "todo(1)",
    "unknown name": "missing(1)",
    "syntax": "assert (",
    "nothing": "",
    "a comment": "# rien",
    "a number": "1.5",
    "a whole number": "1",
    "all": "2",
    "zero": "0",
    "a sum of conditions": "sum([double(1) == 2, triple(1) == 3])",
    "a number in the middle": "1\nassert double(1) == 2",
    "prints": "assert noisy(1) == 1",
    "prints, then a number": "noisy(1)\n1.5",
    "prints, then fails": "noisy(1)\nassert False",
    "shows": "display(Markdown('# Titre'))\nassert double(1) == 2",
    "shows a figure": "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
    "a silenced number": "1.5;",
    "a name for the next test": "counter.append(1); seen = len(counter)",
    "the name of the last test": "assert seen == 1",
    "a magic": "%time x = double(2)\nassert x == 4",
    "leaves": "sys.exit(0)",
    "deletes and puts back": "kept = double\ndel double\ntry:\n    double(1)\n"
    "except NameError:\n    pass\nelse:\n    raise AssertionError\nfinally:\n    double = kept",
}

DIFFERENT = {  # source: (our score, stock's)
    "a warning is not a mistake": ("assert warned(1) == 1", 2, 0),
    "less than nothing is not everything": ("-1", 0, 2),
    "not a number": ("float('nan')", 0, 2),
    "words": ("'bravo'", 0, 2),
    "an object": ("[1, 2]", 0, 2),
}


@pytest.fixture(scope="module")
def stock(tmp_path_factory):
    notebook = variations().notebook
    return stock_scores(notebook, tmp_path_factory.mktemp("stock"))


@pytest.fixture(scope="module")
def ours(engine):
    return our_scores(engine.run(variations()))


def variations() -> Job:
    tests = SAME | {name: source for name, (source, _, _) in DIFFERENT.items()}
    graded = [cell(source, name) for name, source in tests.items()]
    notebook = {"cells": [cell(STUDENT), *graded]}
    notebook |= {"metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    return Job("variations", json.loads(json.dumps(notebook)), notebook)


@pytest.mark.parametrize("name", SAME)
def test_the_same_score_as_stock(ours, stock, name):
    assert ours[name] == stock[name]


@pytest.mark.parametrize("name", DIFFERENT)
def test_another_score_than_stock_on_purpose(ours, stock, name):
    assert (ours[name], stock[name]) == DIFFERENT[name][1:]


def test_more_than_all_the_points_is_refused(engine):
    (verdict,) = engine.run(job("", "3")).report.verdicts
    assert (verdict.score, verdict.status) == (0, Status.ERROR)


@pytest.mark.parametrize("hidden", ["lambda *_, **__: None", "None"])
def test_an_error_that_is_not_shown_is_one(engine, hidden):
    """nbgrader's own test of it: a kernel's reply says it, whatever is shown."""
    shell = "from IPython.core.interactiveshell import InteractiveShell"
    student = f"{shell}\nInteractiveShell.showtraceback = {hidden}"
    outcome = engine.run(job(student, "assert missing == 1"))
    assert outcome.report.verdicts[0].score == 0


def test_what_did_not_run_earns_nothing(engine):
    outcome = engine.run(job("import os\nos._exit(0)", "assert True"))
    assert outcome.report.verdicts[0].status is Status.NOT_RUN
    assert outcome.report.verdicts[0].score == 0
    assert outcome.report.mode is Mode.SHARED


def test_a_late_test_earns_nothing(engine):
    outcome = engine.run(job("import time", "time.sleep(60)", "assert True"))
    assert [v.status for v in outcome.report.verdicts] == [Status.TIMEOUT, Status.PASSED]


def test_nbgrader_reads_the_same_scores_from_the_outputs(engine):
    outcome = engine.run(variations())
    read_back = {
        c["metadata"]["nbgrader"]["grade_id"]: determine_grade(nbformat.from_dict(c))[0]
        for c in outcome.notebook["cells"]
        if is_test(c)
    }
    assert read_back == our_scores(outcome)
