"""`labo doctor` : ce que cette session permet, et quoi faire de ce qui manque."""

import json
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from urllib.parse import urlsplit

from labo.catalogue import catalogue, find, search_path
from labo.french import decimal
from labo.machine import Kind, Machine, Probe, Torch, can_run, gpu_signs, inspect

_GB = 1e9
_LITTLE_MEMORY = 3 * 2**30
_LITTLE_TIME = 15 * 60
_LITTLE_DISK = 1 * _GB
_NETWORK_SECONDS = 3


class Level(StrEnum):
    """Gravité d'un constat."""

    OK = "ok"
    NOTE = "note"
    WARNING = "attention"


@dataclass(frozen=True)
class Finding:
    """Un constat : sur quoi, ce qui est, et quoi faire."""

    subject: str
    level: Level
    text: str
    advice: str = ""


def diagnose(probe: Probe | None = None) -> list[Finding]:
    """Tous les constats de cette machine."""
    probe = probe or Probe()
    machine, torch = inspect(probe), probe.torch()
    findings = [
        *_session(machine),
        *_software(torch),
        *_processor(machine),
        *_memory(machine),
        *_gpu(probe, machine, torch),
        *_time(machine),
        *_storage(probe),
        *_data(probe),
        *(Finding("contradiction", Level.WARNING, text) for text in machine.conflicts),
    ]
    return findings


def _session(machine: Machine) -> Iterator[Finding]:
    job = f", tâche {machine.job}" if machine.job else ""
    yield Finding("machine", Level.OK, f"{machine.kind}{job}")


def _software(torch: Torch) -> Iterator[Finding]:
    python = ".".join(map(str, sys.version_info[:3]))
    build = f"CUDA {torch.cuda}" if torch.cuda else "CPU seul"
    yield Finding("logiciels", Level.OK, f"Python {python}, torch {torch.version} ({build})")
    try:
        vision = metadata.version("torchvision")
    except metadata.PackageNotFoundError:
        yield Finding(
            "torchvision", Level.WARNING, "absent", "Installez-le : pip install torchvision"
        )
        return
    if not _go_together(torch.version, vision):
        yield Finding(
            "torchvision",
            Level.WARNING,
            f"version {vision}, qui n'est pas celle de torch {torch.version}",
            "Installez la version qui va avec ce torch (voir requirements.txt).",
        )


def _go_together(torch: str, vision: str) -> bool:
    """torch 2.N goes with torchvision 0.(N+15)."""
    torch_minor, vision_minor = (version.split(".")[1] for version in (torch, vision))
    return int(torch_minor) + 15 == int(vision_minor)


def _processor(machine: Machine) -> Iterator[Finding]:
    if machine.cpus is None:
        yield Finding("cœurs", Level.NOTE, "nombre inconnu")
        return
    yield Finding("cœurs", Level.OK, f"{machine.cpus} ({machine.sources['cpus']})")


def _memory(machine: Machine) -> Iterator[Finding]:
    if machine.memory is None:
        yield Finding(
            "mémoire",
            Level.NOTE,
            "limite inconnue : ni Slurm ni le système ne la disent",
            "Ne vous fiez pas à la mémoire du nœud entier.",
        )
        return
    text = f"{decimal(machine.memory / 2**30, 1)} Gio ({machine.sources['memory']})"
    if machine.memory < _LITTLE_MEMORY:
        advice = "Restez au profil « small », fermez les autres notebooks, ou demandez 4 Gio."
        yield Finding("mémoire", Level.WARNING, text, advice)
        return
    yield Finding("mémoire", Level.OK, text)


def _gpu(probe: Probe, machine: Machine, torch: Torch) -> Iterator[Finding]:
    if torch.gpus:
        for gpu in torch.gpus:
            yield _usable_gpu(gpu, machine, torch)
    elif torch.mps:
        yield Finding("GPU", Level.OK, "GPU Apple (mps)")
    elif gpu_signs(probe) and torch.cuda is None:
        yield Finding(
            "GPU",
            Level.WARNING,
            "un GPU est là, mais ce torch est une version CPU seule",
            "Installez une version CUDA de torch, ou choisissez le noyau du cours.",
        )
    elif gpu_signs(probe):
        reason = torch.error or "torch n'en voit aucun"
        yield Finding(
            "GPU",
            Level.WARNING,
            f"un GPU est là, mais ce torch ne peut pas s'en servir : {reason}",
            "Un pilote trop ancien pour cette version de CUDA en est la cause la plus fréquente. "
            "Signalez-le ; les laboratoires fonctionnent sur le CPU.",
        )
    elif machine.gpu_requested:
        yield Finding(
            "GPU",
            Level.WARNING,
            "un GPU a été demandé, et aucun n'est visible",
            "Redémarrez la session ; si cela persiste, signalez le numéro de tâche.",
        )
    elif machine.gpu_requested is False:
        yield Finding(
            "GPU",
            Level.NOTE,
            "aucun GPU n'a été demandé pour cette session",
            "C'est suffisant. Pour en avoir un : arrêtez le serveur, et choisissez-en un dans le "
            "formulaire de démarrage.",
        )
    else:
        yield Finding("GPU", Level.NOTE, "aucun : les calculs se feront sur le CPU")


