"""Grading a class: what is new is run, what was run is recorded, and nothing is done twice.

Each submission's result is a file, written atomically as soon as it is known: killed at any
moment, the same command goes on from there. One writer, `grader.grading.record`, then fills the
gradebook.
"""

from __future__ import annotations

import gc
import hashlib
import json
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from grader.beside import AuthorFiles
from grader.beside import digest as files_digest
from grader.course import Lab, Submission
from grader.engine import (
    Engine,
    EngineConfig,
    Job,
    Outcome,
    Report,
    Status,
    Verdict,
    modules_of_short_runs,
    modules_used,
)
from grader.engine.zygote_client import started_ahead
from grader.errors import GraderError
from grader.files import writing
from grader.grading.answer_key import AnswerKey
from grader.grading.handed_in import HandedIn, handed_in
from grader.grading.intake import Intake, take_in, unreadable_notebook
from grader.grading.proof import proven_tests
from grader.grading.record import record
from grader.grading.results import OnResult, Result, find_result, write_result
from grader.grading.spelling import refuse_two_spellings
from grader.notebook import Notebook, grade_id, is_test
from grader.text import did_you_mean, in_a_line


class Runner(Protocol):
    """Runs notebooks: `Engine` on this machine, `grader.cluster.cluster.Cluster` on others."""

    @property
    def config(self) -> EngineConfig: ...
    @property
    def version(self) -> str: ...
    def __enter__(self) -> object: ...
    def __exit__(self, *_: object) -> None: ...
    def map(self, jobs: Iterable[Job]) -> Generator[Outcome]: ...


MakeEngine = Callable[[EngineConfig], Runner]


@dataclass(frozen=True)
class Task:
    """A submission to grade, and the digest of all that its result depends on."""

    student: str
    digest: str
    intake: Intake
    files: HandedIn


def autograde(
    lab: Lab,
    config: EngineConfig,
    *,
    students: Sequence[str] = (),
    force: bool = False,
    on_result: OnResult = lambda _: None,
    make_engine: MakeEngine = Engine,
) -> list[Result]:
    """Grade a lab's submissions; every result, new or not.

    Args:
        students: only these; all by default.
        force: run again what has not changed.
        on_result: called with each result as it is known.
        make_engine: makes the runner of notebooks.

    Raises:
        GraderError: the lab is not released, a student has not submitted or has two names, the
            isolation required cannot be reached, or the gradebook cannot be written.
    """
    lab.check_released()
    ahead = started_ahead() if make_engine is Engine else nullcontext()
    with locked(lab), _earlier_objects_let_alone(), ahead:
        for partial in lab.results.glob(".*.partial"):  # a grading that was killed
            partial.unlink(missing_ok=True)
        wanted = _wanted(lab, students)
        with lab.course.gradebook() as gradebook:
            refuse_two_spellings(gradebook, lab.name, lab.students())
        source = lab.author_notebook()
        engine = make_engine(_config_for(lab, source, config))
        salt = _digest_of_grading(lab, source, engine)
        tasks = _tasks(lab, salt, source, wanted)
        key = AnswerKey(lab, source, salt, lab.results)
        known = [] if force else [lab.results]
        results = []
        try:
            with closing(_results(engine, key, tasks, known, lab.results)) as found:
                for result in found:
                    results.append(result)
                    on_result(result)
        finally:  # also after Ctrl-C: what was run counts
            record(lab, results)
        return sorted(results, key=lambda result: result.student)


def rehearse(
    lab: Lab,
    config: EngineConfig,
    source: Notebook,
    students: Sequence[str],
    folder: Path,
    on_result: OnResult = lambda _: None,
    make_engine: MakeEngine = Engine,
) -> list[Result]:
    """The results that another source gives; those that are recorded stay as they are.

    Args:
        source: in the place of the source notebook that grading takes.
        folder: for the results, where those of an earlier rehearsal are found again.
    """
    engine = make_engine(_config_for(lab, source, config))
    salt = _digest_of_grading(lab, source, engine)
    tasks = _tasks(lab, salt, source, students)
    key = AnswerKey(lab, source, salt, folder)
    results = {}
    with closing(_results(engine, key, tasks, [lab.results, folder], folder)) as found:
        for result in found:
            results[result.student] = result
            on_result(result)
    return [results[student] for student in students]


@contextmanager
def locked(lab: Lab) -> Iterator[None]:
    """Refuse another grading of this lab meanwhile: each would write the other's files."""
    folder = lab.results
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".lock", timeout=0):
            yield
    except Timeout:
        raise GraderError(f"{lab.name} is being graded already, by another command") from None


@contextmanager
def _earlier_objects_let_alone() -> Iterator[None]:
    """Have the collector look at what is created meanwhile only: all the rest takes it 0.2 s."""
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


# ---- Tasks


