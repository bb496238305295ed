"""What a lab's tests need of its other cells: no figures, trainings or downloads."""

from __future__ import annotations

import ast
from collections.abc import Iterable

from grader.authoring.source import Source
from grader.engine.names import bound_names, statements
from labo.coursework.notebook import CellKind

_DEFINITIONS = (ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)


def setting(source: Source, answers: Iterable[str] = ()) -> str:
    """A cell with the imports, and the definitions that exercises, tests and other answers use.

    Only the cells without a role are looked into.
    """
    kept: list[ast.stmt] = []
    examined = [c for c in source.cells if c.kind in (CellKind.EXERCISE, CellKind.TEST)]
    texts = [*(cell.source for cell in examined), *answers]
    needed = {name for text in texts for name in _used(statements(text))}
    ordinary = [
        node
        for c in source.cells
        if c.type == "code" and c.kind is None
        for node in statements(c.source)
    ]
    for node in reversed(ordinary):
        if isinstance(node, ast.Import | ast.ImportFrom) or (
            isinstance(node, _DEFINITIONS) and bound_names([node]) & needed
        ):
            kept.append(node)
            needed |= _used([node])
    return ast.unparse(ast.Module(kept[::-1], []))


def _used(nodes: Iterable[ast.AST]) -> set[str]:
    return {
        name.id
        for node in nodes
        for name in ast.walk(node)
        if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Load)
    }
