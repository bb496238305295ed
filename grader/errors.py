"""Errors shown to the user as one message, without a traceback."""

from __future__ import annotations

from pathlib import Path


class GraderError(Exception):
    """A mistake that the user can repair; the message says how."""


def shown(path: Path) -> Path:
    """The path as one would type it here."""
    return path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
