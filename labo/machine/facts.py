"""Sur quelle machine sommes-nous ? Des faits, lus là où ils sont, et rien de deviné.

Tout passe par un `Probe`, que les tests remplacent par des sessions enregistrées.
"""

import math
import os
import re
import shutil
import subprocess
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from typing import Any

from labo.french import decimal, rounded

COMMAND_SECONDS = 3  # for a command to answer
_MB = 2**20
_UNLIMITED = 2**60  # cgroup v1 writes "no limit" as a huge number
_NO_GPU = ("", "-1", "NoDevFiles")  # what CUDA_VISIBLE_DEVICES holds to hide every GPU


class Kind(StrEnum):
    """Les sortes de machines que l'on distingue."""

    ALLIANCE_HUB = "JupyterHub de Calcul Québec ou de l'Alliance"
    SLURM_HUB = "JupyterHub sur une grappe Slurm"
    SLURM_JOB = "tâche Slurm sans JupyterHub"
    ALLIANCE_LOGIN = "nœud de connexion de Calcul Québec ou de l'Alliance"
    HUB = "JupyterHub"
    COLAB = "Google Colab"
    OWN = "machine personnelle"


@dataclass(frozen=True)
class Gpu:
    """Un GPU vu par torch. Mémoires en octets ; `capability` est (majeure, mineure)."""

    name: str
    total: int
    free: int
    capability: tuple[int, int]


@dataclass(frozen=True)
class Torch:
    """Ce que torch dit de lui-même et des GPU.

    `version` est None quand torch ne s'importe pas ; `error` dit alors pourquoi, ou bien ce qui
    empêche CUDA de démarrer. `vision` est la version de torchvision, `threads` le nombre de fils.
    """

    version: str | None
    vision: str | None = None
    threads: int | None = None
    cuda: str | None = None
    architectures: tuple[str, ...] = ()
    gpus: tuple[Gpu, ...] = ()
    error: str | None = None
    mps: bool = False


@dataclass(frozen=True)
class Probe:
    """D'où viennent les faits : l'environnement, des fichiers, des commandes, torch."""

    environ: dict[str, str] = field(default_factory=lambda: dict(os.environ))
    root: Path = Path("/")
    now: float = field(default_factory=time.time)

    def read(self, path: str) -> str | None:
        """Le contenu d'un fichier du système, ou None s'il est absent ou illisible."""
        try:
            return (self.root / path.lstrip("/")).read_text(errors="replace").strip()
        except OSError:
            return None

    def exists(self, path: str) -> bool:
        """Ce fichier du système existe-t-il ?"""
        return (self.root / path.lstrip("/")).exists()

    def usable(self, pattern: str) -> bool:
        """Un fichier du système de ce nom existe-t-il, que cette session ait le droit d'ouvrir ?"""
        paths = self.root.glob(pattern.lstrip("/"))
        return any(os.access(path, os.R_OK | os.W_OK) for path in paths)

    def run(self, *command: str) -> str | None:
        """Ce qu'affiche une commande, ou None si elle est absente, échoue ou tarde."""
        if shutil.which(command[0]) is None:
            return None
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=True
            )
        except (OSError, subprocess.SubprocessError):
            return None
        return done.stdout.strip()

    def affinity(self) -> int | None:
        """Nombre de cœurs que ce processus peut employer, selon le système."""
        if hasattr(os, "sched_getaffinity"):
            return len(os.sched_getaffinity(0))
        return os.cpu_count()

    def total_memory(self) -> int | None:
        """La mémoire de la machine entière, en octets."""
        import psutil

        return psutil.virtual_memory().total

    def torch(self) -> Torch:
        """Interroge torch. Ne touche CUDA que si un GPU NVIDIA a laissé un signe de vie."""
        try:
            import torch
        except (ImportError, OSError) as error:  # OSError: a library that it is linked to
            return Torch(None, _version("torchvision"), error=_first_line(error))
        facts = Torch(
            torch.__version__,
            _version("torchvision"),
            torch.get_num_threads(),
            torch.version.cuda,
            mps=torch.backends.mps.is_available(),
        )
        return _with_cuda(facts, torch) if facts.cuda and gpu_signs(self) else facts

    def failure(self, device: str) -> str | None:
        """Ce qui empêche un petit calcul sur cet appareil, ou None s'il réussit."""
        from labo.machine.accelerator import failure

        return failure(device)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _with_cuda(facts: Torch, torch: Any) -> Torch:
    try:
        with warnings.catch_warnings(action="ignore"):  # the findings say it, in French
            torch.cuda.init()
            architectures = tuple(torch.cuda.get_arch_list())
            gpus = tuple(_gpu(torch, index) for index in range(torch.cuda.device_count()))
    except (RuntimeError, AssertionError) as error:
        return replace(facts, error=_first_line(error))
    return replace(facts, architectures=architectures, gpus=gpus)


