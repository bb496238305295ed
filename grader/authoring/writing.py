"""From cells back to the text of a source; what was not edited stays as it was written."""

from __future__ import annotations

import json
from collections.abc import Sequence

from grader.authoring.reading import MAGIC
from grader.authoring.source import Cell, Source


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


def _comment(line: str) -> str:
    return f"# {line}" if line else "#"


def _comment_magic(line: str) -> str:
    return f"# {line}" if MAGIC.match(line) else line
