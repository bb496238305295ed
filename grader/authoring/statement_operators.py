"""Mistakes in statements: conditions, loops, what is left out, its order, what is returned."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from grader.authoring.mutation_scope import Change, Scope, code

_ENDS: Final = (ast.Return, ast.Break, ast.Continue, ast.Raise)


def _conditions(node: ast.AST, _: Scope) -> Iterator[Change]:
    constants: tuple[str, ...] = ()
    match node:
        case ast.If(test=test) | ast.IfExp(test=test):
            tests, constants = [test], ("True", "False")
        case ast.While(test=test):
            tests = [test]
        case ast.comprehension(ifs=tests):
            constants = ("True",)
        case _:
            return
    for test in tests:
        if not isinstance(test, ast.Compare):  # which has its contrary already
            yield Change(test, "condition", code(ast.UnaryOp(ast.Not(), test)))
        yield from (Change(test, "condition", constant) for constant in constants)


def _loops(node: ast.AST, _: Scope) -> Iterator[Change]:
    if isinstance(node, ast.For | ast.comprehension):
        for turns in ("1:", ":-1", ":1"):
            yield Change(node.iter, "loop", f"list({code(node.iter)})[{turns}]")


def _statements(node: ast.AST, scope: Scope) -> Iterator[Change]:
    """Dropped ones; what is returned."""
    match node:
        case ast.Return(value=ast.expr() as value):
            for name in (*scope.arguments, "None"):
                yield Change(value, f"returns {name}", name)
            for result in value.elts if isinstance(value, ast.Tuple) else [value]:
                yield from _results(result)
        case ast.Break() | ast.Continue():
            other = "continue" if isinstance(node, ast.Break) else "break"
            yield Change(node, f"{other} for {code(node)}", other)
            yield Change(node, "statement dropped", "pass")
        case ast.AugAssign(target=target, value=value):
            yield Change(node, "statement dropped", "pass")
            yield Change(node, "assigned", f"{code(target)} = {code(value)}")
        case ast.Expr() | ast.Raise() | ast.Assert() | ast.Assign() | ast.AnnAssign():
            yield Change(node, "statement dropped", "pass")


def _results(result: ast.expr) -> Iterator[Change]:
    """Of another sign, size, shape or type, or incomplete."""
    forms = {
        "opposite": ast.UnaryOp(ast.USub(), result),
        "twice": ast.BinOp(ast.Constant(2), ast.Mult(), result),
        "one more": ast.BinOp(result, ast.Add(), ast.Constant(1)),
        "without the first": ast.Subscript(result, ast.Slice(ast.Constant(1)), ast.Load()),
        "without the last": ast.Subscript(result, ast.Slice(None, ast.Constant(-1)), ast.Load()),
    }
    for name in ("squeeze", "int"):
        forms[name] = ast.Call(ast.Attribute(result, name, ast.Load()), [], [])
    for name, form in forms.items():
        yield Change(result, f"result, {name}", code(form))


def _order(node: ast.AST, _: Scope) -> Iterator[Change]:
    """Two statements in the other order."""
    for name in ("body", "orelse", "finalbody"):
        body = getattr(node, name, None)
        for first, second in pairwise(body if isinstance(body, list) else []):
            # What comes after the end of a block is dropped, and that has been tried.
            movable = not any(isinstance(s, _ENDS) or hasattr(s, "body") for s in (first, second))
            if movable and (
                _changed(first) & _names_in(second) or _changed(second) & _names_in(first)
            ):
                new = f"{code(second)}\n{' ' * first.col_offset}{code(first)}"
                yield Change(first, "order", new, second)


def _changed(statement: ast.stmt) -> set[str]:
    """What a statement may change: the targets of an assignment, all that a call mentions."""
    match statement:
        case ast.Assign(targets=targets):
            pass
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
            targets = [target]
        case _:
            return _names_in(statement)
    return {name for target in targets for name in _names_in(_without_index(target))}


def _without_index(target: ast.expr) -> ast.expr:
    return target.value if isinstance(target, ast.Subscript) else target


def _names_in(node: ast.AST) -> set[str]:
    """The names, with their dots: `self.weight` is another one than `self.bias`."""
    parts = [n for n in ast.walk(node) if isinstance(n, ast.Name | ast.Attribute)]
    return {ast.unparse(part) for part in parts} - {"self", "cls"}


STATEMENT_OPERATORS: Final = (_conditions, _loops, _statements, _order)
