"""A class graded on a real Slurm of four nodes: what a single machine gives, whatever is lost."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from multiprocessing.connection import Pipe

import pytest
from typer.testing import CliRunner

from grader.beside import AuthorFiles
from grader.cli import app
from grader.cluster import node_engine
from grader.cluster.cluster import Cluster
from grader.cluster.node_engine import Settings, job_message
from grader.cluster.places import DaskScheduler, Slurm, new_keys
from grader.course import Course
from grader.engine import Engine, EngineConfig, Job, Outcome, Report
from grader.errors import GraderError
from grader.grading.autograde import autograde
from grader.grading.results import read_results
from tests.support import slurm_cluster
from tests.support.cluster_cases import CONFIG, a_class, bytes_of, on_slurm
from tests.support.course_cases import LAB, QUICK, ROOT, answered, make_course
from tests.support.gradebook_cases import rows
from tests.support.lent_engine import grade
from tests.support.service_cases import served

MISSING = "dask is missing: pip install -r requirements.txt"
dask_config = pytest.importorskip("dask.config", reason=MISSING)
pytest.importorskip("distributed", reason=MISSING)
pytest.importorskip("dask_jobqueue", reason=MISSING)

from grader.cluster.node import NodeError, NodeReply, NotebookTask  # noqa: E402

CLASS = 80


@pytest.fixture
def slurm(shared_slurm, monkeypatch):
    """Four idle nodes."""
    for name, value in shared_slurm.environment.items():
        monkeypatch.setenv(name, value)
    shared_slurm.heal()
    return shared_slurm


@pytest.mark.slow
def test_a_node_and_a_job_lost_midway_cost_nothing(slurm, tmp_path):
    alone, course = a_class(tmp_path / "alone", CLASS), a_class(tmp_path / "cluster", CLASS)
    grade(alone)
    seen = Counter()

    def hit(graded):
        seen[graded.student] += 1
        running = {node: job for job, node in slurm.jobs().items()}
        if seen.total() == CLASS // 4:
            slurm.crash(min(running))
        if seen.total() == CLASS // 2:
            slurm.run("scancel", running[max(running)])

    graded = on_slurm(course, jobs=3, on_result=hit)
    assert len(graded) == CLASS
    assert set(seen.values()) == {1}
    assert len(seen) == CLASS
    assert bytes_of(course) == bytes_of(alone)
    assert rows(course) == rows(alone)
    assert not slurm.jobs("RUNNING,PENDING")
    assert not list(course.lab(LAB).results.glob("slurm/keys-*")), "keys were left"


@pytest.mark.slow
def test_ctrl_c_ends_the_jobs_and_another_machine_goes_on(slurm, tmp_path):
    course = a_class(tmp_path / "course", 60)
    command = ["-m", "grader", "autograde", LAB, "--memory-mb", "700"]
    running = subprocess.Popen(
        [sys.executable, *command, "--cluster", "slurm", "--jobs", "1"],
        cwd=course.root,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    slurm_cluster.wait_until(
        lambda: running.poll() is not None or len(list(course.lab(LAB).results.glob("*.json"))) > 1,
        "no result comes",
        120,
    )
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=60)
    assert running.returncode == 130, errors
    assert "Traceback" not in errors
    assert not slurm.jobs("RUNNING,PENDING")
    done = {one.student for one in read_results(course.lab(LAB))}
    assert 1 < len(done) < 60
    assert done == set(rows(course)) - {"students"}
    ran = []

    class Counting(Engine):
        def map(self, jobs):
            jobs = list(jobs)
            ran.extend(job.key for job in jobs)
            return super().map(jobs)

    config = EngineConfig(workers=2, memory_mb=700)  # that of the command
    assert len(autograde(course.lab(LAB), config, make_engine=Counting)) == 60
    assert done.isdisjoint(ran)
    assert len(ran) == 60 - len(done)


@pytest.mark.slow
def test_a_hand_in_is_answered_from_a_job(slurm, tmp_path):
    """By the command, whose gradings are threads of their own."""
    one = served(tmp_path, tell="points")
    with (one.course.root / "nbgrader_config.py").open("a") as config:
        config.write(CONFIG)
    one.clock.now = datetime.now(UTC) - timedelta(minutes=1)
    date = one.hand_in("alice")
    command = ["-m", "grader", "serve", "--once", "--cluster", "slurm", "--jobs", "1"]
    done = subprocess.run(
        [sys.executable, *command, "--memory-mb", "700"],
        cwd=one.course.root,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    answer = one.answer("alice", date)
    assert answer["state"] == "graded", done.stderr
    assert not slurm.jobs("RUNNING,PENDING")


def test_what_slurm_or_a_node_refuses_is_told(slurm, tmp_path):
    course = a_class(tmp_path / "course", 1)
    place = Slurm.of(course.lab(LAB), 1)
    place.partition = "absente"
    with pytest.raises(GraderError, match=r"Slurm takes no such job.*partition"):
        autograde(course.lab(LAB), QUICK, make_engine=partial(Cluster, place=place))
    place.partition = ""
    place.prologue = ["echo the module is absent >&2; exit 1"]
    with pytest.raises(GraderError, match=r"every job has ended(.|\n)*the module is absent"):
        autograde(course.lab(LAB), QUICK, make_engine=partial(Cluster, place=place))
    assert not slurm.jobs("RUNNING,PENDING")
    assert read_results(course.lab(LAB)) == []


# ---- A dask cluster that runs already


@pytest.fixture
def dask(tmp_path, monkeypatch):
    """Start a scheduler with TLS, and workers given other options; the scheduler's address."""
    security = new_keys(tmp_path)
    for name in ("ca", "cert", "key"):
        assert (tmp_path / f"{name}.pem").stat().st_mode & 0o077 == 0
    tls = security.get_tls_config_for_role("worker")
    files = [f"--tls-{name.replace('_', '-')}={tls[name]}" for name in ("ca_file", "cert", "key")]
    with slurm_cluster.bound(1) as (taken,):
        address = f"tls://127.0.0.1:{taken.getsockname()[1]}"
    started = []

    def start(*options):
        for command in (
            ["distributed.cli.dask_scheduler", "--host", address, "--no-dashboard"],
            ["distributed.cli.dask_worker", address, "--no-nanny", "--nthreads=2", *options],
        ):
            started.append(
                subprocess.Popen(
                    [sys.executable, "-m", *command, *files],
                    env=os.environ | {"PYTHONPATH": str(ROOT)},
                    cwd=tmp_path,
                    stderr=subprocess.DEVNULL,
                )
            )
        port = int(address.rpartition(":")[2])
        slurm_cluster.wait_until(lambda: listens(port), "dask's scheduler does not start")
        return address

    with dask_config.set({f"distributed.comm.tls.client.{k}": tls[k] for k in ("cert", "key")}):
        with dask_config.set({"distributed.comm.tls.ca-file": tls["ca_file"]}):
            yield start
    for process in reversed(started):
        process.terminate()
        process.wait(timeout=30)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def on_dask(course: Course, address: str):
    return autograde(
        course.lab(LAB), QUICK, make_engine=partial(Cluster, place=DaskScheduler(address))
    )


