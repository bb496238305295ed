"""A small course in a temporary folder: the mini lab, released, and who submits it."""

from __future__ import annotations

import json
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from nbgrader import api

from grader.authoring.build import build
from grader.authoring.notebooks import source_notebook
from grader.authoring.reading import read_source
from grader.authoring.release import release
from grader.course import Course
from grader.engine import EngineConfig
from grader.notebook import grade_id
from tests.support.session import AT_THE_END

ROOT = Path(__file__).parents[2]
LAB = "laboratoire_mini"
# Budgets that an honest cell keeps on a machine with ten times its load.
QUICK = EngineConfig(workers=2, cell_seconds=15, notebook_seconds=90, memory_mb=700)
WRONG = "def standardize(x):\n    return x\n"

# Each new gradebook starts a process of alembic's, which takes a second to say the same version.
api.get_alembic_version = cache(api.get_alembic_version)


def make_course(folder: Path) -> Course:
    """A course where the mini lab has been released."""
    shutil.copytree(_released(), folder, dirs_exist_ok=True)
    return Course(folder)


@cache
def _released() -> Path:
    """What `make_course` copies: releasing a lab takes seconds, most of them for the gradebook."""
    folder = Path(AT_THE_END.enter_context(tempfile.TemporaryDirectory(prefix="released-course-")))
    (folder / "solutions").mkdir()
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    shutil.copy(ROOT / "tests/data" / f"{LAB}.py", folder / "solutions")
    lab = Course(folder).lab(LAB)
    build(lab)
    release(lab, source_notebook(read_source(lab.source)))
    return folder


def answered(course: Course, **answers: str) -> dict[str, Any]:
    """The reference, with other answers to the exercises named."""
    notebook = course.lab(LAB).author_notebook()
    for cell in notebook["cells"]:
        cell["source"] = answers.get(grade_id(cell) or "", cell["source"])
    return notebook


def submit(course: Course, student: str, notebook: dict[str, Any] | str) -> Path:
    """Hand in a notebook, or any text; the folder it is in."""
    folder = course.lab(LAB).submission(student).submitted
    folder.mkdir(parents=True, exist_ok=True)
    text = notebook if isinstance(notebook, str) else json.dumps(notebook)
    (folder / f"{LAB}.ipynb").write_text(text, encoding="utf-8")
    return folder
