"""The one source of a lab: a ``.py`` file of cells with roles, read, checked and written back.

The file is jupytext's "percent" format, so editors and JupyterLab open it as a notebook. It is
read here rather than by jupytext because every error must name its line, and because an unedited
cell must come back byte for byte. What a cell is for stands in its first line:

    # %%                                       code
    # %% [markdown]                            text
    # %% exercice="hinge_loss"                 code that the student writes
    # %% test="hinge_loss" points=2            graded check (part="..." when there are several)
    # %% [markdown] reponse="q1" points=1      written answer, graded by a person

An exercise or a written answer may say what it is about, concepts="axes, broadcasting". These are
the tags of the notebook's cell: nbgrader removes what it does not know from its own metadata.

docs/authors.md is the guide for those who write labs.
"""

from __future__ import annotations

import difflib
import json
import re
import warnings
from ast import PyCF_ALLOW_TOP_LEVEL_AWAIT
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from grader.authoring import rubric
from grader.errors import GraderError, shown

CODE_STUB = 'raise NotImplementedError("exercice : {name}")'
TEXT_STUB = "*Écrivez votre réponse ici.*"

CellType = Literal["code", "markdown"]
Kind = Literal["exercice", "test", "reponse"]
RegionKind = Literal["SOLUTION", "HIDDEN TESTS"]

KINDS: tuple[Kind, ...] = ("exercice", "test", "reponse")
OPTIONS: dict[Kind | None, tuple[str, ...]] = {
    None: ("tags",),
    "exercice": ("exercice", "concepts"),
    "test": ("test", "part", "points"),
    "reponse": ("reponse", "points", "concepts"),
}
EXAMPLES: dict[Kind | None, str] = {
    None: '# %% tags=["raises-exception"]',
    "exercice": '# %% exercice="{name}"',
    "test": '# %% test="{name}" points=2',
    "reponse": '# %% [markdown] reponse="{name}" points=1',
}

_MARKER = re.compile(r"# ?%%(?P<rest>\s.*)?")
_CELL_TYPE = re.compile(r"\[(\w+)\]\s*")
_OPTION = re.compile(r"""(\w+)=("[^"]*"|\[[^\]]*\]|[^\s"\[\]]+)(?:\s+|$)""")
_MAGIC = re.compile(r"(?:# )*[%!]{1,2}[A-Za-z]")
# nbgrader looks for these words anywhere in a line, in every cell; so must we.
_REGION_WORDS = re.compile(r"(BEGIN|END) (SOLUTION|HIDDEN TESTS)")
_FOREIGN_WORDS = re.compile(r"(?:BEGIN|END) MARK SCHEME|AUTOTEST")


@dataclass(frozen=True, order=True)
class SourceError:
    """One mistake in a source: where it is, what is wrong, what to write."""

    path: Path
    line: int
    message: str
    fix: str

    def __str__(self) -> str:
        return f"{shown(self.path)}:{self.line}: {self.message}\n    {self.fix}"


class InvalidSource(GraderError):
    """All the mistakes of one file, in the order of its lines."""

    def __init__(self, errors: list[SourceError]) -> None:
        self.errors = sorted(errors)
        super().__init__("\n".join(map(str, self.errors)))


@dataclass(frozen=True)
class Role:
    """What nbgrader does with a cell."""

    kind: Kind
    name: str
    part: str | None = None
    points: float | None = None

    @property
    def grade_id(self) -> str:
        """The cell's name in nbgrader's metadata and gradebook."""
        if self.kind != "test":
            return self.name
        return "_".join(filter(None, ("test", self.name, self.part)))


@dataclass(frozen=True)
class Region:
    """Lines of a cell that students do not receive, from BEGIN to END, both included."""

    kind: RegionKind
    begin: int
    end: int


@dataclass(frozen=True)
class Cell:
    """One cell: its content as in the notebook, and where and how the ``.py`` wrote it."""

    type: CellType
    source: str
    role: Role | None = None
    tags: tuple[str, ...] = ()  # the concepts of a cell with a role
    line: int = 0  # of its marker, from 1
    body_line: int = 0  # of the first line of `source`
    text: str = ""  # verbatim, from its marker up to the next one

    @property
    def content(self) -> tuple:
        """All that an edit can change: equal contents are the same cell."""
        return self.type, self.source, self.role, self.tags

    @cached_property
    def lines(self) -> list[str]:
        return self.source.split("\n")

    @cached_property
    def regions(self) -> list[Region]:
        return list(_regions(self, lambda *_: None))

    @property
    def visible(self) -> str:
        """The source that students receive."""
        if self.role and self.role.kind == "reponse":
            return TEXT_STUB
        begins = {region.begin: region for region in self.regions}
        hidden = {i for region in self.regions for i in range(region.begin, region.end + 1)}
        kept = []
        for i, line in enumerate(self.lines):
            if i in begins and begins[i].kind == "SOLUTION":
                kept.append(_indent(line) + CODE_STUB.format(name=self.role.name))
            elif i not in hidden:
                kept.append(line)
        return "\n".join(kept)

    @property
    def secret(self) -> list[list[str]]:
        """The lines that students must not receive, one list per region."""
        if self.role and self.role.kind == "reponse":
            return [self.lines]
        return [self.lines[region.begin + 1 : region.end] for region in self.regions]


