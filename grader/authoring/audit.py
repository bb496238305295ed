"""What the tests of a lab do not test: small mistakes in its references that they accept."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from grader.authoring.equivalents import Equivalent, read_equivalents
from grader.authoring.mutations import Mutant, mutants
from grader.authoring.notebooks import source_notebook
from grader.authoring.reading import read_source
from grader.authoring.setting import setting
from grader.authoring.source import Source, SourceCell
from grader.course import Lab
from grader.engine import Engine, EngineConfig, Job, Level, Outcome, Status, Verdict
from grader.engine.preload import modules_used
from grader.errors import GraderError
from grader.notebook import Cell, plain
from grader.text import did_you_mean
from labo.coursework.notebook import CellKind

_TOGETHER: Final = 12  # mutants in one notebook
_CELL_SECONDS: Final = 10.0  # many a mutant does not end
_TIMES_THE_REFERENCE: Final = 5  # where that is longer: on a busy machine everything is slow
_REFERENCE: Final = "reference"


@dataclass(frozen=True)
class Audit:
    """The mutants of one exercise, and what its tests say of them.

    Args:
        made: how many there are.
        left: those that the tests accept and that nobody has explained.
        equivalent: those that they accept rightly, with the reason.
        stale: equivalents that are no mutants any more, or that the tests refuse.
    """

    exercise: str
    made: int
    left: tuple[Mutant, ...]
    equivalent: tuple[tuple[Mutant, str], ...] = ()
    stale: tuple[Equivalent, ...] = ()

    @property
    def killed(self) -> int:
        return self.made - len(self.left) - len(self.equivalent)


def audit(lab: Lab, names: Sequence[str] = ()) -> list[Audit]:
    """Try the mutants of a lab's exercises, or of those named, in the engine.

    Raises:
        GraderError: an exercise is not there; its tests refuse its reference; the list of
            equivalents cannot be read.
    """
    source = read_source(lab.source)
    chosen = _exercises(source, names)
    known = read_equivalents(lab)
    unknown = sorted({entry.exercise for entry in known} - _exercises(source).keys())
    if unknown:
        raise GraderError(f"{lab.name}: equivalents of exercises it has not: {', '.join(unknown)}")
    made = {name: mutants(cell) for name, cell in chosen.items()}
    accepted = _Bench(source, lab).accepted(made)
    return [
        _audit(name, made[name], accepted[name], [e for e in known if e.exercise == name])
        for name in made
    ]


def _exercises(source: Source, names: Sequence[str] = ()) -> dict[str, SourceCell]:
    found = {c.role.name: c for c in source.cells if c.role and c.kind is CellKind.EXERCISE}
    missing = [name for name in names if name not in found]
    if missing:
        raise GraderError(
            f"{source.path.stem} has no exercise {', '.join(missing)}."
            f" {did_you_mean(missing[0], found) or 'It has ' + ', '.join(found)}"
        )
    return {name: cell for name, cell in found.items() if name in (names or found)}


def _audit(
    name: str, made: Sequence[Mutant], accepted: Sequence[Mutant], known: Sequence[Equivalent]
) -> Audit:
    reasons = {m: e.reason for m in accepted for e in known if e.explains(m)}
    left = tuple(mutant for mutant in accepted if mutant not in reasons)
    stale = tuple(e for e in known if not any(e.explains(m) for m in accepted))
    return Audit(name, len(made), left, tuple(reasons.items()), stale)


class _Bench:
    """Tries answers to the exercises of a lab, while all the others stay unanswered."""

    def __init__(self, source: Source, lab: Lab) -> None:
        self.files = lab.author_files()
        self.beside = lab.example_files()
        self.notebook = plain(source_notebook(source))
        self.exercises = _exercises(source)
        self.tests = [c for c in source.cells if c.kind is CellKind.TEST]
        before = [setting(source), *(cell.visible for cell in self.exercises.values())]
        self.before = [_code_cell(text) for text in before]

    def accepted(self, made: Mapping[str, Sequence[Mutant]]) -> dict[str, list[Mutant]]:
        """The mutants of each exercise that earn every point."""
        parts = [
            (name, made[name][start : start + _TOGETHER])
            for name in made
            for start in range(0, len(made[name]), _TOGETHER)
        ]
        with Engine(self._config()) as engine:
            engine.config = replace(engine.config, cell_seconds=self._patience(engine, made))
            found = self._tried(engine, parts)
            # A mutant may have ended the process in which the next ones were to be tried.
            alone = [(name, [m]) for name, part in parts for m in part if m not in found]
            found |= self._tried(engine, alone)
        return {name: [m for m in made[name] if found.get(m)] for name in made}

    def _config(self) -> EngineConfig:
        # The author's own code needs no sandbox, and many an author's machine has none.
        return EngineConfig(
            required=Level.NONE,
            preload=modules_used(self.notebook),
            files=self.files,
        )

    def _patience(self, engine: Engine, names: Iterable[str]) -> float:
        """How many seconds a test may take before its mutant is one that does not end."""
        outcomes = engine.map(self._job(name, name, ()) for name in names)
        taken = [v.seconds for outcome in outcomes for v in outcome.report.verdicts]
        return max(_CELL_SECONDS, _TIMES_THE_REFERENCE * max(taken, default=0.0))

    def _tried(self, engine: Engine, parts: Sequence[_Part]) -> dict[Mutant, bool]:
        """Those of these mutants that were examined, and whether they earned every point."""
        found = {}
        jobs = (self._job(str(key), *part) for key, part in enumerate(parts))
        for outcome in engine.map(jobs):
            name, part = parts[int(outcome.key)]
            verdicts = _by_answer(outcome)
            if lost := [v for v in verdicts[_REFERENCE] if v.status is not Status.PASSED]:
                raise GraderError(f"{name}: its tests refuse the reference: {lost[0].message}")
            for number, mutant in enumerate(part):
                statuses = {verdict.status for verdict in verdicts[str(number)]}
                if Status.NOT_RUN not in statuses:
                    found[mutant] = statuses == {Status.PASSED}
        return found

    def _job(self, key: str, name: str, part: Sequence[Mutant]) -> Job:
        """The unanswered lab, then the reference and each mutant, with the exercise's tests."""
        answers = {_REFERENCE: self.exercises[name].source}
        answers |= {str(number): mutant.code for number, mutant in enumerate(part)}
        cells = list(self.before)
        for answer, code in answers.items():
            cells.append(_code_cell(code))
            cells += [_graded_cell(t, answer) for t in self.tests if t.role and t.role.name == name]
        return Job(key, plain(self.notebook | {"cells": cells}), self.notebook, self.beside)


_Part = tuple[str, Sequence[Mutant]]
"""The mutants of an exercise, by its name, that one notebook tries."""


def _by_answer(outcome: Outcome) -> dict[str, list[Verdict]]:
    found: dict[str, list[Verdict]] = {}
    for verdict in outcome.report.verdicts:
        found.setdefault(verdict.grade_id.partition("/")[0], []).append(verdict)
    return found


def _code_cell(source: str) -> Cell:
    return {"cell_type": "code", "metadata": {}, "source": source, "outputs": []}


def _graded_cell(test: SourceCell, answer: str) -> Cell:
    """The test under a name that tells which answer it examines, always with the same numbers."""
    assert test.role is not None
    graded = {
        "grade": True,
        "solution": False,
        "grade_id": f"{answer}/{test.role.grade_id}",
        "points": test.role.points,
    }
    seeded = f'__import__("torch").manual_seed(0)\n{test.source}'
    return _code_cell(seeded) | {"metadata": {"nbgrader": graded}}
