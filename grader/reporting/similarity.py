"""Submissions that are alike, beyond what everybody was given or was bound to write.

Passages are compared as copydetect does, blind to names, comments and layout. Those of the skeleton
and of the reference solution do not count, nor what a good part of the class has written.
The page shows the passages side by side; what they mean is for a person to say.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import nbformat
import numpy as np
from markupsafe import Markup, escape

from grader import imports
from grader.course import Lab
from grader.errors import GraderError
from grader.files import write_atomically
from grader.grading import intake
from grader.notebook import Notebook, grade_id, is_test
from grader.reporting.pages import render

with imports.left_out("matplotlib", "matplotlib.pyplot"):  # a second, for charts of its own report
    from copydetect import CodeFingerprint, compare_files
    from copydetect.utils import highlight_overlap

_LONGEST = 400_000  # characters of a submission's code: each million takes half a minute
_LONGEST_CELL = 40_000
_SHORTEST = 25  # characters of a passage, each name being one
_USUAL = 0.2  # passages of more than this part of a class are the usual way to write it
_ON_THE_PAGE = 100  # pairs
_FEW = 4  # and those of no more than so many students never are


@dataclass(frozen=True)
class Pair:
    """Two submissions, and what they share."""

    students: tuple[str, str]
    shares: tuple[float, float]
    """Of the code of each, the part that is in the other too: from 0 to 1."""
    length: int
    """Characters that are shared, names counted as one."""
    code: tuple[Markup, Markup]
    """The code of each as HTML, the shared passages marked."""


def alike(lab: Lab, threshold: float) -> list[Pair]:
    """The pairs of which one shares at least `threshold` of its code, most alike first.

    Raises:
        GraderError: fewer than two submissions can be read.
    """
    source = lab.author_notebook()
    codes = _codes(lab, source)
    if len(codes) < 2:
        raise GraderError(
            f"{lab.name}: fewer than two submissions could be read, nothing to compare"
        )
    given = _passages([_code(source), _released(lab)])
    usual = max(_FEW, len(codes) * _USUAL)
    left_out = [p for p, count in _passages(codes.values()).items() if count > usual or p in given]
    prints = {student: _fingerprint(code, left_out) for student, code in codes.items()}
    pairs = (_pair(both, prints) for both in combinations(prints, 2))
    found = [pair for pair in pairs if max(pair.shares) >= threshold]
    return sorted(found, key=lambda pair: max(pair.shares), reverse=True)


def write_page(lab: Lab, pairs: list[Pair]) -> Path:
    """Write the page that shows the pairs; where it is."""
    shown, more = pairs[:_ON_THE_PAGE], len(pairs[_ON_THE_PAGE:])
    text = render("similarity.html.j2", lab=lab.name, pairs=shown, more=more)
    path = lab.results / "similarity.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, text.encode())
    return path


def to_json(pairs: list[Pair]) -> str:
    """The pairs without their code, for a program."""
    facts = [{"students": p.students, "shares": p.shares, "length": p.length} for p in pairs]
    return json.dumps(facts, ensure_ascii=False, indent=1)


def _passages(texts: Iterable[str]) -> Counter[int]:
    """In how many of these texts each passage is."""
    return Counter(passage for text in texts for passage in _fingerprint(text).hashes)


def _fingerprint(text: str, left_out: Sequence[int] = ()) -> CodeFingerprint:
    boilerplate = np.unique(np.array(left_out, dtype=np.int64))
    return CodeFingerprint("code.py", _SHORTEST, 1, boilerplate, fp=io.StringIO(text))


def _pair(students: tuple[str, str], prints: dict[str, CodeFingerprint]) -> Pair:
    first, second = (prints[student] for student in students)
    length, shares, slices = compare_files(first, second)
    return Pair(
        students,
        shares=(float(shares[0]), float(shares[1])),
        length=int(length),
        code=(_marked(first.raw_code, slices[0]), _marked(second.raw_code, slices[1])),
    )


def _marked(text: str, places: np.ndarray) -> Markup:
    if not places.size:
        return escape(text)
    marked, _ = highlight_overlap(text, places, "<mark>", "</mark>", escape_html=True)
    return Markup(marked)


def _codes(lab: Lab, source: Notebook) -> dict[str, str]:
    taken = {
        student: intake.take_in(
            lab.submission(student).submitted, lab.file_name, source, lab.siblings
        )
        for student in lab.students()
    }
    return {student: _code(item.notebook) for student, item in taken.items() if item.notebook}


def _code(notebook: Notebook) -> str:
    """All the code of a notebook but its tests, which are the same for everybody.

    Of what is longer than any honest work, the beginnings of cells, answers first.
    """
    cells = [c for c in notebook["cells"] if c["cell_type"] == "code" and not is_test(c)]
    if sum(len(cell["source"]) for cell in cells) > _LONGEST:
        cells.sort(key=lambda cell: grade_id(cell) is None)
    return "\n\n".join(cell["source"][:_LONGEST_CELL] for cell in cells)[:_LONGEST]


def _released(lab: Lab) -> str:
    path = lab.release
    return _code(nbformat.read(path, as_version=4)) if path.is_file() else ""
