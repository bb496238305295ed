"""The figures: what they draw, that a notebook shows each once, and the errors they explain."""

import os
from pathlib import Path

import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from nbclient import NotebookClient

from labo.figures import (
    plot_confusion,
    plot_history,
    plot_images,
    plot_predictions,
    plot_templates,
)
from labo.training.history import History

ROOT = Path(__file__).parents[2]


def history(epochs: int = 3, *, valid: bool = True, shift: float = 0.0) -> History:
    keys = ["loss", "accuracy", *(["val_loss", "val_accuracy"] if valid else [])]
    return History(
        [
            {"epoch": n, **{key: shift + n + i / 10 for i, key in enumerate(keys)}, "time": 0.1}
            for n in range(1, epochs + 1)
        ]
    )


def texts(figure: Figure) -> set[str]:
    return {text.get_text() for text in figure.findobj(plt.Text)} - {""}


def shown(axes) -> np.ndarray:
    """Return the only image of `axes`, as numbers."""
    (image,) = axes.get_images()
    return np.asarray(image.get_array())


# ---- In a notebook


def test_a_notebook_shows_each_figure_and_the_progress_once():
    cells = [
        "import labo, torch\nx, y = torch.rand(64, 1, 8, 8), torch.arange(64) % 4",
        "labo.plot_images(x[:4])",
        "labo.plot_confusion(y, y)\nlabo.plot_images(x[:4], y[:4])",
        "figure = labo.plot_images(x[:4])",
        "model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 4))\n"
        "history = labo.train(model, (x, y), (x, y), epochs=3)",
        "labo.plot_history(history)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells])
    # The tests' own backend is not that of a notebook.
    environment = {name: os.environ[name] for name in os.environ if name != "MPLBACKEND"}
    resources = {"metadata": {"path": str(ROOT)}}
    client = NotebookClient(notebook, timeout=120, kernel_name="python3", resources=resources)
    client.execute(env=environment)
    outputs = [cell.outputs for cell in notebook.cells]
    pictures = [[o for o in cell if "image/png" in o.get("data", {})] for cell in outputs]
    assert [len(p) for p in pictures] == [0, 1, 1, 0, 0, 1]
    (progress,) = outputs[4]
    lines = progress["data"]["text/plain"].splitlines()
    assert [line.split("  ")[0] for line in lines] == [f"époque {n}/3" for n in (1, 2, 3)]


def test_nothing_is_left_open_in_pyplot_even_after_an_error():
    before = plt.get_fignums()  # another test's
    plot_images(torch.rand(2, 1, 4, 4))
    with pytest.raises(ValueError, match="titles contient 1 éléments au lieu de 2"):
        plot_images(torch.rand(2, 1, 4, 4), ["un"])
    assert plt.get_fignums() == before


def test_the_style_is_not_imposed_on_other_figures():
    before = dict(plt.rcParams)
    plot_history(history())
    assert dict(plt.rcParams) == before


# ---- What is drawn


def test_images_are_drawn_in_rows_under_their_titles():
    images = torch.rand(5, 3, 4, 6, requires_grad=True)
    figure = plot_images(images, torch.arange(5), columns=3)
    assert [axes.get_title() for axes in figure.axes] == list("01234")
    np.testing.assert_allclose(shown(figure.axes[4]), images[4].detach().permute(1, 2, 0))
    assert figure.axes[0].get_subplotspec().get_gridspec().get_geometry() == (2, 3)


@pytest.mark.parametrize("shape", [(2, 1, 4, 6), (2, 4, 6)])
def test_grey_images_come_with_or_without_their_channel(shape):
    figure = plot_images(torch.rand(shape))
    assert shown(figure.axes[0]).shape == (4, 6)


def test_pixels_out_of_range_are_rescaled_together():
    figure = plot_images(torch.stack([torch.zeros(2, 2), torch.full((2, 2), 255.0)]) - 10)
    assert shown(figure.axes[0]).max() == 0
    assert shown(figure.axes[1]).min() == 1


def test_one_history_gives_a_panel_per_measure_with_both_curves():
    figure = plot_history(history())
    assert [axes.get_ylabel() for axes in figure.axes] == ["perte", "exactitude (%)"]
    assert {axes.get_xlabel() for axes in figure.axes} == {"époque"}
    train, valid = figure.axes[1].get_lines()
    np.testing.assert_allclose(train.get_xydata(), [[1, 1.1], [2, 2.1], [3, 3.1]])
    np.testing.assert_allclose(valid.get_ydata(), [1.3, 2.3, 3.3])
    assert {"entraînement", "validation"} <= texts(figure)
    assert len({line.get_color() for line in (train, valid)}) == 2


def test_histories_are_compared_by_colour():
    runs = {"petit": history(), "grand": history(shift=5), "vide": History([])}
    figure = plot_history(runs)
    small_train, small_valid, large_train, _ = figure.axes[0].get_lines()
    assert small_train.get_color() == small_valid.get_color() != large_train.get_color()
    assert small_train.get_linestyle() != small_valid.get_linestyle()
    assert {"petit", "grand", "tirets : entraînement"} <= texts(figure)
    assert "vide" not in texts(figure)


def test_the_legend_of_a_comparison_is_beside_the_panels():
    figure = plot_history({f"réseau n° {n}": history(shift=n) for n in range(6)})
    figure.draw_without_rendering()
    (legend,) = figure.legends
    left = legend.get_window_extent().x0
    assert all(axes.get_window_extent().x1 <= left for axes in figure.axes)


def test_numbers_on_the_axes_have_a_decimal_comma():
    figure = plot_history(history(2, valid=False))
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert any("," in label for label in labels)
    assert not any("." in label for label in labels)


def test_confusion_counts_each_pair_of_true_and_predicted_class():
    targets = torch.tensor([0, 0, 0, 1, 2, 2])
    scores = torch.eye(3)[torch.tensor([0, 0, 2, 1, 2, 0])]
    figure = plot_confusion(targets, scores.requires_grad_(), ["chat", "chien", "loup"])
    (axes,) = figure.axes
    drawn = {(int(t.get_position()[1]), int(t.get_position()[0])): t.get_text() for t in axes.texts}
    assert drawn == {(0, 0): "2", (0, 2): "1", (1, 1): "1", (2, 2): "1", (2, 0): "1"}
    assert [label.get_text() for label in axes.get_yticklabels()] == ["chat", "chien", "loup"]
    assert axes.get_title() == "exactitude : 66,7 % de 6 exemples"


@pytest.mark.parametrize(("worst", "expected"), [(True, ["2", "0"]), (False, ["1", "3"])])
def test_predictions_are_ranked_by_the_probability_of_the_truth(worst, expected):
    logits = torch.tensor([[0.0, 1, 0, 0], [0, 9, 0, 0], [5, 0, 0, 0], [0, 0, 0, 4]])
    targets = torch.tensor([0, 1, 2, 3])
    figure = plot_predictions(torch.rand(4, 1, 4, 4), targets, logits, worst=worst, count=2)
    titles = [axes.texts[0].get_text() for axes in figure.axes if axes.texts]
    assert [title.split()[2] for title in titles if title.startswith("vrai")] == expected


def test_a_prediction_shows_its_largest_probabilities_by_name():
    logits = torch.tensor([[0.5, 0.3, 0.2]]).log()
    image = torch.rand(1, 1, 4, 4)
    figure = plot_predictions(image, torch.tensor([1]), logits, ["chat", "chien", "loup"])
    expected = {"vrai : chien (30,0 %)", "chat  50 %", "chien  30 %", "loup  20 %"}
    assert expected <= texts(figure)


def test_grey_templates_share_a_scale_centred_at_zero():
    weight = torch.tensor([[1.0, -2, 0, 0], [0, 0, 4, 0]], requires_grad=True)
    figure = plot_templates(weight, (1, 2, 2), ["un", "deux"])
    first, second = figure.axes[:2]
    assert [first.get_title(), second.get_title()] == ["un", "deux"]
    np.testing.assert_array_equal(shown(first), [[1, -2], [0, 0]])
    assert {axes.get_images()[0].get_clim() for axes in (first, second)} == {(-4, 4)}


def test_each_coloured_template_has_its_own_scale_with_zero_grey():
    weight = torch.zeros(2, 12)
    weight[0, 0], weight[1, 11] = 3.0, -0.1
    figure = plot_templates(weight, (3, 2, 2))
    red, blue = (shown(axes) for axes in figure.axes[:2])
    assert red[0, 0].tolist() == [1, 0.5, 0.5]
    assert blue[1, 1].tolist() == [0.5, 0.5, 0]


# ---- Mistakes


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: plot_images(torch.rand(5, 784)), r"\(5, 784\).*view\(-1, 1, 28, 28\)"),
        (lambda: plot_images(torch.rand(5, 2, 4, 4)), r"\(5, 2, 4, 4\)"),
        (lambda: plot_images(torch.rand(0, 1, 4, 4)), r"\(0, 1, 4, 4\)"),
        (lambda: plot_history(History([])), "aucune époque"),
        (lambda: plot_confusion(torch.zeros(3), torch.zeros(4)), "4 éléments au lieu de 3"),
        (lambda: plot_confusion(torch.arange(3), torch.arange(3), ["a"]), "1 noms.*3 classes"),
        (
            lambda: plot_predictions(torch.rand(2, 4, 4), torch.zeros(2), torch.zeros(2)),
            r"logits doit être de forme \(N, K\)",
        ),
        (
            lambda: plot_predictions(torch.rand(2, 4, 4), torch.zeros(3), torch.zeros(2, 5)),
            "targets contient 3 éléments au lieu de 2",
        ),
        (lambda: plot_templates(torch.rand(10, 100)), r"\(K, 784\).*\(10, 100\)"),
    ],
)
def test_mistakes_are_explained(draw, message):
    with pytest.raises(ValueError, match=message):
        draw()
