"""Building labs: the source ``.py``, the author's notebook, the release.

    solutions/<lab>.py  ->  solutions/<lab>/<lab>.ipynb  ->  labs/<lab>/<lab>.ipynb
    the one source          nbgrader's source notebook,      the release, committed
                            ignored by git

    solutions/notations.md  ->  solutions/<lab>/notations.md  ->  labs/<lab>/notations.md
    for all labs, copied beside each

    solutions/<lab>/...     ->  labs/<lab>/...
    modules, data, images: written by hand, read by the notebook

The same source gives the same bytes on every machine. An author may edit the notebook in the
middle; `bring_back` brings the edit back to the ``.py``, and nothing overwrites it silently.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from grader.authoring.built import BuildRecord, EditedNotebook, notebook_edited
from grader.authoring.leaks import leaks
from grader.authoring.notebooks import source_notebook
from grader.authoring.reading import read_source
from grader.authoring.release import release, student_version
from grader.authoring.source import Source
from grader.course import Lab
from grader.dates import naive_utc
from grader.errors import GraderError, shown
from grader.files import write_if_changed


def release_text(lab: Lab, source: Source) -> str:
    """The notebook that students receive, refused if it shows what must stay hidden."""
    text = student_version(lab, source_notebook(source))
    if leaked := leaks(source, text):
        raise GraderError("\n".join([f"{shown(source.path)}: students would see", *leaked]))
    return text


def build(lab: Lab, *, force: bool = False) -> list[Path]:
    """Write a lab's notebooks, and the notation beside them; returns the files that changed.

    Args:
        force: overwrite a notebook that was edited since it was built.

    Raises:
        InvalidSource: with every mistake of the source.
        EditedNotebook: the built notebook was edited; nothing is written.
    """
    source, released = _buildable(lab, force)
    notebook = nbformat.writes(source_notebook(source)) + "\n"
    contents = {lab.notebook: notebook.encode(), lab.release: released.encode()}
    if lab.notations.is_file():
        contents |= dict.fromkeys(lab.copies, lab.notations.read_bytes())
    contents |= released_files(lab, source)
    changed = [path for path, content in contents.items() if write_if_changed(path, content)]
    write_if_changed(lab.build_record, BuildRecord.of(source).to_json().encode())
    return changed


def released_files(lab: Lab, source: Source) -> dict[Path, bytes]:
    """The files that students receive beside the notebook, as nbgrader's own release copies them.

    Raises:
        GraderError: one of them shows what must stay hidden, or they are too large.
    """
    files = lab.author_files().all
    for name, content in files.items():
        if leaked := leaks(source, content.decode(errors="replace")):
            raise GraderError("\n".join([f"{lab.name}: students would see in {name}", *leaked]))
    return {lab.release.parent / name: content for name, content in files.items()}


def _buildable(lab: Lab, force: bool) -> tuple[Source, str]:
    """The source of a lab and what students receive of it, if `build` accepts them."""
    source = read_source(lab.source)
    if "code_stub" in lab.course.config.get("ClearSolutions", {}):
        raise GraderError(
            f"c.ClearSolutions.code_stub in nbgrader_config.py: a lab built from {lab.source.name}"
            " has stubs that name the exercise, by which labo knows what is unanswered. Remove that"
            " line, or write the assignment as nbgrader's own source notebook."
        )
    if not force and notebook_edited(lab, source):
        raise EditedNotebook(
            f"{shown(lab.notebook)} was edited since it was built.\n"
            f"To keep the edit:  grader build --from-notebook {lab.name}\n"
            f"To drop it:        grader build --force {lab.name}"
        )
    return source, release_text(lab, source)


def would_build(lab: Lab) -> NotebookNode:
    """The author's notebook that `build` would write; raises what it would, writes nothing."""
    source, _ = _buildable(lab, force=False)
    return source_notebook(source)


def enter(lab: Lab, duedate: datetime | None = None) -> None:
    """Enter a built lab in the course's gradebook; `duedate` says its zone."""
    utc = naive_utc(duedate) if duedate else None
    release(lab, source_notebook(read_source(lab.source)), utc)
