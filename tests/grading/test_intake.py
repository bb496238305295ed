"""Any file at all can be submitted: what is worth something counts, and the rest is named."""

import json
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from grader.authoring.notebooks import source_notebook
from grader.authoring.reading import read_source
from grader.grading import intake
from grader.grading.handed_in import handed_in
from grader.notebook import grade_id, is_solution
from labo.coursework.notebook import CellKind, cell_kind
from tests.hostile.files import CASES

HERE = Path(__file__).parents[1]
NAME = "laboratoire_mini.ipynb"


@pytest.fixture(scope="module")
def source() -> dict:
    return json.loads(json.dumps(source_notebook(read_source(HERE / "data/laboratoire_mini.py"))))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_the_corpus_of_files(case, source, tmp_path):
    tmp_path = tmp_path / "submitted"
    tmp_path.mkdir()
    case.submit(tmp_path, json.loads(json.dumps(source)))
    taken = intake.take_in(tmp_path, NAME, source)
    directory = SimpleNamespace(ignore=[])
    lab = SimpleNamespace(course=SimpleNamespace(directory=directory))
    _, beside = handed_in(SimpleNamespace(submitted=tmp_path, lab=lab), source)
    told = "; ".join(problem.message for problem in (*taken.problems, *beside))
    assert re.search(case.says, told), told
    assert (taken.notebook is None) == (case.score == 0), told
    if taken.notebook:
        graded = [cell for cell in taken.notebook["cells"] if grade_id(cell)]
        names = [grade_id(cell) for cell in graded]
        authored = {grade_id(c): c for c in source["cells"] if grade_id(c)}
        assert sorted(names) == sorted(authored)
        for name in names:  # a test comes after the answer that it examines
            assert not name.startswith("test_") or names.index(name) > names.index(
                next(n for n in authored if name.removeprefix("test_").startswith(n))
            )
        for cell in graded:
            original = authored[grade_id(cell)]
            assert cell["metadata"] == {"nbgrader": original["metadata"]["nbgrader"]}
            if not is_solution(original):
                assert cell["source"] == original["source"]


def test_an_honest_submission_has_no_problem(source, tmp_path):
    (tmp_path / NAME).write_text(json.dumps(source))
    taken = intake.take_in(tmp_path, NAME, source)
    assert taken.problems == ()
    mine = [cell["source"] for cell in taken.notebook["cells"]]
    assert mine == [cell["source"] for cell in source["cells"]]


def test_a_free_experiment_is_known_after_intake_and_no_graded_cell_becomes_one(source, tmp_path):
    mark = {"role": "experience", "name": "largeur"}
    submitted = json.loads(json.dumps(source))
    for cell in submitted["cells"]:
        cell["metadata"]["labo"] = mark
    (tmp_path / NAME).write_text(json.dumps(submitted))
    taken = intake.take_in(tmp_path, NAME, source)
    assert taken.problems == ()
    kinds = [cell_kind(cell) for cell in taken.notebook["cells"]]
    assert kinds == [
        cell_kind(cell) or (CellKind.EXPERIENCE if cell["cell_type"] == "code" else None)
        for cell in source["cells"]
    ]
    assert mark["name"] not in str([cell["metadata"] for cell in taken.notebook["cells"]])
