"""The cells that stopped on an error, and the names that are missing because of it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from grader.engine import french
from grader.engine.names import bound_names, statements
from grader.engine.outputs import Output, first

_LONGEST: Final = 200  # characters of an error that is told again
# What a cell that is not Python seems to define.
_DEFINITION: Final = re.compile(r"(?m)^(?:def|class|import)\s+(\w+)|^(\w+)\s*=[^=]")


class Cause(NamedTuple):
    """The cell, from 1, that should have defined a name, and the error that stopped it."""

    name: str
    cell: int
    error: str


class FailedCells:
    """What the notebook's cells have left undefined."""

    def __init__(self) -> None:
        self._missing: dict[str, Cause] = {}
        self.none = True
        """No cell has stopped on an error."""

    def ran(self, source: str, cell: int, outputs: list[Output]) -> None:
        """Take note of a cell that has run, and of its error if there was one."""
        error = first(outputs, "error")
        self.none = self.none and error is None
        if error is None and not self._missing:
            return
        for name in _defined_names(source):
            if error is None:
                self._missing.pop(name, None)
            else:
                what = f"{error['ename']} : {error['evalue']}"[:_LONGEST]
                self._missing[name] = Cause(name, cell, what)

    def cause(self, message: str) -> Cause | None:
        """The failed cell that explains a test's message, if it speaks of an undefined name."""
        return self._missing.get(french.undefined_name(message))


def _defined_names(source: str) -> set[str]:
    body = statements(source)
    if not body:
        return {first or second for first, second in _DEFINITION.findall(source)}
    return bound_names(body) | set(_imported(body))


def _imported(body: Sequence[ast.stmt]) -> Iterator[str]:
    for node in body:
        for inner in ast.walk(node):
            if isinstance(inner, ast.Import | ast.ImportFrom):
                yield from ((a.asname or a.name).partition(".")[0] for a in inner.names)
