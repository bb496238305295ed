"""How a course wants its notebooks run: `c.Grader` and `c.Execute` in its configuration."""

from __future__ import annotations

import math
import traceback
from pathlib import Path
from typing import Final

from traitlets.config import Config, PyFileConfigLoader

from grader.errors import GraderError

MODES: Final = ("isolated", "shared")
"""In which tests run: docs/engine.md."""

_EXECUTING: Final = (
    "Execute",
    "ExecutePreprocessor",
    "NotebookClient",
)  # one derives from the next
_HONOURED: Final = {"timeout", "mode", "cell_seconds", "notebook_seconds", "memory_mb", "enabled"}


def read(path: Path) -> Config:
    """What a configuration file says. It is Python code, and is executed.

    Raises:
        GraderError: it is broken, or imports what is not installed here; with the line.
    """
    try:
        return PyFileConfigLoader(path.name, path=str(path.parent)).load_config()
    except Exception as error:
        lines = [
            f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(path)
        ]
        where = f", line {lines[-1]}" if lines else ""
        raise GraderError(f"{path}{where}: {type(error).__name__}: {error}") from None


def mode(config: Config, lab: str) -> str:
    """The mode in which a lab is graded: `c.Grader.modes[lab]`, or else `c.Grader.mode`.

    Raises:
        GraderError: it is none.
    """
    settings = config.get("Grader", {})
    # c.Execute.mode: what plain nbgrader alone used to read.
    default = settings.get("mode") or config.get("Execute", {}).get("mode") or MODES[0]
    chosen = settings.get("modes", {}).get(lab, default)
    if chosen not in MODES:
        raise GraderError(
            f"{chosen!r} in nbgrader_config.py is no mode: write {' or '.join(MODES)}."
        )
    return chosen


def solution_mark(config: Config) -> str:
    """What begins a solution in a source: `c.ClearSolutions.begin_solution_delimeter`."""
    said = config.get("ClearSolutions", {}).get("begin_solution_delimeter")
    return str(said or "BEGIN SOLUTION")


def cell_seconds(config: Config) -> float | None:
    """The time of a cell, as nbgrader's own `c.Execute.timeout` says it; None if it is not set.

    No limit there (None, 0, -1) is the limit of a notebook here.
    """
    sections = [config.get(name, {}) for name in _EXECUTING]
    found = [section["timeout"] for section in sections if "timeout" in section]
    if not found:
        return None
    # An option of the command line is a text, which traitlets reads when it knows the trait.
    given = str(found[0])
    seconds = 0.0 if given == "None" else float(given)
    return seconds if seconds > 0 else math.inf


def ignored(config: Config) -> list[str]:
    """What the configuration says of nbgrader's own execution, and has no effect here."""
    return sorted(
        f"c.{name}.{option}"
        for name in _EXECUTING
        for option in config.get(name, {})
        if option not in _HONOURED
    )
