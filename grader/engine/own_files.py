"""The files that a test opens: they are the author's, and the notebook's are in another process.

A test that looks for what the notebook has written, or writes what it should read, would find
nothing and blame the student. It is told instead.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import PurePath
from typing import Any, Final

from grader.engine.student_error import UnsupportedAcrossBoundary

_WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT
_stat: Final = os.stat


class _Watch:
    """What is noted while a test runs."""

    def __init__(self) -> None:
        self.running = False
        self.written: set[str] = set()


_WATCH: Final = _Watch()


def watch_files() -> None:
    """Once in a process that examines: see what tests open, as long as one runs."""
    sys.addaudithook(_on_event)
    os.stat = _checked_stat  # type: ignore[assignment]


@contextmanager
def watched() -> Iterator[None]:
    """While a test runs."""
    _WATCH.running = True
    try:
        yield
    finally:
        _WATCH.running = False


def check_arguments(values: Iterable[Any]) -> None:
    """Refuse to give student code the path of a file that the test has written.

    Raises:
        UnsupportedAcrossBoundary: with what to write instead.
    """
    for value in values if _WATCH.written else ():
        if isinstance(value, str | PurePath) and _is_written(os.path.abspath(value)):
            raise UnsupportedAcrossBoundary(
                f"the file {value}, which the test has written, is not there for student code: put"
                " it beside the source notebook, or let a function of the notebook write it"
            )


def _is_written(path: str) -> bool:
    return any(f"{written}/".startswith(f"{path}/") for written in _WATCH.written)


def _on_event(event: str, arguments: tuple) -> None:
    if event != "open" or not _WATCH.running:
        return
    path, _, flags = arguments
    if not isinstance(path, str | PurePath):
        return
    if isinstance(flags, int) and flags & _WRITING:
        _WATCH.written.add(os.path.abspath(path))
        if _is_beside(path):
            raise UnsupportedAcrossBoundary(
                f"the test writes {path}, which the student's process does not see: put the file"
                " beside the source notebook, or let a function of the notebook write it"
            )
    elif _is_beside(path):
        _check_there(path)


def _checked_stat(path: Any, *args: Any, **kwargs: Any) -> os.stat_result:
    if _WATCH.running and isinstance(path, str | PurePath) and _is_beside(path):
        _check_there(path)
    return _stat(path, *args, **kwargs)


def _is_beside(path: str | PurePath) -> bool:
    """True for a path below the notebook's folder, but for names such as <stdin>."""
    text = os.fspath(path)
    return bool(text) and not os.path.isabs(text) and not text.startswith("<")


def _check_there(path: str | PurePath) -> None:
    try:
        _stat(path)
    except FileNotFoundError:
        raise UnsupportedAcrossBoundary(
            f"{path} is none of the author's files. What the notebook writes stays in its own"
            " process: let a function of the notebook read it, and test what that gives"
        ) from None
    except OSError:
        pass
