"""Which line of a platform's table is which student's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from nbgrader.api import Student

from grader.errors import GraderError, shown
from grader.platforms import sheet
from grader.platforms.columns import COLUMNS, IDENTIFIERS, NOBODY, OURS, WHOLE_NAME
from grader.platforms.sheet import Row, Sheet


class People:
    """Which line of the identities' table is whose."""

    def __init__(self, table: Sheet | None, form: str, students: Sequence[Student]) -> None:
        self.table, self.form = table, form
        self.row_of: dict[str, Row] = {}
        self.strangers: list[Row] = []
        self.ambiguous: list[str] = []
        self.ambiguous_students: set[str] = set()
        self.unsafe: list[str] = []
        self.places: dict[str, int] = {}
        if table is not None:
            self._find_columns(table)
            self._match([row for row in table.rows if not self._is_nobody(row)], students)

    def identifiers(self, row: Row | None) -> list[str]:
        """What the platform calls somebody, in the order of `places`."""
        return [cell(row, place) for place in self.places.values()]

    def name(self, row: Row | None) -> str:
        """Their name on the platform, "" when its table has none."""
        return cell(row, self.named)

    def label(self, row: Row) -> str:
        """Somebody's line, for the instructor to find it."""
        told = next((text for text in (*self.identifiers(row), cell(row, self.ours)) if text), "?")
        return f"{told} (line {row.line})"

    def _find_columns(self, table: Sheet) -> None:
        found = {title: table.find(names) for title, names in IDENTIFIERS[self.form].items()}
        self.places = {title: place for title, place in found.items() if place is not None}
        if not self.places:
            titles = ", ".join(IDENTIFIERS[self.form])
            raise GraderError(
                f"{shown(table.path)} has none of the columns {titles}: what {self.form} knows"
                " students by"
            )
        self.section = table.find(("section",))
        canvas = self.form in ("canvas", "plain") and self.section is not None
        self.named = table.find(WHOLE_NAME) if canvas else None
        self.ours = table.find(name for name in OURS if not (canvas and name in WHOLE_NAME))
        self.email = table.find(COLUMNS["email"])

    def _match(self, rows: Sequence[Row], students: Sequence[Student]) -> None:
        known: dict[str, set[str]] = {}
        for one in students:
            for text in (one.id, one.lms_user_id, one.email):
                known.setdefault(_folded(text or ""), set()).add(one.id)
        ids = {one.id for one in students}
        owners = {row.line: self._owners(row, ids, known) for row in rows}
        times = Counter(owner for found in owners.values() for owner in found)
        for row in rows:
            owner = owners[row.line]
            if any(text.startswith(sheet.FORMULA) for text in self.identifiers(row)):
                self.unsafe.append(self.label(row))
            if not owner:
                self.strangers.append(row)
            elif len(owner) > 1 or times[owner[0]] > 1:
                self.ambiguous.append(f"{self.label(row)} for {', '.join(owner)}")
                self.ambiguous_students.update(owner)
            elif any(self.identifiers(row)):
                self.row_of[owner[0]] = row

    def _owners(self, row: Row, ids: set[str], known: Mapping[str, set[str]]) -> list[str]:
        """The students who may be meant by a line: one, if all is well."""
        if self.ours is not None:
            return [name for name in (cell(row, self.ours),) if name in ids]
        keys = set(map(_folded, (*self.identifiers(row), cell(row, self.email)))) - {""}
        return sorted(set().union(*(known.get(key, set()) for key in keys)))

    def _is_nobody(self, row: Row) -> bool:
        """A line of Canvas about points, or its test student, or one that names nobody at all."""
        named = (self.name(row), cell(row, self.ours), *self.identifiers(row))
        return sheet.key(self.name(row)) in NOBODY or not any(named)


def cell(row: Row | None, place: int | None) -> str:
    return "" if row is None or place is None else row.cells[place].strip()


def _folded(text: str) -> str:
    return text.strip().removeprefix("#").casefold()  # Brightspace writes "#" before each
