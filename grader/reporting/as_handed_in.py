"""The outputs of cells as a student handed them in, for those that grading has left out.

Nothing of them is believed: texts and PNG pictures are kept, of cells of a plain form, and a page
says where they come from.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from grader.course import Submission
from grader.grading.submission import Unreadable, find_notebook, read_document
from grader.notebook import Cell, is_test

Outputs = Mapping[str, Sequence[dict[str, Any]]]
"""By the text of a cell, as nbformat has outputs; streams and pictures only."""

_MAX_OUTPUTS = 50  # of one cell
_MAX_BYTES = 2_000_000  # of one picture, or of one text


def outputs_as_handed_in(submission: Submission) -> Outputs:
    """The outputs in the notebook that was handed in; none if it cannot be read."""
    lab = submission.lab
    with suppress(Unreadable, OSError):
        path, _ = find_notebook(submission.submitted, lab.file_name, lab.siblings)
        document = read_document(path)
        cells = document.get("cells") if isinstance(document, dict) else None
        return dict(_cells(cells if isinstance(cells, list) else []))
    return {}


def with_outputs(cells: Sequence[Cell], outputs: Outputs) -> Iterator[Cell]:
    """The executed cells; those that were not run in full, with what they were handed in with."""
    for cell in cells:
        left_out = cell["cell_type"] == "code" and cell.get("execution_count") is None
        if left_out and not is_test(cell) and (found := outputs.get(cell["source"])):
            yield cell | {"outputs": found, "as_handed_in": True}
        else:
            yield cell


def _cells(cells: list[Any]) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for cell in cells:
        if not isinstance(cell, dict) or not isinstance(cell.get("outputs"), list):
            continue
        source = _joined(cell.get("source"))
        found = [kept for output in cell["outputs"][:_MAX_OUTPUTS] for kept in _kept(output)]
        if source and found:
            yield source, found


def _kept(output: Any) -> Iterator[dict[str, Any]]:
    if not isinstance(output, dict):
        return
    if output.get("output_type") == "stream" and (text := _joined(output.get("text"))):
        yield {"output_type": "stream", "name": "stdout", "text": text}
    data = output.get("data")
    if isinstance(data, dict) and (png := _joined(data.get("image/png"))):
        yield {"output_type": "display_data", "data": {"image/png": png}, "metadata": {}}


def _joined(text: Any) -> str:
    """A text as notebooks have it, whole or in lines; "" for anything else, or too much of it."""
    if isinstance(text, list) and all(isinstance(line, str) for line in text):
        text = "".join(text)
    return text if isinstance(text, str) and len(text) <= _MAX_BYTES else ""
