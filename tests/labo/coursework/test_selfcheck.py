"""`labo check` runs what the checks need, and everything before it says that one has failed."""

import sys
from pathlib import Path
from typing import Any

import pytest

from labo.coursework.notebook import LabNotebook
from labo.coursework.selfcheck import check_file

TEST = "assert f(2) == 4, 'le double'"
RIGHT = "def f(x): return 2 * x"


def code(source: str, name: str = "", *, test: bool = False) -> dict[str, Any]:
    graded = {"grade_id": name, "grade": test, "solution": not test, "points": 1}
    metadata = {"nbgrader": graded} if name else {}
    return {"cell_type": "code", "source": source, "metadata": metadata, "outputs": []}


@pytest.fixture
def ran(monkeypatch) -> list[str]:
    """What the ordinary cells of a notebook have noted."""
    import builtins

    noted: list[str] = []
    monkeypatch.setattr(builtins, "note", noted.append, raising=False)
    return noted


def messages(*cells: dict[str, Any]) -> list[str]:
    return [check.message for check in check_file(LabNotebook(Path("lab.ipynb"), b"", [*cells]))]


def test_a_demonstration_is_left_out(ran):
    found = messages(code(RIGHT, "f"), code("x = note('figure')"), code(TEST, "test_f", test=True))
    assert (found, ran) == ([""], [])


def test_a_check_that_fails_is_confirmed_by_all_cells(ran):
    wrong = code("def f(x): return x", "f")
    found = messages(wrong, code("x = note('figure')"), code(TEST, "test_f", test=True))
    assert (found, ran) == (["le double"], ["figure"])


def test_what_the_analysis_does_not_follow_costs_nothing(ran):
    unseen = code("seen = {}\n_ = seen.__setitem__('key', 1)")
    assert messages(unseen, code("assert seen['key'] == 1", "test_f", test=True)) == [""]


def test_an_exercise_without_an_answer_needs_no_other_cell(ran):
    stub = code('def f(x):\n    raise NotImplementedError("exercice : f")', "f")
    found = messages(stub, code("x = note('figure')"), code(TEST, "test_f", test=True))
    assert (found, ran) == (["pas encore de réponse"], [])


def test_a_notebook_that_cannot_be_analysed_is_run_whole(ran):
    unknown = code("exec('y = 1')\nx = note('figure')")
    assert messages(code(RIGHT, "f"), unknown, code(TEST, "test_f", test=True)) == [""]
    assert ran == ["figure"]


def test_progress_is_told():
    told: list[float] = []
    check_file(LabNotebook(Path("lab.ipynb"), b"", [code("x = 1"), code("y = 2")]), told.append)
    assert told == [0, 0.5]


def test_main_is_the_notebook_while_it_runs_and_what_it_was_afterwards():
    main = sys.modules["__main__"]
    cells = [code("import sys\nx = sys.modules['__main__'].__spec__, __name__"), code(RIGHT, "f")]
    tests = ["assert x == (None, '__main__')", "assert False, 'de nouveau, tout entier'", "x"]
    found = messages(*cells, *(code(test, f"t{i}", test=True) for i, test in enumerate(tests)))
    assert found == ["", "de nouveau, tout entier", ""]
    assert sys.modules["__main__"] is main
    assert hasattr(main, "__spec__")
