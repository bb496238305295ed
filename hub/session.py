"""The form of a session on Slurm, and what it may ask for. French: students read it.

The same checks hold for the form and for JupyterHub's API, where anything can be asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from html import escape
from typing import Any

_RESERVATION = re.compile(r"[A-Za-z0-9][\w.+-]{0,63}", re.ASCII)


@dataclass(frozen=True)
class Limits:
    """What students of this course may ask for; the first GPU is chosen at first."""

    hours: float = 5
    cpus: int = 4
    memory_mb: int = 16_000
    gpus: tuple[tuple[str, str], ...] = (("", "Aucun"),)
    """Pairs of what `sbatch --gres` takes and what students read."""


@dataclass(frozen=True)
class Session:
    """What one session asks of Slurm. The defaults are a course hub's usual ones."""

    hours: float = 3
    cpus: int = 1
    memory_mb: int = 2_048
    gpu: str = ""
    reservation: str = ""


def checked(asked: Mapping[str, Any], limits: Limits) -> dict[str, Any]:
    """What was asked for, and nothing else.

    Raises:
        ValueError: it is not allowed; the message is for the student.
    """
    known = asdict(Session())
    if unknown := set(asked) - set(known):
        raise ValueError(f"Option inconnue : {', '.join(sorted(unknown))}.")
    asked = known | dict(asked)
    session = Session(
        hours=_number(asked["hours"], "Le temps, en heures,", 0.1, limits.hours),
        cpus=int(_number(asked["cpus"], "Le nombre de cœurs", 1, limits.cpus)),
        memory_mb=int(_number(asked["memory_mb"], "La mémoire, en Mo,", 1024, limits.memory_mb)),
        gpu=str(asked["gpu"]),
        reservation=str(asked["reservation"]).strip(),
    )
    if session.gpu not in dict(limits.gpus):
        raise ValueError("Ce GPU n'est pas dans la liste : choisissez-en un qui y est.")
    if session.reservation and not _RESERVATION.fullmatch(session.reservation):
        raise ValueError("Ce nom de réservation n'en est pas un : recopiez celui du cours.")
    return asdict(session)


def _number(value: Any, what: str, least: float, most: float) -> float:
    """A number within bounds; nothing that is not finite passes the comparison."""
    try:
        number = float(str(value).replace(",", "."))
    except ValueError:
        raise ValueError(f"{what} doit être un nombre.") from None
    if not least <= number <= most:
        low, high = (f"{bound:g}".replace(".", ",") for bound in (least, most))
        raise ValueError(f"{what} doit être entre {low} et {high}.")
    return number


def from_form(fields: Mapping[str, list[str]], limits: Limits) -> dict[str, Any]:
    """What the form of `form` has sent."""
    return checked({name: values[0] for name, values in fields.items() if name[0] != "_"}, limits)


def form(limits: Limits) -> str:
    """The form, in HTML; the page around it holds the button."""
    usual = Session()
    choices = "".join(
        f'<option value="{escape(gres)}">{escape(label)}</option>' for gres, label in limits.gpus
    )
    return "\n".join(
        [
            _input("hours", "Temps (heures)", usual.hours, 0.5, limits.hours, 0.5),
            _input("cpus", "Nombre de cœurs", usual.cpus, 1, limits.cpus, 1),
            _input("memory_mb", "Mémoire (Mo)", usual.memory_mb, 1024, limits.memory_mb, 256),
            _field(
                "gpu", "GPU", f'<select class="form-select" id="gpu" name="gpu">{choices}</select>'
            ),
            _field(
                "reservation",
                "Réservation",
                '<input class="form-control" id="reservation" name="reservation" maxlength="64"'
                ' placeholder="aucune">',
            ),
            "<p>À la fin de ce temps, la session s'arrête, et ce qui n'est pas enregistré est"
            " perdu. Demandez peu : elle démarre plus tôt. Les laboratoires se font sans GPU.</p>",
        ]
    )


def _input(name: str, label: str, value: float, least: float, most: float, step: float) -> str:
    box = (
        f'<input class="form-control" type="number" id="{name}" name="{name}" value="{value:g}"'
        f' min="{least:g}" max="{most:g}" step="{step:g}" required>'
    )
    return _field(name, label, box)


def _field(name: str, label: str, box: str) -> str:
    return f'<div class="form-group mb-3"><label for="{name}">{label}</label>{box}</div>'
