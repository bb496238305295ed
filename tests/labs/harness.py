"""Run a lab's cells in this process, to test its tests: which answers do they accept?

The notebook is executed once with every exercise unanswered, as a student first receives it. What
it has defined when an exercise's tests come is kept, and each answer is tried on a copy of that:
so an exercise's tests can never lean on the answer to another one.
"""

from __future__ import annotations

import ast
import importlib
import io
import linecache
import sys
import warnings
from collections.abc import Callable
from contextlib import chdir, redirect_stdout
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import torch

from grader.authoring import claims
from grader.authoring.claims import Verdict
from grader.authoring.reading import read_source
from grader.authoring.source import Source, SourceCell
from grader.beside import AuthorFiles, Files, read_author_files
from labo.coursework.notebook import CellKind
from labo.settings import Profile, is_on

ROOT = Path(__file__).parents[2]
# LABO_THOROUGH=1: more seeds, and all answers in the engine too.
THOROUGH = is_on("LABO_THOROUGH")
SEEDS = range(20 if THOROUGH else 5)
RIGHT_SEEDS = range(10 if THOROUGH else 1)


@dataclass(frozen=True)
class Exercise:
    """An exercise, its tests, and what the unanswered notebook had defined before them."""

    reference: str
    stub: str
    tests: list[SourceCell] = field(default_factory=list)
    namespace: dict = field(default_factory=dict)


def labs() -> list[str]:
    """The labs that have mutants."""
    return sorted(
        path.stem
        for path in (ROOT / "tests/labs/mutants").glob("*.py")
        if source_path(path.stem).exists()
    )


def source_path(lab: str) -> Path:
    return ROOT / "solutions" / f"{lab}.py"


def folder(lab: str) -> Path:
    """Where a lab runs: the folder of the files beside its notebook, if it has any."""
    beside = source_path(lab).with_suffix("")
    return beside if beside.is_dir() else ROOT


def files(lab: str) -> Files:
    """The files beside a lab's notebook."""
    return read_author_files(source_path(lab).with_suffix(""), ("notations.md",), ()).own


def author_files(lab: str) -> AuthorFiles:
    """The same, as an engine takes them."""
    return AuthorFiles(files(lab))


@cache
def source(lab: str) -> Source:
    return read_source(source_path(lab))


def exercise_names(lab: str) -> list[str]:
    return [c.role.name for c in source(lab).cells if c.kind is CellKind.EXERCISE]


def mutants(lab: str) -> dict[str, list[tuple[str, str]]]:
    """Exercise -> its wrong answers, each a name and the code of the whole cell."""
    return importlib.import_module(f"tests.labs.mutants.{lab}").MUTANTS


def right_answers(lab: str) -> dict[str, list[tuple[str, str]]]:
    """Exercise -> right answers in other styles than the reference; {} for a lab that has none."""
    if not (ROOT / f"tests/labs/right/{lab}.py").exists():
        return {}
    return importlib.import_module(f"tests.labs.right.{lab}").RIGHT


def edited(lab: str, exercise: str, *changes: tuple[str, str]) -> str:
    """The reference answer with pieces of its text replaced: a mistake as small as a student's.

    Raises:
        ValueError: for a piece that is not there exactly once, so that no mutant becomes the
            reference when that is rewritten.
    """
    code = next(c.source for c in source(lab).cells if c.role and c.role.name == exercise)
    for old, new in changes:
        if code.count(old) != 1:
            raise ValueError(
                f"{lab}, {exercise}: {old!r} is there {code.count(old)} times, not once"
            )
        code = code.replace(old, new)
    return code


@dataclass(frozen=True)
class Unanswered:
    """One run of the notebook that students receive.

    Args:
        earned: the points of each test.
        printed: by all its cells.
    """

    exercises: dict[str, Exercise]
    earned: dict[str, float]
    printed: str


def exercises(lab: str) -> dict[str, Exercise]:
    """The exercises of a lab, after one run of the notebook that students receive."""
    return unanswered(lab).exercises


