"""Tables that course platforms exchange: CSV in any usual encoding, with any usual separator."""

from __future__ import annotations

import codecs
import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from grader.errors import GraderError, shown
from grader.files import write_atomically
from grader.text import in_a_line

_SEPARATORS = ",;\t"
_FORMULA = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # at full width, in some languages of Excel


@dataclass(frozen=True)
class Row:
    """One line of a table; `line` is where it starts in the file."""

    line: int
    cells: tuple[str, ...]

    def cell(self, place: int | None) -> str:
        """The text in a column; "" for None, a column that the table does not have."""
        return "" if place is None else self.cells[place].strip()


@dataclass(frozen=True)
class Sheet:
    """A table: its header, and each line that is not empty."""

    path: Path
    columns: tuple[str, ...]
    rows: tuple[Row, ...]

    def find(self, names: Iterable[str]) -> int | None:
        """The place of the first of these columns, whatever its case, accents and punctuation.

        Raises:
            GraderError: there are two of that name.
        """
        keys = [key(column) for column in self.columns]
        for name in names:
            if keys.count(name) > 1:
                raise GraderError(f"{shown(self.path)} has two columns {name!r}: remove one")
            if name in keys:
                return keys.index(name)
        return None


def key(text: str) -> str:
    """The form in which names are compared: "Nom d’utilisateur" gives "nom d utilisateur"."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return " ".join(re.findall(r"[a-z0-9]+", re.sub(r"[\u0300-\u036f]", "", plain)))


def read(path: Path) -> Sheet:
    """The table in a file.

    Raises:
        GraderError: there is none, or lines that do not have the header's number of cells, each
            named.
    """
    try:
        text = _decoded(path.read_bytes())
    except OSError as error:
        raise GraderError(f"{path} cannot be read: {error.strerror}") from error
    lines, shift = list(io.StringIO(text, newline="")), 0
    if lines and re.fullmatch(r"sep=.\s*", lines[0]):  # Excel's
        lines, shift = lines[1:], 1
    header, *rows = _rows(path, lines, shift) or [Row(1, ())]
    if not rows:
        raise GraderError(f"{shown(path)} has no lines below a header")
    width = len(header.cells)
    if wrong := [row for row in rows if len(row.cells) != width]:
        mistakes = (f"  line {row.line}: {len(row.cells)} cells" for row in wrong)
        raise GraderError(
            "\n".join([f"{shown(path)}: the header has {width} cells, but", *mistakes])
        )
    return Sheet(path, header.cells, tuple(rows))


def _decoded(data: bytes) -> str:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # Excel's "Unicode text"
        return data.decode("utf-16", "replace")
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1")


def _rows(path: Path, lines: Sequence[str], shift: int) -> list[Row]:
    first = next((line for line in lines if line.strip()), "")
    separator = max(
        _SEPARATORS, key=lambda mark: len(next(csv.reader([first], delimiter=mark), ()))
    )
    reader = csv.reader(lines, delimiter=separator, strict=True)
    rows, start = [], 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append(Row(start + shift, tuple(cells)))
            start = reader.line_num + 1
    except csv.Error as error:
        raise GraderError(f"{shown(path)}, line {start + shift}: no CSV ({error})") from error
    return rows


def write(path: Path, rows: Iterable[Sequence[str]]) -> None:
    """Put a table in a file, whole or not at all: UTF-8, commas."""
    stream = io.StringIO()
    csv.writer(stream).writerows(rows)
    write_atomically(path, stream.getvalue().encode())


def harmless(text: str) -> str:
    """Text of others for a cell: one line that can be shown, and no formula to a spreadsheet."""
    text = in_a_line(text)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text
