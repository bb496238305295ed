"""Les faits de cette machine, lus là où ils sont, et rien de deviné."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Generic, TypeVar

from labo.french import decimal, rounded
from labo.machine.probe import NO_GPU, Probe
from labo.settings import is_on

_MB = 2**20
_UNLIMITED = 2**60  # cgroup v1 writes "no limit" as a huge number


class Kind(StrEnum):
    """Les sortes de machines que l'on distingue."""

    ALLIANCE_HUB = "JupyterHub de Calcul Québec ou de l'Alliance"
    SLURM_HUB = "JupyterHub sur une grappe Slurm"
    SLURM_JOB = "tâche Slurm sans JupyterHub"
    ALLIANCE_LOGIN = "nœud de connexion de Calcul Québec ou de l'Alliance"
    HUB = "JupyterHub"
    COLAB = "Google Colab"
    OWN = "machine personnelle"


Value_co = TypeVar("Value_co", covariant=True)


@dataclass(frozen=True)
class Fact(Generic[Value_co]):
    """Un fait : sa valeur, d'où elle vient, et ce qui la contredit."""

    value: Value_co
    source: str = ""
    conflicts: tuple[str, ...] = ()


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
    kind, cpus, left = _kind(probe), granted_cpus(probe), time_left(probe)
    memory = _least(_memory_limits(probe), "mémoire", in_gib)
    facts: dict[str, Fact[object]] = {
        "kind": kind,
        "cpus": cpus,
        "memory": memory,
        "time_left": left,
    }
    return Machine(
        kind=kind.value,
        job=probe.environ.get("SLURM_JOB_ID"),
        cpus=cpus.value,
        memory=memory.value,
        time_left=left.value,
        gpu_requested=_gpu_requested(probe),
        mig=_mig(probe),
        sources={name: fact.source for name, fact in facts.items() if fact.source},
        conflicts=(*cpus.conflicts, *memory.conflicts),
    )


def _kind(probe: Probe) -> Fact[Kind]:
    """La sorte de machine ; `source` est le signe auquel on en reconnaît une de l'Alliance."""
    environ = probe.environ
    if probe.exists("/content") and "COLAB_RELEASE_TAG" in environ:
        return Fact(Kind.COLAB)
    hub, slurm = "JUPYTERHUB_USER" in environ, "SLURM_JOB_ID" in environ
    if slurm and hub:
        sign = _alliance(probe)
        return Fact(Kind.ALLIANCE_HUB if sign else Kind.SLURM_HUB, sign)
    if slurm:
        return Fact(Kind.SLURM_JOB)
    if hub:
        return Fact(Kind.HUB)
    # The Alliance's software, which anyone may install, names no cluster of its own accord.
    cluster = environ.get("CC_CLUSTER")
    if cluster and cluster != "computecanada":
        return Fact(Kind.ALLIANCE_LOGIN, f"CC_CLUSTER={cluster}")
    return Fact(Kind.OWN)


def _alliance(probe: Probe) -> str:
    if cluster := probe.environ.get("CC_CLUSTER"):
        return f"CC_CLUSTER={cluster}"
    software = "/cvmfs/soft.computecanada.ca"
    return software if probe.exists(software) else ""


Limits = dict[str, float]


def _least(limits: Limits, what: str, written: Callable[[float], str]) -> Fact[int | None]:
    """La plus petite limite ; ce que Slurm accorde la contredit s'il la dépasse d'un dixième."""
    if not limits:
        return Fact(None)
    source = min(limits, key=limits.__getitem__)
    granted = {name: value for name, value in limits.items() if name.startswith("SLURM")}
    conflicts = tuple(
        f"{what} : {name} accorde {written(value)}, mais {source} limite à "
        f"{written(limits[source])}"
        for name, value in granted.items()
        if value > 1.1 * limits[source]
    )
    return Fact(math.floor(limits[source]), source, conflicts)


def _in_cores(value: float) -> str:
    return rounded(value, 1)


def granted_cpus(probe: Probe) -> Fact[int | None]:
    """Le nombre de cœurs accordés."""
    least = _least(_cpu_limits(probe), "cœurs", _in_cores)
    return least if least.value is None else replace(least, value=max(1, least.value))


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
    """Slurm donne des Mo, par nœud ou par cœur, et 0 pour le nœud entier."""
    if per_node := _integer(environ.get("SLURM_MEM_PER_NODE")):
        return {"SLURM_MEM_PER_NODE": per_node * _MB}
    per_cpu = _integer(environ.get("SLURM_MEM_PER_CPU"))
    cpus = _integer(environ.get("SLURM_CPUS_ON_NODE"))
    return {"SLURM_MEM_PER_CPU": per_cpu * cpus * _MB} if per_cpu and cpus else {}


def in_gib(size: float) -> str:
    """Une taille en octets, écrite en gibioctets : « 2,0 Gio »."""
    return f"{decimal(size / 2**30, 1)} Gio"


def _cgroups(probe: Probe, controller: str) -> list[str]:
    """Les dossiers du cgroup de ce processus et de ses parents : v2, ou v1 avec `controller`."""
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


def time_left(probe: Probe) -> Fact[float | None]:
    """Les secondes qui restent à la tâche Slurm ; None si rien ne le dit."""
    end = _integer(probe.environ.get("SLURM_JOB_END_TIME"))
    if end is not None:
        return Fact(max(0.0, end - probe.now), "SLURM_JOB_END_TIME")
    job = probe.environ.get("SLURM_JOB_ID")
    answer = probe.run("squeue", "-h", "-j", job, "-o", "%L") if job else None
    seconds = _slurm_duration(answer or "")
    return Fact(None) if seconds is None else Fact(seconds, "squeue")


def _slurm_duration(text: str) -> float | None:
    """Les secondes de [jours-]heures:minutes:secondes ; None pour UNLIMITED ou tout autre texte."""
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
    """Vrai si cette session a demandé un GPU ; None hors de Slurm, où l'on n'en demande pas."""
    environ = probe.environ
    if "SLURM_JOB_ID" not in environ:
        return None
    if any(environ.get(name) for name in _GPU_LISTS):
        return True
    if any(is_on(name, environ) for name in _GPU_COUNTS):
        return True
    if "gpu" in environ.get("SLURM_TRES_PER_TASK", ""):
        return True
    return environ.get("CUDA_VISIBLE_DEVICES", "") not in NO_GPU


def _mig(probe: Probe) -> str | None:
    """La tranche MIG de cette session, telle que la nomme ce qui est demandé ou visible."""
    for name in (*_GPU_COUNTS, "SLURM_TRES_PER_TASK"):
        if found := re.search(r"\d+g\.\d+gb", probe.environ.get(name, "")):
            return f"MIG {found[0]}"
    visible = probe.environ.get("CUDA_VISIBLE_DEVICES", "")
    return visible if visible.startswith("MIG-") else None


def _integer(text: str | None) -> int | None:
    return int(text) if text and re.fullmatch(r"-?\d+", text) else None


def can_run(architectures: tuple[str, ...], capability: tuple[int, int]) -> bool:
    """Vrai si torch, compilé pour ces architectures, tourne sur un GPU de cette capacité.

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