def _usable_gpu(gpu, machine: Machine, torch: Torch) -> Finding:
    slice_ = f", tranche MIG {machine.mig}" if machine.mig else ""
    capability = ".".join(map(str, gpu.capability))
    text = (
        f"{gpu.name}{slice_}, {decimal(gpu.free / 2**30, 1)} Gio libres sur "
        f"{decimal(gpu.total / 2**30, 1)}, capacité de calcul {capability}"
    )
    if not can_run(torch.architectures, gpu.capability):
        built = ", ".join(torch.architectures) or "aucune"
        return Finding(
            "GPU",
            Level.WARNING,
            f"{text} : trop ancien ou trop récent pour ce torch ({built})",
            "labo.device() donne le CPU. Un torch compilé pour ce GPU l'emploierait.",
        )
    if gpu.free < 0.25 * gpu.total:
        advice = "D'autres s'en servent : prenez des lots plus petits, ou le CPU."
        return Finding("GPU", Level.WARNING, text, advice)
    return Finding("GPU", Level.OK, text)


def _time(machine: Machine) -> Iterator[Finding]:
    if machine.job is None:
        return
    if machine.time_left is None:
        yield Finding("temps", Level.NOTE, "temps restant inconnu (ni Slurm ni squeue ne le disent)")
        return
    hours, minutes = divmod(int(machine.time_left) // 60, 60)
    text = f"il reste {hours} h {minutes:02d}"
    if machine.time_left < _LITTLE_TIME:
        yield Finding("temps", Level.WARNING, text, "Enregistrez votre travail dès maintenant.")
        return
    yield Finding("temps", Level.OK, text)


def _storage(probe: Probe) -> Iterator[Finding]:
    home = probe.environ.get("HOME")
    if home and Path(home).exists():
        free = shutil.disk_usage(home).free
        text = f"{decimal(free / _GB, 1)} Go libres dans {home}"
        if free < _LITTLE_DISK:
            advice = "Supprimez de vieux fichiers, ou vérifiez votre quota."
            yield Finding("disque", Level.WARNING, text, advice)
        else:
            yield Finding("disque", Level.OK, text)
    temporary = probe.environ.get("SLURM_TMPDIR")
    if temporary:
        yield Finding(
            "SLURM_TMPDIR", Level.NOTE, f"{temporary} est rapide, et effacé à la fin de la session"
        )
        if probe.environ.get("PIP_PREFIX", "").startswith(temporary):
            yield Finding(
                "PIP_PREFIX",
                Level.WARNING,
                "pip installe dans SLURM_TMPDIR",
                "Ce que vous installez disparaîtra avec la session.",
            )


def _data(probe: Probe) -> Iterator[Finding]:
    for dataset in catalogue().values():
        paths = find(dataset)
        if paths:
            folder = next(iter(paths.values())).parent
            yield Finding("données", Level.OK, f"{dataset.title} : {folder}")
        else:
            yield Finding(
                "données",
                Level.NOTE,
                f"{dataset.title} : introuvable ici",
                f"« labo data download {dataset.name} » là où il y a Internet. "
                "Sans lui, des données livrées avec le cours en tiennent lieu.",
            )
    yield _network(probe)


def _network(probe: Probe) -> Finding:
    if probe.environ.get("LABO_OFFLINE", "0") not in ("", "0"):
        return Finding("réseau", Level.NOTE, "interdit par LABO_OFFLINE")
    server = urlsplit(catalogue()["mnist"].mirrors[0]).hostname
    proxied = any(name in probe.environ for name in ("https_proxy", "HTTPS_PROXY"))
    try:
        socket.create_connection((server, 443), timeout=_NETWORK_SECONDS).close()
    except OSError:
        folder = search_path()[0]
        text = "pas d'accès direct à Internet" + (" (un mandataire est configuré)" * proxied)
        advice = f"C'est habituel sur un nœud de calcul. Les données se placent dans {folder}."
        return Finding("réseau", Level.NOTE, text, advice)
    return Finding("réseau", Level.OK, f"Internet répond ({server})")


def show(findings: list[Finding]) -> None:
    """Affiche les constats dans un tableau."""
    from rich.console import Console
    from rich.table import Table

    marks = {Level.OK: "[green]✓[/]", Level.NOTE: "[blue]i[/]", Level.WARNING: "[yellow]![/]"}
    table = Table(show_header=False, box=None, padding=(0, 1))
    table.add_column(width=1)
    table.add_column(style="bold", no_wrap=True)
    table.add_column()
    for finding in findings:
        advice = f"\n[dim]→ {finding.advice}[/]" if finding.advice else ""
        table.add_row(marks[finding.level], finding.subject, finding.text + advice)
    Console(width=min(100, shutil.get_terminal_size().columns)).print(table)


def as_json(findings: list[Finding]) -> str:
    """Les constats en JSON."""
    return json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=2)


def needs_attention(findings: list[Finding]) -> bool:
    """Y a-t-il quelque chose à régler ?"""
    return any(finding.level is Level.WARNING for finding in findings)
