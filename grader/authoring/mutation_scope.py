"""What the operators of mutation work with: changes, the names of an exercise, code as text."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Node = ast.expr | ast.stmt


class Change(NamedTuple):
    """Code in the place of a node, or of all from this node up to `last`."""

    node: Node
    what: str
    code: str
    last: Node | None = None


@dataclass
class Scope:
    """What the names of an exercise are.

    Args:
        values: those that it binds; all others are modules or functions of the lab's.
        siblings: for a name, another one that it may be taken for: one of those bound together
            with it, as in `train, valid = ...`, or alone as it was.
        attributes: of its objects.
        numbers: the arguments annotated as such, with their default.
        arguments: of the innermost function.
    """

    values: set[str] = field(default_factory=set)
    siblings: dict[str, str] = field(default_factory=dict)
    attributes: dict[str, None] = field(default_factory=dict)
    numbers: dict[str, str | None] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()


def read_scope(tree: ast.AST) -> Scope:
    scope = Scope()
    alone: dict[str, None] = {}
    for group in _bound_together(tree):
        scope.values.update(group)
        if len(group) == 1:
            alone[group[0]] = None
        _add_siblings(scope, group)
    _add_siblings(scope, list(alone))
    for node in ast.walk(tree):
        if isinstance(node, ast.arguments):
            scope.numbers |= _numbers(node)
        elif isinstance(node, ast.Attribute) and is_self(node.value):
            scope.attributes[node.attr] = None
    return scope


def _bound_together(node: ast.AST) -> Iterator[list[str]]:
    """The names of each list of arguments, tuple or assignment, in the order of the text."""
    match node:
        case ast.arguments():
            yield argument_names(node)
        case ast.Tuple(elts=elements, ctx=ast.Store()):
            yield [element.id for element in elements if isinstance(element, ast.Name)]
            return
        case ast.Name(id=name, ctx=ast.Store()):
            yield [name]
    for child in ast.iter_child_nodes(node):
        yield from _bound_together(child)


def _add_siblings(scope: Scope, names: Sequence[str]) -> None:
    for name, other in zip(names, [*names[1:], *names[:1]], strict=True):
        if name != other:
            scope.siblings.setdefault(name, other)


def _numbers(arguments: ast.arguments) -> dict[str, str | None]:
    found = (*arguments.posonlyargs, *arguments.args)
    defaults = [None] * (len(found) - len(arguments.defaults)) + arguments.defaults
    pairs = [*zip(found, defaults, strict=True)]
    pairs += zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return {
        argument.arg: ast.unparse(default) if isinstance(default, ast.Constant) else None
        for argument, default in pairs
        if argument.annotation and ast.unparse(argument.annotation).split()[0] in ("int", "float")
    }


def argument_names(arguments: ast.arguments) -> list[str]:
    """All but the object of a method."""
    found = (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)
    return [argument.arg for argument in found if argument.arg not in ("self", "cls")]


def is_self(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id in ("self", "cls")


def code(node: ast.AST, **fields: Any) -> str:
    """The text of a node, or of one with other fields."""
    changed = copy.copy(node)
    for name, value in fields.items():
        setattr(changed, name, value)
    return ast.unparse(ast.fix_missing_locations(changed))


def with_at(items: Sequence[Any], index: int, new: list[Any]) -> list[Any]:
    """The items, with others in the place of one."""
    return [*items[:index], *new, *items[index + 1 :]]


def swaps(items: Sequence[Any]) -> Iterator[list[Any]]:
    """The items, each time with two neighbours exchanged."""
    for i in range(len(items) - 1):
        yield [*items[:i], items[i + 1], items[i], *items[i + 2 :]]
