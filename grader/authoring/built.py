"""The last build of a lab: its record, and whether the notebook was edited since."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from grader.authoring.notebooks import notebook_cells, read_notebook
from grader.authoring.source import Source, SourceCell
from grader.course import Lab
from grader.errors import GraderError


class EditedNotebook(GraderError):
    """The built notebook holds an edit that would be lost."""


@dataclass(frozen=True)
class BuildRecord:
    """Digests of a build: of the notebook's cells, and of the source's text."""

    notebook: str
    source: str

    @classmethod
    def of(cls, source: Source) -> BuildRecord:
        return cls(_cells_digest(source.cells), _digest(source.text))

    @classmethod
    def last(cls, lab: Lab) -> BuildRecord | None:
        """The record of a lab's last build, if there was one."""
        path = lab.build_record
        return cls(**json.loads(path.read_text())) if path.is_file() else None

    def to_json(self) -> str:
        return json.dumps(asdict(self), indent=1) + "\n"


def notebook_edited(lab: Lab, source: Source) -> bool:
    """True if the notebook holds what neither the last build nor the present source gives."""
    if not lab.notebook.is_file():
        return False
    try:
        cells = notebook_cells(read_notebook(lab.notebook), source)
    except GraderError:
        return True
    records = BuildRecord.of(source), BuildRecord.last(lab)
    return _cells_digest(cells) not in [record.notebook for record in records if record]


def source_edited(lab: Lab, source: Source) -> bool:
    """True if the last build was not of this source."""
    record = BuildRecord.last(lab)
    return record is None or record.source != BuildRecord.of(source).source


def _cells_digest(cells: Sequence[SourceCell]) -> str:
    return _digest(repr([cell.content for cell in cells]))


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
