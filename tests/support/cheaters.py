"""Universal cheaters: one answer to every exercise of every lab, worth nothing anywhere.

A cheater is the text of one cell. It replaces all the exercises of a lab at once: each name that an
exercise defines, function or class, becomes the same thing. What the tests of the lab need beside
that is kept of the other cells; figures, training and downloads are not.
"""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import cycle
from pathlib import Path

from grader.authoring.notebooks import source_notebook
from grader.authoring.reading import read_source
from grader.authoring.setting import setting as needed_of_other_cells
from grader.authoring.source import Source, SourceCell
from grader.engine import Job
from grader.engine.names import bound_names, statements
from grader.notebook import plain
from labo.coursework.notebook import CellKind
from labo.settings import is_on
from tests.support.engine_cases import cell

ROOT = Path(__file__).parents[2]
OBJECTS = (ROOT / "tests/support/cheating_objects.py").read_text(encoding="utf-8")
SHOWN = "MONTRÉ"
"""What `cheating_objects` prints in front of each number that reaches an operator."""

VALUES = {
    "zero": "0",
    "zero float": "0.0",
    "one": "1",
    "true": "True",
    "false": "False",
    "none": "None",
    "itself": "me",
    "argument": "args[-1] if args else me",
    "another": "type(me)()",
    "empty tuple": "()",
    "empty list": "[]",
    "nan": "float('nan')",
    "huge": "10**300",
    "zero array": "np.zeros(())",
}

# Forms in which these make no difference are not tried with them.
SIMILAR = {"none", "empty list", "zero array"}

# What each name of an exercise becomes.
FORMS = {
    "value": "def {name}(*args, **kwargs):\n    return answer(None, args)",
    "object": "def {name}(*args, **kwargs):\n    return Object()",
    "class": "class {name}(Object):\n    pass",
    "record": "class {name}(Record):\n    pass",
    "generator": (
        "def {name}(*args, **kwargs):\n    for _ in args:\n        yield answer(None, args)"
    ),
    "pair": "def {name}(*args, **kwargs):\n    return Object(), Object()",
    "as many": "def {name}(*args, **kwargs):\n    return as_many(args)",
    "lean": "class {name}(Lean):\n    pass",
    "shaped backwards": "def {name}(*args, **kwargs):\n    return Shaped(*args[::-1])",
    "shaped": "class {name}(Shaped):\n    pass",
    "module": "class {name}(Module):\n    pass",
    "function tensor": "class {name}(FunctionTensor):\n    pass",
    "polite tensor": "class {name}(PoliteTensor):\n    pass",
    "dispatch tensor": "class {name}(DispatchTensor):\n    pass",
    "array": "class {name}(Array):\n    pass",
    "numpy array": "class {name}(NumpyArray):\n    pass",
}

ALL_VALUES = ("value", "class", "record", "lean", "shaped")

REPLAYS = {
    "last argument": "args[-1] if args else None",
    "first argument": "args[0] if args else None",
    "former argument": "replayed(args)",
    "all arguments": "args",
    "arguments emptied": "emptied(args)",
    "zeros of the same shape": "zeros_of(args)",
    "memory of an argument": "memory_of(args)",
    "copy of an argument": "copy.deepcopy(args[0]) if args else None",
}
REPLAY_FORMS = ("value", "module", "class")
# Exceptions to which Python, those who run tests or the engine give a meaning: raised in every
# exercise, by all that these forms do. All others are raised in one exercise of each lab.
MEANT = (
    *("StopIteration", "StopAsyncIteration", "GeneratorExit", "SystemExit", "KeyboardInterrupt"),
    *("AssertionError", "NotImplementedError", "AttributeError", "IndexError", "KeyError"),
    *("TypeError", "MemoryError", "Exception", "BaseException", "SkipTest"),
)
RAISING_FORMS = ("value", "record")


@dataclass(frozen=True)
class Cheater:
    """What every exercise is answered with.

    Args:
        form: the text that defines one name of an exercise.
        bodies: of the function `answer`, which decides what is given back; one for all names, or
            several that take turns.
    """

    name: str
    form: str
    bodies: tuple[str, ...]

    def code(self, names: Sequence[str]) -> str:
        """The cell that answers all the exercises that define these names."""
        if len(self.bodies) == 1:
            answers = [self.form.format(name=name) for name in names]
            return "\n\n\n".join([f"def answer(me, args):\n    {self.bodies[0]}", *answers])
        turns = zip(names, cycle(self.bodies))
        return "\n\n\n".join(f"def {name}(*args, **kwargs):\n    {body}" for name, body in turns)


