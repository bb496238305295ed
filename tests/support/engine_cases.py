"""Small notebooks for the engine's tests: what a student wrote, and one test cell."""

from __future__ import annotations

from typing import Any

from grader.engine import Job

IMPORTS = """
import math
import numpy as np
import torch
from torch import nn
import torch.nn.functional as F
import labo
from labo import checks
"""


def cell(source: str, grade_id: str | None = None, points: float = 2) -> dict[str, Any]:
    meta = {}
    if grade_id:
        meta = {
            "nbgrader": {
                "grade": True,
                "solution": False,
                "locked": True,
                "grade_id": grade_id,
                "points": points,
                "schema_version": 3,
                "task": False,
            }
        }
    return {
        "cell_type": "code",
        "metadata": meta,
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


def job(
    student: str | list[str],
    *tests: str,
    key: str = "student",
    points: float = 2,
    author: str = "",
) -> Job:
    """A notebook: the author's imports, the student's cells, then the test cells.

    Args:
        author: a cell of the author's notebook, beside the imports.
    """
    cells = [student] if isinstance(student, str) else student
    graded = [cell(test, f"test_{i}", points) for i, test in enumerate(tests)]
    source = {
        "cells": [cell(IMPORTS), cell(author)],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 4,
    }
    notebook = source | {"cells": [cell(IMPORTS), *map(cell, cells), *graded]}
    return Job(key, notebook, source)
