"""The end of a Slurm session is announced in the notebook, in time to save."""

import subprocess
import sys
import time
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest
from jupyter_client.manager import start_new_kernel

from labo.machine import deadline
from tests.support.recorded_sessions import SESSIONS, replay

ROOT = Path(__file__).parents[3]


class Shell:
    """IPython's events, run by hand."""

    def __init__(self) -> None:
        self.called = {}
        self.events = SimpleNamespace(register=self.called.__setitem__)

    def run_cell(self) -> None:
        for name in ("pre_run_cell", "post_run_cell"):
            if name in self.called:
                self.called[name](None)


@pytest.fixture
def session(tmp_path):
    """A recorded session, by name."""

    def load(name: str):
        path = ROOT / "tests/recorded" / f"{name}.toml"
        return replay(tomllib.loads(path.read_text("utf-8")), tmp_path)

    return load


def said_at(probe, minutes_left: list[float], left_at_start: float, capsys) -> list[str]:
    """What is printed below cells run when so many minutes are left."""
    now = [probe.now]
    shell = Shell()
    deadline.watch(shell, probe, lambda: now[0])
    said = []
    for minutes in minutes_left:
        now[0] = probe.now + left_at_start - 60 * minutes
        shell.run_cell()
        said.append(capsys.readouterr().out)
    shell.run_cell()
    assert not capsys.readouterr().out
    return said


def test_each_threshold_is_told_once(session, capsys):
    moments = [25 * 60, 16, 14.9, 10, 5.1, 4.9, 2, 0.5]
    said = said_at(session("slurm_batch"), moments, 90_000, capsys)
    assert [bool(text) for text in said] == [False, False, True, False, False, True, False, False]
    assert "se termine dans 14 min, à " in said[2]
    assert "se termine dans 4 min" in said[5]
    assert "Enregistrez maintenant" in said[2]


def test_a_cell_that_skips_both_thresholds_is_told_once(session, capsys):
    said = said_at(session("slurm_batch"), [60, 0.5], 90_000, capsys)
    assert "dans moins d'une minute" in said[1]
    assert said[1].count("se termine") == 1


def test_squeue_says_it_where_the_environment_does_not(session, capsys):
    (text,) = said_at(session("squeue_answers"), [9], 570, capsys)
    assert "dans 9 min" in text


@pytest.mark.parametrize("path", SESSIONS, ids=lambda path: path.stem)
def test_every_recorded_session_is_watched_if_its_end_is_known(path, tmp_path):
    recorded = tomllib.loads(path.read_text("utf-8"))
    shell = Shell()
    deadline.watch(shell, replay(recorded, tmp_path))
    assert bool(shell.called) == ("time_left" in recorded["expected"])


def run(client, code: str) -> str:
    """What stands below a cell of a real kernel."""
    texts = []

    def hook(message):
        if message["msg_type"] == "stream":
            texts.append(message["content"]["text"])

    reply = client.execute_interactive(code, timeout=120, output_hook=hook)
    assert reply["content"]["status"] == "ok"
    return "".join(texts)


@pytest.mark.slow
def test_a_real_kernel_tells_during_a_long_cell(monkeypatch):
    """`execute_interactive` hears only what belongs to its own cell."""
    monkeypatch.setenv("SLURM_JOB_ID", "1")
    monkeypatch.setenv("SLURM_JOB_END_TIME", str(int(time.time()) + 10 * 3600))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    manager, client = start_new_kernel()
    try:
        assert run(client, "import labo; labo.device(); labo.device()") == ""
        moved = (
            "import labo.machine.deadline, time\n"
            "shell = get_ipython()\n"
            "(watching,) = [f.__self__ for f in shell.events.callbacks['pre_run_cell']"
            " if isinstance(getattr(f, '__self__', None), labo.machine.deadline._Announcer)]\n"
            "watching.end = time.time() + 15 * 60 + 5"
        )
        assert run(client, moved) == ""
        long = run(client, "print('début', flush=True); time.sleep(8); print('fin', flush=True)")
        assert [line.split()[0] for line in long.splitlines()] == ["début", "⏳", "Les", "fin"]
        assert run(client, "1 + 1") == ""
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_a_script_is_told_nothing():
    code = "import os, labo; os.environ['SLURM_JOB_ID'] = '1'; labo.device(); print('ok')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert (done.stdout, done.stderr) == ("ok\n", "")
