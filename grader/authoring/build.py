"""Building labs: the source ``.py``, the instructor's notebook, the students' notebook.

    solutions/<lab>.py  ->  solutions/<lab>/<lab>.ipynb  ->  labs/<lab>/<lab>.ipynb
    the one source          nbgrader's source, ignored       the release, committed
                            by git

The same source gives the same bytes on every machine. An instructor may edit the notebook in the
middle; `bring_back` brings the edit back to the ``.py``, and nothing overwrites it silently.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from grader.authoring.built import (
    EditedNotebook,
    digest,
    digest_text,
    notebook_edited,
    write_if_changed,
)
from grader.authoring.leaks import leaks
from grader.authoring.notebooks import source_notebook
from grader.authoring.reading import read_source
from grader.authoring.release import release, student_version
from grader.authoring.source import Source
from grader.course import Lab
from grader.errors import GraderError, shown


def release_text(lab: Lab, source: Source) -> str:
    """The student's notebook, which is refused if it shows what must stay hidden."""
    text = student_version(lab, source_notebook(source))
    if leaked := leaks(source, text):
        raise GraderError("\n".join([f"{shown(source.path)}: students would see", *leaked]))
    return text


def build(lab: Lab, *, force: bool = False) -> list[Path]:
    """Write the two notebooks of a lab; returns the files that changed.

    Args:
        force: overwrite a notebook that was edited since it was built.

    Raises:
        InvalidSource: with every mistake of the source.
        EditedNotebook: the built notebook was edited; nothing is written.
    """
    source, released = _buildable(lab, force)
    notebook = nbformat.writes(source_notebook(source)) + "\n"
    record = {"notebook": digest(source.cells), "source": digest_text(source.text)}
    changed = [
        path
        for path, text in ((lab.notebook, notebook), (lab.release, released))
        if write_if_changed(path, text)
    ]
    write_if_changed(lab.build_record, json.dumps(record, indent=1) + "\n")
    return changed


def _buildable(lab: Lab, force: bool) -> tuple[Source, str]:
    """The source of a lab and what students receive of it, if `build` accepts them."""
    source = read_source(lab.source)
    if not force and notebook_edited(lab, source):
        raise EditedNotebook(
            f"{shown(lab.notebook)} was edited since it was built.\n"
            f"To keep the edit:  grader build --from-notebook {lab.name}\n"
            f"To drop it:        grader build --force {lab.name}"
        )
    return source, release_text(lab, source)


def would_build(lab: Lab) -> NotebookNode:
    """The source notebook that `build` would write, which writes nothing; raises what it would."""
    source, _ = _buildable(lab, force=False)
    return source_notebook(source)


def enter(lab: Lab, duedate: datetime | None = None) -> None:
    """Enter a built lab in the course's gradebook; `duedate` is in local time."""
    utc = duedate and duedate.astimezone(UTC).replace(tzinfo=None)
    release(lab, source_notebook(read_source(lab.source)), utc)
