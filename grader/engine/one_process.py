"""What a test may do in one process only: known from its text and the author's, and refused.

Each refusal is about the test, is the same for every student, and says what to write instead.
"""

from __future__ import annotations

import ast
import builtins
import symtable
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from functools import cache, cached_property
from types import ModuleType
from typing import Any, Final

from grader.engine.names import bound_names, class_names, notebook_names, statements
from grader.engine.student_error import UnsupportedAcrossBoundary
from grader.notebook import Notebook, is_test

_BUILTINS: Final = dict(vars(builtins))
_STDIN: Final = sys.stdin
_COMPREHENSIONS: Final = ("listcomp", "setcomp", "dictcomp", "genexpr")
_BODIES: Final = ("body", "orelse", "finalbody")
# What a decorator writes into a class.
_DATACLASS: Final = frozenset({"__eq__", "__repr__"})
_ORDER: Final = frozenset({"__lt__", "__le__", "__gt__", "__ge__"})


class AuthorFacts:
    """What the author's notebook tells of the objects that tests meet."""

    def __init__(self, source: Notebook) -> None:
        self.source = source
        self.names = notebook_names(source)
        self.classes = class_names(source)

    def read_later(self, names: Iterable[str]) -> set[str]:
        """What functions look up when they are called, of all that these names lead to."""
        found: set[str] = set()
        seen: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            if name not in seen:
                seen.add(name)
                for statement in self._statements.get(name, ()):
                    found |= _read_later(statement)
                    waiting += _global_reads(statement)
        return found

    @cached_property
    def _statements(self) -> Mapping[str, list[ast.stmt]]:
        """The statements that bind each name."""
        found: dict[str, list[ast.stmt]] = {}
        for node in (n for text in self._texts() for n in _simple(statements(text))):
            for name in bound_names([node]):
                found.setdefault(name, []).append(node)
        return found

    @cached_property
    def special_methods(self) -> Mapping[str, frozenset[str]]:
        """What each class of the notebook defines, the classes above it included."""
        found: dict[str, frozenset[str]] = {}
        # In the order of the notebook: a class stands below those that it derives from.
        for node in (node for text in self._texts() for node in statements(text)):
            if isinstance(node, ast.ClassDef):
                bases = (base.id for base in node.bases if isinstance(base, ast.Name))
                above = (found.get(base, frozenset()) for base in bases)
                found[node.name] = frozenset(_special_methods(node)).union(*above)
        return found

    def _texts(self) -> Iterator[str]:
        for cell in self.source["cells"]:
            if cell["cell_type"] == "code" and not is_test(cell):
                yield cell["source"]


