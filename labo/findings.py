"""Les constats de `labo doctor`, sujet par sujet."""

import re
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from labo.data.catalogue import catalogue, find, search_path
from labo.data.network import answers
from labo.french import decimal
from labo.machine.facts import Kind, Machine, can_run, in_gib
from labo.machine.probe import Gpu, Probe, Torch, gpu_signs
from labo.settings import is_on

_GB = 1e9
_LITTLE_MEMORY = 3 * 2**30
_LITTLE_TIME = 15 * 60
_LITTLE_DISK = 1 * _GB
_NEARLY_FULL = 90  # percent of a quota


class Severity(StrEnum):
    """Gravité d'un constat."""

    OK = "ok"
    NOTE = "note"
    WARNING = "attention"


@dataclass(frozen=True)
class Finding:
    """Un constat : sur quoi, ce qui est, et quoi faire."""

    subject: str
    level: Severity
    text: str
    advice: str = ""


def session(machine: Machine) -> Iterator[Finding]:
    job = f", tâche {machine.job}" if machine.job else ""
    sign = f", d'après {machine.sources['kind']}" if "kind" in machine.sources else ""
    yield Finding("machine", Severity.OK, f"{machine.kind}{job}{sign}")


def software(torch: Torch) -> Iterator[Finding]:
    python = ".".join(map(str, sys.version_info[:3]))
    if torch.version is None:
        yield Finding(
            "logiciels",
            Severity.WARNING,
            f"Python {python}, sans torch : {torch.error}",
            "Choisissez le noyau du cours, ou installez requirements.txt.",
        )
        return
    build = f"CUDA {torch.cuda}" if torch.cuda else "CPU seul"
    yield Finding("logiciels", Severity.OK, f"Python {python}, torch {torch.version} ({build})")
    if torch.vision is None:
        yield Finding(
            "torchvision", Severity.WARNING, "absent", "Installez-le : pip install torchvision"
        )
    elif not _go_together(torch.version, torch.vision):
        yield Finding(
            "torchvision",
            Severity.WARNING,
            f"version {torch.vision}, qui n'est pas celle de torch {torch.version}",
            "Installez la version qui va avec ce torch (voir requirements.txt).",
        )


def _go_together(torch: str, vision: str) -> bool:
    """torch 2.N va avec torchvision 0.(N+15) ; d'un autre numérotage, on ne sait rien."""
    ours, theirs = re.match(r"2\.(\d+)\.", torch), re.match(r"0\.(\d+)\.", vision)
    return not (ours and theirs) or int(ours[1]) + 15 == int(theirs[1])


def processor(probe: Probe, machine: Machine, torch: Torch) -> Iterator[Finding]:
    if machine.cpus is None:
        yield Finding("cœurs", Severity.NOTE, "nombre inconnu")
        return
    yield Finding("cœurs", Severity.OK, f"{machine.cpus} ({machine.sources['cpus']})")
    if torch.threads is None or torch.threads <= machine.cpus:
        return
    text = f"de lui-même, torch emploie {torch.threads} fils : plus que de cœurs accordés"
    if "OMP_NUM_THREADS" in probe.environ:
        advice = "Cela ralentit les calculs. Retirez la variable OMP_NUM_THREADS, qui l'impose."
        yield Finding("fils de calcul", Severity.WARNING, text, advice)
    else:
        advice = "labo.device(), au début d'un notebook, règle ce nombre."
        yield Finding("fils de calcul", Severity.NOTE, text, advice)


def memory(machine: Machine) -> Iterator[Finding]:
    if machine.memory is None:
        yield Finding(
            "mémoire",
            Severity.NOTE,
            "limite inconnue : ni Slurm ni le système ne la disent",
            "Ne vous fiez pas à la mémoire du nœud entier.",
        )
        return
    text = f"{in_gib(machine.memory)} ({machine.sources['memory']})"
    if machine.memory < _LITTLE_MEMORY:
        advice = "Restez au profil « small », fermez les autres notebooks, ou demandez 4 Gio."
        yield Finding("mémoire", Severity.WARNING, text, advice)
        return
    yield Finding("mémoire", Severity.OK, text)


