"""A real Slurm of four nodes on this machine: munged, slurmctld and four slurmd, on loopback.

Started by hand, without systemd and outside /etc, once per test session, and ended with all that
runs in its jobs. Debian: munge, slurm-wlm.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

NODES = ("n1", "n2", "n3", "n4")
_PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "squeue", "scancel")
_PATH = os.pathsep.join([os.environ["PATH"], "/usr/sbin"])
_CONFIG = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmctldPort={controller}
AuthType=auth/munge
AuthInfo=socket={munge}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/linux
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
MpiDefault=none
ReturnToService=2
SlurmdTimeout=20
KillWait=5
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=5,bf_interval=5
{nodes}
PartitionName=cours Nodes=ALL Default=YES MaxTime=08:00:00 State=UP
"""


def why_not() -> str:
    """Why there can be no Slurm here, or nothing."""
    missing = [name for name in _PROGRAMS if not shutil.which(name, path=_PATH)]
    if missing:
        return f"Slurm is not installed (apt install munge slurm-wlm): no {', '.join(missing)}"
    return "" if os.geteuid() == 0 else "starting Slurm's daemons needs root"


@dataclass
class Slurm:
    """A Slurm that runs."""

    folder: Path
    daemons: dict[str, subprocess.Popen] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        """What a command needs to talk to this Slurm."""
        return {"SLURM_CONF": str(self.folder / "slurm.conf"), "PATH": _PATH}

    def run(self, *command: str) -> str:
        done = subprocess.run(
            command,
            env=os.environ | self.environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=30,
        )
        return done.stdout.strip()

    def jobs(self, state: str = "RUNNING") -> dict[str, str]:
        """The node of each job in this state."""
        lines = self.run("squeue", "-h", "-t", state, "-o", "%i %N").splitlines()
        return dict([*line.split(), ""][:2] for line in lines)

    def crash(self, node: str) -> None:
        """End a node as a power cut would: its daemon, and all that runs on it."""
        self.daemons[node].kill()
        for process in self._processes(node):
            with suppress(psutil.NoSuchProcess):
                process.kill()
        self.daemons[node].wait()

    def _processes(self, node: str) -> list[psutil.Process]:
        """What the jobs on this node run; a step's daemon leaves its parent, so by their names."""
        found = []
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                environment = process.environ()
                if (
                    environment.get("SLURM_CONF") == self.environment["SLURM_CONF"]
                    and environment.get("SLURMD_NODENAME") == node
                ):
                    found += [process, *process.children(recursive=True)]
        return found

    def start(self, name: str, *command: str) -> None:
        log = (self.folder / f"{name}.out").open("w")
        self.daemons[name] = subprocess.Popen(
            command,
            env=os.environ | self.environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )

    def start_node(self, node: str) -> None:
        config = str(self.folder / "slurm.conf")
        self.start(node, "/usr/sbin/slurmd", "-D", "-N", node, "-f", config)

    def heal(self) -> None:
        """Every node up again, and no job left."""
        for node in NODES:
            if self.daemons[node].poll() is not None:
                self.start_node(node)
        jobs = [*self.jobs("RUNNING"), *self.jobs("PENDING")]
        if jobs:
            self.run("scancel", *jobs)
        for node in NODES:
            with suppress(subprocess.CalledProcessError):  # not down
                self.run("scontrol", "update", f"nodename={node}", "state=resume")
        wait_until(lambda: self.idle() == len(NODES), "the nodes are not idle")

    def idle(self) -> int:
        with suppress(subprocess.SubprocessError):
            return len(self.run("sinfo", "-h", "-N", "-t", "idle", "-o", "%n").split())
        return 0

    def stop(self) -> None:
        with suppress(subprocess.SubprocessError):
            self.run("scancel", "--user=root", "--full")
            wait_until(lambda: not self.jobs("RUNNING,COMPLETING"), "a job does not end")
        for node in NODES:
            for process in self._processes(node):
                with suppress(psutil.NoSuchProcess):
                    process.kill()
        for daemon in reversed(self.daemons.values()):
            daemon.terminate()
        for daemon in self.daemons.values():
            try:
                daemon.wait(timeout=10)
            except subprocess.TimeoutExpired:
                daemon.kill()


def wait_until(true: Callable[[], object], otherwise: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, otherwise
        time.sleep(0.1)


@contextmanager
def running(folder: Path) -> Iterator[Slurm]:
    """A Slurm that keeps everything in `folder`."""
    slurm = Slurm(folder)
    munge = folder / "munge.socket"
    key = folder / "munge.key"
    key.touch(mode=0o600)
    key.write_bytes(secrets.token_bytes(1024))
    (folder / "state").mkdir()
    host = socket.gethostname()
    controller, *ports = _free_ports(1 + len(NODES))
    nodes = "\n".join(
        f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port} CPUs=2 RealMemory=4000"
        for name, port in zip(NODES, ports, strict=True)
    )
    config = _CONFIG.format(
        host=host, controller=controller, munge=munge, folder=folder, nodes=nodes
    )
    (folder / "slurm.conf").write_text(config)
    munge_files = {
        "socket": munge,
        "key-file": key,
        "log-file": folder / "munge.log",
        "pid-file": folder / "munge.pid",
        "seed-file": folder / "munge.seed",
    }
    options = [f"--{name}={path}" for name, path in munge_files.items()]
    try:
        # --force: a folder of tests has wider modes than munge likes
        slurm.start("munge", "/usr/sbin/munged", "--foreground", "--force", *options)
        wait_until(munge.exists, "munged does not start")
        slurm.start("controller", "/usr/sbin/slurmctld", "-D", "-f", str(folder / "slurm.conf"))
        for node in NODES:
            slurm.start_node(node)
        try:
            wait_until(lambda: slurm.idle() == len(NODES), "")
        except AssertionError:
            logs = [path.read_text()[-1500:] for path in sorted(folder.glob("slurm*.log"))]
            raise AssertionError("Slurm does not start:\n" + "\n".join(logs)) from None
        yield slurm
    finally:
        slurm.stop()


def _free_ports(count: int) -> list[int]:
    with bound(count) as sockets:
        return [one.getsockname()[1] for one in sockets]


@contextmanager
def bound(count: int) -> Iterator[list[socket.socket]]:
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        yield sockets
    finally:
        for one in sockets:
            one.close()


if __name__ == "__main__":  # try it: what a job sees
    import tempfile

    with tempfile.TemporaryDirectory() as name, running(Path(name)) as here:
        print(json.dumps(here.environment, indent=1))
        print(here.run("sinfo", "-N"))
        print(here.run("srun", "-n1", "env"))
