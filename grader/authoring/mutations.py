"""Mutants of a reference: the exercise with one small mistake, in the words of its source.

The changes are found in the syntax tree and made in the text, so that lines keep their numbers and
comments stay. Nothing is run here.
"""

from __future__ import annotations

import ast
import dataclasses
import difflib
import textwrap
import warnings
from collections.abc import Iterator
from dataclasses import dataclass

from grader.authoring.expression_operators import EXPRESSION_OPERATORS
from grader.authoring.mutation_scope import Change, Scope, argument_names, read_scope
from grader.authoring.source import SourceCell
from grader.authoring.statement_operators import STATEMENT_OPERATORS


@dataclass(frozen=True)
class Mutant:
    """A reference with one change.

    Args:
        what: the change, in a few words.
        line: of the lab's source, the first that differs.
        code: the whole exercise cell.
        before: the lines that differ, without their indentation.
        after: what stands in their place.
        diff: the change as a unified diff, with the line numbers of the lab's source.
    """

    what: str
    line: int
    code: str
    before: str
    after: str
    diff: str


def mutants(exercise: SourceCell) -> list[Mutant]:
    """All the mutants of an exercise's solution, always in the same order.

    Each is Python, and none has the syntax tree of another one or of the reference.
    """
    seen = {_meaning(exercise.source)}
    found = []
    for change in _changes(exercise):
        code = _changed(exercise.source, change)
        meaning = _meaning(code)
        if meaning is not None and meaning not in seen:
            seen.add(meaning)
            found.append(_mutant(exercise, change.what, code))
    return found


def _changes(exercise: SourceCell) -> Iterator[Change]:
    """The changes within the solution's regions."""
    tree = ast.parse(exercise.source)
    scope = read_scope(tree)
    for node, inner in _walk(tree, scope):
        for operator in (*STATEMENT_OPERATORS, *EXPRESSION_OPERATORS):
            for change in operator(node, inner):
                if _is_solution(exercise, change) and not _unbinds(change, tree):
                    yield change


def _walk(node: ast.AST, scope: Scope) -> Iterator[tuple[ast.AST, Scope]]:
    """The nodes that compute something, with the scope that each is in."""
    yield node, scope
    if isinstance(node, ast.FunctionDef | ast.Lambda):
        scope = dataclasses.replace(scope, arguments=tuple(argument_names(node.args)))
    # Not the words of a message, nor annotations.
    left_out = () if isinstance(node, ast.Raise | ast.Assert | ast.JoinedStr) else node._fields
    for name in left_out:
        if name in ("annotation", "returns"):
            continue
        value = getattr(node, name)
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _walk(child, scope)


def _is_solution(exercise: SourceCell, change: Change) -> bool:
    first, last = change.node.lineno - 1, _end(change)[0] - 1
    return any(region.begin < first <= last < region.end for region in exercise.regions)


def _unbinds(change: Change, tree: ast.AST) -> bool:
    """True where a name loses its first value: what follows fails, and that tells nothing."""
    if change.code != "pass" and change.last is None:
        return False
    place = change.node.lineno, change.node.col_offset
    earlier = {name for name, where in _bindings(tree) if where < place}
    lost = {name for name, _ in _bindings(change.node)} - earlier
    if change.last is None:
        return bool(lost)
    used = {node.id for node in ast.walk(change.last) if isinstance(node, ast.Name)}
    return bool(lost & used)


def _bindings(tree: ast.AST) -> Iterator[tuple[str, tuple[int, int]]]:
    """The names that are bound there, and where."""
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            yield node.arg, (node.lineno, node.col_offset)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, (node.lineno, node.col_offset)


def _changed(source: str, change: Change) -> str:
    """The text with one change; in parentheses where it means something else without."""
    data = source.encode()  # columns of a syntax tree count bytes
    start = _offset(data, change.node.lineno, change.node.col_offset)
    end = _offset(data, *_end(change))

    def put(code: str) -> str:
        return (data[:start] + code.encode() + data[end:]).decode()

    plain, grouped = put(change.code), put(f"({change.code})")
    return plain if _meaning(grouped) in (None, _meaning(plain)) else grouped


def _end(change: Change) -> tuple[int, int]:
    """The line and the column after the code that is replaced."""
    last = change.last or change.node
    assert last.end_lineno is not None  # as in all that `ast.parse` gives
    assert last.end_col_offset is not None
    return last.end_lineno, last.end_col_offset


def _offset(data: bytes, line: int, column: int) -> int:
    return sum(map(len, data.splitlines(keepends=True)[: line - 1])) + column


def _meaning(source: str) -> str | None:
    """The syntax tree as text; None for what is not Python."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of code that is wrong on purpose
            tree = ast.parse(source)
            compile(tree, "<mutant>", "exec")
    except SyntaxError:
        return None
    return ast.dump(tree)


def _mutant(exercise: SourceCell, what: str, code: str) -> Mutant:
    old, new = exercise.lines, code.split("\n")
    same = 0
    while old[same] == new[same]:
        same += 1
    after = 0
    while after < min(len(old), len(new)) - same and old[-1 - after] == new[-1 - after]:
        after += 1
    before_lines, after_lines = old[same : len(old) - after], new[same : len(new) - after]
    blank = [""] * (exercise.body_line - 1)  # for the numbers of the lab's own lines
    lines = difflib.unified_diff([*blank, *old], [*blank, *new], lineterm="", n=1)
    return Mutant(
        what,
        exercise.body_line + same,
        code,
        textwrap.dedent("\n".join(before_lines)),
        textwrap.dedent("\n".join(after_lines)),
        "\n".join(list(lines)[2:]),  # not the names of files
    )
