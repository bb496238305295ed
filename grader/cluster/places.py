"""The supply of nodes: jobs of Slurm, or a dask cluster that runs already."""

from __future__ import annotations

import getpass
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from traitlets import Integer, List, Unicode
from traitlets.config import Configurable

from grader.cluster import ClusterKind
from grader.course import Lab
from grader.engine import import_roots
from grader.errors import GraderError
from grader.files import writing

if TYPE_CHECKING:
    from dask_jobqueue import SLURMCluster
    from distributed import Client, Security

TRIES = 3  # of a notebook whose node is lost while it runs
_OVERHEAD_MB = 1500  # of a node's own processes: dask's worker, the engine and its zygotes
_MISSING = "grading on a cluster needs more packages: pip install -r requirements.txt"


def check_installed() -> None:
    """Refuse without dask.distributed and dask-jobqueue."""
    interrupted = signal.getsignal(signal.SIGINT)
    try:
        import dask_jobqueue  # noqa: F401
        import distributed  # noqa: F401
    except ImportError as error:
        raise GraderError(f"{error.name} is not installed: {_MISSING}") from None
    if signal.getsignal(signal.SIGINT) is not interrupted:  # only the main thread may set it
        # The first import of dask-jobqueue makes Ctrl-C end with 0, and silence.
        signal.signal(signal.SIGINT, interrupted)


class Place(Protocol):
    """A supply of nodes."""

    def client(self, memory_mb: int) -> AbstractContextManager[Client]:
        """A connection to the nodes, asked for if need be, for as long as it is open."""

    def look(self) -> None:
        """Replace nodes that are lost; called now and then. GraderError when none can come."""


class DaskScheduler:
    """A dask cluster that runs already. TLS files are named in dask's own configuration."""

    def __init__(self, address: str) -> None:
        if not address.startswith("tls://"):
            raise GraderError(
                f"{address} is not a tls:// address: hidden tests would cross the network for all"
                " to read, and dask lets in whoever finds it. docs/cluster.md shows how to start"
                " a scheduler with TLS."
            )
        self.address = address

    @contextmanager
    def client(self, memory_mb: int) -> Iterator[Client]:
        from distributed import Client

        try:
            client = Client(self.address, timeout=10, set_as_default=False)
        except (OSError, TypeError, ValueError) as error:  # absent, or without certificates
            raise GraderError(f"dask's scheduler {self.address} cannot be used: {error}") from error
        self._client = client
        with client:
            yield client

    def look(self) -> None:
        if self._client.status != "running":
            raise GraderError(f"dask's scheduler {self.address} does not answer any more")


