"""Les figures des laboratoires : images, courbes, confusions, prédictions et gabarits.

Chaque fonction accepte des tenseurs du CPU ou du GPU, avec ou sans gradient, et renvoie la figure
matplotlib. En dernière ligne d'une cellule de notebook, la figure s'affiche une fois ; ailleurs,
`display(figure)` l'affiche et `figure.savefig("figure.png")` l'enregistre.
"""

from collections.abc import Mapping, Sequence
from itertools import cycle
from math import prod

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from labo.drawing import (
    COLOURS,
    draw_coloured_templates,
    draw_confusion,
    draw_probabilities,
    draw_run,
    draw_signed_templates,
    dress_curves,
    grid,
    show,
    styled,
)
from labo.french import decimal
from labo.training.history import History


@styled
def plot_images(
    images: Tensor, titles: Sequence | None = None, columns: int = 8, size: float = 1.1
) -> Figure:
    """Montre des images en grille.

    Args :
        images : N × C × H × W avec C valant 1 (niveaux de gris) ou 3 (couleurs), ou N × H × W. Des
            valeurs hors de [0, 1] (pixels de 0 à 255, images normalisées) sont ramenées dans
            [0, 1], avec la même échelle pour toutes les images.
        titles : une étiquette par image.
        columns : nombre d'images par ligne.
        size : côté d'une image, en pouces.

    Erreurs :
        ValueError si la forme des images ou le nombre d'étiquettes ne convient pas.
    """
    pictures = _pictures(images)
    if titles is not None:
        _check_length("titles", titles, len(pictures))
    figure, cells = grid(len(pictures), columns, size, size + (0.2 if titles is not None else 0))
    for i, (cell, picture) in enumerate(zip(cells, pictures, strict=True)):
        show(cell, picture)
        if titles is not None:
            cell.set_title(_text(titles[i]), fontsize=9, pad=3)
    return figure


@styled
def plot_history(history: History | Mapping[str, History], size: float = 3.0) -> Figure:
    """Trace les courbes d'un entraînement, ou en compare plusieurs.

    Un panneau par mesure : la perte, l'exactitude en %, puis les autres s'il y en a.

    Args :
        history : ce que renvoie `labo.train`, ou un dictionnaire `{nom: historique}`. Comparés, les
            entraînements ont chacun leur couleur, l'entraînement en tirets et la validation en
            trait plein.
        size : hauteur de la figure, en pouces.

    Erreurs :
        ValueError si aucune époque n'est terminée.
    """
    runs = dict(history) if isinstance(history, Mapping) else {"": history}
    runs = {name: run for name, run in runs.items() if len(run)}
    if not runs:
        raise ValueError("Rien à tracer : aucune époque n'est terminée.")
    measured = dict.fromkeys(key for run in runs.values() for key in run.epochs[0])  # in order
    keys = [k for k in measured if k not in ("epoch", "time") and not k.startswith("val_")]
    figure, panels = grid(len(keys), len(keys), 1.4 * size, size)
    figure.set_layout_engine("constrained", wspace=0.06)
    for panel, key in zip(panels, keys, strict=True):
        for colour, (name, run) in zip(cycle(COLOURS), runs.items(), strict=False):
            draw_run(panel, run, key, name, colour)
        dress_curves(panel, key)
    if isinstance(history, Mapping):  # beside the panels: several runs leave no room in them
        title = "tirets : entraînement" if "val_loss" in measured else None
        handles, names = panels[-1].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside right center", title=title)
    else:
        panels[-1].legend()
    return figure


@styled
def plot_confusion(
    targets: Tensor, predictions: Tensor, classes: Sequence[str] | None = None
) -> Figure:
    """Montre la matrice de confusion : combien d'exemples de chaque classe ont reçu chaque réponse.

    La couleur suit la proportion dans la ligne. Les erreurs, en orange, ont leur propre échelle,
    pour que les confusions les plus fréquentes ressortent.

    Args :
        targets : les N classes réelles.
        predictions : les N classes prédites, ou les scores N × K.
        classes : les noms des classes ; par défaut leurs numéros.

    Erreurs :
        ValueError si les longueurs diffèrent ou si une classe n'a pas de nom.
    """
    targets, predictions = _labels(targets), _labels(predictions)
    _check_length("predictions", predictions, len(targets))
    names = _class_names(classes, torch.cat([targets, predictions]))
    n = len(names)
    counts = torch.bincount(targets * n + predictions, minlength=n * n).view(n, n)
    rates = counts / counts.sum(1, keepdim=True).clamp(min=1)
    side = max(3.0, 0.42 * n + 1.0)
    figure, (panel,) = grid(1, 1, side, side)
    draw_confusion(panel, counts, rates)
    panel.set_xticks(range(n), names, rotation=90 if max(map(len, names)) > 3 else 0)
    panel.set_yticks(range(n), names)
    accuracy = decimal(100 * float((targets == predictions).float().mean()), 1)
    panel.set(xlabel="classe prédite", ylabel="classe réelle")
    panel.set_title(f"exactitude : {accuracy} % de {len(targets)} exemples", fontsize=10)
    panel.tick_params(length=0)
    panel.spines[:].set_visible(False)
    return figure


