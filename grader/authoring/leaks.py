"""Lines of a released file that students must not see."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from grader.authoring.source import RegionKind, Source, SourceCell

# As many hidden lines in a row, found in the visible part, are no coincidence.
BLOCK = 4
MARKERS = [f"{edge} {kind}" for kind in RegionKind for edge in ("BEGIN", "END")]


def leaks(source: Source, release: str) -> list[str]:
    """The lines of a released file that students must not see, each with its line in the source.

    A line of a solution or a hidden test is shown when a line of the file contains it, except where
    the visible part of the source has that very line (`x = torch.randn(5, 3)` may well be in both).
    Such common lines are harmless one by one, but not as a block: the visible part must not repeat
    `BLOCK` hidden lines in a row.
    """
    visible = {line for cell in source.cells for line in _stripped(cell.visible)}
    text = "\n".join(_lines_of_file(release) - visible)
    found = [f"    the marker '{word}'" for word in MARKERS if word in text]
    for cell in source.cells:
        for region in cell.secret:
            hidden = [line.strip() for line in region if _distinctive(line)]
            shown = [line for line in hidden if line in text]
            found += [f"    line {_line_of(cell, line)}: {line}" for line in shown]
            found += _repeated_blocks(source, cell, hidden)
    return found


def _repeated_blocks(source: Source, secret: SourceCell, hidden: list[str]) -> Iterator[str]:
    blocks = ["\n".join(hidden[i : i + BLOCK]) for i in range(len(hidden) - BLOCK + 1)]
    for cell in source.cells:
        visible = "\n".join(line for line in _stripped(cell.visible) if _distinctive(line))
        for block in blocks:
            if f"\n{block}\n" in f"\n{visible}\n":
                first = block.partition("\n")[0]
                place = f"line {_line_of(secret, first)}, and {BLOCK - 1} more in a row"
                yield f"    {place}, in the visible cell of line {cell.line}: {first}"
                break


def _stripped(source: str) -> list[str]:
    return [line.strip() for line in source.split("\n")]


def _lines_of_file(text: str) -> set[str]:
    """Every line of every string of a notebook: sources, outputs, metadata; or of a plain text."""
    try:
        strings: Iterable[str] = _strings(json.loads(text))
    except ValueError:
        strings = [text]
    return {line for string in strings for line in _stripped(string)}


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _distinctive(line: str) -> bool:
    """Long enough not to be found everywhere by chance (`else:`, `return x`, `)`)."""
    return sum(character.isalnum() for character in line) >= 8


def _line_of(cell: SourceCell, line: str) -> int:
    return cell.body_line + next(i for i, text in enumerate(cell.lines) if text.strip() == line)
