"""Dates as people write and read them, in the course's zone; the gradebook's are in UTC.

A zone that is None is this machine's.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from grader.errors import GraderError

FORMAT = "%Y-%m-%d %H:%M"


def read_date(text: str, zone: tzinfo | None) -> datetime:
    """The moment that a person means, in UTC; without a zone of its own, in `zone`.

    Raises:
        GraderError: it is no date.
    """
    try:
        date = datetime.fromisoformat(text.strip())
    except ValueError:
        raise GraderError(
            f"{text!r} is no date: write 2026-12-01 23:59, or 2026-12-01T23:59-05:00 with its zone."
        ) from None
    if "T" not in text and ":" not in text:
        raise GraderError(f"{text!r} has no time of day: write {text.strip()} 23:59.")
    return (date.replace(tzinfo=zone) if date.tzinfo is None else date).astimezone(UTC)


def shown_date(date: datetime, zone: tzinfo | None) -> str:
    """A date of the gradebook (UTC, with or without saying so), in the course's zone and in UTC."""
    here, universal = (f"{local(date, place):{FORMAT} %Z}" for place in (zone, UTC))
    return here if here == universal else f"{here} ({universal})"


def local(date: datetime, zone: tzinfo | None) -> datetime:
    """A date of the gradebook, in another zone."""
    return (date.replace(tzinfo=UTC) if date.tzinfo is None else date).astimezone(zone)


def naive_utc(date: datetime) -> datetime:
    """As the gradebook keeps dates: in UTC, without saying so."""
    return date.astimezone(UTC).replace(tzinfo=None)
