"""What the cells of a source must be: each mistake with its line and what to write."""

from __future__ import annotations

import difflib
import re
import warnings
from ast import PyCF_ALLOW_TOP_LEVEL_AWAIT

from grader.authoring.rubric import answer_key
from grader.authoring.source import Cell, Kind, Region, Report, find_regions, indent

EXAMPLES: dict[Kind | None, str] = {
    None: '# %% tags=["raises-exception"]',
    "exercice": '# %% exercice="{name}"',
    "test": '# %% test="{name}" points=2',
    "reponse": '# %% [markdown] reponse="{name}" points=1',
}


def check_cell(cell: Cell, report: Report) -> None:
    errors = []
    regions = list(find_regions(cell, lambda *error: errors.append(error)))
    for error in errors:
        report(*error)
    kind = cell.role.kind if cell.role else None
    homes = {"SOLUTION": "exercice", "HIDDEN TESTS": "test"}
    for region in regions:
        home = homes[region.kind]
        if kind != home:
            place = f"{region.kind} region outside a cell '{home}'"
            report(cell.body_line + region.begin, place, f"Give the cell a role: {example(home)}")
            errors.append(place)
    if errors:
        return  # what students receive is not known
    if kind == "exercice":
        _check_exercise(cell, regions, report)
    if kind == "test" and not cell.visible.strip():
        fix = "Write at least one line, a check or a comment, outside the HIDDEN TESTS region."
        report(
            cell.line, f"students would receive the test '{cell.role.name}' as an empty cell", fix
        )
    if kind == "reponse" and isinstance(cell.role.points, int | float):
        answer_key(cell, report)
    if not cell.source:
        fix = "Write the model answer." if kind == "reponse" else "Remove it."
        report(cell.line, "the cell is empty", fix)
    if cell.type == "code":
        _check_syntax(cell, report)


def _check_exercise(cell: Cell, regions: list[Region], report: Report) -> None:
    if not regions:
        fix = "Put the answer between '### BEGIN SOLUTION' and '### END SOLUTION'."
        report(cell.line, f"the exercise '{cell.role.name}' has no solution region", fix)
    for region in regions:
        line = cell.body_line + region.begin
        written = [text for text in cell.lines[region.begin + 1 : region.end] if text.strip()]
        if not written:
            report(line, "the solution is empty", "Write it between the two markers.")
        elif indent(written[0]) != indent(cell.lines[region.begin]):
            fix = "Indent '### BEGIN SOLUTION' like the line after it: the stub takes its place."
            report(line, "the marker is not indented like the solution", fix)


def _check_syntax(cell: Cell, report: Report) -> None:
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


def check_names(cells: tuple[Cell, ...], report: Report) -> None:
    """Names are unique, each test has its exercise, each exercise its test."""
    seen: dict[str, Cell] = {}
    for cell in cells:
        if not cell.role:
            continue
        first = seen.setdefault(cell.role.grade_id, cell)
        if first is not cell:
            name = f"the name '{cell.role.grade_id}' is already that of line {first.line}"
            several = ' (several tests of an exercise: part="...")'
            fix = "Choose another one" + (several if cell.role.kind == "test" else "") + "."
            report(cell.line, name, fix)
    named = {
        kind: {c.role.name: c.line for c in reversed(cells) if c.role and c.role.kind == kind}
        for kind in ("exercice", "test")
    }
    for name, line in named["test"].items():
        if name not in named["exercice"]:
            close = difflib.get_close_matches(name, named["exercice"], n=1)
            hint = f"Did you mean {close[0]}? " if close else ""
            fix = f"{hint}An exercise is a cell: {example('exercice', name)}"
            report(line, f"a test for the unknown exercise '{name}'", fix)
    for name, line in named["exercice"].items():
        if name not in named["test"]:
            fix = f"Add a cell: {example('test', name)}"
            report(line, f"the exercise '{name}' has no test", fix)


def example(kind: Kind | None, name: object = "hinge_loss") -> str:
    """The first line of a cell of this kind."""
    return EXAMPLES[kind].format(name=name)
