"""Les erreurs courantes de qui entraîne un modèle, dites en français avant qu'elles ne coûtent."""

from collections.abc import Iterable, Iterator, Sequence, Sized
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def check_instance(loss: object) -> None:
    """Refuse une classe de perte donnée sans parenthèses."""
    if isinstance(loss, type) and issubclass(loss, nn.Module):
        raise TypeError(
            f"La perte {loss.__name__} est une classe : construisez-la, avec des parenthèses, "
            f"loss=nn.{loss.__name__}()."
        )


def check_metric(metric: object) -> None:
    """Refuse une classe de mesure donnée sans parenthèses."""
    if isinstance(metric, type):
        raise TypeError(
            f"La mesure {metric.__name__} est une classe : construisez-la, avec des parenthèses, "
            f"metrics=[{metric.__name__}()]."
        )


def check_model(model: object) -> None:
    """Refuse la classe d'un réseau donnée sans parenthèses."""
    if isinstance(model, type):
        raise TypeError(
            f"{model.__name__} est une classe : construisez le modèle, avec des parenthèses, "
            f"model = {model.__name__}(…)."
        )


def check_classes(function: object, output: Tensor, target: Tensor) -> None:
    """Refuse l'entropie croisée d'une seule colonne, qui vaut 0 quoi que fasse le modèle."""
    is_named = function in (F.cross_entropy, F.nll_loss)
    if not (is_named or isinstance(function, nn.CrossEntropyLoss | nn.NLLLoss)):
        return
    if output.dim() == 2 and output.shape[1] == 1 and not target.is_floating_point():
        raise ValueError(
            f"La sortie du modèle est de forme {tuple(output.shape)} : l'entropie croisée compare "
            "les scores de plusieurs classes, et vaut toujours 0 pour une seule. Donnez deux "
            'sorties au modèle, ou loss="binary_cross_entropy_with_logits" et des cibles de même '
            "forme en float32."
        )


def check_measured(sizes: Sequence[int]) -> None:
    """Refuse une lecture qui n'a donné aucun lot."""
    if not sizes:
        raise ValueError(
            "Ces données n'ont donné aucun lot : elles sont vides, ou sont un générateur déjà lu. "
            "Donnez un chargeur (labo.BatchLoader, DataLoader)."
        )


def check_shapes(output: Tensor, target: Tensor) -> None:
    """Refuse N × 1 contre N, que torch étendrait en N × N sans rien dire."""
    if not (torch.is_tensor(output) and torch.is_tensor(target) and target.is_floating_point()):
        return
    if output.shape != target.shape and output.numel() == target.numel():
        raise ValueError(
            f"La sortie du modèle est de forme {tuple(output.shape)}, et la cible de forme "
            f"{tuple(target.shape)} : donnez-leur la même, par exemple target.reshape(-1, 1)."
        )


def check_scores(output: Tensor) -> None:
    """Refuse l'exactitude d'un modèle qui n'a qu'une sortie, toujours la plus grande."""
    if output.dim() < 2 or output.shape[1] < 2:
        raise ValueError(
            f"La sortie du modèle est de forme {tuple(output.shape)} : « accuracy » compare les "
            "scores de plusieurs classes. Pour une classe ou une régression, donnez votre propre "
            "mesure, par exemple metrics=[exactitude_binaire], ou aucune : metrics=()."
        )


class Batches:
    """Un chargeur donné par l'utilisateur, dont chaque lot est un couple `(x, y)`.

    Args :
        epochs : le nombre de lectures que l'on en fera.
    """

    def __init__(self, data: Iterable[Any], epochs: int) -> None:
        if epochs > 1 and iter(data) is data:
            raise ValueError(
                "Ces données sont un générateur, qui ne se lit qu'une fois : donnez un chargeur "
                "(labo.BatchLoader, DataLoader)."
            )
        self.data = data
        self.generator = getattr(data, "generator", None)

    def __iter__(self) -> Iterator[Any]:
        for batch in self.data:
            if not isinstance(batch, (tuple, list)) or len(batch) != 2:
                raise TypeError(
                    f"Un lot doit être un couple (x, y) ; celui-ci est {_described(batch)}. "
                    "Écrivez un chargeur qui donne des couples."
                )
            yield batch


class SizedBatches(Batches):
    """De même, pour un chargeur qui connaît son nombre de lots."""

    data: Sized  # type: ignore[assignment]

    def __len__(self) -> int:
        return len(self.data)


def _described(batch: object) -> str:
    if isinstance(batch, dict):
        return f"un dictionnaire ({', '.join(map(str, batch))})"
    size = f" de {len(batch)} éléments" if isinstance(batch, (tuple, list)) else ""
    return f"de type {type(batch).__name__}{size}"


@contextmanager
def explained() -> Iterator[None]:
    """Traduit l'erreur d'une normalisation par lot devant un lot d'un seul exemple."""
    try:
        yield
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        raise ValueError(
            "Un lot n'a qu'un exemple, et une couche BatchNorm n'en tire pas d'écart-type : "
            "changez batch_size, ou laissez de côté le dernier lot (drop_last=True)."
        ) from error
