"""Le style des figures, leur grille, et le dessin de chaque panneau."""

from collections.abc import Callable
from functools import wraps
from math import ceil

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from torch import Tensor

from labo.french import compact, decimal, measure_name
from labo.training.history import History

# Okabe and Ito's colours, which colour-blind readers can tell apart.
COLOURS = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#555555"]
_GREY = "#b8b8b8"
_STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#606060",
    "axes.labelsize": 10,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.constrained_layout.use": True,
    "figure.dpi": 100,
    "font.size": 9,
    "grid.color": "#e4e4e4",
    "image.interpolation": "nearest",
    "legend.frameon": False,
    "lines.markersize": 3.5,
}
_FEW_EPOCHS = 20  # up to here each epoch is marked, so that a single one shows
_BARS = 3  # probabilities shown beside an image


def styled(draw: Callable[..., Figure]) -> Callable[..., Figure]:
    @wraps(draw)
    def drawn(*args, **kwargs) -> Figure:
        with plt.style.context(_STYLE):
            return draw(*args, **kwargs)

    return drawn


def grid(count: int, columns: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    """Une figure de `count` axes de `width` × `height` pouces, en rangées de `columns`."""
    columns = min(columns, count)
    rows = ceil(count / columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(columns * width, rows * height), squeeze=False
    )
    # Unknown to pyplot from now on, so that a notebook shows only the figure that a cell returns.
    plt.close(figure)
    for spare in axes.flat[count:]:
        spare.remove()
    return figure, list(axes.flat[:count])


def show(axes: Axes, picture: np.ndarray) -> None:
    axes.imshow(picture, cmap="gray", vmin=0, vmax=1)
    axes.axis("off")


def draw_run(panel: Axes, run: History, key: str, name: str, colour: str) -> None:
    """Trace les courbes d'un entraînement ; `name` est vide s'il est seul."""
    marker = "o" if len(run) <= _FEW_EPOCHS else None
    epochs = run["epoch"]
    validated = f"val_{key}" in run.epochs[0]
    dashed = bool(name) and validated
    panel.plot(
        epochs,
        run[key],
        color=colour,
        linestyle="--" if dashed else "-",
        linewidth=1.1 if dashed else 1.8,
        marker=None if dashed else marker,
        label="_" if dashed else name or "entraînement",
    )
    if validated:
        panel.plot(
            epochs,
            run[f"val_{key}"],
            color=colour if name else COLOURS[1],
            marker=marker,
            label=name or "validation",
        )


def dress_curves(panel: Axes, key: str) -> None:
    unit = " (%)" if key == "accuracy" else ""
    panel.set(xlabel="époque", ylabel=measure_name(key) + unit)
    panel.grid(True)
    panel.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    panel.yaxis.set_major_formatter(_with_comma)


def _with_comma(value: float, _: float) -> str:
    return compact(value)


def draw_confusion(panel: Axes, counts: Tensor, rates: Tensor) -> None:
    right = torch.eye(len(counts), dtype=torch.bool)
    errors = rates.masked_fill(right, 0)
    darkest = max(1e-9, 1.5 * float(errors.max()))
    panel.imshow(_masked(rates, ~right), cmap="Blues", vmin=0, vmax=1.2)
    panel.imshow(_masked(errors, errors == 0), cmap="Oranges", vmin=0, vmax=darkest)
    for row, column in counts.nonzero().tolist():
        dark = rates[row, column] > 0.6 if row == column else False
        panel.text(
            column,
            row,
            str(int(counts[row, column])),
            ha="center",
            va="center",
            fontsize=8,
            color="white" if dark else "#303030",
        )


def _masked(values: Tensor, hidden: Tensor) -> np.ma.MaskedArray:
    return np.ma.masked_array(values.numpy(), hidden.numpy())


def draw_probabilities(bars: Axes, probabilities: Tensor, target: int, names: list[str]) -> None:
    top = probabilities.topk(min(_BARS, len(probabilities)))
    for rank, (value, label) in enumerate(zip(*map(Tensor.tolist, top), strict=True)):
        colour = COLOURS[0] if label == target else _GREY
        bars.barh(rank, value, height=0.7, color=colour, alpha=0.55)
        text = f"{names[label]}  {decimal(100 * value, 0)} %"
        bars.text(0.02, rank, text, va="center", fontsize=8, clip_on=False)
    bars.set(xlim=(0, 1), ylim=(_BARS - 0.5, -0.5))
    bars.axis("off")


def draw_signed_templates(figure: Figure, cells: list[Axes], templates: Tensor) -> None:
    figure.set_figwidth(figure.get_figwidth() + 0.9)
    limit = float(templates.abs().max())
    for cell, template in zip(cells, templates.flatten(1, 2).numpy(), strict=True):
        image = cell.imshow(template, cmap="RdBu_r", vmin=-limit, vmax=limit)
    bar = figure.colorbar(image, ax=cells, shrink=0.8, pad=0.02, label="poids")
    bar.ax.yaxis.set_major_formatter(_with_comma)


def draw_coloured_templates(figure: Figure, cells: list[Axes], templates: Tensor) -> None:
    limits = templates.abs().amax((1, 2, 3), keepdim=True).clamp(min=1e-12)
    pictures = 0.5 + templates.permute(0, 2, 3, 1) / (2 * limits)
    for cell, picture in zip(cells, pictures.numpy(), strict=True):
        cell.imshow(picture)
