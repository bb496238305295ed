"""Tables that course platforms exchange: .xlsx, or CSV in any usual encoding and separator."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from grader.errors import GraderError, shown
from grader.files import write_atomically
from grader.platforms.columns import KNOWN_TITLES
from grader.platforms.decoding import MONTHS, decoded, refuse_lost_accents
from grader.platforms.workbook import is_workbook, lines_of
from grader.text import in_a_line

_SEPARATORS = ",;\t"
_HEADER_WITHIN = 20  # lines
# Identifiers that Excel does not leave alone: leading zeros, more digits than it shows, exponents,
# dates ("mar12"). The grades of a table are none of these.
_CONVERTED = re.compile(
    rf"0\d+|\d{{12,}}|\d+e\d+|({MONTHS})[a-z]*[-/. ]?\d+|\d+[-/. ]({MONTHS}|\d)[a-z0-9/-]*",
    re.IGNORECASE,
)
_PROTECTED = re.compile(r'="([^"=]*)"')  # text that Excel is kept from taking for a number
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
    above: tuple[Row, ...] = ()
    """Lines that stand above the header: the title of a list."""
    encoding: str = ""

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


def read(path: Path, titles: Collection[str] = KNOWN_TITLES) -> Sheet:
    """The table in a file; missing cells at the end of a line are empty.

    Args:
        titles: as `key` has them, by which the header is known among the first lines.

    Raises:
        GraderError: there is none, or lines that have more cells than the header, each named.
    """
    try:
        lines, encoding = _lines(path.read_bytes(), titles)
    except OSError as error:
        raise GraderError(f"{path} cannot be read: {error.strerror}") from error
    except GraderError as error:
        raise GraderError(f"{shown(path)}: {error}") from error
    place = _place_of_header(lines, titles)
    above, (header, *rows) = lines[:place], lines[place:] or [Row(1, ())]
    if not rows:
        raise GraderError(f"{shown(path)} has no lines below a header")
    width = len(header.cells)
    if wrong := [row for row in rows if len(_trimmed(row.cells)) > width]:
        mistakes = (f"  line {row.line}: {len(row.cells)} cells" for row in wrong)
        raise GraderError(
            "\n".join([f"{shown(path)}: the header has {width} cells, but", *mistakes])
        )
    filled = (Row(row.line, (*row.cells, *[""] * width)[:width]) for row in rows)
    return Sheet(path, header.cells, tuple(filled), tuple(above), encoding)


def _lines(data: bytes, titles: Collection[str]) -> tuple[list[Row], str]:
    """The lines that are not empty, and the encoding that they were in."""
    if is_workbook(data):
        rows, encoding = [Row(number, cells) for number, cells in lines_of(data)], "xlsx"
    else:
        text, encoding = decoded(data)
        rows = list(_rows(text, titles))
    rows = [_unprotected(row) for row in rows if any(map(str.strip, row.cells))]
    refuse_lost_accents(" ".join(row.cells) for row in rows)
    return rows, encoding


def _rows(text: str, titles: Collection[str]) -> Iterator[Row]:
    lines, start = list(io.StringIO(text, newline="")), 1
    if lines and re.fullmatch(r"sep=.\s*", lines[0]):  # Excel's
        lines, start = lines[1:], 2
    reader = csv.reader(lines, delimiter=_separator(lines, titles), strict=True)
    line = start
    try:
        for cells in reader:
            yield Row(line, tuple(cells))
            line = start + reader.line_num
    except csv.Error as error:
        raise GraderError(f"line {line}: no CSV ({error})") from error


def _separator(lines: Sequence[str], titles: Collection[str]) -> str:
    """The one that shows a header, else the one that cuts the first line into most cells."""
    first = list(islice(filter(str.strip, lines), _HEADER_WITHIN))

    def found(separator: str) -> tuple[int, int]:
        rows = [next(csv.reader([line], delimiter=separator), []) for line in first]
        return max((_titles_in(row, titles) for row in rows), default=0), len(
            rows[0]
        ) if rows else 0

    return max(_SEPARATORS, key=found)


def _place_of_header(rows: Sequence[Row], titles: Collection[str]) -> int:
    """The first line with the most titles that are known; line 0 without any."""
    found = [_titles_in(row.cells, titles) for row in rows[:_HEADER_WITHIN]]
    return found.index(max(found)) if found else 0


def _titles_in(cells: Iterable[str], titles: Collection[str]) -> int:
    return len({key(cell) for cell in cells}.intersection(titles))


def _trimmed(cells: tuple[str, ...]) -> tuple[str, ...]:
    """Without the empty cells at the end."""
    while cells and not cells[-1].strip():
        cells = cells[:-1]
    return cells


def _unprotected(row: Row) -> Row:
    return Row(row.line, tuple(_PROTECTED.sub(r"\1", cell) for cell in row.cells))


def write(path: Path, rows: Iterable[Sequence[str]], *, french_excel: bool = False) -> None:
    """Put a table in a file, whole or not at all: UTF-8, commas.

    Args:
        french_excel: semicolons, a mark of the encoding, and text that looks like a number or a
            date protected, as an Excel in French opens it right. Numbers have their comma already.
    """
    stream = io.StringIO()
    if french_excel:
        protected = ([_protected(cell) for cell in row] for row in rows)
        csv.writer(stream, delimiter=";").writerows(protected)
    else:
        csv.writer(stream).writerows(rows)
    write_atomically(path, stream.getvalue().encode("utf-8-sig" if french_excel else "utf-8"))


def _protected(cell: str) -> str:
    """An identifier that Excel would shorten, round or make a date of, as a text to it."""
    return f'="{cell}"' if _CONVERTED.fullmatch(cell) else cell


def harmless(text: str) -> str:
    """Text of others for a cell: one line that can be shown, and no formula to a spreadsheet."""
    text = in_a_line(text)
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text
