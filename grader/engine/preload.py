"""What is worth importing once, before the processes of all notebooks are forked."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from grader.engine.report import Mode
from grader.engine.short import short_run
from grader.notebook import Notebook, plain

# They read no file of a course, and start no thread, which a fork would lose.
_PACKAGES: Final = frozenset({"IPython", "PIL", "labo", "matplotlib", "numpy", "torch"})

# What is imported where it is first used: each of these takes a fifth of a second to two.
_WHEN_FIRST_USED: Final = {
    r"labo\.train\b|labo\.evaluate\b|\bpoutyne\b": "labo.training.loop",
    r"labo\.plot_": "labo.figures",
    # An optimiser's first step, and a vector-Jacobian product, which tests ask of any answer.
    r"\boptim\b": "torch._dynamo",
    r"\bbackward\(|\bgrad\(": "torch.fx.experimental.symbolic_shapes",
}


def modules_used(source: Notebook) -> tuple[str, ...]:
    """The modules that a lab imports, or that torch will for it; a name may be no module."""
    cells = [cell["source"] for cell in source["cells"] if cell["cell_type"] == "code"]
    code = "\n".join(cells)
    late = {module for words, module in _WHEN_FIRST_USED.items() if re.search(words, code)}
    found = late.union(*map(_imported, cells))
    return tuple(sorted(name for name in found if name.partition(".")[0] in _PACKAGES))


def modules_of_short_runs(source: Notebook, mode: Mode) -> tuple[str, ...]:
    """Those of what a short run executes of the author's notebook.

    A whole run imports the others for itself: torch's compiler, Poutyne, torchvision, 1 to 3 s.
    """
    cells = [cell for cell in source["cells"] if cell["cell_type"] == "code"]
    run = short_run(plain(source), source, mode)
    if run is None:
        return modules_used(source)
    left = [cell | {"source": part or ""} for cell, part in zip(cells, run, strict=True)]
    return modules_used(source | {"cells": left})


def _imported(cell: str) -> Iterator[str]:
    try:
        statements = ast.parse(cell).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return  # a magic, or no Python: its own notebook will import
    for node in statements:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
