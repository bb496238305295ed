"""Handing in: how long until the points are there, alone and before a deadline.

    python bench/bench_serve.py [--alone 5] [--load 0] [--seconds 600] [--slurm JOBS]

Alone: the time from a hand-in to its answer, beside a bare `grader autograde` of the same
submission, which starts from nothing. `--load 200` lets so many students hand in within
`--seconds`, more and more of them towards the end, and compares each receipt with answer, journal
and gradebook. With `--slurm` these are graded in so many jobs of a Slurm that is started here.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("OMP_NUM_THREADS", "1")

from grader.course import Course  # noqa: E402
from grader.service.attempts import Journal, State  # noqa: E402
from labo.coursework import notebook as notebooks  # noqa: E402
from labo.coursework.handin import Exchange, Receipt, feedback_key, submit  # noqa: E402
from tests.support import slurm_cluster  # noqa: E402
from tests.support.cluster_cases import CONFIG  # noqa: E402
from tests.support.course_cases import LAB, WRONG, answered  # noqa: E402
from tests.support.course_cases import submit as put_submitted  # noqa: E402
from tests.support.service_cases import COURSE, Served, served  # noqa: E402

GRADER = (sys.executable, "-m", "grader")
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT)}
_LONGEST = 900.0  # seconds that a client waits


@contextmanager
def serving(course: Course, jobs: int = 0) -> Iterator[subprocess.Popen]:
    """The service, on this machine, or grading in jobs of the Slurm that the environment names."""
    slurm = ["--cluster", "slurm", "--jobs", str(jobs), "--memory-mb", "700"]  # its nodes are small
    place = slurm if jobs else ["--workers", "2"]
    process = subprocess.Popen(
        [*GRADER, "serve", *place],
        cwd=course.root,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def hand_in(one: Served, folder: Path, student: str, right: bool) -> tuple[Receipt, float]:
    """As `labo submit --wait`: the receipt, and the seconds until the answer is there."""
    home = folder / student
    home.mkdir(parents=True, exist_ok=True)
    notebook = answered(one.course) if right else answered(one.course, standardize=WRONG)
    notebook["cells"][0]["source"] += f"\n{student}"
    path = home / f"{LAB}.ipynb"
    path.write_text(json.dumps(notebook), "utf-8")
    exchange = Exchange(one.exchange / COURSE, home / "cache")
    began = time.monotonic()
    receipt = submit(notebooks.read(path), exchange, student)
    key = feedback_key(exchange.cache / Path(receipt.where).name, receipt.lab)
    answer = exchange.course / "feedback" / f"{key}.json"
    while time.monotonic() - began < _LONGEST:
        if answer.exists() and json.loads(answer.read_text("utf-8"))["told"] != "nothing":
            return receipt, time.monotonic() - began
        time.sleep(0.05)
    raise TimeoutError(f"no answer for {student}")


def bare(folder: Path) -> float:
    """Seconds of `grader autograde` of one submission."""
    one = served(folder, tell="hints")
    put_submitted(one.course, "alice", answered(one.course))
    began = time.monotonic()
    command = [*GRADER, "autograde", LAB, "--workers", "2"]
    subprocess.run(command, cwd=one.course.root, env=ENVIRONMENT, check=True, capture_output=True)
    return time.monotonic() - began


def alone(folder: Path, count: int) -> list[float]:
    """Seconds of each of some hand-ins, one after the other; the first starts the engine."""
    one = served(folder / "course", tell="hints")
    with serving(one.course):
        return [hand_in(one, folder, f"student_{n}", True)[1] for n in range(count + 1)]


def load(folder: Path, students: int, seconds: float, jobs: int) -> list[float]:
    """Seconds of each of a class that hands in before a deadline."""
    one = served(folder / "course", tell="hints")
    with (one.course.root / "nbgrader_config.py").open("a") as config:
        config.write(CONFIG)  # for a Slurm on one machine
    draw = random.Random(0)
    times = sorted(seconds * draw.random() ** 0.5 for _ in range(students))

    def client(number: int) -> tuple[str, Receipt, float]:
        time.sleep(max(0.0, began + times[number] - time.monotonic()))
        student = f"student_{number:04}"
        return student, *hand_in(one, folder, student, number % 3 > 0)

    with serving(one.course, jobs), ThreadPoolExecutor(students) as pool:
        began = time.monotonic()
        answers = list(pool.map(client, range(students)))
    check(one, {student: receipt for student, receipt, _ in answers})
    return [waited for _, _, waited in answers]


@contextmanager
def a_slurm(folder: Path) -> Iterator[None]:
    """A Slurm of four nodes on this machine, which the environment names meanwhile."""
    folder.mkdir()
    with slurm_cluster.running(folder) as slurm:
        os.environ |= slurm.environment
        yield


def check(one: Served, receipts: dict[str, Receipt]) -> None:
    """Nothing lost, nothing graded twice, and each receipt is that of what was graded."""
    journal = dict(Journal(one.course).all(LAB))
    assert {student for _, student in journal} == set(receipts)
    for number, (student, receipt) in enumerate(sorted(receipts.items())):
        (attempt,) = journal[LAB, student]
        assert attempt.state is State.GRADED, student
        assert attempt.sha256 == receipt.sha256, student
        assert one.score(student) == attempt.total == (5 if number % 3 else 3), student


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--alone", type=int, default=5, help="hand-ins, one after the other")
    parser.add_argument("--load", type=int, default=0, help="students before a deadline")
    parser.add_argument("--seconds", type=float, default=600, help="in which they hand in")
    parser.add_argument("--slurm", type=int, default=0, metavar="JOBS", help="that grade the load")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        print(f"{os.cpu_count()} cores, 2 workers, small submissions")
        first, *others = alone(home / "alone", options.alone)
        usual = statistics.median(others)
        cold = bare(home / "bare")
        print(f"bare grader autograde   {cold:7.2f} s, from nothing")
        print(f"first answer            {first:7.2f} s, the service and the engine start")
        print(f"an answer               {usual:7.2f} s, median of {options.alone}")
        print(f"ratio                   {usual / cold:7.2f} of a bare grader autograde")
        if options.load:
            with a_slurm(home / "slurm") if options.slurm else nullcontext():
                waited = load(home / "load", options.load, options.seconds, options.slurm)
            waited.sort()
            high = waited[int(0.95 * (len(waited) - 1))]
            print(f"{options.load} within {options.seconds:g} s: all answered, each graded once")
            print(f"  median                {statistics.median(waited):7.2f} s")
            print(f"  95th percentile       {high:7.2f} s, at most {waited[-1]:.2f} s")


if __name__ == "__main__":
    main()
