"""What is laid over an image: boxes, maps, attention."""

import matplotlib.pyplot as plt
import pytest
import torch

import labo

IMAGE = torch.rand(1, 6, 8)


def test_attention_has_a_panel_for_each_head():
    figure = labo.plot_attention(torch.rand(3, 2, 4), ["a", "b"], ["c", "d", "e", "f"])
    assert [panel.get_title() for panel in figure.axes] == ["tête 1", "tête 2", "tête 3"]
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == ["a", "b"]
    assert [label.get_text() for label in figure.axes[0].get_xticklabels()] == ["c", "d", "e", "f"]


def test_attention_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"\(2, 4\)"):
        labo.plot_attention(torch.rand(4, 2), ["a", "b"], ["c", "d", "e", "f"])


def test_boxes_are_drawn_where_they_are():
    boxes = torch.tensor([[1.0, 2.0, 4.0, 5.0], [0.0, 0.0, 8.0, 6.0]])
    figure = labo.plot_boxes(IMAGE, boxes, ["carré", "disque"], torch.tensor([0.91, 0.5]))
    (panel,) = figure.axes
    drawn = [patch.get_bbox().extents.tolist() for patch in panel.patches]
    assert drawn == boxes.tolist()
    assert [text.get_text() for text in panel.texts] == ["carré 91 %", "disque 50 %"]
    assert panel.images[0].get_extent() == [0, 8, 6, 0]


def test_a_label_has_the_same_colour_in_every_image():
    classes, box = ["carré", "disque"], torch.tensor([[1.0, 2.0, 4.0, 5.0]])
    drawn = [labo.plot_boxes(IMAGE, box, [name], classes=classes).axes[0] for name in classes]
    first, second = [panel.texts[0].get_color() for panel in drawn]
    assert first != second


def test_words_stay_in_the_image():
    boxes = torch.tensor([[1.0, 0.0, 4.0, 5.0], [1.0, 2.0, 4.0, 5.0]])
    figure = labo.plot_boxes(IMAGE, boxes, ["carré", "disque"])
    figure.draw_without_rendering()
    (panel,) = figure.axes
    assert all(text.get_window_extent().y1 <= panel.bbox.y1 for text in panel.texts)


def test_an_image_may_have_no_box():
    assert not labo.plot_boxes(IMAGE, torch.zeros(0, 4)).axes[0].patches


@pytest.mark.parametrize(
    ("boxes", "labels", "message"),
    [(torch.zeros(4), None, r"\(n, 4\)"), (torch.zeros(2, 4), ["carré"], "labels contient 1")],
)
def test_boxes_of_another_form_are_refused(boxes, labels, message):
    with pytest.raises(ValueError, match=message):
        labo.plot_boxes(IMAGE, boxes, labels)


def test_a_map_is_laid_over_the_whole_image_and_red_is_positive():
    figure = labo.plot_overlay(IMAGE, torch.tensor([[1.0, -2.0], [0.0, 0.5]]))
    picture, overlay = figure.axes[0].images
    assert list(picture.get_extent()) == list(overlay.get_extent()) == [0, 8, 6, 0]
    red, _, blue, _ = overlay.cmap(overlay.norm(1.0))
    assert overlay.norm.vmax == -overlay.norm.vmin == 2
    assert red > blue


def test_a_map_of_zeros_has_a_scale():
    assert labo.plot_overlay(IMAGE, torch.zeros(3, 4)).axes[0].images[1].norm.vmax == 1


def test_panels_that_exist_are_drawn_in():
    figure, panels = plt.subplots(1, 2)
    assert labo.plot_overlay(IMAGE[0], torch.rand(3, 4), panels[0]) is figure
    assert labo.plot_boxes(IMAGE[0], torch.rand(1, 4), axes=panels[1]) is figure
    plt.close(figure)


def test_an_image_of_three_channels_is_refused():
    with pytest.raises(ValueError, match=r"\(H, W\)"):
        labo.plot_overlay(torch.rand(3, 6, 8), torch.rand(6, 8))
