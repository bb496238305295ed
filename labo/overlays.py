"""Ce que l'on pose sur une image ou un tableau : boîtes, cartes, poids d'attention.

Comme celles de `labo.figures`, ces fonctions renvoient la figure matplotlib. Avec `axes`, elles
dessinent dans un panneau déjà fait, et renvoient sa figure.
"""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from labo.drawing import COLOURS, grid, styled
from labo.french import decimal

_NEAR_THE_TOP = 0.06  # of an image's height: no room for words above a box


@styled
def plot_attention(
    weights: Tensor, rows: Sequence[str], columns: Sequence[str], size: float = 0.32
) -> Figure:
    """Montre des poids d'attention : ce que regarde chaque requête, une par ligne.

    Args :
        weights : T_q × T_k, ou têtes × T_q × T_k pour un panneau par tête ; de 0 (blanc) à 1.
        rows : les T_q symboles qui regardent, de haut en bas.
        columns : les T_k symboles regardés, de gauche à droite.
        size : côté d'une case, en pouces.

    Erreurs :
        ValueError si le nombre de symboles ne convient pas.
    """
    weights = weights.detach().float().cpu()
    heads = weights if weights.dim() == 3 else weights[None]
    if heads.shape[1:] != (len(rows), len(columns)):
        raise ValueError(
            f"weights doit finir par ({len(rows)}, {len(columns)}), le nombre de lignes et de "
            f"colonnes, et a la forme {tuple(weights.shape)}."
        )
    width, height = size * len(columns) + 1.2, size * len(rows) + 1.2
    figure, panels = grid(len(heads), min(len(heads), 4), width, height)
    for number, (panel, head) in enumerate(zip(panels, heads, strict=True), start=1):
        panel.imshow(head.numpy(), cmap="Reds", vmin=0, vmax=1)
        panel.set_xticks(range(len(columns)), columns, rotation=90)
        panel.set_yticks(range(len(rows)), rows)
        panel.tick_params(length=0)
        if len(heads) > 1:
            panel.set_title(f"tête {number}", fontsize=9)
    return figure


@styled
def plot_boxes(
    image: Tensor,
    boxes: Tensor,
    labels: Sequence[str] | None = None,
    scores: Tensor | None = None,
    axes: Axes | None = None,
    classes: Sequence[str] | None = None,
) -> Figure:
    """Montre une image et des boîtes ; une couleur par étiquette.

    Args :
        image : H × W ou 1 × H × W, dans [0, 1].
        boxes : n × 4, (x1, y1, x2, y2) en pixels, x vers la droite et y vers le bas.
        labels : n étiquettes.
        scores : n confiances, écrites en % à côté des étiquettes.
        classes : toutes les étiquettes possibles, pour que chacune garde sa couleur d'une image à
            l'autre ; par défaut, celles de cette image.

    Erreurs :
        ValueError si la forme des boîtes ou le nombre d'étiquettes ne convient pas.
    """
    boxes = boxes.detach().float().cpu()
    if boxes.dim() != 2 or boxes.shape[1] != 4:
        raise ValueError(f"boxes doit avoir la forme (n, 4), et a la forme {tuple(boxes.shape)}.")
    for name, values in (("labels", labels), ("scores", scores)):
        if values is not None and len(values) != len(boxes):
            raise ValueError(f"{name} contient {len(values)} éléments au lieu de {len(boxes)}.")
    panel = axes or _one_panel()
    _show(panel, _picture(image))
    kinds = list(classes or dict.fromkeys(labels or []))
    ceiling = _NEAR_THE_TOP * panel.get_ylim()[0]
    for i, (x1, y1, x2, y2) in enumerate(boxes.tolist()):
        colour = COLOURS[1 + kinds.index(labels[i]) % 5] if labels else COLOURS[1]
        panel.add_patch(
            plt.Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor=colour, linewidth=1.5)
        )
        words = [str(labels[i])] if labels else []
        words += [f"{decimal(100 * float(scores[i]), 0)} %"] if scores is not None else []
        inside = y1 < ceiling  # above the box, the words would leave the image
        y, align = (y1 + 0.5, "top") if inside else (y1 - 0.5, "baseline")
        panel.text(x1, y, " ".join(words), color=colour, fontsize=8, va=align, clip_on=True)
    return _figure(panel)


@styled
def plot_overlay(image: Tensor, map: Tensor, axes: Axes | None = None) -> Figure:
    """Montre une carte sur une image : rouge où elle est positive, bleu où elle est négative.

    Args :
        image : H × W ou 1 × H × W, dans [0, 1].
        map : H' × W', agrandie à la taille de l'image ; sa plus grande valeur absolue donne
            l'échelle, et une carte nulle reste blanche.
    """
    panel = axes or _one_panel()
    values = map.detach().float().cpu()
    limit = float(values.abs().max()) or 1.0
    edges = _show(panel, _picture(image))
    panel.imshow(values.numpy(), cmap="RdBu_r", vmin=-limit, vmax=limit, alpha=0.6, extent=edges)
    return _figure(panel)


def _one_panel() -> Axes:
    _, (panel,) = grid(1, 1, 2.6, 2.6)
    return panel


def _figure(panel: Axes) -> Figure:
    figure = panel.get_figure(root=True)
    assert figure is not None, "un panneau est toujours dans une figure"
    return figure


def _show(panel: Axes, picture: np.ndarray) -> tuple[float, float, float, float]:
    """Dessine l'image, son coin en haut à gauche en (0, 0) ; renvoie ses bords."""
    height, width = picture.shape
    edges = (0, width, height, 0)
    panel.imshow(picture, cmap="gray", vmin=0, vmax=1, extent=edges)
    panel.axis("off")
    return edges


def _picture(image: Tensor) -> np.ndarray:
    image = image.detach().float().cpu()
    image = image[0] if image.dim() == 3 and len(image) == 1 else image
    if image.dim() != 2:
        raise ValueError(
            f"L'image doit avoir la forme (H, W) ou (1, H, W), et a {tuple(image.shape)}."
        )
    return image.numpy()