def gpus(probe: Probe, machine: Machine, torch: Torch) -> Iterator[Finding]:
    if torch.gpus:
        failure = probe.failure("cuda")
        for gpu in torch.gpus:
            yield _visible_gpu(gpu, machine, torch, failure)
    elif torch.mps:
        yield _apple_gpu(probe.failure("mps"))
    elif torch.version is None:
        return
    elif machine.gpu_requested is False:
        yield Finding(
            "GPU",
            Severity.NOTE,
            "aucun GPU n'a été demandé pour cette session",
            "C'est suffisant. Pour en avoir un : arrêtez le serveur, et choisissez-en un dans le "
            "formulaire de démarrage.",
        )
    elif gpu_signs(probe) and torch.cuda is None:
        yield Finding(
            "GPU",
            Severity.WARNING,
            "un GPU est là, mais ce torch est une version CPU seule",
            "Installez une version CUDA de torch, ou choisissez le noyau du cours ; les "
            "laboratoires fonctionnent aussi sur le CPU.",
        )
    elif gpu_signs(probe):
        reason = torch.error or "torch n'en voit aucun"
        yield Finding(
            "GPU",
            Severity.WARNING,
            f"un GPU est là, mais ce torch ne peut pas s'en servir : {reason}",
            "Un pilote trop ancien pour cette version de CUDA en est la cause la plus fréquente. "
            "Signalez-le ; les laboratoires fonctionnent sur le CPU.",
        )
    elif machine.gpu_requested:
        yield Finding(
            "GPU",
            Severity.WARNING,
            "un GPU a été demandé, et aucun n'est visible",
            "Redémarrez la session ; si cela persiste, signalez le numéro de tâche.",
        )
    else:
        yield Finding("GPU", Severity.NOTE, "aucun : les calculs se feront sur le CPU")


def _visible_gpu(gpu: Gpu, machine: Machine, torch: Torch, failure: str | None) -> Finding:
    """Un GPU est utilisable si un calcul y a réussi, et alors seulement ; sinon, dit pourquoi."""
    part = f", tranche {machine.mig}" if machine.mig and "MIG" not in gpu.name else ""
    capability = ".".join(map(str, gpu.capability))
    text = (
        f"{gpu.name}{part}, {decimal(gpu.free / 2**30, 1)} Gio libres sur {in_gib(gpu.total)}, "
        f"capacité de calcul {capability}"
    )
    fallback = "labo.device() donne le CPU, où les laboratoires fonctionnent aussi."
    if failure is None and gpu.free < 0.25 * gpu.total:
        advice = "D'autres s'en servent : prenez des lots plus petits, ou le CPU."
        return Finding("GPU", Severity.WARNING, text, advice)
    if failure is None:
        return Finding("GPU", Severity.OK, text)
    if torch.architectures and not can_run(torch.architectures, gpu.capability):
        built = ", ".join(torch.architectures)
        text += f" : ce torch n'a pas été compilé pour lui ({built})"
        return Finding("GPU", Severity.WARNING, text, f"{fallback} Un autre torch l'emploierait.")
    return Finding(
        "GPU", Severity.WARNING, f"{text} : un petit calcul y échoue ({failure})", fallback
    )


def _apple_gpu(failure: str | None) -> Finding:
    if failure is None:
        return Finding("GPU", Severity.OK, "GPU Apple (mps)")
    text = f"GPU Apple (mps) : un petit calcul y échoue ({failure})"
    return Finding("GPU", Severity.WARNING, text, "labo.device() donne le CPU.")


