"""Our feedback page in the place of nbgrader's: nbgrader_config.py names its exporter."""

from __future__ import annotations

from nbconvert.exporters import HTMLExporter
from nbgrader.api import Gradebook

from grader.engine import Outcome, Report, Status, Verdict
from grader.grading.results import Result
from grader.notebook import Cell, is_test, plain, title
from grader.reporting.feedback import grades_of, page


class PageExporter(HTMLExporter):
    """Our page in the place of nbgrader's, which shows hidden tests.

    For `nbgrader generate_feedback` and formgrader's buttons. Its content comes from the graded
    notebook, in autograded/.
    """

    # Without types: by nbconvert's own, every exporter gives a notebook.
    def from_notebook_node(self, nb, resources=None, **_):
        names = resources["nbgrader"]
        student, lab = names["student"], names["assignment"]
        notebook = plain(nb)
        verdicts = tuple(_verdict(cell) for cell in notebook["cells"] if is_test(cell))
        result = Result(student, "", (), Outcome(student, notebook, Report(verdicts)))
        with Gradebook(names["db_url"]) as gradebook:
            grades = grades_of(gradebook, lab, student)
        text = page(title(notebook) or lab, result, grades)
        return text, resources | {"output_extension": ".html"}


def _verdict(test: Cell) -> Verdict:
    """The verdict that the engine has written into the outputs of a test cell."""
    meta = test["metadata"]["nbgrader"]
    points = float(meta["points"])
    error = next((out for out in test["outputs"] if out["output_type"] == "error"), None)
    values = (out for out in test["outputs"] if out["output_type"] == "execute_result")
    score = next((float(out["data"]["text/plain"]) for out in values), 0.0)
    status = Status.FAILED if error else Status.PASSED if score == points else Status.PARTIAL
    return Verdict(meta["grade_id"], status, score, points, error["evalue"] if error else "")
