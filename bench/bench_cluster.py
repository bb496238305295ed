"""Grading a class on Slurm beside a single machine, on the same notebooks.

    python bench/bench_cluster.py [--students 200] [--jobs 4]

Slurm is the one of the tests: four nodes on this machine. They share its processors with one
another, so that what is measured is the overhead, and never the gain, of a cluster.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")

from grader.course import Course  # noqa: E402
from grader.grading.autograde import autograde  # noqa: E402
from grader.grading.results import Result  # noqa: E402
from tests.support import slurm_cluster  # noqa: E402
from tests.support.cluster_cases import a_class, bytes_of, on_slurm  # noqa: E402
from tests.support.course_cases import LAB, QUICK  # noqa: E402


def timed(name: str, course: Course, grade: Callable[..., list[Result]]) -> float:
    """Seconds to grade a class from a cold start, recording included."""
    came: list[float] = []
    began = time.perf_counter()
    graded = grade(on_result=lambda _: came.append(time.perf_counter()))
    seconds = time.perf_counter() - began
    each = 1000 * (came[-1] - came[0]) / max(1, len(came) - 1)
    print(
        f"{name:32} {seconds:6.1f} s; the first after {came[0] - began:4.1f} s, then one every"
        f" {each:4.0f} ms; {len(graded)} results",
        flush=True,
    )
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--students", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=4)
    options = parser.parse_args()
    if why := slurm_cluster.why_not():
        print(f"not measured: {why}")
        return
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        (home / "slurm").mkdir()
        with slurm_cluster.running(home / "slurm") as slurm:
            os.environ.update(slurm.environment)
            measure(home, slurm, options.students, options.jobs)


def measure(home: Path, slurm: slurm_cluster.Slurm, students: int, jobs: int) -> None:
    print(f"{os.cpu_count()} cores in all, {students} small submissions, {jobs} jobs of 2 cores")
    alone = a_class(home / "alone", students)
    one = timed(
        "one machine, 2 workers",
        alone,
        lambda on_result: autograde(alone.lab(LAB), QUICK, on_result=on_result),
    )
    course = a_class(home / "cluster", students)
    many = timed("Slurm", course, lambda on_result: on_slurm(course, jobs, on_result=on_result))
    assert bytes_of(course) == bytes_of(alone)
    hit = a_class(home / "hit", students)
    came = []

    def hitting(on_result: Callable[[Result], None]) -> list[Result]:
        def also(graded: Result) -> None:
            on_result(graded)
            came.append(graded)
            running = {node: job for job, node in slurm.jobs().items()}
            if len(came) == students // 4:
                slurm.crash(min(running))
            if len(came) == students // 2:
                slurm.run("scancel", running[max(running)])

        return on_slurm(hit, jobs, on_result=also)

    lost = timed("Slurm, a node and a job lost", hit, hitting)
    assert bytes_of(hit) == bytes_of(alone)
    print(f"Slurm / one machine              {many / one:6.2f} (the same cores)")
    print(f"with the losses / without        {lost / many:6.2f}")


if __name__ == "__main__":
    main()
