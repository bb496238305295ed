"""The hostile corpus: the code of each case, with what it deserves in its header."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from grader.authoring.notebooks import source_notebook
from grader.authoring.reading import read_source
from grader.engine import Job
from grader.notebook import Notebook, grade_id, plain

TESTS = Path(__file__).parents[1]
CORPUS = TESTS / "hostile"
HEADER = re.compile(r"^# (lab|exercise|score|status|says|never|endless): (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Case:
    """A corpus file: the student's code, and its header."""

    path: Path

    @property
    def name(self) -> str:
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def header(self) -> dict[str, str]:
        return dict(HEADER.findall(self.text))

    @property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @property
    def lab(self) -> str:
        """The lab attacked: the mini lab, unless another one or an exercise is named."""
        usual = "laboratoire_pieges" if "exercise" in self.header else "laboratoire_mini"
        return self.header.get("lab", usual)

    @property
    def exercise(self) -> str:
        return self.header.get("exercise", "standardize")

    @property
    def endless(self) -> bool:
        """Whether it always runs into a limit of time: the less there is, the sooner."""
        return "endless" in self.header

    @property
    def target(self) -> str:
        """The test that examines the exercise."""
        return f"test_{self.exercise}"

    def job(self) -> Job:
        """The honest notebook, with this code as its answer to the exercise."""
        notebook = plain(author_notebook(self.lab))
        answer, *extra = re.split(r"^# %% ?", self.text, flags=re.MULTILINE)
        cells = notebook["cells"]
        answers = {grade_id(c): c for c in cells}
        answers[self.exercise]["source"] = answer
        for part in extra:
            words, _, code = part.partition("\n")
            where, *more = words.split()
            if where == "answer":
                answers[more[0]]["source"] = code
                continue
            for _ in range(int(more[0]) if more else 1):
                cells.insert(1 if where == "before" else len(cells), _cell(where, code))
        return Job(self.name, notebook, author_notebook(self.lab))


def _cell(where: str, code: str) -> dict:
    if where == "[markdown]":
        return {"cell_type": "markdown", "metadata": {}, "source": code}
    return {"cell_type": "code", "metadata": {}, "source": code, "outputs": []}


@cache
def author_notebook(lab: str) -> Notebook:
    return plain(source_notebook(read_source(TESTS / "data" / f"{lab}.py")))


def honest(lab: str, key: str = "honest") -> Job:
    """The reference, as a student's work."""
    return Job(key, plain(author_notebook(lab)), author_notebook(lab))


CASES = {case.name: case for case in map(Case, sorted(CORPUS.glob("*/*.py")))}
