"""The hostile corpus: the code of each case, with what it deserves in its header."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

from grader.engine import Job
from grader.notebook import grade_id

CORPUS = Path(__file__).parents[1] / "hostile"


@dataclass(frozen=True)
class Case:
    """A corpus file: the student's code, and its header."""

    path: Path

    @property
    def name(self) -> str:
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def header(self) -> dict[str, str]:
        lines = re.findall(r"^# (score|status|says|never): (.*)$", self.text, re.MULTILINE)
        return dict(lines)

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    def job(self, source: dict) -> Job:
        """The honest notebook, with this code as its answer to the exercise."""
        notebook = json.loads(json.dumps(source))
        answer, *extra = re.split(r"^# %% ?", self.text, flags=re.MULTILINE)
        cells = notebook["cells"]
        position = next(i for i, c in enumerate(cells) if grade_id(c) == "standardize")
        cells[position]["source"] = answer
        for part in extra:
            where, _, code = part.partition("\n")
            cell = {"cell_type": "code", "metadata": {}, "source": code, "outputs": []}
            if where == "[markdown]":
                cell = {"cell_type": "markdown", "metadata": {}, "source": code}
            cells.insert(1 if where == "before" else len(cells), cell)
        return Job(self.name, notebook, source)


CASES = {case.name: case for case in map(Case, sorted(CORPUS.glob("*/*.py")))}
