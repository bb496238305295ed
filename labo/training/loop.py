"""Entraîner et évaluer un modèle, sur Poutyne."""

import itertools
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim import Optimizer

from labo.data.loader import BatchLoader
from labo.french import did_you_mean
from labo.training import mistakes
from labo.training.callbacks import BestKept, DivergenceGuard, Recorder, progress
from labo.training.checkpoint import TrainingRun, resumed
from labo.training.history import History
from labo.training.mistakes import Batches, SizedBatches
from labo.training.torchvision_compat import ensure_torchvision

ensure_torchvision()  # before Poutyne, which imports torchvision

import poutyne  # noqa: E402
from poutyne import Metric  # noqa: E402

Data = tuple[Tensor, Tensor] | Iterable[tuple[Tensor, Tensor]]
Loss = str | Callable[[Tensor, Tensor], Tensor]
Measure = str | Callable[[Tensor, Tensor], Tensor]

_EVALUATION_BATCH = 1024
_OPTIMIZERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}


def train(
    model: nn.Module,
    train: Data,
    valid: Data | None = None,
    *,
    epochs: int = 5,
    lr: float = 0.1,
    optimizer: str | Optimizer | Callable[[list[nn.Parameter]], Optimizer] = "sgd",
    loss: Loss = "cross_entropy",
    batch_size: int = 64,
    metrics: Sequence[Measure] = ("accuracy",),
    seed: int = 0,
    device: torch.device | str | None = None,
    checkpoint: Path | str | None = None,
    patience: int | None = None,
    min_delta: float = 0.0,
    verbose: bool = True,
) -> History:
    """Entraîne `model`, sur place, et renvoie l'historique de ses mesures.

        history = labo.train(model, (train_input, train_target), (valid_input, valid_target))

    Args :
        model : le réseau ; il reçoit un lot N × … et donne, pour un classifieur, des scores N × K.
        train, valid : un couple de tenseurs `(input, target)`, ou un chargeur qui donne des lots
            `(x, y)` (`labo.BatchLoader`, `DataLoader`).
        epochs : nombre total d'époques.
        lr : taux d'apprentissage des optimiseurs donnés par leur nom.
        optimizer : "sgd", "adam", un optimiseur de `torch.optim` déjà construit sur les paramètres
            de `model`, ou une fonction qui en construit un à partir des paramètres, par exemple
            `lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)`.
        loss : nom d'une fonction de `torch.nn.functional`, ou une fonction `(output, target)` qui
            donne la perte moyenne d'un lot (un scalaire).
        batch_size : taille des lots d'entraînement, si `train` est un couple de tenseurs.
        metrics : "accuracy" (pourcentage de bonnes réponses) ou des fonctions comme `loss`, nommées
            par leur `__name__`.
        seed : fixe l'ordre des exemples, si `train` est un couple de tenseurs. Ne fixe ni les
            poids initiaux, tirés à la construction du modèle, ni le dropout, qui suivent
            `torch.manual_seed` ; l'état aléatoire global n'est pas modifié.
        device : où entraîner ; le modèle y est déplacé. Par défaut, là où le modèle se trouve.
        checkpoint : dossier du point de reprise, écrit à chaque époque. S'il existe, l'entraînement
            reprend à l'époque suivante et finit, sur un même type d'appareil, avec exactement les
            poids d'un entraînement ininterrompu (l'état aléatoire global de torch est alors
            rétabli lui aussi). Seuls les ordres tirés d'un générateur propre au chargeur ou du
            générateur global de torch sont repris.
        patience, min_delta : arrêt précoce après `patience` époques consécutives sans que la perte
            de validation ne baisse de plus de `min_delta`. Le modèle retrouve à la fin les poids
            de la dernière époque qui avait fait mieux.
        verbose : afficher une ligne par époque, et dans un notebook une barre de progression.

    Une interruption (■ dans Jupyter, Ctrl-C ailleurs) arrête l'entraînement et renvoie
    l'historique des époques terminées ; le modèle garde ses poids du moment. Une perte infinie ou
    indéfinie arrête l'entraînement à la fin de l'époque, avec un avertissement.
    """
    device = _device(model, device)
    train_loader = _loader(train, batch_size, device, epochs, shuffle=True, seed=seed)
    valid_loader = None if valid is None else _loader(valid, _EVALUATION_BATCH, device, epochs)
    fit = poutyne.Model(
        model,
        _optimizer(optimizer, model, lr),
        _Mean(_loss_function(loss)),
        epoch_metrics=_epoch_metrics(metrics),
        device=device,
    )
    recorder, guard = Recorder(), DivergenceGuard()
    stopper = _stopper(patience, min_delta, valid)
    callbacks = [recorder, guard, *([stopper] if stopper else [])]
    if checkpoint is not None:
        run = TrainingRun(fit, recorder, stopper, [train_loader, valid_loader], batch_size, seed)
        callbacks.append(resumed(run, Path(checkpoint).expanduser(), verbose))
    if verbose:
        callbacks.append(progress())
    finished = stopper is not None and stopper.stopped
    interrupted = False
    with _modes_kept(model), mistakes.explained():
        try:
            fit.fit_generator(
                train_loader,
                valid_loader,
                initial_epoch=epochs + 1 if finished else len(recorder.epochs) + 1,
                epochs=epochs,
                callbacks=callbacks,
                verbose=False,
            )
        except KeyboardInterrupt:
            interrupted = True
    history = History(recorder.epochs, stopper is not None and stopper.stopped, interrupted)
    _report(history, guard, stopper, verbose)
    return history


