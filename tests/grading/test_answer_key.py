"""Which failures of a test are the test's own, by what the author's solutions earn."""

import pytest
from nbformat.v4 import new_code_cell, new_notebook
from traitlets.config import Config

from grader import settings
from grader.engine import Report, Status, Verdict
from grader.grading.answer_key import flaws
from grader.notebook import plain

MARKED = "class Box:\n    ### BEGIN SOLUTION\n    size = 3\n    ### END SOLUTION"


def lost(message: str) -> Report:
    return Report((Verdict("t", Status.FAILED, 0.0, 2.0, message),))


@pytest.mark.parametrize(
    ("solution", "message", "found"),
    [
        (MARKED, "il faut un booléen, et non un objet de la classe type.", ["t"]),
        (MARKED, "Votre code a levé NotImplementedError : ", []),
        ("class Box: ...", "il faut un booléen, et non un objet de la classe type.", []),
    ],
    ids=["solutions that earn nothing", "not written yet", "no solutions"],
)
def test_solutions_that_earn_nothing_show_flaws_of_tests(solution, message, found):
    source = plain(new_notebook(cells=[new_code_cell(solution)]))
    assert list(flaws(lost(message), source, settings.solution_mark(Config()))) == found


def test_one_point_earned_shows_that_there_are_solutions():
    report = Report((*lost("faux").verdicts, Verdict("u", Status.PASSED, 1.0, 1.0)))
    assert list(flaws(report, plain(new_notebook()), "BEGIN SOLUTION")) == ["t"]


def test_a_course_may_mark_its_solutions_otherwise():
    config = Config({"ClearSolutions": {"begin_solution_delimeter": "DÉBUT"}})
    cell = new_code_cell(MARKED.replace("BEGIN SOLUTION", "DÉBUT"))
    source = plain(new_notebook(cells=[cell]))
    assert list(flaws(lost("faux"), source, settings.solution_mark(config))) == ["t"]
    assert not flaws(lost("faux"), source, settings.solution_mark(Config()))
