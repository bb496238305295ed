"""A course, its labs and their submissions: where files are, as nbgrader's configuration says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import tzinfo
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from traitlets.config import Config

from grader import settings
from grader.beside import AuthorFiles, Files, read_author_files
from grader.database import database_errors
from grader.errors import GraderError
from grader.notebook import Notebook, other_language, plain, with_last_schema
from grader.text import did_you_mean

if TYPE_CHECKING:  # nbgrader takes seconds to import: here, functions do when they need it
    from nbgrader.api import Gradebook
    from nbgrader.coursedir import CourseDirectory

CONFIG_FILE = "nbgrader_config.py"
STATE = ".grader"


@dataclass(frozen=True)
class Course:
    """A folder with an nbgrader_config.py."""

    root: Path

    @classmethod
    def here(cls, start: Path | None = None) -> Course:
        """The course of the nearest folder, from `start` (default: here) upwards."""
        start = (start or Path.cwd()).resolve()
        for folder in (start, *start.parents):
            if (folder / CONFIG_FILE).is_file():
                return cls(folder)
        raise GraderError(
            f"No {CONFIG_FILE} in {start} or above it. Run this from the course's folder."
        )

    @cached_property
    def config(self) -> Config:
        """nbgrader's configuration."""
        if not (self.root / CONFIG_FILE).is_file():
            if not (self.root / "source").is_dir():
                raise GraderError(f"{self.root} is not a course: it has no {CONFIG_FILE}.")
            return Config({"CourseDirectory": {"root": str(self.root.resolve())}})
        config = settings.read(self.root / CONFIG_FILE)
        config.CourseDirectory.root = str(self.root.resolve())
        return config

    @cached_property
    def zone(self) -> tzinfo | None:
        """The zone in which dates are meant, `c.Course.timezone`; None is this machine's.

        Raises:
            GraderError: no zone has that name.
        """
        name = self.config.get("Course", {}).get("timezone")
        if not name:
            return None
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError):
            raise GraderError(
                f"c.Course.timezone = {name!r} in {CONFIG_FILE} is no time zone: write one such as"
                " America/Toronto."
            ) from None

    @cached_property
    def directory(self) -> CourseDirectory:
        """nbgrader's own idea of the course."""
        from nbgrader.coursedir import CourseDirectory

        return CourseDirectory(config=self.config)

    def lab(self, name: str) -> Lab:
        """A lab by its name, whether it has files or not; `ps1/problem1` is one notebook of ps1."""
        assignment, _, part = name.partition("/")
        lab = Lab(self, assignment)
        return Lab(self, assignment, part) if part and len(lab.notebook_names) > 1 else lab

    def labs(self, names: Sequence[str] = ()) -> list[Lab]:
        """The labs that have a source, or those named; a path to one of a lab's files names it too.

        Raises:
            GraderError: a name is that of no source.
        """
        folder = self.lab("*").source.parent
        known = sorted(path.stem for path in folder.glob("*.py"))
        wanted = [Path(name).stem for name in names] or known
        for name in wanted:
            if name not in known and any(part.notebook.is_file() for part in self.lab(name).parts):
                raise GraderError(
                    f"{name} is a source notebook of nbgrader's, and no {folder.name}/{name}.py:"
                    f" nbgrader generate_assignment {name} releases it, grader rehearse {name}"
                    " tries it, formgrader marks its written answers."
                )
            if name not in known:
                raise GraderError(f"No source {folder.name}/{name}.py. {_nearest(name, known)}")
        return [self.lab(name) for name in dict.fromkeys(wanted)]

    def known_lab(self, name: str) -> Lab:
        """A lab that has a source, or anything made of one.

        Raises:
            GraderError: there is no trace of it; with the nearest name.
        """
        lab = self.lab(name)
        if lab.part and lab.part not in lab.notebook_names:
            raise GraderError(
                f"{lab.name} has no notebook {lab.part}. {_nearest(lab.part, lab.notebook_names)}"
            )
        if lab.results.is_dir():  # known without nbgrader, which takes long to import
            return lab
        parts = lab.parts
        traces = (lab.source, *(part.notebook for part in parts), *(part.release for part in parts))
        if not any(path.exists() for path in traces) and not lab.students():
            known = sorted({path.stem for path in lab.source.parent.glob("[!.]*")} - {name})
            raise GraderError(f"This course has no lab {name}. {_nearest(name, known)}")
        return lab

    @contextmanager
    def gradebook(self) -> Iterator[Gradebook]:
        """nbgrader's gradebook; what is wrong with its database is raised as a GraderError."""
        from nbgrader.api import Gradebook

        with self.database_errors():
            with Gradebook(self.directory.db_url, self.directory.course_id) as gradebook:
                yield gradebook

    def database_errors(self) -> AbstractContextManager[None]:
        """Turn the errors of a locked, full or broken database into a GraderError."""
        return database_errors(self.directory.db_url)


def _nearest(name: str, known: Sequence[str]) -> str:
    """What to write instead of a name that is not known."""
    return did_you_mean(name, known) or f"There are {', '.join(known) or 'none'}."