@dataclass(frozen=True)
class Source:
    """A lab's source: jupytext's header, then the cells."""

    path: Path
    header: str
    cells: tuple[Cell, ...]

    @property
    def text(self) -> str:
        return self.header + "".join(cell.text for cell in self.cells)


def read_source(path: Path) -> Source:
    """The checked source of a lab.

    Raises:
        InvalidSource: with every mistake of the file.
    """
    data = path.read_bytes()
    try:
        text = data.decode().replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InvalidSource([SourceError(path, line, "not UTF-8", "Save it as UTF-8.")]) from error
    return parse(text, path)


def parse(text: str, path: Path) -> Source:
    """As `read_source`, from a text; `path` is only for the messages."""
    errors: list[SourceError] = []

    def report(line: int, message: str, fix: str) -> None:
        errors.append(SourceError(path, line, message, fix))

    header, chunks = _split(text)
    _check_header(header, report)
    cells = tuple(_cell(line, chunk, report) for line, chunk in chunks)
    for cell in cells:
        _check_cell(cell, report)
    _check_names(cells, report)
    if errors:
        raise InvalidSource(errors)
    return Source(path, header, cells)


Report = Callable[[int, str, str], None]


def _split(text: str) -> tuple[str, list[tuple[int, str]]]:
    """The header, then each cell's verbatim text with the number of its first line."""
    lines = re.split(r"(?<=\n)", text)
    starts = [i for i, line in enumerate(lines) if _MARKER.fullmatch(line.rstrip("\n"))]
    ends = [*starts[1:], len(lines)]
    header = "".join(lines[: starts[0] if starts else len(lines)])
    return header, [
        (start + 1, "".join(lines[start:end])) for start, end in zip(starts, ends, strict=True)
    ]


def _check_header(header: str, report: Report) -> None:
    inside = False
    for number, line in enumerate(header.split("\n"), start=1):
        if line == "# ---":
            inside = not inside
        elif line.strip() and not inside:
            report(number, "text before the first cell", "Write '# %%' on a line above it.")
            return
    if inside:
        report(1, "the header is not closed", "Write '# ---' on a line after it.")


def _cell(line: int, chunk: str, report: Report) -> Cell:
    marker, _, body = chunk.partition("\n")
    cell_type, role, tags = _read_marker(marker, line, report)
    lines = body.split("\n")
    if cell_type == "code":
        lines = [_uncomment_magic(text) for text in lines]
    else:
        for number, text in enumerate(lines, start=line + 1):
            if text.strip() and not text.startswith("#"):
                report(
                    number, "a line of text without '# '", "Begin it with '# ', or write '# %%'."
                )
        lines = [_uncomment(text) for text in lines]
    source = trim("\n".join(lines))
    blank = next((i for i, text in enumerate(lines) if text.strip()), 0)
    return Cell(cell_type, source, role, tags, line, line + 1 + blank, chunk)


def _read_marker(
    marker: str, line: int, report: Report
) -> tuple[CellType, Role | None, tuple[str, ...]]:
    rest = (_MARKER.fullmatch(marker)["rest"] or "").strip()
    cell_type: CellType = "code"
    if match := _CELL_TYPE.match(rest):
        rest = rest[match.end() :]
        if match[1] == "markdown":
            cell_type = "markdown"
        else:
            report(line, f"unknown type of cell [{match[1]}]", "Write '# %% [markdown]' or '# %%'.")
    options = _read_options(rest, line, report)
    return cell_type, *_read_role(options, cell_type, line, report)


def _read_options(text: str, line: int, report: Report) -> dict:
    options: dict = {}
    position = 0
    while position < len(text):
        match = _OPTION.match(text, position)
        value = _json(match[2]) if match else None
        if value is None:
            fix = f"""Write name="text" or name=number, for example: {_example("test")}"""
            report(line, f"cannot read the options from {text[position:]!r}", fix)
            break
        if match[1] in options:
            report(line, f"the option '{match[1]}' is given twice", "Keep one of them.")
        options[match[1]] = value
        position = match.end()
    return options


