"""Les nombres, écrits à la française."""

from decimal import Decimal

import pytest

from labo.french import compact, count, decimal, rounded


@pytest.mark.parametrize(
    ("value", "text"),
    [(2.0, "2"), (0, "0"), (0.25, "0,25"), (Decimal("2.50"), "2,5"), (1 / 3, "0,333333")],
)
def test_compact_drops_idle_zeros(value, text):
    assert compact(value) == text


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(4.501, 2, "4,5"), (12.04, 1, "12"), (100, 2, "100"), (10, 0, "10"), (-0.25, 2, "-0,25")],
)
def test_rounded_has_digits_at_most(value, digits, text):
    assert rounded(value, digits) == text


def test_decimal_has_digits_always():
    assert decimal(0.3124, 3) == "0,312"
    assert decimal(2, 1) == "2,0"


def test_count_in_slices_of_three():
    assert count(60_000) == "60\u00a0000"
