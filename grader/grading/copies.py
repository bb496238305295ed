"""Copies of submissions in autograded/, which formgrader opens."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import nbformat
from nbgrader import utils

from grader.course import Submission
from grader.files import write_durably, writing
from grader.grading.results import Result
from grader.grading.submission import Unreadable, read_bytes
from grader.notebook import Notebook

_LONGEST_PATH = 1_000  # bytes: the copy's path is a little longer, and systems allow 4,096


def write_copy(submission: Submission, result: Result, checksums: dict[str, str]) -> None:
    """Put in autograded/ the executed notebook, beside what else was submitted.

    Args:
        checksums: of each cell as students received it, by grade_id.
    """
    folder, submitted = submission.autograded, submission.submitted
    staged = folder.with_name(f".{submission.lab.name}.partial")
    shutil.rmtree(staged, ignore_errors=True)  # of a recording that was killed
    with writing(folder):
        staged.mkdir(parents=True)
        try:
            for path in files_beside(submission):
                with suppress(Unreadable):  # links and special files stay where they are
                    _copy(path, staged / path.relative_to(submitted))
            text = nbformat.writes(executed_notebook(result, checksums))
            write_durably(staged / submission.lab.file_name, text.encode())
            shutil.rmtree(folder, ignore_errors=True)
            staged.replace(folder)
        except BaseException:
            shutil.rmtree(staged, ignore_errors=True)
            raise


def read_copy(submission: Submission) -> Notebook | None:
    """The notebook that a student's recorded scores are those of, with its tests."""
    path = submission.autograded / submission.lab.file_name
    with suppress(OSError, ValueError):
        return json.loads(path.read_text("utf-8"))
    return None


def executed_notebook(result: Result, checksums: dict[str, str]) -> nbformat.NotebookNode:
    """The executed notebook, whose cells carry the checksum they were given with."""
    notebook = nbformat.from_dict(result.outcome.notebook)
    for cell in notebook.cells:
        meta = cell.metadata.get("nbgrader")
        if meta and meta.get("grade_id") in checksums:
            meta["checksum"] = checksums[meta["grade_id"]]
    return notebook


def files_beside(submission: Submission) -> Iterator[Path]:
    """The files submitted beside notebooks, but for those that the course ignores."""
    submitted = submission.submitted
    if submitted.is_symlink():
        return
    patterns = submission.lab.course.directory.ignore
    ignored = utils.ignore_patterns(exclude=[*patterns, "*.ipynb"])
    for parent, folders, names in os.walk(submitted):
        folders[:] = sorted(set(folders) - set(ignored(parent, folders)))
        for name in sorted(set(names) - set(ignored(parent, names))):
            path = Path(parent, name)
            if len(os.fsencode(path.relative_to(submitted))) <= _LONGEST_PATH:
                yield path


def _copy(path: Path, copy: Path) -> None:
    data = read_bytes(path)
    copy.parent.mkdir(parents=True, exist_ok=True)
    write_durably(copy, data)
