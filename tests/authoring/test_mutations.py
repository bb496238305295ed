"""Mutants of a reference: one small mistake each, made in its own text."""

import ast

import pytest

from grader.authoring.mutations import mutants
from grader.authoring.source import Role, SourceCell
from labo.coursework.notebook import CellKind

KEPT = """\
def f(x, y: int = 3, *, keepdim=True):
    \"\"\"Une moyenne, « accentuée ».\"\"\"
    z = x + 1
    ### BEGIN SOLUTION
    {body}
    ### END SOLUTION
"""


def exercise(body: str) -> SourceCell:
    source = KEPT.format(body=body.replace("\n", "\n    "))
    role = Role(CellKind.EXERCISE, "f")
    return SourceCell("code", source, role, line=10, body_line=11)


def changes(body: str) -> set[tuple[str, str]]:
    return {(mutant.before, mutant.after) for mutant in mutants(exercise(body))}


@pytest.mark.parametrize(
    ("line", "mutated"),
    [
        ("return x - 1", "return x + 1"),
        ("return x < y", "return x <= y"),
        ("return x.sum(0)", "return x.mean(0)"),
        ("return x.sum(0)", "return x.sum(1)"),
        ("return x.sum(0)", "return x.sum(-1)"),
        ("return x.mean(0, keepdim=True)", "return x.mean(0)"),
        ("return x.mean(0, keepdim=True)", "return x.mean(0, keepdim=False)"),
        ("return x.std(0, correction=0)", "return x.std(0)"),
        ("return x.max()", "return x.min()"),
        ("return x.argmax(1)", "return x.argmin(1)"),
        ("return x.clone()", "return x"),
        ("return abs(x)", "return x"),
        ("return torch.div(x, y)", "return torch.div(y, x)"),
        ("return x and y", "return x or y"),
        ("return 1 if x else 2", "return 1 if not x else 2"),
        ("return x.add(y)", "return x.add_(y)"),
        ("return [0 for _ in range(y)]", "return [0 for _ in range(y - 1)]"),
        ("return x[:y]", "return x[1:y]"),
        ("return x[z] @ x", "return y"),
        ("return x * y", "return x * 3"),  # the default, whatever is asked
        ("return lambda a=2: a", "return lambda a=3: a"),
        ("return (x - y) * 2", "return x * 2"),
        ("return 2 * x.abs()", "return 2 * x"),
        ("return '« é »', x - y", "return ('« é »', x + y)"),
    ],
)
def test_one_mistake_at_a_time(line, mutated):
    found = {(before, _meaning(after)) for before, after in changes(line) if "\n" not in after}
    assert (line, _meaning(mutated)) in found


def _meaning(line: str) -> str:
    return ast.dump(ast.parse(f"def f():\n    {line}"))


def test_statements_are_dropped_and_exchanged_unless_a_name_would_be_missing():
    found = changes("z = x.abs()\nz[0] = y\nz += 1\nw = z\nreturn w")
    assert {("z = x.abs()", "pass"), ("z[0] = y", "pass"), ("z += 1", "pass")} <= found
    assert ("w = z", "pass") not in found
    assert ("z[0] = y\nz += 1", "z += 1\nz[0] = y") in found
    assert ("z += 1", "z = 1") in found


def test_a_change_keeps_what_stands_around_it():
    """A dropped call has lost its own parentheses."""
    assert ("return 2 * (x + y).abs()", "return 2 * (x + y)") in changes("return 2 * (x + y).abs()")
    assert ("return x - f(y + 1)", "return x - (y + 1)") in changes("return x - f(y + 1)")


def test_only_the_solution_changes_and_lines_are_those_of_the_source():
    cell = exercise("a = x + 1  # pourquoi\nreturn a")
    for mutant in mutants(cell):
        old, new = cell.lines, mutant.code.split("\n")
        assert old[:4] == new[:4]
        assert old[-2:] == new[-2:]
        assert mutant.line in (15, 16)
        assert mutant.diff.startswith("@@ -1")
    assert any("# pourquoi" in mutant.after for mutant in mutants(cell))


def test_mutants_are_python_and_all_different():
    cell = exercise("for i in range(y):\n    x = -x[i:] * 2.5\nreturn x, y")
    trees = [ast.dump(ast.parse(mutant.code)) for mutant in mutants(cell)]
    assert len(trees) >= 30
    assert len({*trees, ast.dump(ast.parse(cell.source))}) == len(trees) + 1
    assert mutants(cell) == mutants(cell)