def _read_role(
    options: dict, cell_type: CellType, line: int, report: Report
) -> tuple[Role | None, tuple[str, ...]]:
    kinds = [kind for kind in KINDS if kind in options]
    if len(kinds) > 1:
        report(line, f"two roles in one cell: {' and '.join(kinds)}", "Make it two cells.")
    kind = kinds[0] if kinds else None
    for option in options:
        if option not in OPTIONS[kind] and option not in kinds:
            report(line, *_unknown_option(option, kind))
    if kind is None:
        return None, _read_tags(options.get("tags", []), line, report)
    if (kind == "reponse") != (cell_type == "markdown"):
        wanted = "a text cell" if kind == "reponse" else "a code cell"
        report(line, f"'{kind}' must be {wanted}", f"Write: {_example(kind, options[kind])}")
    for option in (kind, "part"):
        if option in options and not _is_name(options[option]):
            fix = "Letters without accents, digits and _ only, not beginning with a digit."
            report(line, f"{option}={json.dumps(options[option])} is not a name", fix)
    if kind != "exercice":
        _check_points(options, kind, line, report)
    role = Role(kind, str(options[kind]), options.get("part"), whole(options.get("points")))
    return role, _read_concepts(options.get("concepts"), line, report)


def _unknown_option(option: str, kind: Kind | None) -> tuple[str, str]:
    if kind is None and option in ("points", "part"):
        return f"'{option}' in a cell without a role", f"Write: {_example('test')}"
    if kind is None:
        return f"unknown role or option '{option}'", f"The roles are {', '.join(KINDS)}."
    return f"unknown option '{option}' for '{kind}'", f"Write: {_example(kind)}"


def _read_tags(tags: object, line: int, report: Report) -> tuple[str, ...]:
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        report(line, "'tags' is not a list of words", f"Write: {_example(None)}")
        return ()
    return tuple(tags)


def _read_concepts(text: object, line: int, report: Report) -> tuple[str, ...]:
    if text is None:
        return ()
    concepts = [concept.strip() for concept in text.split(",")] if isinstance(text, str) else [""]
    if not all(concepts) or len(set(concepts)) < len(concepts):
        fix = 'Write words between commas, each once: concepts="axes, broadcasting"'
        report(line, f"cannot read concepts={json.dumps(text, ensure_ascii=False)}", fix)
        return ()
    return tuple(concepts)


def _check_points(options: dict, kind: Kind, line: int, report: Report) -> None:
    example = f"Write: {_example(kind, options[kind])}"
    if "points" not in options:
        report(line, f"'{kind}' without points", example)
        return
    points = options["points"]
    if isinstance(points, bool) or not isinstance(points, int | float) or not 0 < points < 1e6:
        report(line, f"points={json.dumps(points)} is not a positive number", example)


def _check_cell(cell: Cell, report: Report) -> None:
    errors = []
    regions = list(_regions(cell, lambda *error: errors.append(error)))
    for error in errors:
        report(*error)
    kind = cell.role.kind if cell.role else None
    homes = {"SOLUTION": "exercice", "HIDDEN TESTS": "test"}
    for region in regions:
        home = homes[region.kind]
        if kind != home:
            place = f"{region.kind} region outside a cell '{home}'"
            report(cell.body_line + region.begin, place, f"Give the cell a role: {_example(home)}")
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


def answer_key(cell: Cell, report: Report = lambda *_: None) -> rubric.AnswerKey:
    """The model answer of a written question and its barème, whose mistakes go to `report`."""
    return rubric.read(
        cell.source,
        cell.role.points,
        lambda line, message, fix: report(cell.body_line + line, message, fix),
    )


def _regions(cell: Cell, report: Report) -> Iterator[Region]:
    """The hidden regions of a cell; what is wrong with them goes to `report`."""
    begin, kind = None, None
    for i, text in enumerate(cell.lines):
        line = cell.body_line + i
        if _FOREIGN_WORDS.search(text):
            fix = "Reword the line: nbgrader acts on these words wherever they stand."
            report(line, "mark schemes and AUTOTEST are not used in this project", fix)
        match = _REGION_WORDS.search(text)
        if not match:
            continue
        if text.strip() != f"### {match[0]}":
            report(line, f"a line with '{match[0]}'", f"Write '### {match[0]}' alone on its line.")
        if match[1] == "BEGIN" and begin is not None:
            fix = f"Write '### END {kind}' before it."
            report(line, f"a {match[2]} region begins inside a {kind} region", fix)
        elif match[1] == "BEGIN":
            begin, kind = i, match[2]
        elif begin is None:
            fix = f"Write '### BEGIN {match[2]}' before it."
            report(line, f"a {match[2]} region ends and has not begun", fix)
        elif match[2] != kind:
            report(line, f"a {kind} region ends as {match[2]}", f"Write '### END {kind}'.")
            begin = None
        else:
            yield Region(kind, begin, i)
            begin = None
    if begin is not None:
        fix = f"Write '### END {kind}' after its last line."
        report(cell.body_line + begin, f"the {kind} region is not closed", fix)


