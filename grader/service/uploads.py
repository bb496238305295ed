"""Hand-ins that a course platform brought: files named as `labo submit --file` names them.

They lie where `nbgrader zip_collect` takes them from, `downloaded/LAB/archive/`, put there by
whoever may write in the course: a file is whose its name says. What is newer than what a student
has handed in is taken, whole or not at all; the files themselves stay.
"""

from __future__ import annotations

import os
import re
import shutil
import time
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Final

from nbgrader.plugins import FileNameCollectorPlugin
from nbgrader.utils import parse_utc

from grader.course import Course, Lab
from grader.files import Flaw, NotPlain, read_plain, writing
from grader.grading.submission import MAX_BYTES, Unreadable, read_timestamp
from grader.plugins.deposits import Refused
from grader.text import in_a_line
from labo.coursework.beside import MAX_FILES, MAX_FILES_BYTES

_SETTLED_SECONDS: Final = 2.0  # a file that is younger is still being written
_LONGEST_NAME: Final = 255  # bytes, of what file systems take
_LONGEST_PATH: Final = 1000  # as in the exchange
_DATE: Final = "%Y-%m-%d %H:%M:%S.%f UTC"

Seen = tuple[str, int, int]
"""A file's path, size and date."""


@dataclass(frozen=True)
class Upload:
    """A file, and what its name says."""

    path: Path
    lab: str
    student: str
    date: datetime


@dataclass
class Uploads:
    """The files of a course that are still to be looked at."""

    course: Course
    clock: Callable[[], float] = time.time
    done: set[Seen] = field(default_factory=set)
    refused: dict[str, str] = field(default_factory=dict)

    def waiting(self) -> Iterator[Upload]:
        """Those that are whole, the oldest first; what has no name of a hand-in is refused."""
        found = []
        for path in self.course.root.glob("downloaded/*/archive/[!.]*"):
            seen = _seen(path)
            if seen in self.done or self.clock() - seen[2] / 1e9 < _SETTLED_SECONDS:
                continue
            try:
                found.append(self._upload(path))
            except Refused as reason:
                self.refuse(path, str(reason))
        yield from sorted(found, key=lambda upload: upload.date)

    def refuse(self, path: Path, why: str) -> None:
        self.done.add(_seen(path))
        self.refused[in_a_line(path.name)] = why

    def settle(self, path: Path) -> None:
        self.done.add(_seen(path))

    def _upload(self, path: Path) -> Upload:
        pattern = FileNameCollectorPlugin(config=self.course.config).named_regexp
        found = re.match(pattern, f"{path.stem}.ipynb")
        if found is None or path.suffix not in (".ipynb", ".zip"):
            raise Refused("`labo submit --file` names no file so: see nbgrader zip_collect")
        student = found["student_id"]
        if in_a_line(student) != student or student.startswith("."):
            raise Refused("its name has characters that cannot be shown")
        try:
            date = parse_utc(found["timestamp"])
        except (ValueError, OverflowError, TypeError):
            raise Refused("its name holds no date") from None
        return Upload(path, found["file_id"], student, date)


def _seen(path: Path) -> Seen:
    status = path.lstat()
    return str(path), status.st_size, status.st_mtime_ns


def take(lab: Lab, upload: Upload) -> bool:
    """Put an upload among the submitted, unless what is there is as new; True if it lies there.

    Raises:
        Refused: it is no plain file, or no archive of `labo submit --file`, or too large.
        GraderError: the course cannot be written.
    """
    submission = lab.submission(upload.student)
    target = submission.submitted
    try:
        before = read_timestamp(target)
    except Unreadable:
        before = None
    if before is not None and before >= upload.date:
        return before == upload.date
    files = _content(upload.path, lab.parts[0].file_name)
    partial = target.with_name(f".{target.name}.partial")
    with writing(target):
        shutil.rmtree(partial, ignore_errors=True)
        for name, content in files.items():
            (partial / name).parent.mkdir(parents=True, exist_ok=True)
            (partial / name).write_bytes(content)
        (partial / "timestamp.txt").write_text(upload.date.strftime(_DATE))
        shutil.rmtree(target, ignore_errors=True)
        partial.rename(target)
    return True


def _content(path: Path, notebook: str) -> dict[str, bytes]:
    """The files of an upload, by their path in the submission."""
    try:
        data = read_plain(path, MAX_BYTES + MAX_FILES_BYTES)
    except NotPlain as error:
        large = error.flaw is Flaw.TOO_LARGE
        raise Refused("it is too large" if large else "it is no plain file") from None
    if path.suffix == ".ipynb":
        return {notebook: data}
    try:
        with zipfile.ZipFile(BytesIO(data)) as archive:
            files = dict(_unpacked(archive, notebook))
    except Refused:
        raise
    except Exception:  # each way to compress has errors of its own, and so have names
        raise Refused("it is no archive of `labo submit --file`") from None
    _check_names(files)
    return files


def _check_names(files: Iterable[str]) -> None:
    """Raises Refused for names that no folder can hold, together with what is put beside them."""
    places = {PurePosixPath(name) for name in (*files, "timestamp.txt")}
    folders = {folder for place in places for folder in place.parents}
    longest = max(len(os.fsencode(part)) for place in places for part in place.parts)
    whole = max(len(os.fsencode(place)) for place in places)
    if places & folders or longest > _LONGEST_NAME or whole > _LONGEST_PATH:
        raise Refused("it holds names that cannot be written")


def _unpacked(archive: zipfile.ZipFile, notebook: str) -> Iterator[tuple[str, bytes]]:
    room = MAX_BYTES + MAX_FILES_BYTES
    members = [info for info in archive.infolist() if not info.is_dir()]
    if len(members) > MAX_FILES + 1:
        raise Refused(f"it holds more than {MAX_FILES} files")
    for info in members:
        place = PurePosixPath(info.filename)
        if place.is_absolute() or ".." in place.parts or in_a_line(info.filename) != info.filename:
            raise Refused("it holds a path that leads elsewhere")
        with archive.open(info) as stream:
            content = stream.read(room + 1)  # whatever size it claims
        room -= len(content)
        if room < 0:
            raise Refused("what it holds is too large")
        is_notebook = len(place.parts) == 1 and place.suffix == ".ipynb"
        yield notebook if is_notebook else place.as_posix(), content