def _wanted(lab: Lab, students: Sequence[str]) -> list[str]:
    submitted = lab.students()
    unknown = sorted(set(students) - set(submitted))
    if unknown:
        hints = [hint for name in unknown if (hint := did_you_mean(name, submitted))]
        raise GraderError(
            " ".join([f"no submission of {lab.name} by {', '.join(unknown)}.", *hints])
        )
    for student in submitted:
        if in_a_line(student) != student:  # it goes to the gradebook, to pages, to tables
            raise GraderError(
                f"{student!r} has characters that cannot be shown, or is not in UTF-8: rename this"
                " folder"
            )
    if not submitted:
        folder = lab.submission("STUDENT").submitted
        raise GraderError(
            f"nobody has submitted {lab.name}: submissions are looked for in {folder}"
        )
    return sorted(set(students)) or submitted


def _config_for(lab: Lab, source: Notebook, config: EngineConfig) -> EngineConfig:
    proven = proven_tests(lab, source)
    # Without a proof, each wrong answer is confirmed by a whole run.
    short = proven and not config.runs_whole
    preload = modules_of_short_runs(source, config.mode) if short else modules_used(source)
    return replace(config, preload=preload, files=lab.author_files(), proven=proven)


def _tasks(lab: Lab, salt: str, source: Notebook, students: Sequence[str]) -> Iterator[Task]:
    return (_task(lab.submission(student), source, salt) for student in students)


def _digest_of_grading(lab: Lab, source: Notebook, engine: Runner) -> str:
    """Digest of what all results depend on; prose and model answers are not run."""
    files = [engine.config.files.digest, files_digest(lab.example_files().items())]
    config = asdict(replace(engine.config, files=AuthorFiles()))
    del config["workers"]
    graded = [cell for cell in source["cells"] if cell["cell_type"] == "code" or grade_id(cell)]
    cells = [(c["cell_type"] == "code" and c["source"], c["metadata"]) for c in graded]
    facts = json.dumps([cells, config, files, engine.version], sort_keys=True, default=str)
    return hashlib.sha256(facts.encode()).hexdigest()


def _task(submission: Submission, source: Notebook, salt: str) -> Task:
    intake = take_in(
        submission.submitted, submission.lab.file_name, source, submission.lab.siblings
    )
    files, problems = handed_in(submission, source)
    intake = replace(intake, problems=(*intake.problems, *problems))
    facts = [intake.notebook, [asdict(problem) for problem in intake.problems], files.digests]
    digest = hashlib.sha256((salt + json.dumps(facts, sort_keys=True)).encode()).hexdigest()
    return Task(submission.student, digest, intake, files)


# ---- Their results


def _results(
    engine: Runner, key: AnswerKey, tasks: Iterable[Task], known: Sequence[Path], folder: Path
) -> Generator[Result]:
    """The known results, then those of the other tasks, each written to the folder first.

    The engine starts as soon as there is something to run, and imports while the rest is taken in.

    Args:
        known: the folders where a task's result is looked for.
    """
    to_run: list[Task] = []
    with ExitStack() as started:
        for task in tasks:
            if result := _find(known, task):
                yield result
            elif task.intake.notebook:
                if not to_run:
                    started.enter_context(engine)
                to_run.append(task)
            else:
                yield _written(folder, _result(task, _not_run(task, key.source)))
        with closing(_run(engine, key, to_run)) as results:
            for result in results:
                yield _written(folder, result)


def _find(folders: Sequence[Path], task: Task) -> Result | None:
    found = (find_result(folder, task.student, task.digest) for folder in folders)
    return next(filter(None, found), None)


def _written(folder: Path, result: Result) -> Result:
    write_result(folder, result)
    return result


def _run(engine: Runner, key: AnswerKey, tasks: Sequence[Task]) -> Generator[Result]:
    if not tasks:
        return
    by_student = {task.student: task for task in tasks}
    jobs = chain(key.jobs(), _jobs(tasks, key.source))
    # Closed before the engine is left: a notebook that still runs is ended by the engine's zygotes.
    with closing(engine.map(jobs)) as outcomes:
        for outcome in key.settled(outcomes):
            yield _result(by_student[outcome.key], outcome)


def _jobs(tasks: Iterable[Task], source: Notebook) -> Iterator[Job]:
    """One by one: the files of a class need not fit into memory."""
    for task in tasks:
        if task.intake.notebook:
            yield Job(task.student, task.intake.notebook, source, task.files.read())


def _result(task: Task, outcome: Outcome) -> Result:
    return Result(task.student, task.digest, task.intake.problems, outcome)


def _not_run(task: Task, source: Notebook) -> Outcome:
    """The outcome of a submission that could not be read: 0 everywhere, and why."""
    why = " ".join(problem.student_message for problem in task.intake.problems)
    verdicts = tuple(
        Verdict(meta["grade_id"], Status.NOT_RUN, 0.0, float(meta["points"]), why)
        for meta in (c["metadata"]["nbgrader"] for c in source["cells"] if is_test(c))
    )
    return Outcome(task.student, unreadable_notebook(source), Report(verdicts))
