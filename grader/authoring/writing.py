"""From cells back to the text of a source; what was not edited stays as it was written."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from grader.authoring.reading import MAGIC
from grader.authoring.source import Role, Source, SourceCell
from labo.coursework.notebook import CellKind


def merge(base: Source, cells: Sequence[tuple[SourceCell, SourceCell | None]]) -> str:
    """The text of `base` with other cells, each given with its original in `base`, if any.

    An unedited cell comes back verbatim; an edited one keeps its marker and the blank lines after.
    """
    chunks = []
    for cell, old in cells:
        chunk = old.text if old and old.content == cell.content else render(cell, old)
        # What was the last cell has perhaps no blank line after it.
        chunks.append(chunk.rstrip("\n") + "\n\n" if old is base.written[-1] else chunk)
    return base.header + "".join(chunks).rstrip("\n") + (_end(base.text) or "\n")


def render(cell: SourceCell, old: SourceCell | None = None) -> str:
    """A cell as the ``.py`` writes it, blank line after it included."""
    marker, end = _marker(cell), "\n\n"
    if old is not None:
        end = _end(old.text)
        if (old.type, old.role, old.tags) == (cell.type, cell.role, cell.tags):
            marker = old.text.partition("\n")[0]
    comment = _comment_magic if cell.type == "code" else _comment
    return "\n".join([marker, *map(comment, cell.lines)]).rstrip("\n") + end


def _end(text: str) -> str:
    """The line ends that close a text."""
    return text[len(text.rstrip("\n")) :]


def _marker(cell: SourceCell) -> str:
    words = ["# %%"]
    if cell.type == "markdown":
        words.append("[markdown]")
    if cell.role:
        words += _role_options(cell.role)
    if cell.tags and cell.role:
        words.append(f'concepts="{", ".join(cell.tags)}"')
    elif cell.tags:
        words.append(f"tags={json.dumps(cell.tags, ensure_ascii=False)}")
    return " ".join(words)


def _role_options(role: Role) -> Iterator[str]:
    yield f'{role.kind}="{role.name}"'
    if role.part:
        yield f'part="{role.part}"'
    if role.points is not None:
        yield f"points={role.points:g}"
    if role.kind is CellKind.CLAIM:
        yield f'profils="{", ".join(role.profiles)}"'
    if role.data:
        yield f'donnees="{role.data}"'
    if role.files:
        yield f'fichiers="{", ".join(role.files)}"'


def _comment(line: str) -> str:
    return f"# {line}" if line else "#"


def _comment_magic(line: str) -> str:
    return f"# {line}" if MAGIC.match(line) else line