def time(machine: Machine) -> Iterator[Finding]:
    if machine.job is None:
        return
    if machine.time_left is None:
        yield Finding(
            "temps", Severity.NOTE, "temps restant inconnu : ni Slurm ni squeue ne le disent"
        )
        return
    hours, minutes = divmod(int(machine.time_left) // 60, 60)
    text = f"il reste {hours} h {minutes:02d}"
    if machine.time_left < _LITTLE_TIME:
        yield Finding("temps", Severity.WARNING, text, "Enregistrez votre travail dès maintenant.")
        return
    yield Finding("temps", Severity.OK, text)


def disk(probe: Probe, machine: Machine) -> Iterator[Finding]:
    quota = _quota(probe.run("diskusage_report") or "")
    if quota:
        yield quota
        return
    home = probe.environ.get("HOME")
    if not home or not Path(home).exists():
        return
    free = shutil.disk_usage(home).free
    text = f"{decimal(free / _GB, 1)} Go libres dans {home}"
    if machine.kind not in (Kind.OWN, Kind.COLAB):
        text += ", partagés avec d'autres : votre quota, inconnu ici, peut être plus petit"
    if free < _LITTLE_DISK:
        advice = "Supprimez de vieux fichiers, ou vérifiez votre quota."
        yield Finding("disque", Severity.WARNING, text, advice)
        return
    yield Finding("disque", Severity.OK, text)


# A line of the Alliance's diskusage_report: used/limit, in space then in files.
_HOME_QUOTA = re.compile(
    r"^\s*/home \([^)]*\)\s+{0}\s*/\s*{0}\s+{0}\s*/\s*{0}\s*$".format(
        r"([\d.]+)\s*([KMGTP]?)(?:i?B)?"
    ),
    re.MULTILINE | re.IGNORECASE,
)


def _quota(report: str) -> Finding | None:
    """Le remplissage du dossier personnel, si `report` le donne."""
    found = _HOME_QUOTA.search(report)
    if not found:
        return None
    numbers = [
        float(number) * 1000 ** " KMGTP".index(prefix.upper() or " ")
        for number, prefix in zip(found.groups()[::2], found.groups()[1::2], strict=True)
    ]
    if not (numbers[1] and numbers[3]):
        return None  # no limit
    space, files = 100 * numbers[0] / numbers[1], 100 * numbers[2] / numbers[3]
    text = f"{space:.0f} % de l'espace et {files:.0f} % du nombre de fichiers du dossier personnel"
    if max(space, files) < _NEARLY_FULL:
        return Finding("quota", Severity.OK, text)
    advice = "Supprimez de vieux fichiers : une fois plein, plus rien ne s'enregistre."
    return Finding("quota", Severity.WARNING, text, advice)


def temporary(probe: Probe) -> Iterator[Finding]:
    temporary = probe.environ.get("SLURM_TMPDIR")
    if not temporary:
        return
    text = f"{temporary} est rapide, et effacé à la fin de la session"
    yield Finding("SLURM_TMPDIR", Severity.NOTE, text)
    if probe.environ.get("PIP_PREFIX", "").startswith(temporary):
        yield Finding(
            "PIP_PREFIX",
            Severity.WARNING,
            "pip installe dans SLURM_TMPDIR : cela disparaîtra avec la session",
            "Pour garder un paquet : env -u PIP_PREFIX pip install --user PAQUET",
        )


def data() -> Iterator[Finding]:
    for dataset in catalogue().values():
        paths = find(dataset)
        if paths:
            folder = next(iter(paths.values())).parent
            yield Finding("données", Severity.OK, f"{dataset.title} : {folder}")
        else:
            yield Finding(
                "données",
                Severity.NOTE,
                f"{dataset.title} : introuvable ici",
                f"« labo data download {dataset.name} » là où il y a Internet. "
                "Sans lui, des données livrées avec le cours en tiennent lieu.",
            )


def network(probe: Probe) -> Iterator[Finding]:
    if is_on("LABO_OFFLINE", probe.environ):
        yield Finding("réseau", Severity.NOTE, "interdit par LABO_OFFLINE")
    elif answers(catalogue()["mnist"].mirrors[0]):
        yield Finding("réseau", Severity.OK, "Internet répond")
    else:
        advice = (
            "C'est habituel sur un nœud de calcul. Les données, téléchargées ailleurs, se placent "
            f"dans {search_path()[-1]}."
        )
        yield Finding("réseau", Severity.NOTE, "pas d'accès à Internet", advice)


def contradictions(machine: Machine) -> Iterator[Finding]:
    for text in machine.conflicts:
        advice = "La plus petite valeur compte. Si la session se comporte mal, signalez-le."
        yield Finding("contradiction", Severity.WARNING, text, advice)
