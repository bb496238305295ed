"""One course: where its files are, as nbgrader's configuration says."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat
from nbgrader.api import Gradebook, InvalidEntry, MissingEntry
from nbgrader.coursedir import CourseDirectory
from sqlalchemy.exc import DatabaseError
from traitlets.config import Config

from grader.authoring.build import course_root
from grader.authoring.release import load_config
from grader.errors import GraderError

STATE = ".grader"


@dataclass(frozen=True)
class Course:
    """A folder with an nbgrader_config.py."""

    root: Path

    @classmethod
    def here(cls) -> Course:
        """The course that the current folder is in."""
        return cls(course_root())

    @cached_property
    def config(self) -> Config:
        """nbgrader's configuration."""
        return load_config(self.root)

    @cached_property
    def directory(self) -> CourseDirectory:
        """nbgrader's own idea of the course."""
        return CourseDirectory(config=self.config)

    def folder(self, step: str, student: str, lab: str) -> Path:
        """`step` is "source", "submitted", "autograded" or "feedback"."""
        return Path(
            self.directory.format_path(getattr(self.directory, f"{step}_directory"), student, lab)
        )

    def results(self, lab: str) -> Path:
        """Where the outcomes of grading are kept."""
        return self.root / STATE / lab

    def source(self, lab: str) -> dict[str, Any]:
        """The author's notebook of a lab, with solutions and hidden tests, as plain data."""
        path = self.folder("source", ".", lab) / f"{lab}.ipynb"
        if not path.is_file():
            raise GraderError(f"{lab} has not been built here: grader release {lab}")
        return json.loads(json.dumps(nbformat.read(path, as_version=4)))

    def students(self, lab: str) -> list[str]:
        """Who has submitted this lab, in order."""
        pattern = self.folder("submitted", "*", lab)
        base = Path(str(pattern).partition("*")[0])
        if not base.is_dir():
            return []
        names = (entry.name for entry in base.iterdir() if not entry.name.startswith("."))
        return sorted(name for name in names if self.folder("submitted", name, lab).is_dir())

    @contextmanager
    def gradebook(self) -> Iterator[Gradebook]:
        """nbgrader's gradebook; a database that is locked or full is told, not shown as a trace."""
        with self.database_told():
            with Gradebook(self.directory.db_url, self.directory.course_id) as gradebook:
                yield gradebook

    @contextmanager
    def database_told(self) -> Iterator[None]:
        """Tell what is wrong with the gradebook's database, whoever writes to it."""
        try:
            yield
        except (DatabaseError, InvalidEntry) as error:
            reason = getattr(error, "orig", error)
            raise GraderError(
                f"The gradebook {self.directory.db_url} cannot be written: {reason}. Nothing is"
                " lost: once nobody else writes to it and the disk has room, run the same command"
                " again. If nobody else has it open, its file system may offer no locks, as NFS"
                " may not: keep the gradebook on a local disk (CourseDirectory.db_url)."
            ) from error

    def check_released(self, lab: str) -> None:
        """Refuse a lab that the gradebook does not know."""
        with self.gradebook() as gradebook:
            try:
                gradebook.find_assignment(lab)
            except MissingEntry:
                raise GraderError(f"{lab} is not in the gradebook: grader release {lab}") from None


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Tell, without a trace, that a file or folder cannot be written."""
    try:
        yield
    except OSError as error:
        raise GraderError(
            f"{path} cannot be written: {error.strerror}. Nothing is lost: make room and run the"
            " same command again."
        ) from error


def write_atomically(path: Path, data: bytes) -> None:
    """Put a file in place whole, or not at all, whenever the power goes."""
    partial = path.with_name(f".{os.getpid()}.partial")  # short: the name itself may be long
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            write_durably(partial, data)
            partial.replace(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


def write_durably(path: Path, data: bytes) -> None:
    """Write a file that a power cut after this call leaves as it is."""
    with path.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
