"""Text made ready to show: what somebody else wrote, and numbers."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Final

from rich.markup import escape as escape_markup

_ESCAPE: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?)")
# Control characters, line ends that are none in a terminal, changes of writing direction,
# surrogates, which no encoding holds, and what stands for no character.
_UNSHOWN: Final = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)


def printable(text: str) -> str:
    """The text without what a terminal, a page or an encoder would trip over.

    Colours and other terminal sequences go; any other such character leaves a "�" behind.
    """
    return _UNSHOWN.sub("\N{REPLACEMENT CHARACTER}", _ESCAPE.sub("", text))


def in_a_line(text: str) -> str:
    """As `printable`, for names: line ends and tabs are spaces."""
    return re.sub(r"[\n\t]", " ", printable(text))


def escape(text: str) -> str:
    """Text of others, for the terminal: neither markup nor escape sequences."""
    return escape_markup(printable(text))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question with the nearest of the known names; nothing when none is near."""
    folded = {one.casefold(): one for one in known}
    close = difflib.get_close_matches(name.casefold(), list(folded), n=1)
    return f"Did you mean {folded[close[0]]}?" if close else ""


def rounded(value: float, digits: int) -> str:
    """A number with at most so many decimals: "4.5" for (4.501, 2). French: `labo.french`."""
    return f"{round(float(value), digits):.15g}"


def duration(seconds: float) -> str:
    """The two largest units: "2 d 4 h", "35 min", "1.5 s", "20 ms"."""
    if seconds < 0.1:
        return f"{1000 * seconds:.0f} ms"
    if seconds < 100:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    days, rest = divmod(round(seconds), 86_400)
    hours, rest = divmod(rest, 3_600)
    parts = [(days, "d"), (hours, "h"), (rest // 60, "min")]
    first = next((i for i, (count, _) in enumerate(parts) if count), 2)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count)
