"""All answers to a lab's exercises in one notebook, run short and whole: the same verdicts?

Each answer stands with its tests in its exercise's place, among the author's cells; the reference
comes last, so that the cells below it see the reference. A short run leaves out of such a notebook
what it leaves out for each of these answers alone: answers that need other cells are in notebooks
of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from grader.engine import Engine, Job, Mode, Verdict
from grader.engine.short import Sources, short_run
from grader.notebook import Cell, Notebook, grade_id, is_solution, is_test, plain
from tests.labs import harness
from tests.labs.isolated import built

REFERENCE = "reference"


@dataclass(frozen=True)
class Both:
    """What both runs say of one answer, test by test."""

    exercise: str
    answer: str
    short: Verdict
    whole: Verdict

    @property
    def differ(self) -> bool:
        return (self.short.status, self.short.score) != (self.whole.status, self.whole.score)

    @property
    def say_differently(self) -> bool:
        return self.short.message != self.whole.message


def answers(lab: str, every: int = 1) -> list[tuple[str, str, str]]:
    """(exercise, name, code) of one in `every` mutants and right answers."""
    return [
        (name, answer, code)
        for name in harness.exercises(lab)
        for answer, code in (
            *harness.mutants(lab)[name][::every],
            *((f"right: {style}", code) for style, code in _right(lab, name)[::every]),
        )
    ]


def _right(lab: str, name: str) -> list[tuple[str, str]]:
    return harness.right_answers(lab).get(name, [])


def compared(engine: Engine, lab: str, every: int = 1) -> Iterator[Both]:
    """The verdicts of both runs, of every answer and of the reference."""
    usual = engine.config
    groups = _groups(lab, answers(lab, every))
    try:
        for group in groups:
            found = {}
            for whole in (False, True):
                engine.config = replace(usual, whole=whole, confirm=False)
                job = Job(lab, _notebook(lab, group), built(lab))
                found[whole] = engine.run(job).report.verdicts
            for short, whole_verdict in zip(found[False], found[True], strict=True):
                exercise, _, rest = short.grade_id.partition("/")
                yield Both(exercise, rest.partition("/")[0] or REFERENCE, short, whole_verdict)
    finally:
        engine.config = usual


def _groups(lab: str, given: Sequence[tuple[str, str, str]]) -> list[list[tuple[str, str, str]]]:
    """The answers, those together for which the same of the author's cells are run."""
    groups: dict[str, list[tuple[str, str, str]]] = {}
    for exercise, answer, code in given:
        key = str(_author_s(lab, _notebook(lab, [(exercise, answer, code)])))
        groups.setdefault(key, []).append((exercise, answer, code))
    for key, group in groups.items():
        assert str(_author_s(lab, _notebook(lab, group))) == key
    return list(groups.values())


def _author_s(lab: str, notebook: Notebook) -> Sources | None:
    """What a short run executes of the author's ordinary cells."""
    run = short_run(notebook, built(lab), Mode.ISOLATED)
    if run is None:
        return None
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return [text for cell, text in zip(code, run, strict=True) if not grade_id(cell)]


def _notebook(lab: str, given: Sequence[tuple[str, str, str]]) -> Notebook:
    notebook = plain(built(lab))
    cells: list[Cell] = []
    for cell in notebook["cells"]:
        if is_solution(cell) and cell["cell_type"] == "code":
            name = str(grade_id(cell))
            of_exercise = [(answer, code) for exercise, answer, code in given if exercise == name]
            cells += _answers(lab, name, [*of_exercise, (REFERENCE, cell["source"])], cell)
        elif not is_test(cell):  # tests come with the answers
            cells.append(cell)
    return notebook | {"cells": cells}


def _answers(
    lab: str, name: str, given: Sequence[tuple[str, str]], original: Cell
) -> Iterator[Cell]:
    """The cells of the answers to one exercise, each with its tests."""
    names = {test.role.grade_id for test in harness.exercises(lab)[name].tests}
    tests = [cell for cell in built(lab)["cells"] if is_test(cell) and grade_id(cell) in names]
    for answer, code in given:
        yield plain(original) | {"source": code}
        for test in map(plain, tests):
            if answer != REFERENCE:  # whose tests stand for the lab's own
                meta = test["metadata"]["nbgrader"]
                meta["grade_id"] = f"{name}/{answer.replace('/', ' ')}/{meta['grade_id']}"
            yield test
