"""Dates, exact numbers and paths as data: they never change, so that a copy is as good."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from pathlib import Path, PurePath, PurePosixPath
from typing import Any, Final

from grader.engine.bounds import MAX_INT_DIGITS
from grader.engine.numeric import exactly
from grader.engine.wire_errors import WireError

EXACT: Final = (dt.date, dt.time, dt.timedelta, Fraction, Decimal, PurePath)

_LONGEST_PATH: Final = 4_096
_MOST_ZEROS: Final = 10_000  # of a decimal number: writing it out takes as many


def pack_exact(value: Any) -> list | None:
    """The tagged list of such a value, whatever a subclass of its class says; None for others."""
    if isinstance(value, dt.datetime):  # before date, which it is too
        return ["datetime", *_day(value), *_clock(value)]
    if isinstance(value, dt.date):
        return ["date", *_day(value)]
    if isinstance(value, dt.time):
        return ["time", *_clock(value)]
    if isinstance(value, dt.timedelta):
        return ["timedelta", value.days, value.seconds, value.microseconds]
    if isinstance(value, Fraction):
        return ["fraction", _digits(value.numerator), _digits(value.denominator)]
    if isinstance(value, Decimal):
        return ["decimal", _decimal(Decimal.__str__(value))]
    if isinstance(value, PurePath):
        return ["path", str(PurePosixPath(value))]
    return None


def _day(value: dt.date) -> tuple[int, int, int]:
    return value.year, value.month, value.day


def _clock(value: dt.datetime | dt.time) -> list:
    offset = value.utcoffset()
    seconds = None if offset is None else offset.total_seconds()
    return [value.hour, value.minute, value.second, value.microsecond, value.fold, seconds]


def _digits(number: int) -> str:
    text = str(int.__int__(number))
    if len(text) > MAX_INT_DIGITS:
        raise WireError("an integer of too many digits")
    return text


def _decimal(text: str) -> str:
    number = Decimal(text)
    if len(text) > MAX_INT_DIGITS or (number.is_finite() and abs(number.adjusted()) > _MOST_ZEROS):
        raise WireError("a decimal number of too many digits")
    return text


# ---- Built from fields that may be anything; what is wrong raises a ValueError or a TypeError


def _build_datetime(fields: list) -> dt.datetime:
    year, month, day, *clock = fields
    time = _build_time(clock)
    return dt.datetime.combine(dt.date(*_whole([year, month, day], 3)), time)


def _build_time(fields: list) -> dt.time:
    *numbers, offset = fields
    hour, minute, second, micro, fold = _whole(numbers, 5)
    return dt.time(hour, minute, second, micro, _zone(offset), fold=fold)


def _whole(fields: list, count: int) -> list[int]:
    if len(fields) != count or any(type(field) is not int for field in fields):
        raise WireError("a date is made of integers")
    return fields


def _zone(seconds: Any) -> dt.timezone | None:
    if seconds is None:
        return None
    if type(seconds) not in (int, float):
        raise WireError("a zone is a number of seconds")
    return dt.timezone(dt.timedelta(seconds=seconds))


def _build_fraction(fields: list) -> Fraction:
    numerator, denominator = exactly(fields, str, str)
    if not all(_is_integer(text) for text in (numerator, denominator)) or not int(denominator):
        raise WireError("not a fraction")
    return Fraction(int(numerator), int(denominator))


def _is_integer(text: str) -> bool:
    digits = text.removeprefix("-")
    return len(digits) <= MAX_INT_DIGITS and digits.isascii() and digits.isdigit()


def _build_decimal(fields: list) -> Decimal:
    (text,) = exactly(fields, str)
    if len(text) > MAX_INT_DIGITS:
        raise WireError("a decimal number of too many digits")
    try:
        return Decimal(_decimal(text))
    except ArithmeticError:
        raise WireError("not a decimal number") from None


def _build_path(kind: type[PurePath]) -> Callable[[list], PurePath]:
    def build(fields: list) -> PurePath:
        (text,) = exactly(fields, str)
        if len(text) > _LONGEST_PATH:
            raise WireError("a path that is too long")
        return kind(text)

    return build


EXACT_BUILDERS: Final[dict[str, Callable[[list], Any]]] = {
    "datetime": _build_datetime,
    "date": lambda fields: dt.date(*_whole(fields, 3)),
    "time": _build_time,
    "timedelta": lambda fields: dt.timedelta(*_whole(fields, 3)),
    "fraction": _build_fraction,
    "decimal": _build_decimal,
    "path": _build_path(PurePosixPath),  # which opens nothing, whatever a student's path says
}
TRUSTED_PATH: Final = {"path": _build_path(Path)}
