"""The first sheet of an Excel workbook (.xlsx), as lines of text."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from datetime import date

from grader.errors import GraderError

_EXACT = 10**15  # Excel keeps fifteen digits


def is_workbook(data: bytes) -> bool:
    """True for a file of Excel 2007 or later."""
    if not data.startswith(b"PK\x03\x04"):
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return "xl/workbook.xml" in archive.namelist()
    except zipfile.BadZipFile:
        return False


def lines_of(data: bytes) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The number and the cells of each line of the first sheet that has any.

    Raises:
        GraderError: it is damaged, or every sheet is empty.
    """
    try:
        return iter(_lines(data))
    except (zipfile.BadZipFile, KeyError, ValueError, SyntaxError, OSError) as error:
        raise GraderError(f"this workbook cannot be read ({error}): save it anew") from error


def _lines(data: bytes) -> list[tuple[int, tuple[str, ...]]]:
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    for sheet in book.worksheets:
        sheet.reset_dimensions()  # what the file says of its size may be wrong
        rows = enumerate(sheet.iter_rows(values_only=True), start=1)
        lines = [(number, tuple(map(_text, cells))) for number, cells in rows]
        if any(any(cells) for _, cells in lines):
            return lines
    raise GraderError("every sheet of this workbook is empty")


def _text(value: object) -> str:
    """A cell as Excel shows it when its column is wide enough."""
    if value is None:
        return ""
    if isinstance(value, date):
        return str(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if abs(value) >= _EXACT:  # digits are lost
        return f"{value:.5E}"
    return str(int(value)) if value == int(value) else str(value)
