"""Settings of the engine, and the notebooks that it is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from grader.beside import AuthorFiles, Files
from grader.engine.bounds import NOTEBOOK_CELLS
from grader.engine.report import Mode
from grader.engine.sandbox import Level
from grader.notebook import Notebook
from labo.settings import Profile


@dataclass(frozen=True)
class Budgets:
    """Limits of a notebook: seconds of wall-clock time, bytes of all outputs together."""

    cell: float
    notebook: float
    output_bytes: int


@dataclass(frozen=True)
class EngineConfig:
    """Settings of an engine: budgets per notebook, isolation, number at a time."""

    workers: int = 2
    cell_seconds: float = 60.0
    notebook_seconds: float = 600.0
    memory_mb: int = 2048
    output_kb: int = 1000
    """Of one cell's outputs; those of a notebook may be `NOTEBOOK_CELLS` times as large."""
    processes: int = 32
    required: Level = Level.NAMESPACES
    mode: Mode = Mode.ISOLATED
    profile: Profile = Profile.TINY
    """The size of the course's data and trainings."""
    readable: tuple[Path, ...] = ()
    """Folders that notebooks may read, beside the interpreter and the course's own packages."""
    preload: tuple[str, ...] = ("labo.figures", "labo.training.loop")
    """Modules imported once, before forking; see `preload.modules_used`."""
    files: AuthorFiles = field(default_factory=AuthorFiles)
    """The author's, beside each notebook and each examiner."""
    whole: bool | None = None
    """Run every cell, whether a test needs it or not; None does in shared mode only."""
    confirm: bool = True
    """Run a notebook again, whole, for the tests of a short run that count only then."""
    proven: tuple[str, ...] = ()
    """The tests whose short runs gave the verdicts of whole ones, for all answers tried."""

    @property
    def runs_whole(self) -> bool:
        return self.mode is Mode.SHARED if self.whole is None else self.whole

    @property
    def budgets(self) -> Budgets:
        output_bytes = NOTEBOOK_CELLS * self.output_kb * 1000
        return Budgets(self.cell_seconds, self.notebook_seconds, output_bytes)


@dataclass(frozen=True)
class Job:
    """One notebook to run: nbformat 4 as plain data, its tests replaced by the trusted ones.

    `source` is the author's notebook, whose import statements the tests rely on; `files`, those
    handed in beside the notebook, reach its candidate only.
    """

    key: str
    notebook: Notebook = field(repr=False)
    source: Notebook = field(repr=False)
    files: Files = field(default_factory=dict, repr=False)
