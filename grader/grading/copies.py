"""Copies of submissions in autograded/, which formgrader opens."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from nbgrader import utils

from grader.course import Course, Submission
from grader.files import write_durably, writing
from grader.grading.submission import Unreadable, read_bytes

if TYPE_CHECKING:
    from grader.grading.results import Result

_LONGEST_PATH = 1_000  # bytes: the copy's path is a little longer, and systems allow 4,096


def _as_node(graded: Result, checksums: dict[str, str]) -> nbformat.NotebookNode:
    """The executed notebook, whose cells carry the checksum they were given with."""
    notebook = nbformat.from_dict(graded.outcome.notebook)
    for cell in notebook.cells:
        meta = cell.metadata.get("nbgrader")
        if meta and meta.get("grade_id") in checksums:
            meta["checksum"] = checksums[meta["grade_id"]]
    return notebook


def _write_files(submission: Submission, graded: Result, checksums: dict[str, str]) -> None:
    """What formgrader opens: the executed notebook, beside what else was submitted."""
    lab, folder, submitted = submission.lab, submission.autograded, submission.submitted
    staged = folder.with_name(f".{lab.name}.partial")
    shutil.rmtree(staged, ignore_errors=True)  # of a recording that was killed
    with writing(folder):
        staged.mkdir(parents=True)
        try:
            for path in _beside(lab.course, submitted):
                with suppress(Unreadable):  # links and special files stay where they are
                    _copy(path, staged / path.relative_to(submitted))
            text = nbformat.writes(_as_node(graded, checksums))
            write_durably(staged / lab.file_name, text.encode())
            shutil.rmtree(folder, ignore_errors=True)
            staged.replace(folder)
        except BaseException:
            shutil.rmtree(staged, ignore_errors=True)
            raise


def _copy(path: Path, copy: Path) -> None:
    data = read_bytes(path)
    copy.parent.mkdir(parents=True, exist_ok=True)
    write_durably(copy, data)


def _beside(course: Course, folder: Path) -> Iterator[Path]:
    """What was submitted beside notebooks, but for what the course's configuration ignores."""
    if folder.is_symlink():
        return
    ignored = utils.ignore_patterns(exclude=[*course.directory.ignore, "*.ipynb"])
    for parent, folders, names in os.walk(folder):
        folders[:] = sorted(set(folders) - set(ignored(parent, folders)))
        for name in sorted(set(names) - set(ignored(parent, names))):
            path = Path(parent, name)
            if len(os.fsencode(path.relative_to(folder))) <= _LONGEST_PATH:
                yield path
