"""A short run leaves out what no test needs, and takes no point for it."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from grader.engine import EngineConfig, Job, Mode, Outcome, Status
from tests.support.course_cases import QUICK
from tests.support.engine_cases import IMPORTS, cell
from tests.support.lent_engine import LentEngine

SHOWN = "print('a demonstration')"
STUB = 'def f(x):\n    raise NotImplementedError("exercice : f")'
RIGHT = "def f(x): return 2 * x"
TEST = "assert f(2) == 4, 'twice'"
UNSEEN = "_ = seen.__setitem__('key', 1)"  # a change that the analysis does not follow


@pytest.fixture(scope="module")
def started():
    with LentEngine(QUICK) as engine:
        yield engine


@pytest.fixture
def engine(started):
    usual = started.config
    yield started
    started.config = usual


def solution(source: str, name: str = "f") -> dict:
    graded = {"grade": False, "solution": True, "locked": False, "grade_id": name}
    return cell(source) | {"metadata": {"nbgrader": graded}}


def notebook(cells: Sequence[dict]) -> dict:
    return {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def job(
    answer: str = RIGHT,
    author: Sequence[str] = (SHOWN,),
    theirs: Sequence[str] | None = None,
    tests: Sequence[str] = (TEST,),
) -> Job:
    """An exercise with its tests, between the author's cells, and what a student handed in.

    Args:
        theirs: the ordinary cells handed in in the place of the author's.
    """
    examined = [cell(test, f"test_{n}") for n, test in enumerate(tests)]

    def of(ordinary: Sequence[str], solved: str) -> dict:
        return notebook([cell(IMPORTS), solution(solved), *map(cell, ordinary), *examined])

    return Job("student", of(author if theirs is None else theirs, answer), of(author, RIGHT))


def statuses(outcome: Outcome) -> list[Status]:
    return [verdict.status for verdict in outcome.report.verdicts]


def printed(outcome: Outcome) -> list[str]:
    outputs = [output for c in outcome.notebook["cells"] for output in c.get("outputs", ())]
    return [output["text"].strip() for output in outputs if "text" in output]


def test_a_demonstration_is_left_out(engine):
    outcome = engine.run(job())
    assert statuses(outcome) == [Status.PASSED]
    assert outcome.report.left_out == 2  # with some of the imports
    assert printed(outcome) == []
    assert not outcome.report.confirmed


def test_a_whole_run_leaves_out_nothing(engine):
    engine.config = replace(engine.config, whole=True)
    outcome = engine.run(job())
    assert outcome.report.left_out == 0
    assert printed(outcome) == ["a demonstration"]


@pytest.mark.parametrize(
    "theirs",
    [
        [SHOWN + "  # mine"],
        [SHOWN, SHOWN],
        ["x = 1", SHOWN, "print('mine')"],
    ],
)
def test_what_the_student_wrote_is_run(engine, theirs):
    outcome = engine.run(job(theirs=theirs))
    assert statuses(outcome) == [Status.PASSED]
    assert len(printed(outcome)) == sum("print" in source for source in theirs) - (SHOWN in theirs)


def test_an_author_s_cell_elsewhere_is_the_student_s(engine):
    wanted = job()
    cells = wanted.notebook["cells"]
    moved = notebook([cells[0], cells[2], cells[1], cells[3]])
    assert printed(engine.run(replace(wanted, notebook=moved))) == ["a demonstration"]


def test_what_a_short_run_may_have_missed_is_confirmed(engine):
    author = ["seen = {}", UNSEEN]
    outcome = engine.run(job(author=author, tests=["assert seen['key'] == 1", TEST]))
    assert statuses(outcome) == [Status.PASSED, Status.PASSED]
    assert outcome.report.confirmed == 1
    assert outcome.report.left_out == 0


def test_a_wrong_answer_is_confirmed_where_nothing_is_proven(engine):
    outcome = engine.run(job("def f(x): return x"))
    assert statuses(outcome) == [Status.FAILED]
    assert outcome.report.verdicts[0].message == "twice"
    assert outcome.report.confirmed == 1
    assert printed(outcome) == ["a demonstration"]


def test_a_wrong_answer_needs_no_confirmation_where_it_was_proven(engine):
    engine.config = replace(engine.config, proven=("test_0",))
    outcome = engine.run(job("def f(x): return x"))
    assert statuses(outcome) == [Status.FAILED]
    assert not outcome.report.confirmed
    outcome = engine.run(job("def f(x): return x", tests=[TEST, "assert f(3) == 6"]))
    assert outcome.report.confirmed == 1  # the other test was edited since


@pytest.mark.parametrize(
    ("answer", "theirs"),
    [
        ("def f(x): return unknown(x)", [SHOWN]),
        ("def g(x): return x", [SHOWN]),
        ("def f(x): return x", [SHOWN, "1 / 0"]),
        ("import os\ndef f(x): os._exit(1)", [SHOWN]),
    ],
)
def test_a_name_or_a_cell_that_fails_is_confirmed_even_so(engine, answer, theirs):
    engine.config = replace(engine.config, proven=("test_0",))
    outcome = engine.run(job(answer, theirs=theirs))
    assert outcome.report.verdicts[0].score == 0
    assert outcome.report.confirmed == 1


def test_an_answer_that_tells_the_two_runs_apart_is_told(engine):
    engine.config = replace(engine.config, proven=("test_0",))
    answer = """import sys
