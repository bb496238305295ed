"""The names that a test uses: its own, Python's, the author's imports, the student's."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from copy import copy
from functools import cache
from types import CodeType
from typing import Any, Final

from grader.engine.proxy import Proxy
from grader.engine.remote import Remote
from grader.engine.student_error import UnsupportedAcrossBoundary
from grader.notebook import is_test


class StudentNames(dict):
    """Python's builtins, and behind them the names of the notebook, fetched when a test uses them.

    CPython looks for a name in the globals and then in `__builtins__`, which may be any mapping.

    Args:
        bound: the names that the author's notebook binds: an exercise may be called `pow`.
        failed: the author's imports that did not succeed, with the reasons. No student stands in
            for what tests trust.
    """

    def __init__(self, remote: Remote, bound: Set[str], failed: Mapping[str, str]) -> None:
        python = vars(builtins) | {"hash": self._hash}
        super().__init__({name: value for name, value in python.items() if name not in bound})
        self.remote = remote
        self.bound = bound
        self.failed = failed
        self.fetched: dict[str, Any] = {}
        self.on_fetch: Callable[[str], None] = lambda name: None

    def _hash(self, value: Any) -> int:
        """Python's, which asks an object of the student's: it is a number like any other result."""
        return self.remote.apply("hash", value) if isinstance(value, Proxy) else hash(value)

    def __missing__(self, name: str) -> Any:
        failure = self.failed.get(name) or (name not in self.bound and self.failed.get("*"))
        if failure:
            raise UnsupportedAcrossBoundary(
                f"{name}: the author's {failure}. A module of the course lies beside the"
                " source notebook, any other is installed where notebooks are graded"
            )
        if name not in self.fetched:
            self.on_fetch(name)
            self.fetched[name] = self.remote.lookup(name)
        return self.fetched[name]


class Imports:
    """The names bound by the author's import statements alone, with the real modules.

    Attributes:
        names: what they are bound to.
        failed: those that could not be imported here, each with the reason.
        theirs: those of modules that students write, which are looked up like any other of theirs.

    Args:
        their_modules: the dotted names of these modules.
    """

    def __init__(self, source: dict[str, Any], their_modules: Sequence[str] = ()) -> None:
        self.names: dict[str, Any] = {}
        self.failed: dict[str, str] = {}
        self.theirs: set[str] = set()
        for node in _author_imports(source):
            if any(_is_below(module, their_modules) for module in _modules(node)):
                self.theirs |= _bound_by_import(node)
            else:
                self._run(node)
        own = notebook_names(source) | {"__builtins__"}
        self.names = {name: value for name, value in self.names.items() if name not in own}
        self.failed = {name: reason for name, reason in self.failed.items() if name not in own}

    def _run(self, node: ast.Import | ast.ImportFrom) -> None:
        try:
            exec(compile(ast.Module([node], []), "<imports>", "exec"), self.names)
        except Exception as error:
            reason = f"`{ast.unparse(node)}` failed: {type(error).__name__}: {error}"[:500]
            self.failed |= dict.fromkeys(_bound_by_import(node) - self.names.keys(), reason)


def _author_imports(source: dict[str, Any]) -> Iterator[ast.Import | ast.ImportFrom]:
    """Those of ordinary cells, name by name: one that fails takes no other along."""
    for cell in source["cells"]:
        meta = cell["metadata"].get("nbgrader", {})
        if cell["cell_type"] != "code" or meta.get("solution") or is_test(cell):
            continue
        for node in statements(cell["source"]):
            if isinstance(node, ast.Import | ast.ImportFrom):
                for alias in node.names:
                    one = copy(node)
                    one.names = [alias]
                    yield one


def _modules(node: ast.Import | ast.ImportFrom) -> list[str]:
    """The dotted names that one import may load."""
    (alias,) = node.names
    if isinstance(node, ast.Import):
        return [alias.name]
    return [node.module or "", f"{node.module}.{alias.name}"]


def _is_below(module: str, modules: Sequence[str]) -> bool:
    return any(f"{module}.".startswith(f"{other}.") for other in modules)


def _bound_by_import(node: ast.Import | ast.ImportFrom) -> set[str]:
    return {(alias.asname or alias.name).partition(".")[0] for alias in node.names}


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


@cache  # the same cells come again and again, and their nodes are keys of other caches
def statements(source: str) -> Sequence[ast.stmt]:
    """A cell's statements; none when it is not Python."""
    kept = [line for line in source.splitlines() if not line.lstrip().startswith(("%", "!"))]
    try:
        return ast.parse("\n".join(kept)).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []


_SCOPES: Final = (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def bound_names(statements: Sequence[ast.AST]) -> set[str]:
    """The names that these statements may bind in their own scope, but for imports."""
    return set().union(*map(_bound_by, statements))


@cache
def _bound_by(statement: ast.AST) -> frozenset[str]:
    names = set()
    waiting = [statement]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif not isinstance(node, _SCOPES):
            waiting.extend(ast.iter_child_nodes(node))
    return frozenset(names)


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
