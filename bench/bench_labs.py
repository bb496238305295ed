"""Grading the course's own labs: the CPU time of a submission, and where it goes.

    python bench/bench_labs.py [laboratoire_01 ...] [--students 12] [--stock 3] [--whole] [--parts]
                               [--command]

Each class has a third of wrong answers (a mutant in one exercise each) and filled-in free
experiments, and is graded from a cold start, gradebook included. Stock nbgrader grades `--stock` of
the same submissions in the same run; its start is measured on one more, and taken off. CPU times
are those of all processes: a busy machine stretches wall times, and hardly these. `--parts` says
what a further right submission costs in which processes, and what it would without its tests or
without any cell. `--command` says how long the command takes for a few, what it imports itself
included.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import cycle
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ |= {"LABO_PROFILE": "tiny", "LABO_OFFLINE": "1", "LABO_FORCE_CPU": "1"}

from grader.authoring.build import build  # noqa: E402
from grader.authoring.notebooks import source_notebook  # noqa: E402
from grader.authoring.reading import read_source  # noqa: E402
from grader.authoring.release import release  # noqa: E402
from grader.course import Course  # noqa: E402
from grader.engine import Engine, EngineConfig, Job, modules_used  # noqa: E402
from grader.grading import autograde as grading  # noqa: E402
from grader.grading.results import Result  # noqa: E402
from grader.notebook import Notebook, grade_id, is_solution, is_test, plain  # noqa: E402
from labo.coursework.notebook import is_experience  # noqa: E402
from tests.labs import harness  # noqa: E402
from tests.support.gradebook_cases import STOCK  # noqa: E402

WORKERS = 2


@dataclass
class Spent:
    """Seconds: of the wall clock, and of the CPU, processes that have ended included."""

    wall: float = 0.0
    cpu: float = 0.0


@contextmanager
def measured() -> Iterator[Spent]:
    found, began, before = Spent(), time.perf_counter(), _cpu()
    yield found
    found.wall, found.cpu = time.perf_counter() - began, _cpu() - before


def _cpu() -> float:
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


# ---- The class


def a_course(folder: Path, lab: str, extra: str = "") -> Course:
    """A course where a lab of this project has been released."""
    (folder / "solutions").mkdir(parents=True)
    shutil.copy(ROOT / "nbgrader_config.py", folder)
    for path in (ROOT / "solutions").glob(f"{lab}.*"):
        (shutil.copytree if path.is_dir() else shutil.copy)(path, folder / "solutions" / path.name)
    for name, content in harness.files(lab).items():
        beside = folder / "solutions" / lab / name
        beside.parent.mkdir(parents=True, exist_ok=True)
        beside.write_bytes(content)
    with (folder / "nbgrader_config.py").open("a") as config:
        config.write(extra)
    course = Course(folder)
    build(course.lab(lab))
    release(course.lab(lab), source_notebook(read_source(course.lab(lab).source)))
    return course


def submissions(lab: str) -> Iterator[Notebook]:
    """Two right answers, then one with a wrong exercise, another each time."""
    exercises = harness.exercises(lab)
    wrong = [(name, code) for name in exercises for _, code in harness.mutants(lab)[name][:2]]
    for name, code in cycle(wrong):
        for answers in ({}, {}, {name: code}):
            notebook = json.loads((ROOT / "labs" / lab / f"{lab}.ipynb").read_text("utf-8"))
            for cell in notebook["cells"]:
                exercise = exercises.get(grade_id(cell) or "")
                if exercise and is_solution(cell):
                    cell["source"] = answers.get(grade_id(cell) or "", exercise.reference)
                elif is_experience(cell):
                    cell["source"] = ["".join(cell["source"]), "\nprint('essai')"]
            yield notebook


def hand_in(course: Course, lab: str, size: int, first: int = 0) -> None:
    for number, notebook in zip(range(first, first + size), submissions(lab), strict=False):
        folder = course.lab(lab).submission(f"student_{number:04}").submitted
        folder.mkdir(parents=True)
        (folder / f"{lab}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")


# ---- Both graders


def ours(folder: Path, lab: str, size: int, config: EngineConfig) -> tuple[Spent, list[Result]]:
    course = a_course(folder, lab)
    hand_in(course, lab, size)
    with measured() as spent:
        results = grading.autograde(course.lab(lab), config)
    return spent, results


def command(folder: Path, lab: str, size: int) -> Spent:
    """As it is typed."""
    course = a_course(folder, lab)
    hand_in(course, lab, size)
    with measured() as spent:
        _run(course, "grader", "autograde", lab, "--workers", str(WORKERS))
    return spent


def stock(folder: Path, lab: str, size: int) -> Spent:
    """What one submission takes, the start of nbgrader taken off."""
    course = a_course(folder, lab, STOCK)
    hand_in(course, lab, 1)
    with measured() as start:
        _run(course, "nbgrader", "autograde", lab)
    hand_in(course, lab, size, first=1)
    with measured() as more:
        _run(course, "nbgrader", "autograde", lab)
    # Both start once: with one submission, and with `size` others.
    return Spent((more.wall - start.wall) / (size - 1), (more.cpu - start.cpu) / (size - 1))


def _run(course: Course, *command: str) -> None:
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    subprocess.run(
        [sys.executable, "-m", *command],
        cwd=course.root,
        env=os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
    )


# ---- Where the time goes


Role = str
"""A kind of process that works on a notebook."""


def parts(folder: Path, lab: str, config: EngineConfig) -> dict[str, dict[Role, float]]:
    """CPU milliseconds of one right submission more, in each process.

    The grader's are its engine's: taking in and recording is the rest of what `compare` measures.
    """
    course = a_course(folder, lab)
    source = course.lab(lab).author_notebook()
    files = course.lab(lab).author_files()
    usual = replace(config, preload=modules_used(source), files=files, workers=1)

    def each(kept: Callable[[dict], bool], count: int = 12) -> dict[Role, float]:
        author_s = source | {"cells": [cell for cell in source["cells"] if kept(cell)]}
        jobs = [Job(str(number), plain(author_s), author_s) for number in range(count)]
        with Engine(usual) as engine:
            list(engine.map(jobs[:2]))  # what is prepared for a class is
            before = _by_role(engine)
            list(engine.map(jobs))
            after = _by_role(engine)
        return {role: 1000 * (after[role] - before[role]) / count for role in after}

    return {
        "without cells": each(lambda _: False),
        "without tests": each(lambda cell: not is_test(cell)),
        "whole": each(lambda _: True),
    }


def _by_role(engine: Engine) -> dict[Role, float]:
    """Seconds until now; a notebook's processes count once they have been ended, all but the last.

    The zygotes fork and end them.
    """
    candidates, examiners = map(_of_zygote, (engine.candidates.pid, engine.examiners.pid))
    own = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "candidate": candidates[1],
        "examiner": examiners[1],
        "zygotes": candidates[0] + examiners[0],
        "grader": own.ru_utime + own.ru_stime,
    }


def _of_zygote(pid: int) -> tuple[float, float]:
    """Seconds of a process, and of its children that it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system, children_user, children_system = map(int, fields[11:15])
    ticks = os.sysconf("SC_CLK_TCK")
    return (user + system) / ticks, (children_user + children_system) / ticks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("labs", nargs="*", default=["laboratoire_01"])
    parser.add_argument("--students", type=int, default=12)
    parser.add_argument("--stock", type=int, default=3, help="graded by stock nbgrader; 0: none")
    parser.add_argument("--whole", action="store_true", help="run every cell, as before")
    parser.add_argument("--parts", action="store_true", help="say where the time goes")
    parser.add_argument("--command", action="store_true", help="how long it takes for a few")
    options = parser.parse_args()
    gc.set_threshold(500_000, 5, 5)  # as the command `grader` does
    config = EngineConfig(workers=WORKERS, whole=options.whole)
    print(f"{os.cpu_count()} cores, {WORKERS} workers, {options.students} submissions of each lab")
    for lab in options.labs:
        with tempfile.TemporaryDirectory() as folder:
            compare(Path(folder), lab, options, config)