def _gpu(torch: Any, index: int) -> Gpu:
    properties = torch.cuda.get_device_properties(index)
    free, total = torch.cuda.mem_get_info(index)
    return Gpu(properties.name, total, free, (properties.major, properties.minor))


@dataclass(frozen=True)
class Machine:
    """Les faits. None veut dire que rien ici ne permet de le savoir.

    `memory` en octets, `time_left` en secondes ; `sources` dit d'où vient chaque valeur retenue, et
    `conflicts` ce qui se contredit.
    """

    kind: Kind
    job: str | None
    cpus: int | None
    memory: int | None
    time_left: float | None
    gpu_requested: bool | None
    mig: str | None
    sources: dict[str, str]
    conflicts: tuple[str, ...] = ()


def inspect(probe: Probe | None = None) -> Machine:
    """Les faits de cette machine."""
    probe = probe or Probe()
    job = probe.environ.get("SLURM_JOB_ID")
    kind, kind_source = _kind(probe)
    cpus, cpu_source, cpu_conflicts = granted_cpus(probe)
    memory, memory_source, memory_conflicts = _least(_memory_limits(probe), "mémoire", in_gib)
    left, time_source = time_left(probe)
    sources = {
        "kind": kind_source,
        "cpus": cpu_source,
        "memory": memory_source,
        "time_left": time_source,
    }
    return Machine(
        kind=kind,
        job=job,
        cpus=cpus,
        memory=None if memory is None else int(memory),
        time_left=left,
        gpu_requested=_gpu_requested(probe),
        mig=_mig(probe),
        sources={name: source for name, source in sources.items() if source},
        conflicts=(*cpu_conflicts, *memory_conflicts),
    )


def gpu_signs(probe: Probe) -> bool:
    """Y a-t-il un signe que cette session a un GPU NVIDIA, sans démarrer CUDA ?

    Le pilote ne suffit pas : celui d'un nœud se montre aussi aux sessions qui n'ont pas de GPU.
    """
    if probe.environ.get("CUDA_VISIBLE_DEVICES") in _NO_GPU:
        return False
    if windows := probe.environ.get("SYSTEMROOT"):
        return probe.exists(f"{windows}/System32/nvcuda.dll")
    return any(map(probe.usable, ("/dev/nvidia[0-9]*", "/dev/dxg")))


def _kind(probe: Probe) -> tuple[Kind, str]:
    """What machine this is, and the sign by which one of the Alliance was recognised."""
    environ = probe.environ
    if probe.exists("/content") and "COLAB_RELEASE_TAG" in environ:
        return Kind.COLAB, ""
    hub, slurm = "JUPYTERHUB_USER" in environ, "SLURM_JOB_ID" in environ
    if slurm and hub:
        sign = _alliance(probe)
        return (Kind.ALLIANCE_HUB if sign else Kind.SLURM_HUB), sign
    if slurm:
        return Kind.SLURM_JOB, ""
    if hub:
        return Kind.HUB, ""
    # The Alliance's software, which anyone may install, names no cluster of its own accord.
    cluster = environ.get("CC_CLUSTER")
    if cluster and cluster != "computecanada":
        return Kind.ALLIANCE_LOGIN, f"CC_CLUSTER={cluster}"
    return Kind.OWN, ""


