"""Rules that the cells of a source must keep; each mistake has its line and what to write."""

from __future__ import annotations

import ast
import re
import warnings
from ast import PyCF_ALLOW_TOP_LEVEL_AWAIT
from collections.abc import Sequence

from grader.authoring.rubric import answer_key
from grader.authoring.source import (
    REGION_MARKER,
    RegionKind,
    ReportMistake,
    Role,
    SourceCell,
    find_regions,
    indent,
)
from grader.text import did_you_mean
from labo.coursework.notebook import CellKind

_EXAMPLES: dict[CellKind | None, str] = {
    None: '# %% tags=["raises-exception"]',
    CellKind.EXERCISE: '# %% exercice="{name}"',
    CellKind.TEST: '# %% test="{name}" points=2',
    CellKind.QUESTION: '# %% [markdown] reponse="{name}" points=1',
    CellKind.EXPERIENCE: '# %% experience="{name}"',
    CellKind.CLAIM: '# %% affirmation="{name}" profils="tiny, small"',
}
_HOMES = {
    RegionKind.SOLUTION: CellKind.EXERCISE,
    RegionKind.HIDDEN_TESTS: CellKind.TEST,
}
# nbgrader acts on these words too.
_FOREIGN_WORDS = re.compile(r"(?:BEGIN|END) MARK SCHEME|AUTOTEST")


def example(kind: CellKind | None, name: object = "hinge_loss") -> str:
    """The first line of a cell of this kind."""
    return _EXAMPLES[kind].format(name=name)


def check_cell(cell: SourceCell, report: ReportMistake) -> None:
    """Report the mistakes of one cell by itself."""
    mistakes: list[tuple[int, str, str]] = []
    _check_regions(cell, lambda *mistake: mistakes.append(mistake))
    for mistake in mistakes:
        report(*mistake)
    if not mistakes:  # otherwise what students receive is not known
        _check_content(cell, report)


def check_names(cells: Sequence[SourceCell], report: ReportMistake) -> None:
    """Names are unique, each test has its exercise, each exercise its test."""
    _check_unique(cells, report)
    exercises, tests = (_lines_by_name(cells, k) for k in (CellKind.EXERCISE, CellKind.TEST))
    for name, line in tests.items():
        if name not in exercises:
            hint = did_you_mean(name, exercises)
            fix = f"{hint} An exercise is a cell: {example(CellKind.EXERCISE, name)}".lstrip()
            report(line, f"a test for the unknown exercise '{name}'", fix)
    for name, line in exercises.items():
        if name not in tests:
            fix = f"Add a cell: {example(CellKind.TEST, name)}"
            report(line, f"the exercise '{name}' has no test", fix)


def check_helpers(cells: Sequence[SourceCell], report: ReportMistake) -> None:
    """No test relies on a function of an ordinary cell, which a student may rewrite."""
    helpers = {
        node.name: cell
        for cell in cells
        if cell.type == "code" and cell.kind in (None, CellKind.EXPERIENCE)
        for node in _statements(cell)
        if isinstance(node, ast.FunctionDef)
    }
    for cell in cells:
        if cell.kind is CellKind.TEST:
            for name in sorted(helpers.keys() & _names_used_in_hidden_lines(cell)):
                message = f"the hidden test uses '{name}', of the cell at line {helpers[name].line}"
                fix = "Define it in the test too: a student may rewrite that cell."
                report(cell.line, message, fix)


def _names_used_in_hidden_lines(cell: SourceCell) -> set[str]:
    """The names that a test reads and does not bind, but those that its visible lines read."""
    nodes = [node for statement in _statements(cell) for node in ast.walk(statement)]
    hidden = {line for region in cell.regions for line in range(region.begin + 1, region.end + 2)}
    names = [node for node in nodes if isinstance(node, ast.Name)]
    read = {n.id for n in names if isinstance(n.ctx, ast.Load) and n.lineno in hidden}
    bound = {n.id for n in names if isinstance(n.ctx, ast.Store)}
    bound |= {n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.ClassDef)}
    bound |= {n.asname or n.name for n in nodes if isinstance(n, ast.alias)}
    return read - bound


def _statements(cell: SourceCell) -> list[ast.stmt]:
    """The statements of a code cell; none when it has IPython's commands, or mistakes."""
    try:
        return ast.parse(cell.source).body
    except SyntaxError:
        return []


