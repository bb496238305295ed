"""The engine inside nbgrader: plain `nbgrader autograde`, and formgrader's button, use it too.

nbgrader_config.py puts `Restore` and `Execute` in the place of nbgrader's own `DeduplicateIds` and
`Execute`. One notebook is taken at a time, as nbgrader does: `grader autograde` is the way for a
class, and also takes files that nbgrader cannot read.
"""

from __future__ import annotations

import atexit
import json
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

from grader import settings
from grader.course import Course, Lab
from grader.notebook import Notebook, plain

if TYPE_CHECKING:  # imported when a notebook is run: every nbgrader command reads the configuration
    from grader.engine import Engine, EngineConfig
    from grader.grading.answer_key import Flaws

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

    mode = Enum(
        ["isolated", "shared"], "isolated", help="c.Grader.mode if that is set: docs/engine.md."
    ).tag(config=True)
    cell_seconds = Float(60.0, help="Time of one cell; c.Execute.timeout if set.").tag(config=True)
    timeout = Integer(
        None, allow_none=True, help="nbgrader's own name of cell_seconds; None or -1: no limit."
    ).tag(config=True)
    notebook_seconds = Float(600.0, help="Time of one notebook.").tag(config=True)
    memory_mb = Integer(2048, help="Memory of one notebook.").tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict
    ) -> tuple[NotebookNode, ResourcesDict]:
        from grader.engine import EngineConfig, Job, Mode
        from grader.grading.answer_key import settled
        from grader.grading.handed_in import handed_in

        names = resources["nbgrader"]
        course = _course(self.config)
        for option in settings.ignored(self.config):
            self.log.warning("%s is nbgrader's own, and has no effect here", option)
        lab = course.lab(f"{names['assignment']}/{names['notebook']}")
        config = EngineConfig(
            workers=1,
            cell_seconds=min(
                settings.cell_seconds(self.config) or self.cell_seconds, self.notebook_seconds
            ),
            notebook_seconds=self.notebook_seconds,
            memory_mb=self.memory_mb,
            mode=Mode(lab.mode),
            files=lab.author_files(),
        )
        source = _source(self.config, resources)
        files, problems = handed_in(lab.submission(names["student"]), source)
        for problem in problems:
            self.log.warning("%s: %s", names["student"], problem.message)
        with _ENGINE.lent(config) as engine:
            outcome = engine.run(Job(names["student"], plain(nb), source, files.read()))
            if any(verdict.score < verdict.max_score for verdict in outcome.report.verdicts):
                outcome = settled(outcome, _flaws(engine, lab, source))
        for cell, executed in zip(nb.cells, outcome.notebook["cells"], strict=True):
            if cell.cell_type == "code":
                cell.outputs = nbformat.from_dict(executed["outputs"])
                cell.execution_count = executed["execution_count"]
        for incident in outcome.report.incidents:
            self.log.warning("%s: %s", names["student"], incident)
        return nb, resources


def _course(config: Config) -> Course:
    """The course that nbgrader has this configuration of."""
    directory = CourseDirectory(config=config)
    course = Course(Path(directory.root))
    vars(course).update(config=config, directory=directory)  # options of the command line too
    return course


def _source(config: Config, resources: ResourcesDict) -> dict:
    """The author's notebook, with solutions and hidden tests."""
    names = resources["nbgrader"]
    return _course(config).lab(f"{names['assignment']}/{names['notebook']}").author_notebook()


def _flaws(engine: Engine, lab: Lab, source: Notebook) -> Flaws:
    """The tests that the answer key does not pass, found out once for each version of the lab."""
    from grader.engine import Job
    from grader.grading.answer_key import flaws

    files = lab.example_files()
    version = json.dumps([source, engine.config.mode, engine.config.files.digest, sorted(files)])
    if version not in _FLAWS:
        _FLAWS.clear()  # of the notebook before: one assignment is graded at a time
        outcome = engine.run(Job("", plain(source), source, files))
        _FLAWS[version] = flaws(outcome.report, source, settings.solution_mark(lab.course.config))
    return _FLAWS[version]


_FLAWS: dict[str, Flaws] = {}


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