def _alliance(probe: Probe) -> str:
    if cluster := probe.environ.get("CC_CLUSTER"):
        return f"CC_CLUSTER={cluster}"
    software = "/cvmfs/soft.computecanada.ca"
    return software if probe.exists(software) else ""


Limits = dict[str, float]


def _least(
    limits: Limits, what: str, written: Callable[[float], str]
) -> tuple[float | None, str, tuple[str, ...]]:
    """The smallest limit, where it comes from, and what disagrees with it by more than a tenth."""
    if not limits:
        return None, "", ()
    source = min(limits, key=limits.__getitem__)
    granted = {name: value for name, value in limits.items() if name.startswith("SLURM")}
    conflicts = tuple(
        f"{what} : {name} accorde {written(value)}, mais {source} limite à "
        f"{written(limits[source])}"
        for name, value in granted.items()
        if value > 1.1 * limits[source]
    )
    return limits[source], source, conflicts


def _in_cores(value: float) -> str:
    return rounded(value, 1)


def granted_cpus(probe: Probe) -> tuple[int | None, str, tuple[str, ...]]:
    """Nombre de cœurs accordés, d'où il vient, et ce qui le contredit."""
    cpus, source, conflicts = _least(_cpu_limits(probe), "cœurs", _in_cores)
    return None if cpus is None else max(1, math.floor(cpus)), source, conflicts


def _cpu_limits(probe: Probe) -> Limits:
    limits: Limits = {}
    # The second, for all tasks, only where nobody said how many one task has.
    for name in ("SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE"):
        if not limits and (granted := _integer(probe.environ.get(name))):
            limits[name] = granted
    if (affinity := probe.affinity()) is not None:
        limits["affinité"] = affinity
    for group in _cgroups(probe, ""):
        if found := re.match(r"(\d+) (\d+)$", probe.read(f"{group}/cpu.max") or ""):
            _keep_least(limits, "cgroup", int(found[1]) / int(found[2]))
    for group in _cgroups(probe, "cpu"):
        quota = _integer(probe.read(f"{group}/cpu.cfs_quota_us"))
        period = _integer(probe.read(f"{group}/cpu.cfs_period_us"))
        if quota is not None and quota > 0 and period:
            _keep_least(limits, "cgroup", quota / period)
    return limits


def _memory_limits(probe: Probe) -> Limits:
    limits = _slurm_memory(probe.environ)
    for group in _cgroups(probe, ""):
        if (maximum := _integer(probe.read(f"{group}/memory.max"))) is not None:
            _keep_least(limits, "cgroup", maximum)
    for group in _cgroups(probe, "memory"):
        maximum = _integer(probe.read(f"{group}/memory.limit_in_bytes"))
        if maximum is not None and maximum < _UNLIMITED:
            _keep_least(limits, "cgroup", maximum)
    if "SLURM_JOB_ID" not in probe.environ and (total := probe.total_memory()):
        limits["machine entière"] = total  # in a job, the node's memory is not ours
    return limits


def _slurm_memory(environ: dict[str, str]) -> Limits:
    """Slurm gives MB, per node or per CPU, and 0 for the whole node."""
    if per_node := _integer(environ.get("SLURM_MEM_PER_NODE")):
        return {"SLURM_MEM_PER_NODE": per_node * _MB}
    per_cpu = _integer(environ.get("SLURM_MEM_PER_CPU"))
    cpus = _integer(environ.get("SLURM_CPUS_ON_NODE"))
    return {"SLURM_MEM_PER_CPU": per_cpu * cpus * _MB} if per_cpu and cpus else {}


def in_gib(size: float) -> str:
    """Une taille en octets, écrite en gibioctets : « 2,0 Gio »."""
    return f"{decimal(size / 2**30, 1)} Gio"