def cheaters(count: int) -> dict[str, list[Cheater]]:
    """By form: what is told apart in the tests' names.

    Args:
        count: of the names that a lab's exercises define.
    """
    found: dict[str, list[Cheater]] = {}
    for form, text in FORMS.items():
        found[form] = [
            Cheater(f"{form}: {value}", text, (f"return {code}",))
            for value, code in VALUES.items()
            if value not in SIMILAR or form in ALL_VALUES
        ]
    found["replay"] = [
        Cheater(f"{form} replays: {name}", FORMS[form], (f"return {code}",))
        for form in REPLAY_FORMS
        for name, code in REPLAYS.items()
    ]
    exceptions = dict(_exceptions())
    found["raising"] = [
        Cheater(f"{form} raises: {name}", FORMS[form], (f"raise {exceptions[name]}",))
        for form in RAISING_FORMS
        for name in MEANT
    ]
    others = [name for name in exceptions if name not in MEANT]
    for start in range(0, len(others), count):
        turn = others[start : start + count]
        bodies = tuple(f"raise {exceptions[name]}" for name in turn)
        found["raising"].append(Cheater(f"raises: {', '.join(turn)}", FORMS["value"], bodies))
    return found


def _exceptions() -> Iterator[tuple[str, str]]:
    """Every builtin exception, and what makes one."""
    arguments = {
        "UnicodeDecodeError": "'utf-8', b'', 0, 1, ''",
        "UnicodeEncodeError": "'utf-8', '', 0, 1, ''",
        "UnicodeTranslateError": "'', 0, 1, ''",
        "BaseExceptionGroup": "'', [KeyboardInterrupt()]",
        "ExceptionGroup": "'', [StopIteration()]",
        "SystemExit": "0",
    }
    for name, kind in vars(builtins).items():
        if isinstance(kind, type) and issubclass(kind, BaseException) and kind.__name__ == name:
            yield name, f"{name}({arguments.get(name, '')})"
    yield "SkipTest", "__import__('unittest').SkipTest('')"


# ---- Labs


def labs() -> list[str]:
    """All that have a source."""
    return sorted(path.stem for path in (ROOT / "solutions").glob("*.py"))


@cache
def source(lab: str) -> Source:
    return read_source(ROOT / "solutions" / f"{lab}.py")


def tests(lab: str) -> list[SourceCell]:
    return [c for c in source(lab).cells if c.kind is CellKind.TEST]


def exercise_cells(lab: str) -> list[SourceCell]:
    return [c for c in source(lab).cells if c.kind is CellKind.EXERCISE]


def answered_names(lab: str) -> list[str]:
    """The functions, classes and other names that the exercises define."""
    names = {name for c in exercise_cells(lab) for name in bound_names(statements(c.source))}
    return sorted(names)


@cache
def setting(lab: str, *answers: str) -> str:
    """Of the cells that are neither exercises nor tests, the statements that these need.

    Args:
        answers: other answers than the reference, which may need others.
    """
    return needed_of_other_cells(source(lab), answers)


def reference(lab: str) -> list[str]:
    """The right answers."""
    return [c.source for c in exercise_cells(lab)]


def noted(lab: str) -> list[str]:
    """The right answers, whose classes print what they are shown, as those of cheaters do.

    A ban refuses them: they are not what their cell defines.
    """
    kinds = ", ".join(answered_names(lab))
    return [*reference(lab), f"for kind in [{kinds}]:\n    isinstance(kind, type) and noting(kind)"]


def forms(lab: str) -> list[str]:
    """The forms tried on a lab: a third of them, others on the next lab; all if LABO_THOROUGH=1."""
    every = list(cheaters(1))
    return every if is_on("LABO_THOROUGH") else every[labs().index(lab) % 3 :: 3]


def jobs(lab: str) -> Iterator[Job]:
    """The reference, also as noted, and of each form tried a notebook with all its cheaters."""
    names = answered_names(lab)
    found = cheaters(len(names))
    yield job("reference", lab, {"reference": reference(lab)})
    yield job("noted", lab, {"noted": noted(lab)})
    for form in forms(lab):
        yield job(form, lab, {cheater.name: [cheater.code(names)] for cheater in found[form]})


def job(key: str, lab: str, answers: dict[str, list[str]]) -> Job:
    """A notebook that answers all the exercises of a lab several times, each time with all tests.

    Args:
        answers: the cells of each answer, by name.
    """
    texts = [text for code in answers.values() for text in code]
    cells = [cell(setting(lab, *texts)), cell(OBJECTS)]
    for name, code in answers.items():
        cells += map(cell, code)
        cells += [cell(t.source, f"{name}/{t.role.grade_id}", t.role.points) for t in tests(lab)]
    notebook = plain(source_notebook(source(lab)))
    return Job(key, notebook | {"cells": cells}, notebook)
