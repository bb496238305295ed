"""From the text of a lab's source to its cells, with every mistake of the file."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path, PurePosixPath

from grader.authoring.rules import check_cell, check_helpers, check_names, example
from grader.authoring.source import (
    CellType,
    InvalidSource,
    ReportMistake,
    Role,
    Source,
    SourceCell,
    SourceError,
    trim,
    whole,
)
from labo.coursework.notebook import CellKind
from labo.settings import Profile

_OPTIONS: dict[CellKind | None, tuple[str, ...]] = {
    None: ("tags",),
    CellKind.EXERCISE: ("exercice", "concepts", "fichiers"),
    CellKind.TEST: ("test", "part", "points"),
    CellKind.QUESTION: ("reponse", "points", "concepts"),
    CellKind.EXPERIENCE: ("experience",),
    CellKind.CLAIM: ("affirmation", "profils", "donnees"),
}
_REAL_DATA = ("mnist", "cifar10")

_MARKER = re.compile(r"# ?%%(?:\s.*)?")
_CLAIM = re.compile(rf"# ?%%.*\b{CellKind.CLAIM}=")
_CELL_TYPE = re.compile(r"\[(\w+)\]\s*")
_OPTION = re.compile(r"""(\w+)=("[^"]*"|\[[^\]]*\]|[^\s"\[\]]+)(?:\s+|$)""")
MAGIC = re.compile(r"(?:# )*[%!]{1,2}[A-Za-z]")


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
    cells = tuple(_read_cell(line, chunk, report) for line, chunk in chunks)
    for cell in cells:
        check_cell(cell, report)
    check_names(cells, report)
    check_helpers(cells, report)
    if errors:
        raise InvalidSource(errors)
    return Source(path, header, cells)


def _split(text: str) -> tuple[str, list[tuple[int, str]]]:
    """The header, then each cell's verbatim text with the number of its first line."""
    lines = re.split(r"(?<=\n)", text)
    starts = [i for i, line in enumerate(lines) if _MARKER.fullmatch(line.rstrip("\n"))]
    ends = [*starts[1:], len(lines)]
    header = "".join(lines[: starts[0] if starts else len(lines)])
    return header, [
        (start + 1, "".join(lines[start:end])) for start, end in zip(starts, ends, strict=True)
    ]


def _check_header(header: str, report: ReportMistake) -> None:
    inside = False
    for number, line in enumerate(header.split("\n"), start=1):
        if line == "# ---":
            inside = not inside
        elif line.strip() and not inside:
            report(number, "text before the first cell", "Write '# %%' on a line above it.")
            return
    if inside:
        report(1, "the header is not closed", "Write '# ---' on a line after it.")


def _read_cell(line: int, chunk: str, report: ReportMistake) -> SourceCell:
    marker, _, body = chunk.partition("\n")
    cell_type, role, tags = _read_marker(marker, line, report)
    lines = body.split("\n")
    if cell_type == "markdown":
        _check_comments(lines, line + 1, report)
    uncomment = _uncomment if cell_type == "markdown" else _uncomment_magic
    lines = [uncomment(text) for text in lines]
    blank = next((i for i, text in enumerate(lines) if text.strip()), 0)
    source = trim("\n".join(lines))
    return SourceCell(cell_type, source, role, tags, line, line + 1 + blank, chunk)


def _check_comments(lines: list[str], first: int, report: ReportMistake) -> None:
    for line, text in enumerate(lines, start=first):
        if text.strip() and not text.startswith("#"):
            report(line, "a line of text without '# '", "Begin it with '# ', or write '# %%'.")


def _read_marker(
    marker: str, line: int, report: ReportMistake
) -> tuple[CellType, Role | None, tuple[str, ...]]:
    rest = marker.partition("%%")[2].strip()
    cell_type: CellType = "code"
    if match := _CELL_TYPE.match(rest):
        rest = rest[match.end() :]
        if match[1] == "markdown":
            cell_type = "markdown"
        else:
            report(line, f"unknown type of cell [{match[1]}]", "Write '# %% [markdown]' or '# %%'.")
    options = _read_options(rest, line, report)
    return cell_type, *_read_role(options, cell_type, line, report)


def _read_options(text: str, line: int, report: ReportMistake) -> dict[str, object]:
    options: dict[str, object] = {}
    position = 0
    while position < len(text):
        match = _OPTION.match(text, position)
        value = _json(match[2]) if match else None
        if match is None or value is None:
            fix = f"""Write name="text" or name=number, for example: {example(CellKind.TEST)}"""
            report(line, f"cannot read the options from {text[position:]!r}", fix)
            break
        if match[1] in options:
            report(line, f"the option '{match[1]}' is given twice", "Keep one of them.")
        options[match[1]] = value
        position = match.end()
    return options


