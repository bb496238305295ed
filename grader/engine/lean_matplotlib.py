"""Matplotlib, spared the tables of properties that it adds to its docstrings.

They take a third of its import, 50 ms, and are for a person who asks for help.
"""

from __future__ import annotations

import matplotlib.artist


def describe_no_properties() -> None:
    """To be called before anything that draws is imported."""
    matplotlib.artist.kwdoc = _nothing


def _nothing(artist: object) -> str:
    return ""
