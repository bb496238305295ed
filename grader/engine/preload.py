"""What is worth importing once, before the processes of all notebooks are forked."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from typing import Final

from grader.engine.report import Mode
from grader.engine.short import short_run
from grader.notebook import Notebook, plain

# They read no file of a course, and start no thread, which a fork would lose.
_PACKAGES: Final = frozenset({"IPython", "PIL", "labo", "matplotlib", "numpy", "torch"})

# What is imported where it is first used: each of these takes a fifth of a second or more.
_WHEN_FIRST_USED: Final = {
    r"labo\.train\b|labo\.evaluate\b|\bpoutyne\b": "labo.training.loop",
    r"labo\.plot_": "labo.figures",
}


FIRST_CALLS: Final = "first calls: "
"""Before the name of what a zygote computes once, among the modules that it imports."""

# What the cells that are run name, and processes would do for the first time (`first_calls.py`).
_COMPUTED: Final = {
    "dense": r"\btorch\b",
    "optimisers": r"\boptim\b",
    "convolutions": r"(?i)conv",
    "attention": r"(?i)attention",
    "decompositions": r"\b(linalg|svd|eigh)\b",
    "lstm": r"\bLSTM\b",
    "figures": r"\bplt\.|\bpyplot\.|\bsubplots\b",
    "torchvision": r"\bensure_torchvision\b|\b(import|from) torchvision\b",
}


def modules_used(source: Notebook) -> tuple[str, ...]:
    """The modules that a lab imports, or that labo will for it; a name may be no module."""
    cells = _texts(source)
    return (*_harmless([*_late(cells), *_imported(cells)]), *_first_calls(cells))


def modules_of_short_runs(source: Notebook, mode: Mode) -> tuple[str, ...]:
    """Likewise, but for what labo would import for cells that short runs leave out.

    A whole run imports that for itself: Poutyne and torchvision, 0.3 s.
    """
    run = short_run(plain(source), source, mode)
    if run is None:
        return modules_used(source)
    # An examiner makes all of the author's imports, whatever is run.
    imported = list(_imported(_texts(source)))
    cells = [*filter(None, run), *(f"import {module}" for module in imported)]
    return (*_harmless([*_late(cells), *imported]), *_first_calls(cells))


def _texts(source: Notebook) -> list[str]:
    return [cell["source"] for cell in source["cells"] if cell["cell_type"] == "code"]


def _harmless(modules: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted({name for name in modules if name.partition(".")[0] in _PACKAGES}))


def _late(cells: Iterable[str]) -> list[str]:
    """What is imported where something that these cells name is first used."""
    code = "\n".join(cells)
    return [module for words, module in _WHEN_FIRST_USED.items() if re.search(words, code)]


def _first_calls(cells: Iterable[str]) -> list[str]:
    code = "\n".join(cells)
    return [f"{FIRST_CALLS}{name}" for name, words in _COMPUTED.items() if re.search(words, code)]


def _imported(cells: Iterable[str]) -> Iterator[str]:
    for cell in cells:
        yield from _imported_by(cell)


def _imported_by(cell: str) -> Iterator[str]:
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
