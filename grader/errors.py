"""What a user's mistake is told with: one message, no traceback."""

from __future__ import annotations


class GraderError(Exception):
    """A mistake that the user can repair; the message says how."""
