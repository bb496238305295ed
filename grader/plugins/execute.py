"""The engine inside nbgrader: plain `nbgrader autograde`, and formgrader's button, use it too.

nbgrader_config.py puts `Restore` and `Execute` in the place of nbgrader's own `DeduplicateIds` and
`Execute`. One notebook is taken at a time, as nbgrader does: `grader autograde` is the way for a
class, and also takes files that nbgrader cannot read.
"""

from __future__ import annotations

import atexit
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import nbformat
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader.coursedir import CourseDirectory
from nbgrader.preprocessors import NbGraderPreprocessor
from traitlets import Enum, Float, Integer
from traitlets.config import Config

from grader.notebook import plain

if TYPE_CHECKING:  # imported when a notebook is run: every nbgrader command reads the configuration
    from grader.engine import Engine, EngineConfig

_IDLE_SECONDS = 60.0  # formgrader lives in a server, which should not keep an idle engine


class Restore(NbGraderPreprocessor):
    """Puts the author's graded cells back, as `grader autograde` does.

    nbgrader restores the text and points of cells, not what makes them tests: a student could mark
    a cell of their own as one, and a test is trusted. A second cell of a name stops its batch.
    """

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        from grader.grading.intake import sanitise

        restored, problems = sanitise(plain(nb), _source(self.config, resources))
        for problem in problems:
            self.log.warning("%s: %s", resources["nbgrader"]["student"], problem.message)
        return nbformat.from_dict(restored), resources


class Execute(NbGraderPreprocessor):
    """Runs a sanitised notebook in the engine; its outputs say the scores, as nbgrader wants."""

    mode = Enum(["isolated", "shared"], "isolated", help="See docs/engine.md.").tag(config=True)
    cell_seconds = Float(60.0, help="Time of one cell.").tag(config=True)
    notebook_seconds = Float(600.0, help="Time of one notebook.").tag(config=True)
    memory_mb = Integer(2048, help="Memory of one notebook.").tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        from grader.engine import EngineConfig, Job, Mode

        names = resources["nbgrader"]
        config = EngineConfig(
            workers=1,
            cell_seconds=self.cell_seconds,
            notebook_seconds=self.notebook_seconds,
            memory_mb=self.memory_mb,
            mode=Mode(self.mode),
        )
        source = _source(self.config, resources)
        with _ENGINE.lent(config) as engine:
            outcome = engine.run(Job(names["student"], plain(nb), source))
        for cell, executed in zip(nb.cells, outcome.notebook["cells"], strict=True):
            if cell.cell_type == "code":
                cell.outputs = nbformat.from_dict(executed["outputs"])
                cell.execution_count = executed["execution_count"]
        for incident in outcome.report.incidents:
            self.log.warning("%s: %s", names["student"], incident)
        return nb, resources


def _source(config: Config, resources: ResourcesDict) -> dict:
    """The author's notebook, with solutions and hidden tests."""
    names = resources["nbgrader"]
    course = CourseDirectory(config=config)
    folder = Path(course.format_path(course.source_directory, ".", names["assignment"]))
    return plain(nbformat.read(folder / f"{names['notebook']}.ipynb", as_version=4))


class _KeptEngine:
    """One engine, kept from one notebook to the next, and closed when idle or after an error."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.config: EngineConfig | None = None
        self.stack = ExitStack()
        self.timer = threading.Timer(0, self.close)
        atexit.register(self.close)

    @contextmanager
    def lent(self, config: EngineConfig) -> Iterator[Engine]:
        from grader.engine import Engine

        with self.lock:
            self.timer.cancel()
            try:
                if config != self.config:
                    self.close()
                    self.engine, self.config = self.stack.enter_context(Engine(config)), config
                yield self.engine
            except BaseException:
                self.close()
                raise
            self.timer = threading.Timer(_IDLE_SECONDS, self.close)
            self.timer.daemon = True
            self.timer.start()

    def close(self) -> None:
        with self.lock:
            self.config = None
            self.stack.close()


_ENGINE = _KeptEngine()
