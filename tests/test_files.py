"""Reading a file to which somebody writes meanwhile; what is said of one that is not written."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from grader.errors import GraderError
from grader.files import Flaw, NotPlain, read_plain, writing


def grows(path: Path) -> None:
    with path.open("a") as file:
        file.write("more")


def grows_beyond_the_limit(path: Path) -> None:
    path.write_text("more" * 1000)


def shrinks(path: Path) -> None:
    os.truncate(path, 1)


def is_rewritten(path: Path) -> None:
    path.write_text("1" * path.stat().st_size)


@pytest.mark.parametrize("change", [grows, grows_beyond_the_limit, shrinks, is_rewritten])
def test_a_file_that_changes_while_it_is_read_is_refused(
    change: Callable[[Path], None], tmp_path: Path
) -> None:
    path = tmp_path / "file"
    path.write_text("content")
    os.utime(path, (0, 0))
    with pytest.raises(NotPlain) as refused:
        read_plain(path, 100, check=lambda status: change(path))
    assert refused.value.flaw is Flaw.CHANGED


@pytest.mark.parametrize(
    ("number", "advice"), [(errno.ENOSPC, "make room"), (errno.EACCES, "see to it")]
)
def test_room_is_asked_for_where_it_is_what_is_missing(number: int, advice: str) -> None:
    refusal = OSError(number, os.strerror(number))
    with pytest.raises(GraderError, match=advice), writing(Path("file")):
        raise refusal