def _cgroups(probe: Probe, controller: str) -> list[str]:
    """Folders of this process's control group and of its parents: v2, or v1 with `controller`."""
    for line in (probe.read("/proc/self/cgroup") or "").splitlines():
        _, names, path = [*line.split(":", 2), "", ""][:3]
        if path and controller in names.split(","):
            mount = f"/sys/fs/cgroup/{names}" if controller else "/sys/fs/cgroup"
            if controller and not probe.exists(mount):
                mount = f"/sys/fs/cgroup/{controller}"
            parts = [part for part in path.split("/") if part]
            chain = ["/".join([mount, *parts[:depth]]) for depth in range(len(parts), -1, -1)]
            return [group for group in chain if probe.exists(group)]
    return []


def _keep_least(limits: Limits, name: str, value: float) -> None:
    limits[name] = min(value, limits.get(name, math.inf))


def time_left(probe: Probe) -> tuple[float | None, str]:
    """Secondes qui restent à la tâche Slurm (None : rien ne le dit), et d'où on le sait."""
    end = _integer(probe.environ.get("SLURM_JOB_END_TIME"))
    if end is not None:
        return max(0.0, end - probe.now), "SLURM_JOB_END_TIME"
    job = probe.environ.get("SLURM_JOB_ID")
    answer = probe.run("squeue", "-h", "-j", job, "-o", "%L") if job else None
    seconds = _slurm_duration(answer or "")
    return (seconds, "squeue") if seconds is not None else (None, "")


def _slurm_duration(text: str) -> float | None:
    """Seconds of Slurm's [days-]hours:minutes:seconds; None for UNLIMITED or anything else."""
    found = re.fullmatch(r"(?:(\d+)-)?(?:(\d+):)?(\d+):(\d+)", text.strip())
    if not found:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return float(((days * 24 + hours) * 60 + minutes) * 60 + seconds)


_GPU_LISTS = ("SLURM_JOB_GPUS", "SLURM_STEP_GPUS")  # identifiers: "0" is the first GPU, not none
_GPU_COUNTS = (
    "SLURM_GPUS",
    "SLURM_GPUS_ON_NODE",
    "SLURM_GPUS_PER_NODE",
    "SLURM_GPUS_PER_TASK",
    "SLURM_GPUS_PER_SOCKET",
    "SLURM_SHARDS_ON_NODE",
)


def _gpu_requested(probe: Probe) -> bool | None:
    """Whether this session asked for a GPU; None outside Slurm, where nobody has to ask."""
    environ = probe.environ
    if "SLURM_JOB_ID" not in environ:
        return None
    if any(environ.get(name) for name in _GPU_LISTS):
        return True
    if any(environ.get(name, "0") not in ("", "0") for name in _GPU_COUNTS):
        return True
    if "gpu" in environ.get("SLURM_TRES_PER_TASK", ""):
        return True
    return environ.get("CUDA_VISIBLE_DEVICES", "") not in _NO_GPU


def _mig(probe: Probe) -> str | None:
    """The MIG slice of this session, as it is named in what was asked for or made visible."""
    for name in (*_GPU_COUNTS, "SLURM_TRES_PER_TASK"):
        if found := re.search(r"\d+g\.\d+gb", probe.environ.get(name, "")):
            return f"MIG {found[0]}"
    visible = probe.environ.get("CUDA_VISIBLE_DEVICES", "")
    return visible if visible.startswith("MIG-") else None


def _integer(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch(r"-?\d+", text) else None


def can_run(architectures: tuple[str, ...], capability: tuple[int, int]) -> bool:
    """Ce torch a-t-il été compilé pour un GPU de cette capacité de calcul ?

    Un code `sm_XY` tourne sur les GPU de même majeure et de mineure au moins égale ; un code
    intermédiaire `compute_XY` est recompilé pour tous les GPU plus récents. Un code `XYa` ne tourne
    que sur les GPU de cette capacité.
    """
    return any(_runs(architecture, capability) for architecture in architectures)


def _runs(architecture: str, capability: tuple[int, int]) -> bool:
    found = re.fullmatch(r"(sm|compute)_(\d+)(\d)([af]?)", architecture)
    if not found:
        return False
    built = int(found[2]), int(found[3])
    if found[4] == "a":
        return built == capability
    same_major = built[0] == capability[0]
    return built <= capability and (same_major or (found[1] == "compute" and not found[4]))
