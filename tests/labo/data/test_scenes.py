"""Scenes: their boxes, masks and pixels say the same."""

import pytest
import torch

import labo

SCENES = labo.scenes(60, seed=3)


def test_their_shapes():
    assert SCENES.images.shape == (60, 1, 48, 48)
    assert SCENES.masks.shape == (60, 48, 48)
    assert len(SCENES) == len(SCENES.boxes) == len(SCENES.labels) == 60
    assert {len(boxes) for boxes in SCENES.boxes} == {1, 2, 3}
    assert set(torch.cat(SCENES.labels).tolist()) == {0, 1, 2}
    assert SCENES.images.min() >= 0
    assert SCENES.images.max() <= 1


def test_each_box_bounds_the_mask_of_its_shape():
    for boxes, labels, mask in zip(SCENES.boxes, SCENES.labels, SCENES.masks, strict=True):
        for (x1, y1, x2, y2), label in zip(boxes.tolist(), labels.tolist(), strict=True):
            inside = torch.zeros_like(mask, dtype=torch.bool)
            inside[round(y1) : round(y2), round(x1) : round(x2)] = True
            assert {1 + label} <= set(mask[inside].tolist()) <= {0, 1 + label}
            rows, columns = (inside & (mask == 1 + label)).nonzero().unbind(1)
            edges = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
            assert all(abs(e - b) <= 1 for e, b in zip(edges, (x1, y1, x2, y2), strict=True))


def test_shapes_are_light_and_the_background_dark():
    shapes = SCENES.masks > 0
    assert SCENES.images[:, 0][shapes].min() >= 0.5
    assert SCENES.images[:, 0][~shapes].max() <= 0.15


def test_a_seed_gives_the_same_scenes_and_another_others():
    assert torch.equal(labo.scenes(5, seed=1).images, labo.scenes(5, seed=1).images)
    assert not torch.equal(labo.scenes(5, seed=1).images, labo.scenes(5, seed=2).images)


def test_images_too_small_for_the_shapes_are_refused():
    with pytest.raises(ValueError, match="32 pixels"):
        labo.scenes(1, size=20)