def _read_role(
    options: dict[str, object], cell_type: CellType, line: int, report: ReportMistake
) -> tuple[Role | None, tuple[str, ...]]:
    kinds = [kind for kind in CellKind if kind in options]
    if len(kinds) > 1:
        report(line, f"two roles in one cell: {' and '.join(kinds)}", "Make it two cells.")
    kind = kinds[0] if kinds else None
    for option in options:
        if option not in _OPTIONS[kind] and option not in kinds:
            report(line, *_unknown_option(option, kind))
    if kind is None:
        return None, _read_tags(options.get("tags", []), line, report)
    if kind.cell_type != cell_type:
        wanted = "a text cell" if kind.cell_type == "markdown" else "a code cell"
        report(line, f"'{kind}' must be {wanted}", f"Write: {example(kind, options[kind])}")
    points = _read_points(options, kind, line, report) if kind.has_points else None
    name, part = (_read_name(options, option, line, report) for option in (kind, "part"))
    role = Role(kind, name or "", part, points)
    if kind is CellKind.CLAIM:
        profiles, data = _read_conditions(options, line, report)
        role = replace(role, profiles=profiles, data=data)
    if "fichiers" in options:
        role = replace(role, files=_read_files(options["fichiers"], line, report))
    return role, _read_concepts(options.get("concepts"), line, report)


def _read_files(text: object, line: int, report: ReportMistake) -> tuple[str, ...]:
    """The files that students hand in: paths below the notebook's folder."""
    names = [name.strip() for name in text.split(",")] if isinstance(text, str) else [""]
    if not all(_is_below(name) for name in names):
        fix = 'Write paths below the lab\'s folder: fichiers="poids.safetensors, images/*.png"'
        report(line, f"cannot read fichiers={json.dumps(text, ensure_ascii=False)}", fix)
        return ()
    return tuple(names)


def _is_below(name: str) -> bool:
    path = PurePosixPath(name)
    plain = not path.is_absolute() and ".." not in path.parts and "*" not in str(path.parent)
    return bool(path.name) and plain and path.suffix != ".ipynb"


def _read_conditions(
    options: dict[str, object], line: int, report: ReportMistake
) -> tuple[tuple[Profile, ...], str | None]:
    """When a claim is checked: in which profiles, and with which data."""
    names = [name.strip() for name in str(options.get("profils", Profile.SMALL)).split(",")]
    profiles = tuple(profile for profile in Profile if profile in names)
    if len(profiles) != len(names):
        fix = 'Write some of these, each once: profils="tiny, small, full"'
        report(line, f"cannot read profils={json.dumps(options['profils'])}", fix)
    data = options.get("donnees")
    if data is not None and data not in _REAL_DATA:
        fix = f"The real data sets are: {', '.join(_REAL_DATA)}."
        report(line, f"unknown donnees={json.dumps(data)}", fix)
    if data is not None and Profile.TINY in profiles:
        fix = 'Leave "tiny" out of profils: it never has real data.'
        report(line, "real data in the profile tiny", fix)
    return profiles, data if isinstance(data, str) else None


def _unknown_option(option: str, kind: CellKind | None) -> tuple[str, str]:
    if kind is None and option in ("points", "part"):
        return f"'{option}' in a cell without a role", f"Write: {example(CellKind.TEST)}"
    if kind is None:
        return f"unknown role or option '{option}'", f"The roles are {', '.join(CellKind)}."
    return f"unknown option '{option}' for '{kind}'", f"Write: {example(kind)}"


def _read_name(
    options: dict[str, object], option: str, line: int, report: ReportMistake
) -> str | None:
    if option not in options:
        return None
    name = str(options[option])
    if not (isinstance(options[option], str) and name.isascii() and name.isidentifier()):
        fix = "Letters without accents, digits and _ only, not beginning with a digit."
        report(line, f"{option}={json.dumps(options[option])} is not a name", fix)
    return name


def _read_points(
    options: dict[str, object], kind: CellKind, line: int, report: ReportMistake
) -> float | None:
    fix = f"Write: {example(kind, options[kind])}"
    if "points" not in options:
        report(line, f"'{kind}' without points", fix)
        return None
    points = options["points"]
    if isinstance(points, bool) or not isinstance(points, int | float) or not 0 < points < 1e6:
        report(line, f"points={json.dumps(points)} is not a positive number", fix)
        return None
    return whole(points)


def _read_tags(tags: object, line: int, report: ReportMistake) -> tuple[str, ...]:
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        report(line, "'tags' is not a list of words", f"Write: {example(None)}")
        return ()
    return tuple(tags)


def _read_concepts(text: object, line: int, report: ReportMistake) -> tuple[str, ...]:
    if text is None:
        return ()
    concepts = [concept.strip() for concept in text.split(",")] if isinstance(text, str) else [""]
    if not all(concepts) or len(set(concepts)) < len(concepts):
        fix = 'Write words between commas, each once: concepts="axes, broadcasting"'
        report(line, f"cannot read concepts={json.dumps(text, ensure_ascii=False)}", fix)
        return ()
    return tuple(concepts)


def cell_number(text: str, line: int) -> int:
    """The number, from 1, of the notebook's cell that a line of a source belongs to."""
    cells = [start for start, chunk in _split(text)[1] if not _CLAIM.match(chunk)]
    return sum(start <= line for start in cells)


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _uncomment(line: str) -> str:
    return line.removeprefix("# ") if line.startswith("# ") else line.removeprefix("#")


def _uncomment_magic(line: str) -> str:
    return line.removeprefix("# ") if MAGIC.match(line) else line
