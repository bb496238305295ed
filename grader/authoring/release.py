"""From a lab's source notebook to what students receive, by nbgrader's own steps.

`nbgrader generate_assignment`, formgrader's button and this module run the same list of
preprocessors, from nbgrader_config.py, so they give the same bytes. Here they run in memory,
because nbgrader's command removes the release folder before it knows that the new one can be made.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from nbconvert.exporters import NotebookExporter
from nbformat import NotebookNode
from nbgrader import preprocessors as steps
from nbgrader.api import Gradebook
from nbgrader.converters import GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config, PyFileConfigLoader

from grader.authoring.source import CODE_STUB, TEXT_STUB
from grader.errors import GraderError

__all__ = [
    "TEXT_STUB",
    "ClearSolutions",
    "load_config",
    "preprocessors",
    "release",
    "student_version",
]

CONFIG_FILE = "nbgrader_config.py"


class ClearSolutions(steps.ClearSolutions):
    """nbgrader's, with a stub that names the exercise it stands for."""

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict, cell_index: int
    ) -> tuple[NotebookNode, dict]:
        name = cell.metadata.get("nbgrader", {}).get("grade_id", "")
        self.code_stub = {"python": CODE_STUB.format(name=name)}
        return super().preprocess_cell(cell, resources, cell_index)


def preprocessors() -> list[type]:
    """The steps of `nbgrader generate_assignment`, with our stubs."""
    own = GenerateAssignment.preprocessors.default()
    return [ClearSolutions if step is steps.ClearSolutions else step for step in own]


def load_config(root: Path) -> Config:
    """nbgrader's configuration of the course at `root`."""
    if not (root / CONFIG_FILE).is_file():
        raise GraderError(f"{root} is not a course: it has no {CONFIG_FILE}.")
    config = PyFileConfigLoader(CONFIG_FILE, path=str(root)).load_config()
    config.CourseDirectory.root = str(root.resolve())
    return config


def student_version(notebook: NotebookNode, lab: str, root: Path) -> str:
    """The text of the student's notebook; no gradebook is needed or changed.

    Args:
        notebook: the source notebook, with solutions and hidden tests; left unmodified.
        lab: the lab's name, which is the assignment's and the notebook's in nbgrader.
        root: the course, for its nbgrader_config.py.
    """
    config = load_config(root)
    config.SaveCells.enabled = False
    return _convert(notebook, lab, config)


def release(notebook: NotebookNode, lab: str, root: Path, duedate: datetime | None = None) -> str:
    """As `student_version`, and the lab enters the course's gradebook with its hidden tests.

    Must be done before grading, which takes the hidden tests from there. May be repeated.

    Args:
        duedate: in UTC; None leaves the date that the gradebook has.

    Raises:
        GraderError: when cells were added or removed and submissions were already graded.
    """
    config = load_config(root)
    coursedir = CourseDirectory(config=config)
    dates = {} if duedate is None else {"duedate": duedate}
    with Gradebook(coursedir.db_url, coursedir.course_id) as gradebook:
        gradebook.update_or_create_assignment(lab, **dates)
    try:
        return _convert(notebook, lab, config)
    except RuntimeError as error:
        raise GraderError(f"{lab} cannot be released again: {error}") from error


def _convert(notebook: NotebookNode, lab: str, config: Config) -> str:
    converter = GenerateAssignment(coursedir=CourseDirectory(config=config), config=config)
    exporter = NotebookExporter(config=converter.config)
    for step in converter.preprocessors:
        exporter.register_preprocessor(step)
    names = {"student": ".", "assignment": lab, "notebook": lab}
    resources = {"nbgrader": names | {"db_url": converter.coursedir.db_url}}
    text, _ = exporter.from_notebook_node(notebook, resources)
    return text