def test_a_dask_cluster_gives_what_a_single_machine_gives(dask, tmp_path):
    alone, course = a_class(tmp_path / "alone", 4), a_class(tmp_path / "cluster", 4)
    on_dask(course, dask("--memory-limit=0"))
    grade(alone)
    assert bytes_of(course) == bytes_of(alone)


def test_a_worker_that_could_write_tests_to_its_disk_is_refused(dask, tmp_path):
    course = a_class(tmp_path / "course", 1)
    with pytest.raises(GraderError, match=r"hidden tests too.*--memory-limit 0"):
        on_dask(course, dask("--memory-limit=2GB"))
    assert read_results(course.lab(LAB)) == []


@pytest.mark.parametrize("address", ["tcp://head:8786", "head:8786", ""])
def test_a_scheduler_without_tls_is_refused(address):
    with pytest.raises(GraderError, match="tls://"):
        DaskScheduler(address)


def test_a_scheduler_that_is_absent_is_told(tmp_path, monkeypatch):
    course = a_class(tmp_path / "course", 1)
    with pytest.raises(GraderError, match="cannot be used"):
        on_dask(course, "tls://127.0.0.1:1")


def test_notebooks_whose_nodes_are_lost_again_and_again_are_named():
    """The others are taken first: they count."""

    class Client:
        register_plugin = unregister_worker_plugin = cancel = lambda *_: None

        def submit(self, run, task, **options):
            future = Future()
            future.release = lambda: None
            if task.key == "bruno":
                future.set_exception(NodeError("its engine ended"))
            else:
                future.set_result(NodeReply(Outcome(task.key, {}, Report(())).to_json().encode()))
            return future

    cluster = Cluster(QUICK, DaskScheduler("tls://nowhere:1"))
    cluster.client = Client()
    outcomes = cluster.map([Job(name, {}, {}) for name in ("alice", "bruno", "carla")])
    assert [next(outcomes).key, next(outcomes).key] == ["alice", "carla"]
    with pytest.raises(GraderError, match=r"while they ran bruno: the others are recorded"):
        next(outcomes)


