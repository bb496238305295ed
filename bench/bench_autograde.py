"""Grading a class: this engine beside stock `nbgrader autograde`, on the same notebooks.

    python bench/bench_autograde.py [--students 60] [--stock 60] [--large 0]

The class is the small lab of the tests. Stock nbgrader grades `--stock` of the same submissions one
after the other, as it does; `--large 1000` also measures a class of that size.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")

import psutil  # noqa: E402

from grader.course import Course  # noqa: E402
from grader.engine import Engine, EngineConfig, Job  # noqa: E402
from grader.grading.autograde import autograde  # noqa: E402
from tests.support.course_cases import LAB, answered, make_course, submit  # noqa: E402
from tests.support.gradebook_cases import STOCK  # noqa: E402

WORKERS = 2


def a_class(folder: Path, size: int, extra: str = "") -> Course:
    course = make_course(folder)
    with (course.root / "nbgrader_config.py").open("a") as config:
        config.write(extra)
    for number in range(size):
        submit(course, f"student_{number:04}", answered(course))
    return course


def ours(folder: Path, size: int) -> float:
    """Seconds to grade a class, recording included, from a cold start."""
    course = a_class(folder, size)
    began = time.perf_counter()
    graded = autograde(course.lab(LAB), EngineConfig(workers=WORKERS))
    seconds = time.perf_counter() - began
    assert all(one.score == 5 for one in graded)
    return seconds


def stock(folder: Path, size: int) -> float:
    """Seconds that `nbgrader autograde` takes, its own start included."""
    course = a_class(folder, size, STOCK)
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "nbgrader", "autograde", LAB],
        cwd=course.root,
        env=os.environ | {"PATH": path, "PYTHONPATH": str(ROOT)},
        check=True,
        capture_output=True,
    )
    return time.perf_counter() - began


def memory_per_worker(folder: Path) -> float:
    """Proportional MB of one candidate and its examiner, beyond the zygotes they come from."""
    course = a_class(folder, 1)
    source = course.lab(LAB).author_notebook()
    slow = answered(course, standardize="import time\ntime.sleep(3)\n")
    with Engine(EngineConfig(workers=WORKERS)) as engine:
        for zygote in (engine.candidates, engine.examiners):
            zygote.wait_ready()
        zygotes = {engine.candidates.pid, engine.examiners.pid}
        jobs = [Job(str(number), json.loads(json.dumps(slow)), source) for number in range(WORKERS)]
        before = sum(map(unique, zygotes))
        outcomes = engine.map(jobs)
        waiting = threading.Thread(target=lambda: list(outcomes))
        waiting.start()
        time.sleep(1.5)
        below = {
            child.pid for pid in zygotes for child in psutil.Process(pid).children(recursive=True)
        }
        total = sum(map(unique, below | zygotes)) - before
        waiting.join()
    return total / WORKERS


def unique(pid: int) -> float:
    """MB of a process, each shared page divided by the number that share it."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--students", type=int, default=60)
    parser.add_argument("--stock", type=int, default=12, help="of them, graded by stock nbgrader")
    parser.add_argument("--large", type=int, default=0, help="size of a large class, 0 for none")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        small = ours(home / "ten", 10)
        mine = ours(home / "ours", options.students)
        theirs = stock(home / "stock", options.stock)
        each, stock_each = mine / options.students, theirs / options.stock
        marginal = (mine - small) / (options.students - 10)
        print(f"{os.cpu_count()} cores, {WORKERS} workers, {options.students} small submissions")
        print(f"stock nbgrader       {1000 * stock_each:7.0f} ms each ({options.stock} graded)")
        print(f"grader autograde     {1000 * each:7.0f} ms each, start and recording included")
        print(f"  one more student   {1000 * marginal:7.0f} ms, after a start of")
        print(f"                     {small - 10 * marginal:7.1f} s")
        print(f"throughput           {stock_each / each:7.1f} x, start included")
        print(f"                     {stock_each / marginal:7.1f} x, per student more")
        print(f"memory per worker    {memory_per_worker(home / 'memory'):7.0f} MB (PSS)")
        if options.large:
            large = ours(home / "large", options.large)
            per_student = (large - small) / (options.large - 10)
            print(f"one more student, up to {options.large}: {1000 * per_student:.0f} ms,")
            print(f"                     {per_student / marginal:7.2f} times that up to 60")


if __name__ == "__main__":
    main()
