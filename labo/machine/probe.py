"""La machine, telle que cette session la voit : environnement, fichiers, commandes, torch.

Tout passe par un `Probe`, que les tests remplacent par des sessions enregistrées.
"""

import os
import shutil
import subprocess
import time
import warnings
from dataclasses import dataclass, field, replace
from importlib import metadata
from pathlib import Path
from typing import Any

from labo.machine import trial
from labo.machine.trial import first_line

COMMAND_SECONDS = 3  # for a command to answer
NO_GPU = ("", "-1", "NoDevFiles")  # what CUDA_VISIBLE_DEVICES holds to hide every GPU


@dataclass(frozen=True)
class Gpu:
    """Un GPU vu par torch. Mémoires en octets ; `capability` est (majeure, mineure)."""

    name: str
    total: int
    free: int
    capability: tuple[int, int]


@dataclass(frozen=True)
class Torch:
    """torch et les GPU, selon torch lui-même.

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
    """La source des faits : l'environnement, des fichiers, des commandes, torch."""

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
        """Vrai si ce fichier du système existe."""
        return (self.root / path.lstrip("/")).exists()

    def usable(self, pattern: str) -> bool:
        """Vrai si cette session a le droit d'ouvrir un fichier du système de ce nom."""
        paths = self.root.glob(pattern.lstrip("/"))
        return any(os.access(path, os.R_OK | os.W_OK) for path in paths)

    def run(self, *command: str) -> str | None:
        """La sortie d'une commande, ou None si elle est absente, échoue ou tarde."""
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
            return Torch(None, _version("torchvision"), error=first_line(error))
        facts = Torch(
            torch.__version__,
            _version("torchvision"),
            torch.get_num_threads(),
            torch.version.cuda,
            mps=torch.backends.mps.is_available(),
        )
        return _with_cuda(facts, torch) if facts.cuda and gpu_signs(self) else facts

    def failure(self, device: str) -> str | None:
        """La raison pour laquelle un petit calcul y échoue, ou None s'il réussit."""
        return trial.failure(device)


def _version(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _with_cuda(facts: Torch, torch: Any) -> Torch:
    try:
        with warnings.catch_warnings(action="ignore"):  # the findings say it, in French
            torch.cuda.init()
            architectures = tuple(torch.cuda.get_arch_list())
            gpus = tuple(_gpu(torch, index) for index in range(torch.cuda.device_count()))
    except (RuntimeError, AssertionError) as error:
        return replace(facts, error=first_line(error))
    return replace(facts, architectures=architectures, gpus=gpus)


def _gpu(torch: Any, index: int) -> Gpu:
    properties = torch.cuda.get_device_properties(index)
    free, total = torch.cuda.mem_get_info(index)
    return Gpu(properties.name, total, free, (properties.major, properties.minor))


def gpu_signs(probe: Probe) -> bool:
    """Vrai si un signe montre que cette session a un GPU NVIDIA, sans démarrer CUDA.

    Le pilote ne suffit pas : celui d'un nœud se montre aussi aux sessions qui n'ont pas de GPU.
    """
    if probe.environ.get("CUDA_VISIBLE_DEVICES") in NO_GPU:
        return False
    if windows := probe.environ.get("SYSTEMROOT"):
        return probe.exists(f"{windows}/System32/nvcuda.dll")
    return any(map(probe.usable, ("/dev/nvidia[0-9]*", "/dev/dxg")))