# ---- A node


def test_files_reach_a_node_whatever_they_hold():
    author = AuthorFiles({"utils.py": b"\xff\x00"}, {"model.py": b"1"})
    settings = Settings({"cells": []}, replace(QUICK, files=author), "version", workers=3)
    assert Settings.from_json(settings.to_json()) == settings
    job = Job("alice", {"cells": []}, {"cells": []}, {"données/é.bin": b"\x80"})
    assert node_engine._job(job_message(job), job.source) == job


def test_a_node_answers_with_outcomes_until_the_link_closes(tmp_path):
    course = a_class(tmp_path / "course", 1)
    source = course.lab(LAB).author_notebook()
    config = replace(QUICK, workers=1)
    settings = Settings(source, config, Engine(config).version, workers=2)
    assert Settings.from_json(settings.to_json()) == settings
    ours, theirs = Pipe()
    with ours:
        ours.send_bytes(settings.to_json())
        for key in "abc":
            ours.send_bytes(job_message(Job(key, answered(course), source)))
        node = threading.Thread(target=node_engine.main, args=[theirs])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(node_engine, "shield", lambda: None)  # of this very process
            node.start()
            outcomes = [json.loads(ours.recv_bytes()) for _ in "abc"]
            ours.send_bytes(b"")
            node.join()
    assert {outcome["key"] for outcome in outcomes} == set("abc")


@pytest.mark.parametrize(("version", "why"), [("another", "another Python"), ("", "LANDLOCK")])
def test_a_node_that_would_grade_otherwise_says_why(monkeypatch, version, why):
    def weak(self):
        raise GraderError("this machine allows LANDLOCK only")

    monkeypatch.setattr(Engine, "__enter__", weak)
    ours, theirs = Pipe()
    with ours, theirs:
        ours.send_bytes(Settings({}, QUICK, version or Engine(QUICK).version).to_json())
        node_engine.main(theirs)
        assert why in json.loads(ours.recv_bytes())["refused"]


def test_hidden_tests_stay_out_of_logs():
    task = NotebookTask("alice", b"### BEGIN HIDDEN TESTS")
    assert "HIDDEN" not in repr([task, Settings({"HIDDEN": 1}, QUICK, ""), NodeReply(b"HIDDEN")])


# ---- The command


@pytest.mark.parametrize(
    "options",
    [
        ["--cluster", "pbs"],
        ["--cluster", "dask"],
        ["--cluster", "slurm", "--scheduler", "tls://a:1"],
        ["--jobs", "2"],
    ],
)
def test_wrong_usage(options):
    assert CliRunner().invoke(app, ["autograde", LAB, *options]).exit_code == 2


def test_a_missing_package_is_told(tmp_path, monkeypatch):
    monkeypatch.chdir(make_course(tmp_path / "course").root)
    monkeypatch.setitem(sys.modules, "distributed", None)
    done = CliRunner().invoke(app, ["autograde", LAB, "--cluster", "slurm"])
    assert done.exit_code == 1
    assert "pip install -r requirements.txt" in done.output


def test_the_configuration_reaches_sbatch(tmp_path):
    course = a_class(tmp_path / "course", 1)
    with (course.root / "nbgrader_config.py").open("a") as config:
        config.write('c.Slurm.account = "def-prof"\nc.Slurm.time = "0:20:00"\n')
    course = Course(course.root)  # which reads the configuration again
    place = Slurm.of(course.lab(LAB), jobs=7)
    assert (place.jobs, place.cpus, place.account, place.time) == (7, 2, "def-prof", "0:20:00")
    assert Slurm.of(course.lab(LAB)).jobs == 4