def compare(home: Path, lab: str, options: argparse.Namespace, config: EngineConfig) -> None:
    few = min(3, options.students - 3)
    start, _ = ours(home / "few", lab, few, config)
    mine, results = ours(home / "ours", lab, options.students, config)
    count = options.students
    marginal = (mine.cpu - start.cpu) / (count - few)
    reports = [result.outcome.report for result in results]
    confirmed = sum(bool(report.confirmed) for report in reports)
    peak = max(report.peak_mb for report in reports)
    print(f"\n{lab}: {sum(r.score for r in results) / count:.2f} points on average")
    _row("grader, start and gradebook", mine.wall / count, mine.cpu / count)
    print(f"  one submission more    {1000 * marginal:8.0f} ms of CPU")
    print(f"  start                  {start.cpu - few * marginal:8.1f} s of CPU")
    print(f"  confirmed by a whole run {confirmed:6} of {count}; {peak:.0f} MB at most")
    if options.stock > 1:
        theirs = stock(home / "stock", lab, options.stock)
        _row("stock nbgrader, without start", theirs.wall, theirs.cpu)
        print(
            f"  throughput {theirs.wall * count / mine.wall:.1f} x, CPU"
            f" {theirs.cpu * count / mine.cpu:.1f} x, one more {theirs.cpu / marginal:.1f} x"
        )
    if options.command:
        spent = command(home / "command", lab, few)
        print(f"  the command for {few}        {spent.wall:8.1f} s, {spent.cpu:.1f} s of CPU")
    if options.parts:
        for name, spent in parts(home / "parts", lab, config).items():
            told = ", ".join(f"{role} {each:.0f}" for role, each in spent.items())
            print(f"  one more {name:15} {told} ms of CPU")


def _row(name: str, wall: float, cpu: float) -> None:
    print(f"  {name:30} {1000 * wall:8.0f} ms each, {1000 * cpu:8.0f} ms of CPU")


if __name__ == "__main__":
    main()
