"""Grading a class: what is new is run, what was run is recorded, and nothing is done twice.

Each submission's outcome is a file, written atomically as soon as it is known: killed at any
moment, the same command goes on from there. One writer, `grader.grading.record`, then fills the
gradebook.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from filelock import FileLock, Timeout

from grader.course import Lab, Submission
from grader.engine import (
    Engine,
    EngineConfig,
    Job,
    Outcome,
    Report,
    Status,
    Verdict,
    modules_used,
)
from grader.errors import GraderError
from grader.files import writing
from grader.grading import intake
from grader.grading.record import record
from grader.grading.results import OnResult, Result, _path, save
from grader.notebook import Notebook, grade_id, is_test

MakeEngine = Callable[[EngineConfig], Engine]


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
        make_engine: what runs notebooks; `grader.cluster.cluster` has one that does elsewhere.

    Raises:
        GraderError: the lab is not released, a student has not submitted, the isolation required
            cannot be reached, or the gradebook cannot be written.
    """
    lab.check_released()
    with alone(lab):
        for partial in lab.results.glob(".*.partial"):  # a grading that was killed
            partial.unlink(missing_ok=True)
        wanted = _wanted(lab, students)
        source = lab.author_notebook()
        engine = make_engine(_for(config, source))
        taken = _taken(lab, engine, source, wanted)
        kept = {} if force else _kept(lab.results, taken)
        for graded in kept.values():
            on_result(graded)
        fresh = []
        pending = [item for student, item in taken.items() if student not in kept]
        try:
            for graded in _run(engine, pending, source):
                save(lab.results, graded)
                fresh.append(graded)
                on_result(graded)
        finally:  # also after Ctrl-C: what was run counts
            record(lab, [*kept.values(), *fresh])
        return sorted([*kept.values(), *fresh], key=lambda graded: graded.student)


def rehearse(
    lab: Lab,
    config: EngineConfig,
    source: Notebook,
    students: Sequence[str],
    folder: Path,
    on_result: OnResult = lambda _: None,
) -> list[Result]:
    """The results that another source gives; those that are recorded stay as they are.

    Args:
        source: in the place of the source notebook that grading takes.
        folder: for the results, where those of an earlier rehearsal are found again.
    """
    engine = Engine(_for(config, source))
    taken = _taken(lab, engine, source, students)
    known = _kept(folder, taken) | _kept(lab.results, taken)
    for graded in known.values():
        on_result(graded)
    for graded in _run(engine, [taken[name] for name in students if name not in known], source):
        save(folder, graded)
        known[graded.student] = graded
        on_result(graded)
    return [known[student] for student in students]


def _for(config: EngineConfig, source: Notebook) -> EngineConfig:
    """The configuration that suits a lab."""
    return replace(config, preload=modules_used(source))


def _taken(
    lab: Lab, engine: Engine, source: Notebook, students: Sequence[str]
) -> dict[str, _Taken]:
    """Each submission, with the digest of what the engine would do with it."""
    salt = _digest_of_grading(source, engine)
    return {student: _take_in(lab.submission(student), source, salt) for student in students}


@contextmanager
def alone(lab: Lab) -> Iterator[None]:
    """Two gradings of a lab at a time would write each other's files."""
    folder = lab.results
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(folder / ".lock", timeout=0):
            yield
    except Timeout:
        raise GraderError(f"{lab.name} is being graded already, by another command") from None


def _wanted(lab: Lab, students: Sequence[str]) -> list[str]:
    submitted = lab.students()
    unknown = sorted(set(students) - set(submitted))
    if unknown:
        raise GraderError(f"no submission of {lab.name} by {', '.join(unknown)}")
    for student in submitted:
        try:
            student.encode()
        except UnicodeEncodeError:
            raise GraderError(f"{student!r} is not a name in UTF-8: rename this folder") from None
    if not submitted:
        folder = lab.submission("STUDENT").submitted
        raise GraderError(
            f"nobody has submitted {lab.name}: submissions are looked for in {folder}"
        )
    return sorted(set(students)) or submitted


@dataclass(frozen=True)
class _Taken:
    student: str
    digest: str
    taken: intake.Intake


def _digest_of_grading(source: Notebook, engine: Engine) -> str:
    """What the results depend on beside the submission; prose and model answers are not run."""
    config = asdict(engine.config)
    del config["workers"]
    graded = [cell for cell in source["cells"] if cell["cell_type"] == "code" or grade_id(cell)]
    cells = [(c["cell_type"] == "code" and c["source"], c["metadata"]) for c in graded]
    facts = json.dumps([cells, config, engine.version], sort_keys=True, default=str)
    return hashlib.sha256(facts.encode()).hexdigest()


def _take_in(submission: Submission, source: Notebook, salt: str) -> _Taken:
    taken = intake.take_in(submission.submitted, submission.lab.file_name, source)
    content = json.dumps([taken.notebook, [asdict(p) for p in taken.problems]], sort_keys=True)
    return _Taken(submission.student, hashlib.sha256((salt + content).encode()).hexdigest(), taken)


def _kept(folder: Path, taken: dict[str, _Taken]) -> dict[str, Result]:
    """The results in a folder that are those of these very submissions."""
    kept = {}
    for student, item in taken.items():
        with suppress(OSError, ValueError, KeyError, TypeError):  # none, or not one of ours
            graded = Result.from_json(_path(folder, student).read_text("utf-8"))
            if graded.digest == item.digest:
                kept[student] = graded
    return kept


def _run(engine: Engine, pending: list[_Taken], source: Notebook) -> Iterator[Result]:
    by_student = {item.student: item for item in pending}
    for item in pending:
        if item.taken.notebook is None:
            yield Result(item.student, item.digest, item.taken.problems, _unread(item, source))
    jobs = [
        Job(item.student, item.taken.notebook, source) for item in pending if item.taken.notebook
    ]
    if not jobs:
        return
    with engine:
        for outcome in engine.map(jobs):
            item = by_student[outcome.key]
            yield Result(item.student, item.digest, item.taken.problems, outcome)


def _unread(item: _Taken, source: Notebook) -> Outcome:
    """The outcome of a submission that could not be read: 0 everywhere, and why."""
    why = " ".join(problem.student_message for problem in item.taken.problems)
    verdicts = tuple(
        Verdict(meta["grade_id"], Status.NOT_RUN, 0.0, float(meta["points"]), why)
        for meta in (c["metadata"]["nbgrader"] for c in source["cells"] if is_test(c))
    )
    return Outcome(item.student, intake.unreadable_notebook(source), Report(verdicts))