@dataclass(frozen=True)
class Lab:
    """One lab of a course: its source, what is built from it, and what is handed in."""

    course: Course
    name: str
    """nbgrader's assignment."""
    part: str = ""
    """The notebook, where an assignment has several."""

    @property
    def title(self) -> str:
        """What a command calls it: `ps1`, or `ps1/problem1` where there are several notebooks."""
        return f"{self.name}/{self.part}" if self.part else self.name

    @cached_property
    def notebook_name(self) -> str:
        """The name of its notebook, which need not be the assignment's."""
        names = self.notebook_names
        return self.part or (names[0] if len(names) == 1 else self.name)

    @cached_property
    def notebook_names(self) -> tuple[str, ...]:
        """The notebooks of the assignment, as its source has them."""
        folder = self._folder("source", ".")
        found = sorted(path.stem for path in folder.glob("[!.]*.ipynb"))
        return (self.name,) if self.source.is_file() or not found else tuple(found)

    @property
    def parts(self) -> tuple[Lab, ...]:
        """One lab for each notebook."""
        if self.part or len(self.notebook_names) == 1:
            return (self,)
        return tuple(Lab(self.course, self.name, name) for name in self.notebook_names)

    @property
    def one(self) -> Lab:
        """This lab, if it is one notebook.

        Raises:
            GraderError: it is several; with their names.
        """
        if len(self.parts) > 1:
            names = ", ".join(part.title for part in self.parts)
            raise GraderError(f"{self.name} has several notebooks. Name one of them: {names}")
        return self.parts[0]

    @property
    def siblings(self) -> tuple[str, ...]:
        """The files of the assignment's other notebooks."""
        return tuple(f"{n}.ipynb" for n in self.notebook_names if n != self.notebook_name)

    @property
    def mode(self) -> str:
        """The mode in which it is graded."""
        return settings.mode(self.course.config, self.name)

    @property
    def file_name(self) -> str:
        """The name of its notebook's file, in every folder."""
        return f"{self.notebook_name}.ipynb"

    @property
    def source(self) -> Path:
        """The author's text, from which the notebooks are built."""
        folder = self._folder("source", ".")
        return folder.with_name(f"{self.name}.py")

    @property
    def notebook(self) -> Path:
        """nbgrader's source notebook, with solutions and hidden tests."""
        return self._folder("source", ".") / self.file_name

    @property
    def release(self) -> Path:
        """The notebook that students receive."""
        return self._folder("release", ".") / self.file_name

    @property
    def notations(self) -> Path:
        """The page of notation that all labs share, if the course has one; see `copies`."""
        return self.source.with_name("notations.md")

    @property
    def copies(self) -> tuple[Path, Path]:
        """Where a lab has its copy of that page: students fetch one lab at a time."""
        name = self.notations.name
        return self.notebook.with_name(name), self.release.with_name(name)

    @property
    def build_record(self) -> Path:
        """The digests of the last build. Not beside the notebook: nbgrader would release it."""
        return self.source.with_name(".built") / f"{self.name}.json"

    @property
    def results(self) -> Path:
        """The folder of what grading found, one file per student."""
        return self.course.root / STATE / self.name / self.part

    def author_files(self) -> AuthorFiles:
        """The files in the source's folder, beside the notebook.

        Raises:
            GraderError: they are too many, or too large.
        """
        excluded = self.course.config.get("Autograde", {}).get("exclude_overwriting", {})
        return read_author_files(
            self.notebook.parent,
            self.course.directory.ignore,
            excluded.get(self.name, ()),
            leave_out=self.copies,
        )

    def example_files(self) -> Files:
        """What the answer key hands in beside its notebook: those given to students to rewrite as
        they are given, but for what solutions/LAB.remise/ has.
        """
        kept = self.source.with_suffix(".remise")
        answers = read_author_files(kept, self.course.directory.ignore, ())
        return {**self.author_files().theirs, **answers.own}

    def author_notebook(self) -> Notebook:
        """The source notebook as plain data.

        Raises:
            GraderError: it has not been built, or is not written in Python.
        """
        if not self.notebook.is_file():
            raise GraderError(f"{self.name} has not been built here: {self._releasing}")
        import nbformat

        notebook = plain(nbformat.read(self.notebook, as_version=4))
        if language := other_language(notebook):
            raise GraderError(
                f"{self.notebook} is written in {language}, and only Python is graded here."
            )
        return with_last_schema(notebook)

    def submission(self, student: str) -> Submission:
        """One student's submission, whether there is one or not."""
        return Submission(self, student)

    def students(self) -> list[str]:
        """The students who have handed it in, in alphabetical order."""
        base = Path(str(self.submission("*").submitted).partition("*")[0])
        if not base.is_dir():
            return []
        names = (entry.name for entry in base.iterdir() if not entry.name.startswith("."))
        return sorted(name for name in names if self.submission(name).submitted.is_dir())

    def check_released(self) -> None:
        """Refuse a lab that the gradebook does not know, or that is none."""
        from nbgrader.api import MissingEntry

        with self.course.gradebook() as gradebook:
            try:
                gradebook.find_assignment(self.name)
            except MissingEntry:
                self.course.known_lab(self.name)
                raise GraderError(
                    f"{self.name} is not in the gradebook: {self._releasing}"
                ) from None

    @property
    def _releasing(self) -> str:
        """The command that enters it in the gradebook."""
        made_here = self.source.is_file() or not self.notebook.is_file()
        return f"{'grader release' if made_here else 'nbgrader generate_assignment'} {self.name}"

    def _folder(self, step: str, student: str) -> Path:
        """The folder of one of nbgrader's steps: source, release, submitted..."""
        steps = self.course.directory
        return Path(steps.format_path(getattr(steps, f"{step}_directory"), student, self.name))


@dataclass(frozen=True)
class Submission:
    """One student's work on a lab, as handed in, and the files made of it."""

    lab: Lab
    student: str

    @property
    def submitted(self) -> Path:
        """The folder of what was handed in."""
        return self.lab._folder("submitted", self.student)

    @property
    def autograded(self) -> Path:
        """The folder of the executed notebook, which formgrader opens."""
        return self.lab._folder("autograded", self.student)

    @property
    def feedback(self) -> Path:
        """The folder of the page that the student gets."""
        return self.lab._folder("feedback", self.student)

    @property
    def result(self) -> Path:
        """The file of what grading found."""
        return self.lab.results / f"{self.student}.json"
