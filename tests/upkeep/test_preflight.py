"""grader preflight: nothing is found on what is ready, and each fault by the check of its name."""

import json
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from typer.testing import CliRunner

from grader import doctor
from grader.cli import app
from grader.doctor import Check
from grader.engine.sandbox import Level
from grader.engine.sandbox.probe import ProbeReport
from grader.upkeep import files_found
from grader.upkeep.preflight import look
from tests.support.installations import BROKEN, Installation, intact


@pytest.fixture
def here(tmp_path, monkeypatch) -> Installation:
    """One that is ready; what the sandbox allows on this machine is not its question."""
    report = ProbeReport(Level.NAMESPACES, Level.NAMESPACES, (), ())
    monkeypatch.setattr(doctor, "probe", lambda: report)
    enough = SimpleNamespace(processors=4, memory_mb=16_000, workers=lambda each: 4)
    monkeypatch.setattr(doctor.Capacity, "here", lambda: enough)
    monkeypatch.setattr(os, "statvfs", lambda path: _disk(50e9, 900_000))
    monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=50e9))
    return intact(tmp_path, monkeypatch)


def _disk(free: float, files: int) -> SimpleNamespace:
    return SimpleNamespace(
        f_bavail=free / 4096, f_frsize=4096, f_blocks=100e9 / 4096, f_files=1e6, f_favail=files
    )


def faults(installation: Installation) -> list[Check]:
    return [check for check in look(installation.site) if not check.fit]


def test_nothing_is_found_on_one_that_is_ready(here):
    assert faults(here) == []
    names = {check.name for check in look(here.site)}
    assert {"exchange", "homes", "clock", "mail", "kernel", "isolation", "gradebook"} <= names


def test_nothing_is_found_where_sessions_are_jobs(here):
    slurm = here.on_slurm()
    assert faults(slurm) == []
    (found,) = (check for check in look(slurm.site) if check.name == "jobs")
    assert "login" in found.value


@pytest.mark.parametrize("name", BROKEN)
def test_each_fault_is_found_by_its_check_with_what_to_do(here, name):
    check, words, break_it = BROKEN[name]
    found = [fault for fault in faults(break_it(here) or here) if fault.name == check]
    assert found, name
    assert any(words in f"{fault.value} {fault.advice}" for fault in found)
    assert all(fault.advice for fault in found)


def test_other_versions_are_put_back_by_their_names(here):
    _, _, break_it = BROKEN["another_torch"]
    break_it(here)
    (found,) = faults(here)
    assert found.advice.endswith(f"-m pip install -c {here.site.requirements} torch")


@pytest.mark.parametrize(("free", "files", "told"), [(1e9, 900_000, "GB"), (50e9, 9, "9 more")])
def test_a_disk_without_room_or_without_inodes_is_found(here, monkeypatch, free, files, told):
    monkeypatch.setattr(os, "statvfs", lambda path: _disk(free, files))
    found = [fault for fault in faults(here) if fault.name == "space"]
    assert len(found) == 4  # of the exchange, the course, the homes, the backups
    assert told in found[0].value


def test_a_file_server_with_another_clock_is_found(here, monkeypatch):
    monkeypatch.setattr(files_found, "clock_offset", lambda folder: 400.0)
    (found,) = faults(here)
    assert (found.name, "+400.0 s" in found.value) == ("clock", True)


def test_the_clock_of_a_file_system_is_read_and_nothing_is_left(here):
    offset = files_found.clock_offset(here.site.exchange)
    assert abs(offset) < 5
    assert not list(here.site.exchange.glob(".preflight*"))


def test_a_weak_sandbox_is_found(here, monkeypatch):
    report = ProbeReport(Level.RLIMITS, Level.RLIMITS, (), ("no user namespaces",))
    monkeypatch.setattr(doctor, "probe", lambda: report)
    (found,) = faults(here)
    assert (found.name, found.advice) == ("isolation", "no user namespaces")


def test_the_command_says_so_by_its_exit_code_and_in_json(here, monkeypatch):
    monkeypatch.chdir(here.path("cours"))
    here.path("exchange").chmod(0o777)
    options = ["--requirements", str(here.path("requirements.txt")), "--hub", str(Path("none"))]
    done = CliRunner().invoke(app, ["preflight", "--json", *options])
    content = json.loads(done.stdout)
    assert (done.exit_code, content["ready"]) == (1, False)
    (exchange,) = (check for check in content["checks"] if check["name"] == "exchange")
    assert exchange["fit"] is False
    shown = CliRunner().invoke(app, ["preflight", *options])
    assert "chmod 1777" in shown.stdout


def test_an_installation_without_a_hub_here_is_told_and_no_fault(here):
    site = replace(here.site, hub=here.path("none"))
    (found,) = (check for check in look(site) if check.name == "spawner")
    assert found.fit
    assert "--hub" in found.advice
