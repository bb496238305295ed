"""How pages write what they show."""

import pytest

from grader.reporting.pages import duration


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.02, "20 ms"), (1.5, "1.5 s"), (67, "67 s"), (3_600, "1 h"), (190_000, "2 d 4 h")],
)
def test_durations(seconds, text):
    assert duration(seconds) == text