@styled
def plot_predictions(
    images: Tensor,
    targets: Tensor,
    logits: Tensor,
    classes: Sequence[str] | None = None,
    *,
    worst: bool = True,
    count: int = 8,
    columns: int = 4,
) -> Figure:
    """Montre les pires, ou les meilleures, prédictions et leurs plus grandes probabilités.

    Les exemples sont rangés selon la probabilité que le modèle donne à la bonne réponse (en bleu) :
    de la plus petite à la plus grande si `worst`, en sens inverse sinon.

    Args :
        images : N × C × H × W ou N × H × W (voir `plot_images`).
        targets : les N classes réelles.
        logits : les scores N × K, avant softmax.
        classes : les noms des classes ; par défaut leurs numéros.
        worst : les pires si vrai, les meilleures sinon.
        count, columns : nombre d'exemples, au total et par ligne.

    Erreurs :
        ValueError si les formes ne concordent pas.
    """
    targets, logits = _labels(targets), logits.detach().float().cpu()
    if logits.dim() != 2:
        raise ValueError(f"logits doit être de forme (N, K), et a la forme {tuple(logits.shape)}.")
    _check_length("targets", targets, len(images))
    _check_length("logits", logits, len(images))
    probabilities = logits.softmax(1)
    names = _class_names(classes, torch.tensor([logits.shape[1] - 1]))
    certainty = probabilities[torch.arange(len(targets)), targets]
    chosen = certainty.argsort(descending=not worst)[:count]
    pictures = _pictures(images[chosen.to(images.device)])
    figure, cells = grid(len(chosen), columns, 2.5, 1.3)
    for cell, picture, i in zip(cells, pictures, chosen.tolist(), strict=True):
        show(cell.inset_axes((0.02, 0, 0.42, 0.82)), picture)
        bars = cell.inset_axes((0.46, 0, 0.5, 0.82))
        draw_probabilities(bars, probabilities[i], int(targets[i]), names)
        truth = f"vrai : {names[targets[i]]} ({decimal(100 * float(certainty[i]), 1)} %)"
        cell.text(0.02, 0.86, truth)
        cell.axis("off")
    which = "les moins" if worst else "les plus"
    figure.suptitle(f"Les réponses {which} justes, et leurs probabilités", fontsize=10)
    return figure


@styled
def plot_templates(
    weight: Tensor,
    shape: tuple[int, int, int] = (1, 28, 28),
    classes: Sequence[str] | None = None,
    columns: int = 5,
    size: float = 1.4,
) -> Figure:
    """Montre chaque ligne des poids d'une couche linéaire comme une image, son gabarit.

    En niveaux de gris, tous les gabarits partagent une échelle : rouge, le pixel compte pour la
    classe ; bleu, contre elle ; blanc, il ne compte pas. En couleurs, chaque gabarit a sa propre
    échelle, et un poids nul est gris.

    Args :
        weight : les poids K × D (`model.weight` d'une `nn.Linear`).
        shape : forme (canaux, hauteur, largeur) des images d'entrée, de produit D.
        classes : les noms des classes ; par défaut leurs numéros.
        columns : nombre de gabarits par ligne.
        size : côté d'un gabarit, en pouces.

    Erreurs :
        ValueError si `weight` n'a pas la forme K × D.
    """
    weight = weight.detach().float().cpu()
    if weight.dim() != 2 or weight.shape[1] != prod(shape):
        raise ValueError(
            f"weight doit être de forme (K, {prod(shape)}) pour des images {tuple(shape)}, et a la "
            f"forme {tuple(weight.shape)}."
        )
    names = _class_names(classes, torch.tensor([len(weight) - 1]))
    figure, cells = grid(len(weight), columns, size, size + 0.2)
    draw = draw_coloured_templates if shape[0] == 3 else draw_signed_templates
    draw(figure, cells, weight.view(-1, *shape))
    for cell, name in zip(cells, names, strict=False):
        cell.set_title(name, fontsize=9, pad=3)
        cell.axis("off")
    return figure


# ---- Reading what was given


def _pictures(images: Tensor) -> np.ndarray:
    """Les images en N × H × W ou N × H × W × 3, entre 0 et 1."""
    images = images.detach().float().cpu()
    if images.dim() == 3:
        images = images.unsqueeze(1)
    if images.dim() != 4 or images.shape[1] not in (1, 3) or len(images) == 0:
        raise ValueError(
            "Les images doivent être de forme (N, 1, H, W), (N, 3, H, W) ou (N, H, W), et ont la "
            f"forme {tuple(images.shape)}. Des images aplaties se redressent par "
            ".view(-1, 1, 28, 28), et une image seule par .unsqueeze(0)."
        )
    low, high = images.min(), images.max()
    if low < 0 or high > 1:
        images = (images - low) / (high - low).clamp(min=1e-12)
    return images.permute(0, 2, 3, 1).squeeze(-1).numpy()


def _labels(labels: Tensor) -> Tensor:
    labels = torch.as_tensor(labels).detach().cpu()
    if labels.dim() == 2:
        labels = labels.argmax(1)
    if labels.dim() != 1 or len(labels) == 0:
        raise ValueError(
            "Attendu N numéros de classe, ou des scores de forme (N, K) ; reçu un tenseur de forme "
            f"{tuple(labels.shape)}."
        )
    return labels.long()


def _class_names(classes: Sequence[str] | None, labels: Tensor) -> list[str]:
    """Les noms des classes, au moins autant que le demande la plus grande étiquette."""
    needed = 1 + int(labels.max())
    if classes is None:
        return [str(label) for label in range(needed)]
    if len(classes) < needed:
        raise ValueError(f"classes donne {len(classes)} noms, et il y a {needed} classes.")
    return [str(name) for name in classes]


def _text(title: object) -> str:
    return str(title.item() if isinstance(title, Tensor) else title)


def _check_length(name: str, values: Sequence | Tensor, expected: int) -> None:
    if len(values) != expected:
        raise ValueError(f"{name} contient {len(values)} éléments au lieu de {expected}.")
