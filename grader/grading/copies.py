"""Copies of submissions in autograded/, which formgrader opens."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from grader.beside import Files, paths_beside
from grader.course import Submission
from grader.files import write_durably, writing
from grader.grading.results import Result
from grader.grading.submission import Unreadable, read_bytes
from grader.notebook import Cell, Notebook, grade_id


def write_copy(
    submission: Submission, result: Result, checksums: dict[str, str], author: Files
) -> None:
    """Put in autograded/ the executed notebook, beside what else was submitted.

    Args:
        checksums: of each cell as students received it, by grade_id.
        author: the files that overwrite those of their names; where students have none, they
            lie with the source only.
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
            for name, content in author.items():  # that lay there when it was run
                if os.path.lexists(staged / name):
                    write_durably(staged / name, content)
            for name in submission.lab.siblings:  # graded apart from this one
                if (folder / name).is_file():
                    shutil.copyfile(folder / name, staged / name)
            # On one line: nobody edits it, and Python indents JSON ten times slower.
            text = json.dumps(executed_notebook(result, checksums), ensure_ascii=False)
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


def executed_notebook(result: Result, checksums: dict[str, str]) -> Notebook:
    """The executed notebook, whose cells carry the checksum they were given with."""
    notebook = result.outcome.notebook
    return notebook | {"cells": [_with_checksum(cell, checksums) for cell in notebook["cells"]]}


def _with_checksum(cell: Cell, checksums: dict[str, str]) -> Cell:
    name = grade_id(cell)
    if name is None or name not in checksums:
        return cell
    role = cell["metadata"]["nbgrader"] | {"checksum": checksums[name]}
    return cell | {"metadata": cell["metadata"] | {"nbgrader": role}}


def files_beside(submission: Submission) -> Iterator[Path]:
    """The files submitted beside notebooks, but for those that the course ignores."""
    if not submission.submitted.is_symlink():
        yield from paths_beside(submission.submitted, submission.lab.course.directory.ignore)


def files_differ(submission: Submission) -> bool:
    """True if something beside the notebook was handed in, or changed, since it was graded."""
    author = submission.lab.author_files().own
    for path in files_beside(submission):
        place = path.relative_to(submission.submitted)
        if place.as_posix() in author:
            continue
        copy = submission.autograded / place
        with suppress(Unreadable, OSError):  # a link is not copied
            if read_bytes(path) != (copy.read_bytes() if copy.is_file() else None):
                return True
    return False


def _copy(path: Path, copy: Path) -> None:
    data = read_bytes(path)
    copy.parent.mkdir(parents=True, exist_ok=True)
    write_durably(copy, data)