def f(x):
    return 2 * x if "shown" in sys.modules["__main__"].__dict__ else x"""
    shown = "shown = 'a figure'"
    outcome = engine.run(job(answer, author=[shown], theirs=[shown, "1 / 0"]))
    assert statuses(outcome) == [Status.PASSED]
    assert "test_0: less was earned" in " ".join(outcome.report.incidents)
    right = engine.run(job("def f(x): return 2 * x", theirs=["1 / 0"]))
    assert right.report.incidents == ()


def test_an_exercise_as_it_was_given_out_needs_no_confirmation(engine):
    outcome = engine.run(job(STUB))
    assert statuses(outcome) == [Status.FAILED]
    assert not outcome.report.confirmed


def test_a_point_of_the_short_run_stays_when_a_demonstration_ends_the_whole_one(engine):
    answer = "import os\ndef f(x): return 2 * x if x < 9 else os._exit(1)"
    outcome = engine.run(job(answer, author=["f(9)"], tests=[TEST, "assert f(3) == 5, 'five'"]))
    assert statuses(outcome) == [Status.PASSED, Status.FAILED]
    assert outcome.report.verdicts[1].message == "five"
    outputs = [c["outputs"] for c in outcome.notebook["cells"] if "nbgrader" in c["metadata"]]
    assert [each[-1]["output_type"] for each in outputs[1:]] == ["execute_result", "error"]


def test_what_tests_read_of_the_text_is_there_when_it_is_left_out(engine):
    helper = "def helper(x):\n    for _ in range(2):\n        x = x + x\n    return x"
    tests = ["from labo import checks\nchecks.forbid(f, loops=True)"]
    answer = "def f(x): return helper(x)"
    whole = replace(engine.config, whole=True)
    short = engine.run(job(answer, author=[helper], tests=tests))
    engine.config = whole
    assert statuses(short) == statuses(engine.run(job(answer, author=[helper], tests=tests)))


def test_shared_tests_see_a_whole_run_unless_told_otherwise():
    assert EngineConfig(mode=Mode.SHARED).runs_whole
    assert not EngineConfig(mode=Mode.SHARED, whole=False).runs_whole
    assert not EngineConfig().runs_whole


def test_a_class_is_prepared_for_once(engine, monkeypatch):
    asked = []
    monkeypatch.setattr(engine.examiners, "ask_prepare", lambda content: asked.append(content))
    source = job().source
    list(engine.map(replace(job(), key=str(n), source=source) for n in range(3)))
    assert len(asked) == 1