def evaluate(
    model: nn.Module,
    data: Data,
    *,
    loss: Loss = "cross_entropy",
    batch_size: int = _EVALUATION_BATCH,
    metrics: Sequence[Measure] = ("accuracy",),
    device: torch.device | str | None = None,
) -> dict[str, float]:
    """Mesure `model` sur `data`, en mode évaluation et sans gradients.

    Args : voir `labo.train`.

    Renvoie :
        `{"loss": perte moyenne par exemple, "accuracy": pourcentage de bonnes réponses}`. Les
        modes (`train()`, `eval()`) du modèle et de ses couches sont laissés comme trouvés.
    """
    device = _device(model, device)
    measure = poutyne.Model(
        model,
        None,
        _Mean(_loss_function(loss)),
        epoch_metrics=_epoch_metrics(metrics),
        device=device,
    )
    with _modes_kept(model):
        logs = measure.evaluate_generator(
            _loader(data, batch_size, device), return_dict_format=True, verbose=False
        )
    return {key.removeprefix("test_"): float(logs[key]) for key in logs if key != "time"}


# ---- What Poutyne is given


class _Mean(Metric):
    """La moyenne sur les exemples d'une fonction qui donne la moyenne sur un lot.

    Poutyne rapporte à Python la valeur de chaque lot ; ici, les valeurs restent sur leur appareil
    jusqu'à la fin de l'époque. Sert de perte (`forward`) et de métrique (`update`).
    """

    def __init__(self, function: Callable[[Tensor, Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function
        self.reset()

    def reset(self) -> None:
        self.values: list[Tensor] = []
        self.sizes: list[int] = []

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        mistakes.check_shapes(output, target)
        mistakes.check_classes(self.function, output, target)
        value = torch.as_tensor(self.function(output, target))
        if value.dim() != 0:
            raise ValueError(
                "Une perte ou une métrique doit donner un seul nombre par lot, la moyenne sur ses "
                f"exemples ; celle-ci a donné un tenseur de forme {tuple(value.shape)}."
            )
        self.values.append(value.detach())
        self.sizes.append(len(target))
        return value

    def update(self, output: Tensor, target: Tensor) -> None:
        self.forward(output, target)

    def compute(self) -> Tensor:
        mistakes.check_measured(self.sizes)
        values = torch.stack(self.values).cpu().double()
        sizes = torch.tensor(self.sizes, dtype=torch.float64)
        return (values * sizes).sum() / sizes.sum()


def _accuracy(output: Tensor, target: Tensor) -> Tensor:
    mistakes.check_scores(output)
    if target.dim() == output.dim():  # one-hot targets
        target = target.argmax(1)
    return 100 * (output.argmax(1) == target).float().mean()


def _epoch_metrics(metrics: Sequence[Measure]) -> list[tuple[str, _Mean]]:
    if isinstance(metrics, str):
        metrics = (metrics,)
    return [_named_metric(metric) for metric in metrics]


def _named_metric(metric: Measure) -> tuple[str, _Mean]:
    if metric == "accuracy":
        return "accuracy", _Mean(_accuracy)
    mistakes.check_metric(metric)
    if not callable(metric):
        raise ValueError(f"Métrique inconnue : {metric!r}. Donnez « accuracy » ou une fonction.")
    return getattr(metric, "__name__", type(metric).__name__), _Mean(metric)


def _loss_function(loss: Loss) -> Callable[[Tensor, Tensor], Tensor]:
    mistakes.check_instance(loss)
    function = getattr(F, loss, None) if isinstance(loss, str) else loss
    if not callable(function):
        raise ValueError(
            f"Perte inconnue : {loss!r}. {did_you_mean(str(loss), vars(F))} Donnez une fonction, "
            "ou le nom d'une fonction de torch.nn.functional, comme « cross_entropy »."
        )
    return function


def _optimizer(
    optimizer: str | Optimizer | Callable[[list[nn.Parameter]], Optimizer],
    model: nn.Module,
    lr: float,
) -> Optimizer:
    parameters = [p for p in model.parameters() if p.requires_grad]
    if not parameters:
        raise ValueError(
            "Ce modèle n'a aucun paramètre à apprendre. Ses poids sont-ils des nn.Parameter (ou "
            "ceux de couches comme nn.Linear), avec requires_grad=True ?"
        )
    if isinstance(optimizer, str):
        if optimizer not in _OPTIMIZERS:
            names = " ou ".join(f"« {name} »" for name in _OPTIMIZERS)
            raise ValueError(f"Optimiseur inconnu : « {optimizer} ». Donnez {names}.")
        return _OPTIMIZERS[optimizer](parameters, lr=lr)
    if not isinstance(optimizer, Optimizer):
        optimizer = optimizer(parameters)
    known = set(model.parameters())
    if any(p not in known for group in optimizer.param_groups for p in group["params"]):
        raise ValueError(
            "L'optimiseur porte sur des paramètres qui ne sont pas ceux de ce modèle. A-t-il été "
            "construit avant que le modèle ne soit recréé ?"
        )
    return optimizer


def _device(model: nn.Module, device: torch.device | str | None) -> torch.device:
    mistakes.check_model(model)
    if device is not None:
        return torch.device(device)
    tensors = itertools.chain(model.parameters(), model.buffers())
    return next((tensor.device for tensor in tensors), torch.device("cpu"))


def _loader(
    data: Data,
    batch_size: int,
    device: torch.device,
    epochs: int = 1,
    *,
    shuffle: bool = False,
    seed: int = 0,
) -> Iterable[tuple[Tensor, Tensor]]:
    if isinstance(data, (tuple, list)):
        if len(data) != 2:
            raise ValueError(f"Attendu un couple (input, target), reçu {len(data)} éléments.")
        input, target = map(torch.as_tensor, data)
        return BatchLoader(input, target, batch_size, shuffle=shuffle, seed=seed, device=device)
    if not hasattr(data, "__iter__") or isinstance(data, Tensor):
        raise TypeError(
            "Les données sont un couple (input, target) ou un chargeur de lots ; reçu un objet "
            f"de type {type(data).__name__}."
        )
    return (SizedBatches if hasattr(data, "__len__") else Batches)(data, epochs)


@contextmanager
def _modes_kept(model: nn.Module) -> Iterator[None]:
    # Poutyne restores the mode of the whole network, not of each layer, and not after an error.
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, mode in modes:
            module.training = mode


def _stopper(patience: int | None, min_delta: float, valid: Data | None) -> BestKept | None:
    if patience is None:
        return None
    if patience < 1:
        raise ValueError(f"patience doit valoir au moins 1 époque, et vaut {patience}.")
    if valid is None:
        raise ValueError(
            "L'arrêt précoce (patience) surveille la perte de validation : donnez aussi `valid`."
        )
    return BestKept(patience, min_delta)


def _report(
    history: History, guard: DivergenceGuard, stopper: BestKept | None, verbose: bool
) -> None:
    if guard.diverged_at is not None:
        warnings.warn(
            f"La perte{guard.of_what} est devenue infinie ou indéfinie (NaN) à l'époque "
            f"{guard.diverged_at} : l'entraînement a divergé et s'arrête. Le taux d'apprentissage "
            "est probablement trop grand : recréez le modèle et essayez lr dix fois plus petit. "
            "Sinon, vérifiez que les données ne contiennent pas de NaN.",
            RuntimeWarning,
            stacklevel=3,
        )
    if not verbose:
        return
    if history.interrupted:
        print(f"Entraînement interrompu. Époques terminées : {len(history)}.")
    if stopper and history.stopped_early:
        print(
            f"Arrêt précoce après l'époque {len(history)} : le modèle retrouve ses poids de "
            f"l'époque {stopper.best_epoch}, la meilleure en validation."
        )
