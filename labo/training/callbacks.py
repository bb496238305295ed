"""Le suivi d'un entraînement : mesures, divergence, arrêt précoce, affichage."""

import math
import time
from typing import Any

from torch import Tensor

from labo.french import measure_name, measure_value
from labo.training.torchvision_compat import ensure_torchvision

ensure_torchvision()  # before Poutyne, which imports torchvision

import poutyne  # noqa: E402
from poutyne import Callback, EarlyStopping  # noqa: E402

_BAR_WIDTH = 24
_BAR_PERIOD = 0.2  # seconds between two drawings: each one is a message to the browser


class Recorder(Callback):
    """Garde les époques terminées, même celles d'un entraînement interrompu."""

    def __init__(self) -> None:
        super().__init__()
        self.epochs: list[dict[str, float]] = []

    def on_epoch_end(self, epoch_number: int, logs: dict) -> None:
        measures = {key: float(logs[key]) for key in logs if key not in ("epoch", "time")}
        self.epochs.append({"epoch": epoch_number, **measures, "time": logs["time"]})


class DivergenceGuard(Callback):
    """Arrête un entraînement dont la perte n'est plus un nombre fini."""

    epoch = 0
    diverged_at: int | None = None
    of_what = ""
    """La perte en cause : celle d'entraînement, ou « de validation »."""

    def on_epoch_begin(self, epoch_number: int, logs: dict) -> None:
        self.epoch = epoch_number

    def on_train_batch_end(self, batch_number: int, logs: dict) -> None:
        self._look_at(logs["loss"], "")

    def on_epoch_end(self, epoch_number: int, logs: dict) -> None:
        self._look_at(logs.get("val_loss", 0.0), " de validation")

    def _look_at(self, loss: float, of_what: str) -> None:
        if self.diverged_at is None and not math.isfinite(loss):
            self.diverged_at, self.of_what = self.epoch, of_what
            self.model.stop_training = True


class BestKept(EarlyStopping):
    """L'arrêt précoce de Poutyne, qui peut être repris et rend les meilleurs poids."""

    def __init__(self, patience: int, min_delta: float) -> None:
        super().__init__(monitor="val_loss", patience=patience, min_delta=min_delta)
        super().on_train_begin({})
        self.best_weights: dict[str, Tensor] | None = None
        self.best_epoch = 0

    @property
    def stopped(self) -> bool:
        return self.wait >= self.patience

    def on_train_begin(self, logs: dict) -> None:
        pass  # keep the state that a checkpoint gave

    def on_epoch_end(self, epoch_number: int, logs: dict) -> None:
        super().on_epoch_end(epoch_number, logs)
        if self.wait == 0:
            self.best_epoch, self.best_weights = epoch_number, self.model.get_weight_copies()

    def on_train_end(self, logs: dict) -> None:
        if self.best_weights is not None:
            self.model.set_weights(self.best_weights)

    def state_dict(self) -> dict[str, Any]:
        return {
            "wait": self.wait,
            "best": self.best,
            "best_epoch": self.best_epoch,
            "best_weights": self.best_weights,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


class _EpochLines(Callback):
    """Une ligne par époque terminée, pour un terminal ou un journal."""

    def on_epoch_end(self, epoch_number: int, logs: dict) -> None:
        print(_epoch_line(logs, self.params["epochs"]), flush=True)


class _NotebookBar(Callback):
    """Les mêmes lignes, et une barre en dessous, dans une seule sortie redessinée."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.next_drawing = 0.0

    def on_train_begin(self, logs: dict) -> None:
        from IPython.display import display  # only there in a notebook

        self.handle = display({"text/plain": ""}, raw=True, display_id=True)

    def on_epoch_begin(self, epoch_number: int, logs: dict) -> None:
        self.epoch = epoch_number

    def on_train_batch_end(self, batch_number: int, logs: dict) -> None:
        now = time.monotonic()
        if now < self.next_drawing:
            return
        self.next_drawing = now + _BAR_PERIOD
        head = f"époque {self.epoch}/{self.params['epochs']}"
        self._draw(f"{head}  {_bar(batch_number, self.params['steps'])}  {_measures(logs, '')}")

    def on_epoch_end(self, epoch_number: int, logs: dict) -> None:
        self.lines.append(_epoch_line(logs, self.params["epochs"]))
        self._draw()

    def _draw(self, *bar: str) -> None:
        self.handle.update({"text/plain": "\n".join([*self.lines, *bar])}, raw=True)


def progress() -> Callback:
    return _NotebookBar() if poutyne.is_in_jupyter_notebook() else _EpochLines()


def _bar(step: int, steps: int | None) -> str:
    if steps is None:
        return f"lot {step}"
    done = _BAR_WIDTH * step // steps
    return "━" * done + "─" * (_BAR_WIDTH - done) + f" {100 * step // steps:3d}\u00a0%"


def _epoch_line(logs: dict, epochs: int) -> str:
    parts = [f"époque {logs['epoch']}/{epochs}", _measures(logs, "")]
    if "val_loss" in logs:
        parts.append("validation\u00a0: " + _measures(logs, "val_"))
    return "  ".join([*parts, measure_value("time", logs["time"])])


def _measures(logs: dict, prefix: str) -> str:
    keys = [key for key in logs if key not in ("epoch", "time", "batch", "size")]
    keys = [key for key in keys if key.startswith("val_") == bool(prefix)]
    return "  ".join(f"{measure_name(key)} {measure_value(key, logs[key])}" for key in keys)