@cache
def unanswered(lab: str) -> Unanswered:
    """The notebook that students receive, run once.

    Raises:
        Exception: from a cell that is neither an exercise nor a test. It must run unanswered.
    """
    found: dict[str, Exercise] = {}

    def before_test(cell: SourceCell, namespace: dict) -> None:
        exercise = found[cell.role.name]
        if not exercise.tests:
            exercise.namespace.update(namespace)
        exercise.tests.append(cell)

    for cell in source(lab).cells:
        if cell.kind is CellKind.EXERCISE:
            found[cell.role.name] = Exercise(cell.source, cell.visible)
    earned, printed = run_notebook(lab, lambda cell: cell.visible, before_test)
    return Unanswered(found, earned, printed)


def run_notebook(
    lab: str,
    answer: Callable[[SourceCell], str],
    before_test: Callable[[SourceCell, dict], None] = lambda *_: None,
    verdicts: list[Verdict] | None = None,
) -> tuple[dict[str, float], str]:
    """Run every code cell in order, exercises as `answer` gives them.

    Args:
        verdicts: takes those of the claims of the profile tiny; without it, no claim is run.

    Returns:
        The points earned by each test cell, by grade_id, and all that was printed.
    """
    # A name of its own, as in a notebook; dunder names keep the tests' own module out of it.
    namespace = {"__name__": "__main__"}
    earned: dict[str, float] = {}
    printed = io.StringIO()
    with chdir(folder(lab)), redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Agg cannot show figures
        for cell in source(lab).written:
            if cell.type != "code":
                continue
            if cell.kind is CellKind.CLAIM:
                if verdicts is not None and Profile.TINY in cell.role.profiles:
                    verdicts += claimed(lab, cell, namespace)
            elif cell.kind is CellKind.TEST:
                before_test(cell, namespace)
                earned[cell.role.grade_id] = points(lab, cell, namespace)
            else:
                execute(lab, cell, answer(cell) if cell.kind else cell.source, namespace)
            plt.close("all")
    return earned, printed.getvalue()


def claimed(lab: str, cell: SourceCell, namespace: dict) -> list[Verdict]:
    """What a cell of claims says, on a copy of the names: it leaves nothing behind."""
    claim = claims.begin()
    execute(lab, cell, cell.source, namespace | {"claim": claim})
    claims.restore_random_states()
    return claim.verdicts


def score(lab: str, exercise: Exercise, answer: str, seed: int = 0) -> list[float]:
    """The points that each test of an exercise gives to an answer."""
    namespace = dict(exercise.namespace)
    torch.manual_seed(seed)
    # Where a test that reads the source of an answer finds it, as it would in a notebook.
    linecache.cache["<answer>"] = (len(answer), None, answer.splitlines(keepends=True), "<answer>")
    exec(compile(answer, "<answer>", "exec", dont_inherit=True), namespace)
    recursion = sys.getrecursionlimit()
    try:
        with chdir(folder(lab)), redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # wrong answers may well deserve one
            return [points(lab, test, namespace) for test in exercise.tests]
    finally:
        sys.setrecursionlimit(recursion)  # an answer may have raised it, for the next one


def full_score(exercise: Exercise) -> list[float]:
    return [test.role.points for test in exercise.tests]


def points(lab: str, test: SourceCell, namespace: dict) -> float:
    """The points that a test cell gives: all of them, or the number on its last line."""
    try:
        value = execute(lab, test, test.source, namespace)
    except Exception:
        return 0
    return test.role.points if value is None else value


def execute(lab: str, cell: SourceCell, code: str, namespace: dict) -> Any:
    """Run a cell; the value of its last expression, as a notebook would show it."""
    # Blank lines first, so that a traceback shows the line of the source.
    tree = ast.parse("\n" * (cell.body_line - 1) + code)
    last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
    file = str(source_path(lab))
    exec(compile(tree, file, "exec", dont_inherit=True), namespace)
    if last is None:
        return None
    return eval(compile(ast.Expression(last.value), file, "eval", dont_inherit=True), namespace)
