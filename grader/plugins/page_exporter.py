"""Our feedback page in the place of nbgrader's: nbgrader_config.py names its exporter."""

from __future__ import annotations

from typing import Any

import nbformat
from nbconvert.exporters import HTMLExporter
from nbgrader.api import Gradebook

from grader.engine import Outcome, Report, Status, Verdict
from grader.grading.results import Result
from grader.notebook import Cell, grade_id, is_test, plain
from grader.reporting.feedback import _grades, page


class PageExporter(HTMLExporter):
    """Our page in the place of nbgrader's, which shows hidden tests.

    For `nbgrader generate_feedback` and formgrader's buttons: nbgrader_config.py names it. What it
    shows comes from the graded notebook, in autograded/.
    """

    def from_filename(
        self, filename: str, resources: dict[str, Any] | None = None, **_: Any
    ) -> tuple[str, dict[str, Any]]:
        names = resources["nbgrader"]
        student, lab = names["student"], names["assignment"]
        notebook = plain(nbformat.read(filename, as_version=4))
        verdicts = tuple(_verdict(cell) for cell in notebook["cells"] if is_test(cell))
        graded = Result(student, "", (), Outcome(student, notebook, Report(verdicts)))
        with Gradebook(names["db_url"]) as gradebook:
            text = page(lab, graded, _grades(gradebook, lab, student))
        return text, resources | {"output_extension": ".html"}


def _verdict(cell: Cell) -> Verdict:
    """What the engine has written into the outputs of a test cell."""
    most = float(cell["metadata"]["nbgrader"]["points"])
    error = next((out for out in cell["outputs"] if out["output_type"] == "error"), None)
    results = (out for out in cell["outputs"] if out["output_type"] == "execute_result")
    score = next((float(out["data"]["text/plain"]) for out in results), 0.0)
    status = Status.FAILED if error else Status.PASSED if score == most else Status.PARTIAL
    return Verdict(grade_id(cell), status, score, most, error["evalue"] if error else "")
