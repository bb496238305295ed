"""Le point de reprise d'un entraînement."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import torch
from torch import Tensor

from labo.training.callbacks import BestKept, Recorder
from labo.training.torchvision_compat import ensure_torchvision

ensure_torchvision()  # before Poutyne, which imports torchvision

import poutyne  # noqa: E402
from poutyne import PeriodicSaveLambda  # noqa: E402

_FORMAT = 1  # of the file: another one when its content changes


@dataclass(frozen=True)
class TrainingRun:
    """Tout ce qu'il faut enregistrer entre deux époques pour que la suite soit la même."""

    fit: poutyne.Model
    recorder: Recorder
    stopper: BestKept | None
    loaders: list[Iterable | None]
    batch_size: int
    seed: int

    def settings(self) -> dict[str, Any]:
        """Les réglages, qui ne doivent pas changer d'une exécution à l'autre."""
        optimizer = self.fit.optimizer
        return {
            "optimizer": type(optimizer).__name__,
            "lr": [group["lr"] for group in optimizer.param_groups],
            "batch_size": self.batch_size,
            "seed": self.seed,
            "patience": self.stopper is not None,
        }

    def generators(self) -> list[torch.Generator]:
        found = [getattr(loader, "generator", None) for loader in self.loaders]
        return [generator for generator in found if generator is not None]

    def state_dict(self) -> dict[str, Any]:
        return {
            "weights": self.fit.get_weight_copies(),
            "optimizer": self.fit.optimizer.state_dict(),
            "epochs": self.recorder.epochs,
            "early_stopping": self.stopper.state_dict() if self.stopper else None,
            "device": self.fit.device.type,
            "random": _random_states(self.fit.device),
            "generators": [generator.get_state() for generator in self.generators()],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.fit.set_weights(state["weights"])
        self.fit.optimizer.load_state_dict(state["optimizer"])
        self.recorder.epochs[:] = state["epochs"]
        if self.stopper:
            self.stopper.load_state_dict(state["early_stopping"])
        if state["device"] != self.fit.device.type:
            return  # a generator's state has no meaning on another kind of device
        _set_random_states(self.fit.device, state["random"])
        for generator, saved in zip(self.generators(), state["generators"], strict=True):
            generator.set_state(saved)


def resumed(run: TrainingRun, folder: Path, verbose: bool) -> PeriodicSaveLambda:
    """Remet `run` dans l'état gardé dans `folder`, s'il y en a un ; le rappel l'y enregistre."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "checkpoint.pt"
    settings = run.settings()
    if path.exists():
        _load(run, path, settings)
        if verbose:
            print(f"Reprise après l'époque {len(run.recorder.epochs)} ({path}).")

    def save(file: IO[bytes], epoch_number: int, logs: dict) -> None:
        torch.save({"format": _FORMAT, "settings": settings, **run.state_dict()}, file)

    # Poutyne writes atomically, at each epoch, to a path that it formats.
    return PeriodicSaveLambda(save, str(path).replace("{", "{{").replace("}", "}}"))


def _load(run: TrainingRun, path: Path, settings: dict[str, Any]) -> None:
    advice = f"Pour recommencer du début, supprimez {path} ou choisissez un autre dossier."
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        saved = state["settings"]
    except Exception as error:  # torch raises many kinds for a damaged file
        raise ValueError(f"Le point de reprise {path} est illisible. {advice}") from error
    if state.get("format") != _FORMAT:
        raise ValueError(
            f"Le point de reprise {path} vient d'une autre version de labo, qui en a changé le "
            f"contenu. {advice}"
        )
    changed = [name for name in settings if settings[name] != saved[name]]
    if changed:
        raise ValueError(
            f"Le point de reprise {path} vient d'un entraînement dont les réglages étaient autres "
            f"({', '.join(changed)}). {advice}"
        )
    try:
        run.load_state_dict(state)
    except (RuntimeError, ValueError) as error:
        raise ValueError(
            f"Le point de reprise {path} vient d'un autre modèle ou d'autres données. {advice}"
        ) from error


def _random_states(device: torch.device) -> list[Tensor]:
    # Dropout draws from these.
    states = [torch.get_rng_state()]
    if device.type != "cpu":
        states.append(torch.get_device_module(device).get_rng_state())
    return states


def _set_random_states(device: torch.device, states: list[Tensor]) -> None:
    torch.set_rng_state(states[0])
    if device.type != "cpu":
        torch.get_device_module(device).set_rng_state(states[1])
