"""A class graded on a real Slurm of four nodes: what a single machine gives, whatever is lost."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Pipe

import pytest
import slurm_cluster
from course_cases import LAB, QUICK, ROOT, WRONG, answered, make_course, submit
from test_grader_record import rows
from typer.testing import CliRunner

from grader import node_engine
from grader.autograde import autograde, results
from grader.cli import app
from grader.cluster import Cluster, DaskScheduler, Slurm
from grader.course import Course
from grader.engine import Engine
from grader.errors import GraderError
from grader.node_engine import Settings

CLASS = 200
NO_SLURM = slurm_cluster.why_not()
needs_slurm = pytest.mark.skipif(bool(NO_SLURM), reason=NO_SLURM)
CONFIG = '\nc.Slurm.cpus = 2\nc.Slurm.interface = "lo"\n'


@pytest.fixture(scope="module", autouse=True)
def installed():
    for package in ("distributed", "dask_jobqueue"):
        pytest.importorskip(package, reason=f"{package} is missing: cluster-requirements.txt")


@pytest.fixture(scope="module")
def shared_slurm(tmp_path_factory):
    with slurm_cluster.running(tmp_path_factory.mktemp("slurm")) as slurm:
        yield slurm


@pytest.fixture
def slurm(shared_slurm, monkeypatch):
    """Four idle nodes."""
    for name, value in shared_slurm.environment.items():
        monkeypatch.setenv(name, value)
    shared_slurm.heal()
    return shared_slurm


def a_class(folder, size: int) -> Course:
    """A course for a cluster; each submission has its own answer, one of four kinds."""
    course = make_course(folder)
    with (course.root / "nbgrader_config.py").open("a") as config:
        config.write(CONFIG)
    kinds = [{}, {"standardize": WRONG}, {"SimpleLinear": "1 / 0"}, {"standardize": "print(1)"}]
    for number in range(size):
        student = f"student_{number:03}"
        answers = kinds[number % 4] | {"q1": f"Réponse {number}"}
        submit(course, student, answered(course, **answers))
    return course


def on_slurm(course: Course, jobs: int = 4, **options):
    engine = partial(Cluster, place=Slurm.of(course, LAB, jobs))
    return autograde(course, LAB, QUICK, make_engine=engine, **options)


def bytes_of(course: Course) -> dict[str, bytes]:
    """All that a grading wrote, but for how long it took and what memory it used."""
    copies = course.folder("autograded", "*", LAB).relative_to(course.root)
    found = {str(p.relative_to(course.root)): p.read_bytes() for p in course.root.glob(f"{copies}/*")}
    for path in course.results(LAB).glob("*.json"):
        content = json.loads(path.read_text("utf-8"))
        report = content["outcome"]["report"]
        for measured in (report, *report["verdicts"]):
            measured.pop("seconds")
        report.pop("peak_mb")
        found[path.name] = json.dumps(content).encode()
    return found


@needs_slurm
@pytest.mark.slow
def test_a_node_and_a_job_lost_midway_cost_nothing(slurm, tmp_path):
    alone, course = a_class(tmp_path / "alone", CLASS), a_class(tmp_path / "cluster", CLASS)
    autograde(alone, LAB, QUICK)
    seen = Counter()

    def hit(graded):
        seen[graded.student] += 1
        running = {node: job for job, node in slurm.jobs().items()}
        if seen.total() == CLASS // 4:
            slurm.crash(min(running))
        if seen.total() == CLASS // 2:
            slurm.run("scancel", running[max(running)])

    graded = on_slurm(course, seen=hit)
    assert len(graded) == CLASS
    assert set(seen.values()) == {1}
    assert len(seen) == CLASS
    assert bytes_of(course) == bytes_of(alone)
    assert rows(course) == rows(alone)
    assert not slurm.jobs("RUNNING,PENDING")
    assert not list(course.results(LAB).glob("slurm/keys-*")), "keys were left"
