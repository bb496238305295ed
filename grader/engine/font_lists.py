"""Matplotlib's list of fonts, 0.15 s to make: the user's own, for zygotes whose home is another."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

_LISTS: Final = "fontlist-*.json"  # by matplotlib's version of it
_MAX_BYTES: Final = 10_000_000  # a thousand fonts take half a million


def lend(folder: Path) -> None:
    """Copy the user's to this folder, where there are none."""
    if own := _own_folder():
        _copy(own, folder)


def keep(folder: Path) -> None:
    """Copy those that were made there, and that the user does not have."""
    if own := _own_folder():
        _copy(folder, own)


def _own_folder() -> Path | None:
    """Where matplotlib looks for the user's: its cache, in Linux. None for who has no home."""
    if configured := os.environ.get("MPLCONFIGDIR"):
        return Path(configured)
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return Path(cache, "matplotlib") if os.path.isabs(cache) else None


def _copy(source: Path, target: Path) -> None:
    with suppress(OSError):  # a list that cannot be read, or kept, is made again
        for each in source.glob(_LISTS):
            is_list = each.is_file() and each.stat().st_size <= _MAX_BYTES
            if is_list and not (target / each.name).exists():
                target.mkdir(parents=True, exist_ok=True)
                partial = target / f".{each.name}.{os.getpid()}"
                shutil.copyfile(each, partial)
                partial.replace(target / each.name)
