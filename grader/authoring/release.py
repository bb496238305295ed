"""From the author's notebook to what students receive, by nbgrader's own steps.

`nbgrader generate_assignment`, formgrader's button and this module run the same list of
preprocessors, from nbgrader_config.py, so they give the same bytes. Here they run in memory,
because nbgrader's command removes the release folder before it knows that the new one can be made.
"""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime

from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader import preprocessors as steps
from nbgrader.converters import GenerateAssignment
from traitlets.config import Config

from grader.course import Lab
from grader.errors import GraderError
from labo.coursework.notebook import CODE_STUB, TEXT_STUB

__all__ = [
    "TEXT_STUB",
    "ClearSolutions",
    "preprocessors",
    "release",
    "student_version",
]


class ClearSolutions(steps.ClearSolutions):
    """nbgrader's, with a stub that names the exercise it stands for."""

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict, cell_index: int
    ) -> tuple[NotebookNode, dict]:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        if "code_stub" not in self.config.get("ClearSolutions", {}):  # the course's own words
            self.code_stub = {"python": CODE_STUB.format(name=name)}
        return super().preprocess_cell(cell, resources, cell_index)


def preprocessors() -> list[type]:
    """The steps of `nbgrader generate_assignment`, for older copies of nbgrader_config.py."""
    default = GenerateAssignment.preprocessors.default()
    return [ClearSolutions if step is steps.ClearSolutions else step for step in default]


def student_version(lab: Lab, notebook: NotebookNode) -> str:
    """The text of the student's notebook; no gradebook is needed or changed.

    Args:
        notebook: the author's, with solutions and hidden tests; left unmodified.
    """
    config = deepcopy(lab.course.config)
    config.SaveCells.enabled = False
    return _convert(lab, notebook, config)


def release(lab: Lab, notebook: NotebookNode, duedate: datetime | None = None) -> str:
    """As `student_version`, and the lab enters the course's gradebook with its hidden tests.

    Must be done before grading, which takes the hidden tests from there. May be repeated.

    Args:
        duedate: in UTC; None leaves the date that the gradebook has.

    Raises:
        GraderError: cells were added or removed and submissions were already graded, or the
            gradebook cannot be written.
    """
    dates = {} if duedate is None else {"duedate": duedate}
    with lab.course.gradebook() as gradebook:
        gradebook.update_or_create_assignment(lab.name, **dates)
    try:
        with lab.course.database_errors():
            return _convert(lab, notebook, deepcopy(lab.course.config))
    except RuntimeError as error:
        raise GraderError(f"{lab.name} cannot be released again: {error}") from error


def _convert(lab: Lab, notebook: NotebookNode, config: Config) -> str:
    converter = GenerateAssignment(coursedir=lab.course.directory, config=config)
    exporter = NotebookExporter(config=converter.config)
    for step in converter.preprocessors:
        exporter.register_preprocessor(step)
    names = {"student": ".", "assignment": lab.name, "notebook": lab.name}
    resources = {"nbgrader": names | {"db_url": converter.coursedir.db_url}}
    text, _ = exporter.from_notebook_node(notebook, resources)
    return text
