"""The barème of a written answer: a list that stands under the model answer, in its cell.

    # %% [markdown] reponse="q1" points=2
    # The model answer, in Markdown.
    #
    # **Barème**
    #
    # - 1 pt : nomme le voisinage des pixels
    # - 0,5 pt : donne une transformation pertinente (translation, rotation)
    # - 0,5 pt : nomme une propriété souhaitable

It may be left out. It is read by `grader build`, which refuses a mistake, and by `grader mark`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal

from grader.authoring.source import ReportMistake, SourceCell
from labo.french import compact

MAX_ITEMS = 9  # one key each

_TITLE = re.compile(r"\W*barème\b(?P<rest>.*)", re.IGNORECASE)
_ITEM = re.compile(r"- (?P<points>\d+(?:[.,]\d+)?)\s*(?:pt|point)s?\s*:\s*(?P<text>\S.*)")
_EXAMPLE = "Write each line as '- 0,5 pt : ce qui le vaut', the rest of a long one indented."


@dataclass(frozen=True)
class Item:
    """A line of a barème: something that earns points."""

    points: Decimal
    text: str

    @property
    def worth(self) -> str:
        """The points as a French reader writes them."""
        return f"{compact(self.points)} pt{'s' if self.points >= 2 else ''}"


@dataclass(frozen=True)
class AnswerKey:
    """The model answer, and what its parts are worth; no items where there is no barème."""

    model: str
    items: tuple[Item, ...] = ()


def read(text: str, points: float, report: ReportMistake) -> AnswerKey:
    """The parts of an answer's cell; mistakes go to `report`: line from 0, what is wrong, a fix.

    Args:
        text: the cell's source.
        points: what the question is worth, which the items must add up to.
    """
    lines = text.split("\n")
    titles = ((i, match) for i, line in enumerate(lines) if (match := _TITLE.match(line)))
    found = next(titles, None)
    if found is None:
        return AnswerKey(text)
    title, match = found
    if re.search(r"\w", match["rest"]):
        fix = f"Write 'Barème' alone on its line, then a list. {_EXAMPLE}"
        report(title, "the barème is not a list", fix)
        return AnswerKey(text)
    items = _items(lines, title + 1, report)
    if items is not None:
        _check(items, points, title, report)
    return AnswerKey("\n".join(lines[:title]).rstrip(), tuple(items or ()))


def answer_key(cell: SourceCell, report: ReportMistake = lambda *_: None) -> AnswerKey:
    """The model answer of a written question and its barème, whose mistakes go to `report`."""
    assert cell.role is not None
    assert cell.role.points is not None
    return read(
        cell.source,
        cell.role.points,
        lambda line, message, fix: report(cell.body_line + line, message, fix),
    )


def _items(lines: list[str], start: int, report: ReportMistake) -> list[Item] | None:
    """The items of the list; None if a line of it cannot be read."""
    items: list[Item] = []
    for i, line in enumerate(lines[start:], start):
        if match := _ITEM.fullmatch(line.rstrip()):
            items.append(Item(Decimal(match["points"].replace(",", ".")), match["text"]))
        elif items and line.startswith(" ") and line.strip():
            items[-1] = Item(items[-1].points, f"{items[-1].text} {line.strip()}")
        elif line.strip():
            report(i, f"no line of a barème: {line.strip()!r}", _EXAMPLE)
            return None
    return items


def _check(items: list[Item], points: float, title: int, report: ReportMistake) -> None:
    total = sum((item.points for item in items), Decimal(0))
    if not items:
        report(title, "the barème is empty", f"Write a list under it. {_EXAMPLE}")
    elif len(items) > MAX_ITEMS:
        fix = "Join some: each has a key, from 1 to 9."
        report(title, f"the barème has {len(items)} lines, {MAX_ITEMS} at the most", fix)
    elif len({item.text for item in items}) < len(items):
        fix = "Word them differently: 'une première raison', 'une deuxième raison'."
        report(title, "two lines of the barème say the same", fix)
    elif not all(item.points for item in items):
        report(title, "a line of the barème is worth nothing", "Remove it, or give it points.")
    elif total != Decimal(str(points)):
        message = f"the barème adds up to {compact(total)}, the question is worth {compact(points)}"
        report(title, message, "Change the points of its lines, or 'points=' of the cell.")
