"""What cannot cross between candidate and examiner."""

from __future__ import annotations


class WireError(ValueError):
    """The value has no form on the wire, or the bytes are not those of a value."""


class TooLarge(WireError):
    """The value is of a kind that crosses, but beyond the bounds."""
