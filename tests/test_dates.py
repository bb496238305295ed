"""Dates are meant in the course's zone, and shown in it and in UTC."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from grader.dates import naive_utc, read_date, shown_date
from grader.errors import GraderError

TORONTO = ZoneInfo("America/Toronto")


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-12-01 23:59", "2026-12-02 04:59"),  # winter
        ("2026-07-01T23:59", "2026-07-02 03:59"),  # summer
        ("2026-12-01T23:59+01:00", "2026-12-01 22:59"),
        ("2026-12-01 23:59Z", "2026-12-01 23:59"),
    ],
)
def test_a_date_without_a_zone_is_the_courses(text, utc):
    assert f"{naive_utc(read_date(text, TORONTO)):%Y-%m-%d %H:%M}" == utc


@pytest.mark.parametrize("text", ["", "demain", "2026-13-01 10:00", "01/12/2026", "2026-12-01"])
def test_what_is_no_date_is_refused_with_an_example(text):
    with pytest.raises(GraderError, match="write "):
        read_date(text, TORONTO)


def test_both_zones_are_shown():
    due = datetime(2026, 12, 2, 4, 59)
    assert shown_date(due, TORONTO) == "2026-12-01 23:59 EST (2026-12-02 04:59 UTC)"
    assert shown_date(due.replace(tzinfo=UTC), UTC) == "2026-12-02 04:59 UTC"
