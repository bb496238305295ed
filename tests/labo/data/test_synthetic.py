"""Generated data: the same for a seed, balanced, and learnable for the reason they claim."""

import math

import pytest
import torch
import torch.nn.functional as F

from labo.data.synthetic import SHAPES, shapes, spirals


@pytest.mark.parametrize("generate", [shapes, spirals])
def test_a_seed_gives_the_same_data_and_another_one_does_not(generate):
    (x, y), (same_x, same_y), (other, _) = (generate(64, seed=seed) for seed in (3, 3, 4))
    assert torch.equal(x, same_x)
    assert torch.equal(y, same_y)
    assert not torch.equal(x, other)


@pytest.mark.parametrize("generate", [shapes, spirals])
def test_the_global_random_state_is_neither_read_nor_changed(generate):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    x, _ = generate(16)
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(1)
    assert torch.equal(generate(16)[0], x)


@pytest.mark.parametrize(
    ("generate", "classes"),
    [
        (shapes, 10),
        (spirals, 2),
        (lambda n: spirals(n, classes=3), 3),
    ],
)
@pytest.mark.parametrize("n", [1, 97])
def test_classes_are_balanced_and_mixed(generate, classes, n):
    x, y = generate(n)
    assert (x.dtype, y.dtype) == (torch.float32, torch.int64)
    assert len(x) == len(y) == n
    counts = y.bincount(minlength=classes)
    assert counts.max() - counts.min() <= 1
    assert len(counts) == classes
    assert n == 1 or not torch.equal(y, y.sort().values)


# ---- Spirals


def test_without_noise_a_point_lies_on_the_spiral_of_its_class():
    points, target = spirals(300, classes=3, turns=2.0, noise=0.0)
    radius = points.norm(dim=1)
    assert 0.1 <= radius.min() < radius.max() <= 1 + 1e-6
    turns = 2.0 * (radius - 0.1) / 0.9
    angle = 2 * math.pi * (turns + target / 3)
    expected = radius[:, None] * torch.stack([angle.cos(), angle.sin()], dim=1)
    torch.testing.assert_close(points, expected, atol=1e-5, rtol=0)


def test_noise_is_that_of_the_coordinates():
    clean, noisy = spirals(4000, noise=0.0)[0], spirals(4000, noise=0.2)[0]
    assert (noisy - clean).std().item() == pytest.approx(0.2, rel=0.05)


def test_no_line_separates_spirals_and_near_points_share_a_class():
    points, target = spirals(1000, noise=0.02)
    ones = torch.ones(len(points), 1)
    plane = torch.linalg.lstsq(torch.cat([points, ones], 1), 2.0 * target[:, None] - 1).solution
    linear = (torch.cat([points, ones], 1) @ plane).squeeze(1) > 0
    assert (linear == (target == 1)).float().mean() < 0.75
    distances = torch.cdist(points, points).fill_diagonal_(math.inf)
    assert (target[distances.argmin(dim=1)] == target).float().mean() > 0.95


# ---- Shapes


def test_shapes_are_images():
    images, _ = shapes(50)
    assert images.shape == (50, 3, 32, 32)
    assert 0 <= images.min() < 0.1
    assert 0.9 < images.max() <= 1
    assert len(SHAPES) == len(set(SHAPES)) == 10


def test_more_images_than_one_chunk_holds_are_drawn():
    images, target = shapes(2010)
    assert len(images) == len(target) == 2010
    assert images[-10:].flatten(1).std(dim=1).min() > 0.05


def silhouettes(images: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return each class's mean contrast, a 10×32×32 picture: colours and shades cancel out."""
    border = torch.cat([images[:, :, 0], images[:, :, -1]], dim=2).mean(2)[:, :, None, None]
    contrast = (images - border).abs().mean(1)
    return torch.stack([contrast[target == c].mean(0) for c in range(10)])


def test_the_shape_makes_the_class():
    seen = F.normalize(silhouettes(*shapes(2000, seed=1)).flatten(1), dim=1)
    again = F.normalize(silhouettes(*shapes(2000, seed=2)).flatten(1), dim=1)
    assert torch.equal((again @ seen.T).argmax(dim=1), torch.arange(10))


def test_a_linear_model_does_better_than_chance_and_is_far_from_enough():
    (x, y), (test_x, test_y) = shapes(2000, seed=1), shapes(1000, seed=2)
    x, test_x = (F.avg_pool2d(images, 8).flatten(1) - 0.5 for images in (x, test_x))
    weight = torch.linalg.lstsq(x, 2 * F.one_hot(y, 10).float() - 1).solution
    accuracy = ((test_x @ weight).argmax(1) == test_y).float().mean()
    assert 0.2 < accuracy < 0.6
