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
from grader.engine.short import short_run
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


Answer = tuple[str, str, str]
"""The exercise, the answer's name, its code."""


def answers(lab: str, every: int = 1) -> list[Answer]:
    """One in `every` mutants and right answers."""
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
    try:
        for group in _groups(lab, answers(lab, every)):
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


def _groups(lab: str, given: Sequence[Answer]) -> Iterator[list[Answer]]:
    """The answers, those together for which the same of the author's cells are run."""
    groups: dict[str, list[Answer]] = {}
    for answer in given:
        groups.setdefault(_author_s(lab, [answer]), []).append(answer)
    for run, group in groups.items():
        yield from _halved(lab, group, run)


def _halved(lab: str, group: list[Answer], run: str) -> Iterator[list[Answer]]:
    """The group, or its halves and so on where answers would change together what is run."""
    if _author_s(lab, group) == run:
        yield group
        return
    middle = len(group) // 2
    for half in (group[:middle], group[middle:]):
        yield from _halved(lab, half, run)


def _author_s(lab: str, group: list[Answer]) -> str:
    """What a short run of these answers executes of the author's ordinary cells."""
    notebook = _notebook(lab, group)
    run = short_run(notebook, built(lab), Mode.ISOLATED)
    if run is None:
        return "all"
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    return str([text for cell, text in zip(code, run, strict=True) if not grade_id(cell)])


def _notebook(lab: str, given: Sequence[Answer]) -> Notebook:
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