class Slurm(Configurable):
    """Jobs of Slurm, one engine each; nbgrader_config.py sets these as `c.Slurm.jobs = 8`."""

    jobs = Integer(4, min=1, help="Nodes, or parts of one, to grade on.").tag(config=True)
    cpus = Integer(4, min=1, help="Processors of each job.").tag(config=True)
    memory_mb = Integer(0, help="Memory of each job; 0: enough for `cpus` notebooks.").tag(
        config=True
    )
    time = Unicode("1:00:00", help="Time of each job.").tag(config=True)
    partition = Unicode("", help="Partition to ask for.").tag(config=True)
    account = Unicode("", help="Account to charge.").tag(config=True)
    options = List(Unicode(), help='Other options of sbatch: ["--exclude=n3"].').tag(config=True)
    prologue = List(Unicode(), help='Shell lines first: ["module load python"].').tag(config=True)
    interface = Unicode("", help="Network between head and nodes: ib0.").tag(config=True)

    folder: Path
    """Holds the jobs' messages and, as long as they run, the keys."""
    cluster: SLURMCluster
    """Dask's view of the jobs."""
    lost: int
    """Jobs that were replaced."""

    @classmethod
    def of(cls, lab: Lab, jobs: int | None = None) -> Slurm:
        """Set as the course's configuration says, but for the number of jobs if it is given."""
        slurm = cls(config=lab.course.config)
        slurm.jobs = jobs or slurm.jobs
        slurm.folder = lab.results / "slurm"
        return slurm

    @contextmanager
    def client(self, memory_mb: int) -> Iterator[Client]:
        with writing(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            self.folder.chmod(0o700)
        with tempfile.TemporaryDirectory(dir=self.folder, prefix="keys-") as keys:
            with self._jobs(memory_mb, new_keys(Path(keys))) as client:
                yield client

    @contextmanager
    def _jobs(self, memory_mb: int, security: Security) -> Iterator[Client]:
        from dask_jobqueue import SLURMCluster
        from distributed import Client

        memory = self.memory_mb or self.cpus * memory_mb + _OVERHEAD_MB
        self.lost = 0
        self.cluster = SLURMCluster(
            n_workers=0,
            cores=self.cpus,
            processes=1,
            memory=f"{memory}MiB",
            job_mem=f"{memory}M",
            walltime=self.time,
            queue=self.partition or None,
            account=self.account or None,
            job_extra_directives=["--no-requeue", *self.options],  # `look` replaces what is lost
            job_script_prologue=[*self.prologue, self._environment()],
            job_name="grader",
            log_directory=str(self.folder),
            python=shlex.quote(sys.executable),
            nanny=False,
            death_timeout=60,
            worker_extra_args=["--memory-limit", "0", "--no-dashboard"],  # 0: never spill to disk
            security=security,
            interface=self.interface or None,
            scheduler_options={"dashboard_address": "127.0.0.1:0", "dashboard": False},
        )
        try:
            self._try()
            self.cluster.scale(jobs=self.jobs)
            with Client(self.cluster, set_as_default=False) as client:
                yield client
        finally:
            with suppress(AssertionError, TimeoutError):  # dask's, about a job that never started
                self.cluster.close()

    def _environment(self) -> str:
        """The grader that is used here, for the nodes: they see the same file system."""
        roots = os.pathsep.join(map(str, import_roots()))
        return f"export PYTHONPATH={shlex.quote(roots)}"

    def _try(self) -> None:
        """Refuse what Slurm does not take, for which dask would wait for ever."""
        done = _command("sbatch", "--test-only", script=self.cluster.job_script())
        if done.returncode:
            raise GraderError(
                f"Slurm takes no such job: {done.stderr.strip()} (c.Slurm.... in"
                " nbgrader_config.py)"
            )

    def look(self) -> None:
        missing = set(self.cluster.worker_spec) - set(self.cluster.workers)
        if missing and self.lost < TRIES * self.jobs:
            self.lost += len(missing)
            self.cluster.scale(jobs=self.jobs)
        elif not self._alive():
            raise GraderError(
                "every job has ended before the work was done. What was run is recorded, and the"
                f" same command goes on. Their logs are in {self.folder}:\n{self._last_log()}"
            )

    def _alive(self) -> bool:
        """True when a job runs or waits, or when Slurm does not say."""
        if self.cluster.scheduler_info["workers"]:
            return True
        mine = {job.job_id for job in list(self.cluster.workers.values()) if job.job_id}
        if not mine:
            return self.lost < TRIES * self.jobs
        done = _command("squeue", "-h", "-u", getpass.getuser(), "-o", "%i")
        return done.returncode != 0 or bool(mine & set(done.stdout.split()))

    def _last_log(self) -> str:
        logs = sorted(self.folder.glob("*.err"), key=lambda path: path.stat().st_mtime)
        return "\n".join(logs[-1].read_text(errors="replace").splitlines()[-5:]) if logs else ""


def _command(*words: str, script: str = "") -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(words, input=script, capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GraderError(f"Slurm cannot be asked: {error}") from None


def new_keys(folder: Path) -> Security:
    """Keys and a certificate in `folder`, without which nobody takes part in the network."""
    from distributed import Security

    drawn = Security.temporary()
    texts = {"ca": drawn.tls_ca_file, "cert": drawn.tls_worker_cert, "key": drawn.tls_worker_key}
    paths = {name: folder / f"{name}.pem" for name in texts}
    for name, path in paths.items():
        path.touch(mode=0o600)
        path.write_text(texts[name])
    roles = {
        f"tls_{role}_{kind}": str(paths[kind])
        for role in ("scheduler", "worker", "client")
        for kind in ("cert", "key")
    }
    return Security(tls_ca_file=str(paths["ca"]), require_encryption=True, **roles)


def place(kind: ClusterKind, lab: Lab, jobs: int | None, scheduler: str) -> Place:
    """The nodes that `--cluster KIND` grades on."""
    check_installed()
    return Slurm.of(lab, jobs) if kind is ClusterKind.SLURM else DaskScheduler(scheduler)