def _simple(nodes: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements, those of blocks one by one."""
    for node in nodes:
        if isinstance(node, ast.With | ast.If | ast.Try | ast.For | ast.While):
            parts = (part for name, part in ast.iter_fields(node) if name in _BODIES)
            yield from _simple(statement for part in parts for statement in part)
        else:
            yield node


@cache
def _read_later(statement: ast.stmt) -> frozenset[str]:
    """The global names that the functions in a statement read, which run later than it does."""
    top = symtable.symtable(ast.unparse(statement), "<cell>", "exec")
    later = [table for table in top.get_children() if table.get_name() not in _COMPREHENSIONS]
    return frozenset(
        symbol.get_name()
        for table in _all_tables(later)
        if table.get_type() == "function"
        for symbol in table.get_symbols()
        if symbol.is_global() and symbol.is_referenced()
    )


@cache
def _global_reads(statement: ast.stmt) -> frozenset[str]:
    """The global names that a statement reads, at once or later."""
    top = symtable.symtable(ast.unparse(statement), "<cell>", "exec")
    return frozenset(
        symbol.get_name()
        for table in _all_tables([top])
        for symbol in table.get_symbols()
        if symbol.is_referenced() and (symbol.is_global() or table is top)
    )


def _all_tables(tables: Iterable[symtable.SymbolTable]) -> Iterator[symtable.SymbolTable]:
    for table in tables:
        yield table
        yield from _all_tables(table.get_children())


def _loaded(nodes: Iterable[ast.AST]) -> set[str]:
    found = (inner for node in nodes for inner in ast.walk(node))
    return {n.id for n in found if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}


def _special_methods(node: ast.ClassDef) -> Iterator[str]:
    yield from bound_names(node.body)
    for decorator in map(ast.unparse, node.decorator_list):
        if "dataclass" in decorator:
            yield from _DATACLASS
        if "total_ordering" in decorator or "order=True" in decorator:
            yield from _ORDER


# ---- A test, before it runs


def check_test(source: str, facts: AuthorFacts, known: Collection[str]) -> None:
    """Refuse a test that another process cannot be part of.

    Args:
        known: the names that earlier tests have bound.

    Raises:
        UnsupportedAcrossBoundary: with what to write instead.
    """
    nodes = statements(source)
    bound = bound_names(nodes)
    read_later = facts.read_later(_read_of_the_notebook(source))
    rebound = (bound - {"input"}) & read_later
    if rebound:
        raise UnsupportedAcrossBoundary(
            f"the test gives {_listed(rebound)} a value, which functions of the notebook look up in"
            " another process: use another name, or give it as an argument"
        )
    deleted = _deleted(source) & (facts.names | read_later) - set(known)
    if deleted:
        raise UnsupportedAcrossBoundary(
            f"the test deletes {_listed(deleted)}, which stays in the student's process: see what a"
            " function calls with checks.forbid(...), or grade in shared mode"
        )
    equal = (name for name, methods in facts.special_methods.items() if "__eq__" in methods)
    if reason := _reason(source, facts.classes, frozenset(equal)):
        raise UnsupportedAcrossBoundary(reason)


@cache
def _read_of_the_notebook(source: str) -> frozenset[str]:
    """The names that a test reads, and does not bind."""
    nodes = statements(source)
    return frozenset(_loaded(nodes) - bound_names(nodes))


@cache
def _reason(source: str, classes: frozenset[str], equal: frozenset[str]) -> str | None:
    """Why a test is refused, if it is: see `_refused`."""
    nodes = (inner for outer in statements(source) for inner in ast.walk(outer))
    return next(filter(None, (_refused(node, classes, equal) for node in nodes)), None)


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names))


@cache
def _deleted(source: str) -> frozenset[str]:
    """The names that a test deletes and has not bound above."""
    bound: set[str] = set()
    deleted: set[str] = set()
    for node in _own_scope(statements(source)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Del) and node.id not in bound:
            deleted.add(node.id)
    return frozenset(deleted)


def _own_scope(nodes: Iterable[ast.AST]) -> Iterator[ast.AST]:
    """The nodes in the order of the text, without those of functions and classes."""
    for node in nodes:
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda):
            yield from _own_scope(ast.iter_child_nodes(node))


def _refused(node: ast.AST, classes: frozenset[str], equal: Collection[str]) -> str | None:
    """Why a part of a test is refused.

    Args:
        classes: those of the author's notebook.
        equal: those of them that say what is equal.
    """
    match node:
        case ast.ExceptHandler(type=kind) if kind is not None and _names(kind) & classes:
            return (
                f"except {ast.unparse(kind)}: an exception comes as the builtin class that it"
                " derives from: write that one"
            )
        case ast.ClassDef(bases=bases) if any(_names(base) & classes for base in bases):
            return f"class {node.name}: a class of the student's is derived from in the notebook"
        case ast.Compare(left=left, comparators=others) if _is_type_of(left, others, classes):
            return (
                f"{ast.unparse(node)}: write isinstance(...), a student's object has another type"
            )
        case (
            ast.Compare(
                comparators=[ast.Call(func=ast.Name(id="globals" | "dir" as name), args=[])]
            )
            | ast.Subscript(value=ast.Call(func=ast.Name(id="globals" as name)))
            | ast.Attribute(value=ast.Call(func=ast.Name(id="globals" as name)))
        ):
            return f"{name}() has the test's own names: write the name of the notebook itself"
        case ast.Call(func=ast.Attribute(attr="getsource" | "getsourcelines" as name)):
            return f"{name}: the code is in another process: write checks.forbid(...)"
        case ast.Set(elts=elts) if any(_makes(element, equal) for element in elts):
            return "a set of objects asks their own __hash__ and __eq__: compare attributes"
        case ast.Subscript(value=ast.Name(id="In" | "Out" | "_ih" | "_oh" as name)):
            return f"{name}[...]: what a cell wrote or gave is not there: test what it defines"
    return None


def _makes(node: ast.expr, classes: Collection[str]) -> bool:
    """True for a call of one of these classes."""
    return isinstance(node, ast.Call) and bool(_names(node.func) & set(classes))


def _names(node: ast.AST) -> set[str]:
    return {inner.id for inner in ast.walk(node) if isinstance(inner, ast.Name)}


def _is_type_of(left: ast.expr, others: Sequence[ast.expr], classes: frozenset[str]) -> bool:
    """True for `type(x) is Net`, `type(x).__name__ == "Net"`, in either order."""
    sides = [left, *others]
    asks = any(
        isinstance(inner, ast.Call) and isinstance(inner.func, ast.Name) and inner.func.id == "type"
        for side in sides
        for inner in ast.walk(side)
    )
    named = {n for side in sides for n in _names(side)}
    texts = {side.value for side in sides if isinstance(side, ast.Constant)}
    return asks and not classes.isdisjoint(named | texts)


# ---- A test, before it calls student code


def answers_to_input(names: Mapping[str, Any]) -> Callable[[str], str] | None:
    """What answers `input()` in student code, if the test has put something in its place.

    Args:
        names: those that tests have bound.

    Raises:
        UnsupportedAcrossBoundary: the test has replaced another function of Python's.
    """
    current = vars(builtins)
    replaced = set()
    if current != _BUILTINS:  # asked before every call, and false nearly always
        replaced = {name for name, value in _BUILTINS.items() if current.get(name) is not value}
    if others := replaced - {"input", "_"}:
        raise UnsupportedAcrossBoundary(
            f"the test replaces {_listed(others)} of Python's, which student code does not see:"
            " capture what is printed with contextlib.redirect_stdout, or give a function as an"
            " argument"
        )
    if callable(names.get("input")):
        return names["input"]
    if replaced & {"input"}:
        return builtins.input
    return None if sys.stdin is _STDIN else _typed


def _typed(prompt: str) -> str:
    """The next line of what a test has put in the place of `sys.stdin`."""
    line = sys.stdin.readline()
    if not line:
        raise EOFError("the test has no more lines")
    return line.removesuffix("\n")


class MainModule(ModuleType):
    """Stands for `__main__` among a test's modules: the notebook's names are not in it."""

    of_the_notebook: Set[str] = frozenset()

    def __getattr__(self, name: str) -> Any:
        if name not in self.of_the_notebook:
            raise AttributeError(name)
        raise UnsupportedAcrossBoundary(
            f"__main__.{name}: the notebook is another process. Use the name itself; what the test"
            " replaces there, student code does not see"
        )
