"""The names that a test uses: its own, Python's, the author's imports, the student's."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Sequence, Set
from functools import cache
from types import CodeType
from typing import Any, Final

from grader.engine.remote import Remote
from grader.engine.student_error import UnsupportedAcrossBoundary
from grader.notebook import is_test


class StudentNames(dict):
    """Python's builtins, and behind them the names of the notebook, fetched when a test uses them.

    CPython looks for a name in the globals and then in `__builtins__`, which may be any mapping.

    Args:
        bound: the names that the author's notebook binds: an exercise may be called `pow`.
    """

    def __init__(self, remote: Remote, bound: Set[str]) -> None:
        super().__init__({name: v for name, v in vars(builtins).items() if name not in bound})
        self.remote = remote
        self.fetched: dict[str, Any] = {}
        self.on_fetch: Callable[[str], None] = lambda name: None

    def __missing__(self, name: str) -> Any:
        if name not in self.fetched:
            self.on_fetch(name)
            self.fetched[name] = self.remote.lookup(name)
        return self.fetched[name]


def trusted_names(source: dict[str, Any]) -> dict[str, Any]:
    """The names bound by the author's import statements alone, with the real modules."""
    names: dict[str, Any] = {}
    for cell in source["cells"]:
        meta = cell["metadata"].get("nbgrader", {})
        if cell["cell_type"] != "code" or meta.get("solution") or is_test(cell):
            continue
        for node in statements(cell["source"]):
            if isinstance(node, ast.Import | ast.ImportFrom):
                exec(compile(ast.Module([node], []), "<imports>", "exec"), names)
    own = notebook_names(source) | {"__builtins__"}
    return {name: value for name, value in names.items() if name not in own}


def notebook_names(source: dict[str, Any]) -> set[str]:
    """The names that the author's cells bind, but for tests and imports."""
    cells = [c for c in source["cells"] if c["cell_type"] == "code" and not is_test(c)]
    return {name for cell in cells for name in bound_names(statements(cell["source"]))}


def class_names(source: dict[str, Any]) -> frozenset[str]:
    """The names of the classes that the author's cells define at their top level."""
    cells = [c for c in source["cells"] if c["cell_type"] == "code" and not is_test(c)]
    nodes = [node for cell in cells for node in statements(cell["source"])]
    return frozenset(node.name for node in nodes if isinstance(node, ast.ClassDef))


def graded_text(source: dict[str, Any]) -> str:
    """The exercises with their solutions, and the tests with their hidden parts."""
    return "\0".join(c["source"] for c in source["cells"] if c["metadata"].get("nbgrader"))


def statements(source: str) -> list[ast.stmt]:
    """A cell's statements; none when it is not Python."""
    kept = [line for line in source.splitlines() if not line.lstrip().startswith(("%", "!"))]
    try:
        return ast.parse("\n".join(kept)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


_SCOPES: Final = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def bound_names(statements: Sequence[ast.AST]) -> set[str]:
    """The names that these statements may bind in their own scope, but for imports."""
    names = set()
    waiting = list(statements)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif not isinstance(node, _SCOPES):
            waiting.extend(ast.iter_child_nodes(node))
    return names


@cache
def compiled(source: str) -> tuple[CodeType, CodeType]:
    """A test's statements, and its last expression or None."""
    # The file name is no file: a traceback shows no line of the test.
    try:
        tree = ast.parse(source, "<test>")
        last: ast.expr = ast.Constant(None, lineno=1, col_offset=0)
        if tree.body and isinstance(final := tree.body[-1], ast.Expr):
            last = final.value
            tree.body.pop()
        return compile(tree, "<test>", "exec"), compile(ast.Expression(last), "<test>", "eval")
    except SyntaxError as error:
        raise UnsupportedAcrossBoundary(f"the test is not Python: {error}") from error
