"""The text in a file of unknown encoding, or what the file is instead of a text.

Excel writes UTF-8, UTF-16, Windows's cp1252 or, on a Mac, Mac Roman, and marks the first two only.
A file that may be either of the last two is refused: a wrong guess would change names.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Iterable

from grader.errors import GraderError

_OTHER_FILES = {
    b"\xd0\xcf\x11\xe0": "an .xls of Excel 97, or a workbook with a password: save it as .xlsx or"
    ' "CSV UTF-8"',
    b"%PDF": 'a PDF: export the list as .xlsx or "CSV UTF-8"',
    b"PK\x03\x04": 'an archive, and no workbook of Excel: save it as .xlsx or "CSV UTF-8"',
}
_FRENCH = frozenset("àâäæçéèêëîïôöœùûüÿ")
_WORD = re.compile(r"[^\s,;:.\"()/\\|@'’_-]+")
_PUNCTUATION = frozenset("°«»–—…€ºª")  # beside words, and within none
_ROUNDED = re.compile(r"[+-]?\d+([.,]\d+)?E[+-]?\d+", re.IGNORECASE)
MONTHS = "jan|feb|fev|mar|apr|avr|may|mai|jun|juin|jul|juil|aug|aou|sep|oct|nov|dec"
_DATE = re.compile(rf"\d{{1,4}}[-/ ]({MONTHS})[a-z]*\.?|\d{{4}}-\d\d-\d\d( .*)?", re.IGNORECASE)
_SAVE_AGAIN = 'save it as .xlsx or "CSV UTF-8"'


def decoded(data: bytes) -> tuple[str, str]:
    """A text, and the name of its encoding.

    Raises:
        GraderError: it is no text, or its encoding cannot be told.
    """
    for magic, meaning in _OTHER_FILES.items():
        if data.startswith(magic):
            raise GraderError(f"it is {meaning}")
    text, encoding = _decoded(data)
    if text.count("\0") > len(text) / 10:
        raise GraderError(f"it is no text, or in UTF-16 without a mark: {_SAVE_AGAIN}")
    if text.lstrip()[:200].casefold().startswith(("<!doctype", "<html", "<table", "<?xml")):
        raise GraderError(f"it is a page of HTML or XML, whatever its name: {_SAVE_AGAIN}")
    return text, encoding


def refuse_lost_accents(lines: Iterable[str]) -> None:
    """Refuse a table in which accents are two signs each, or none.

    Raises:
        GraderError: with what is wrong.
    """
    if lost := next(filter(_is_garbled, lines), None):
        raise GraderError(
            f"its accents are lost, as in {lost.strip()[:40]!r}: export the list anew, and save it"
            " from no program that shows it so"
        )


def _decoded(data: bytes) -> tuple[str, str]:
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):  # Excel's "Unicode text"
        return data.decode("utf-16", "replace"), "UTF-16"
    try:
        return data.decode("utf-8-sig"), "UTF-8"
    except UnicodeDecodeError:
        return _windows_or_mac(data)


def _windows_or_mac(data: bytes) -> tuple[str, str]:
    windows, mac = data.decode("cp1252", "replace"), data.decode("mac-roman")
    odd_windows, odd_mac = _odd_words(windows), _odd_words(mac)
    if odd_windows < odd_mac or (odd_windows == odd_mac == 0 and _is_french(windows)):
        return windows, "cp1252"
    if odd_mac < odd_windows:
        return mac, "Mac Roman"
    raise GraderError(f"its encoding cannot be told: {_SAVE_AGAIN}")


def _odd_words(text: str) -> int:
    """The words that no one writes: with a sign in them, or an accented capital inside."""
    words = (word for word in _WORD.findall(text) if not word.isascii())
    return sum(map(_is_odd, words))


def _is_odd(word: str) -> bool:
    bare = word.strip("".join(_PUNCTUATION))
    if not all(char.isascii() or char.isalpha() for char in bare):
        return True
    return not bare.isupper() and any(c.isupper() and not c.isascii() for c in bare[1:])


def _is_french(text: str) -> bool:
    letters = {char.casefold() for char in text if not char.isascii() and char.isalpha()}
    return letters <= _FRENCH


def _is_garbled(line: str) -> bool:
    """True for UTF-8 that was read as cp1252 and saved again ("GagnÃ©"), or has a "�"."""
    if "\N{REPLACEMENT CHARACTER}" in line:
        return True
    try:
        repaired = line.encode("cp1252").decode("utf-8")
    except UnicodeError:
        return False
    return unicodedata.normalize("NFC", repaired) != unicodedata.normalize("NFC", line)


def spoiled_by_excel(identifier: str) -> str:
    """What Excel has made of an identifier, and what to do; "" for one that it left alone."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", identifier) if c.isascii())
    if _ROUNDED.fullmatch(bare):
        return (
            f"is {identifier}: Excel has rounded a number, and its digits are lost. Take the column"
            " from the platform's own file, or format it as text before typing"
        )
    if _DATE.fullmatch(bare):
        return (
            f"is {identifier}: Excel has made a date of it. Take the column from the platform's own"
            " file, or format it as text before typing"
        )
    return ""