def _check_regions(cell: SourceCell, report: ReportMistake) -> None:
    for line, text in enumerate(cell.lines, start=cell.body_line):
        if _FOREIGN_WORDS.search(text):
            fix = "Reword the line: nbgrader acts on these words wherever they stand."
            report(line, "mark schemes and AUTOTEST are not used in this project", fix)
        match = REGION_MARKER.search(text)
        if match and text.strip() != f"### {match[0]}":
            report(line, f"a line with '{match[0]}'", f"Write '### {match[0]}' alone on its line.")
    for region in find_regions(cell, report):
        home = _HOMES[region.kind]
        if cell.kind is not home:
            message = f"{region.kind} region outside a cell '{home}'"
            fix = f"Give the cell a role: {example(home)}"
            report(cell.body_line + region.begin, message, fix)


def _check_content(cell: SourceCell, report: ReportMistake) -> None:
    if not cell.source:
        fix = "Write the model answer." if cell.kind is CellKind.QUESTION else "Remove it."
        report(cell.line, "the cell is empty", fix)
    if cell.role:
        _check_role(cell, cell.role, report)
    if cell.type == "code":
        _check_syntax(cell, report)


def _check_role(cell: SourceCell, role: Role, report: ReportMistake) -> None:
    if role.kind is CellKind.EXERCISE:
        _check_exercise(cell, role.name, report)
    elif role.kind is CellKind.TEST and not cell.visible.strip():
        fix = "Write at least one line, a check or a comment, outside the HIDDEN TESTS region."
        report(cell.line, f"students would receive the test '{role.name}' as an empty cell", fix)
    elif role.kind is CellKind.QUESTION and role.points is not None:
        answer_key(cell, report)


def _check_exercise(cell: SourceCell, name: str, report: ReportMistake) -> None:
    if not cell.regions:
        fix = "Put the answer between '### BEGIN SOLUTION' and '### END SOLUTION'."
        report(cell.line, f"the exercise '{name}' has no solution region", fix)
    for region in cell.regions:
        line = cell.body_line + region.begin
        written = [text for text in cell.lines[region.begin + 1 : region.end] if text.strip()]
        if not written:
            report(line, "the solution is empty", "Write it between the two markers.")
        elif indent(written[0]) != indent(cell.lines[region.begin]):
            fix = "Indent '### BEGIN SOLUTION' like the line after it: the stub takes its place."
            report(line, "the marker is not indented like the solution", fix)


def _check_syntax(cell: SourceCell, report: ReportMistake) -> None:
    error = _syntax_error(cell.source)
    if error:
        fix = "Correct it. IPython's commands are written '# %magic' and '# !command'."
        report(cell.body_line + (error.lineno or 1) - 1, f"syntax error: {error.msg}", fix)
    elif cell.regions and _syntax_error(cell.visible):
        fix = "Move the markers so that what is left is complete Python."
        report(cell.line, "without its hidden lines, this cell has a syntax error", fix)


def _syntax_error(source: str) -> SyntaxError | None:
    try:
        _compile(source)
    except SyntaxError as error:
        if not re.search(r"^\s*[%!?]|=\s*[%!]|\?\s*$", source, re.MULTILINE):
            return error
        return _ipython_syntax_error(source)
    return None


def _ipython_syntax_error(source: str) -> SyntaxError | None:
    from IPython.core.inputtransformer2 import TransformerManager  # slow, seldom needed

    try:
        _compile(TransformerManager().transform_cell(source))
    except SyntaxError as error:
        return error
    return None


def _compile(source: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compile(source, "<cell>", "exec", PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)


def _check_unique(cells: Sequence[SourceCell], report: ReportMistake) -> None:
    lines: dict[str, int] = {}
    for cell in cells:
        if not cell.role:
            continue
        name = cell.role.grade_id
        if name not in lines:
            lines[name] = cell.line
            continue
        is_test = cell.kind is CellKind.TEST
        several = ' (several tests of an exercise: part="...")' if is_test else ""
        message = f"the name '{name}' is already that of line {lines[name]}"
        report(cell.line, message, f"Choose another one{several}.")


def _lines_by_name(cells: Sequence[SourceCell], kind: CellKind) -> dict[str, int]:
    """The names of the cells of a kind, each with the line of its first cell."""
    return {c.role.name: c.line for c in reversed(cells) if c.role and c.role.kind is kind}
