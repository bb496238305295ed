"""Checking that labs/ is what the sources give."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from pathlib import Path

from grader.authoring.build import release_text, released_files
from grader.authoring.leaks import leaks
from grader.authoring.reading import read_source
from grader.course import Course, Lab
from grader.errors import GraderError

# Left by editors beside what they open, and ignored by git.
NOT_STRAY = {".ipynb_checkpoints", "__pycache__", ".DS_Store"}
DIFF_LINES = 12


def check_labs(course: Course, labs: Sequence[Lab]) -> list[str]:
    """The problems of labs/, each a text: not what the sources give, leaks, strays."""
    problems: list[str] = []
    for lab in labs:
        try:
            problems += _check_lab(lab)
        except GraderError as error:
            problems.append(str(error))
    if list(labs) == course.labs():
        problems += _strays(course.root, labs)
    return problems


def _check_lab(lab: Lab) -> Iterator[str]:
    yield from _check_notations(lab)
    source = read_source(lab.source)
    for path, content in released_files(lab, source).items():
        if not path.is_file() or path.read_bytes() != content:
            place = path.relative_to(lab.course.root)
            yield f"{place} is not the file of solutions/{lab.name}/. Run: grader build {lab.name}"
    place = lab.release.relative_to(lab.course.root)
    if not lab.release.is_file():
        yield f"{place} is missing. Run: grader build {lab.name}"
        return
    found = lab.release.read_text(encoding="utf-8")
    if leaked := leaks(source, found):
        yield "\n".join([f"{place} shows", *leaked])
    wanted = release_text(lab, source)
    if found != wanted:
        title = f"{place} is not what solutions/{lab.name}.py gives. Run: grader build {lab.name}"
        yield "\n".join([title, *_short_diff(found, wanted)])


def _check_notations(lab: Lab) -> Iterator[str]:
    _, copy = lab.copies
    if not lab.notations.is_file():
        return
    if not copy.is_file() or copy.read_bytes() != lab.notations.read_bytes():
        place = copy.relative_to(lab.course.root)
        yield f"{place} is not solutions/{lab.notations.name}. Run: grader build {lab.name}"


def _short_diff(found: str, wanted: str) -> list[str]:
    lines = list(difflib.unified_diff(found.split("\n"), wanted.split("\n"), n=0, lineterm=""))[2:]
    more = [f"... and {len(lines) - DIFF_LINES} more lines"] if len(lines) > DIFF_LINES else []
    return [f"    {line}" for line in lines[:DIFF_LINES] + more]


def _strays(root: Path, labs: Sequence[Lab]) -> list[str]:
    released = {lab.release for lab in labs}
    released |= {lab.release.parent / name for lab in labs for name in lab.author_files().all}
    released |= {copy for lab in labs if lab.notations.is_file() for copy in lab.copies}
    return [
        f"{path.relative_to(root)} comes from no source. Remove it."
        for path in sorted((root / "labs").rglob("*"))
        if path.is_file() and path not in released and not NOT_STRAY & set(path.parts)
    ]