def _check_exercise(cell: Cell, regions: list[Region], report: Report) -> None:
    if not regions:
        fix = "Put the answer between '### BEGIN SOLUTION' and '### END SOLUTION'."
        report(cell.line, f"the exercise '{cell.role.name}' has no solution region", fix)
    for region in regions:
        line = cell.body_line + region.begin
        written = [text for text in cell.lines[region.begin + 1 : region.end] if text.strip()]
        if not written:
            report(line, "the solution is empty", "Write it between the two markers.")
        elif _indent(written[0]) != _indent(cell.lines[region.begin]):
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


def _check_names(cells: tuple[Cell, ...], report: Report) -> None:
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
            fix = f"{hint}An exercise is a cell: {_example('exercice', name)}"
            report(line, f"a test for the unknown exercise '{name}'", fix)
    for name, line in named["exercice"].items():
        if name not in named["test"]:
            fix = f"Add a cell: {_example('test', name)}"
            report(line, f"the exercise '{name}' has no test", fix)


def merge(base: Source, cells: Sequence[tuple[Cell, Cell | None]]) -> str:
    """The text of `base` with other cells, each given with its original in `base`, if any.

    An unedited cell comes back verbatim; an edited one keeps its marker and the blank lines after.
    """
    chunks = []
    for cell, old in cells:
        same = old is not None and old.content == cell.content
        chunk = old.text if same else render(cell, old)
        # What was the last cell has perhaps no blank line after it.
        chunks.append(chunk.rstrip("\n") + "\n\n" if old is base.cells[-1] else chunk)
    end = base.text[len(base.text.rstrip("\n")) :] or "\n"
    return base.header + "".join(chunks).rstrip("\n") + end


def render(cell: Cell, old: Cell | None = None) -> str:
    """A cell as the ``.py`` writes it, blank line after it included."""
    marker, after = _marker(cell), "\n\n"
    if old is not None:
        after = old.text[len(old.text.rstrip("\n")) :]
        if (old.type, old.role, old.tags) == (cell.type, cell.role, cell.tags):
            marker = old.text.partition("\n")[0]
    comment = _comment_magic if cell.type == "code" else _comment
    return "\n".join([marker, *map(comment, cell.lines)]).rstrip("\n") + after


def cell_number(text: str, line: int) -> int:
    """Which cell of a source, from 1, the line `line` belongs to."""
    return sum(start <= line for start, _ in _split(text)[1])


def _marker(cell: Cell) -> str:
    words = ["# %%"]
    if cell.type == "markdown":
        words.append("[markdown]")
    if cell.role:
        words.append(f'{cell.role.kind}="{cell.role.name}"')
    if cell.role and cell.role.part:
        words.append(f'part="{cell.role.part}"')
    if cell.role and cell.role.points is not None:
        words.append(f"points={cell.role.points:g}")
    if cell.tags and cell.role:
        words.append(f'concepts="{", ".join(cell.tags)}"')
    elif cell.tags:
        words.append(f"tags={json.dumps(cell.tags, ensure_ascii=False)}")
    return " ".join(words)


def trim(source: str) -> str:
    """A cell's source without the blank lines around it, which are only layout."""
    lines = source.split("\n")
    written = [i for i, line in enumerate(lines) if line.strip()]
    return "\n".join(lines[written[0] : written[-1] + 1]) if written else ""


def whole(points: float | None) -> float | None:
    """2 for 2.0: JupyterLab writes one for the other, which is no edit."""
    return int(points) if isinstance(points, float) and points.is_integer() else points


def _example(kind: Kind | None, name: object = "hinge_loss") -> str:
    """The first line of a cell of this kind."""
    return EXAMPLES[kind].format(name=name)


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value.isascii() and value.isidentifier()


def _indent(line: str) -> str:
    return line[: len(line) - len(line.lstrip())]


def _uncomment(line: str) -> str:
    return line.removeprefix("# ") if line.startswith("# ") else line.removeprefix("#")


def _uncomment_magic(line: str) -> str:
    return line.removeprefix("# ") if _MAGIC.match(line) else line


def _comment(line: str) -> str:
    return f"# {line}" if line else "#"


def _comment_magic(line: str) -> str:
    return f"# {line}" if _MAGIC.match(line) else line
