"""Batches from tensors in memory, and the augmentations applied to them."""

import pytest
import torch

from labo.data.augment import GaussianNoise, RandomCrop, RandomFlip
from labo.data.loader import BatchLoader


def numbered(n: int, **kwargs) -> BatchLoader:
    """Return a loader whose inputs and targets are both 0..n-1."""
    return BatchLoader(torch.arange(n)[:, None].float(), torch.arange(n), **kwargs)


def order(loader: BatchLoader) -> list[int]:
    return [int(target) for _, targets in loader for target in targets]


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# ---- BatchLoader


def test_without_shuffling_batches_are_views_in_order():
    loader = numbered(10, batch_size=4)
    assert [len(x) for x, _ in loader] == [4, 4, 2]
    assert order(loader) == list(range(10))
    x, _ = next(iter(loader))
    assert x.data_ptr() == loader.input.data_ptr()


def test_each_shuffled_epoch_is_a_new_permutation_with_inputs_beside_their_targets():
    loader = numbered(50, batch_size=7, shuffle=True)
    first, second = order(loader), order(loader)
    assert sorted(first) == sorted(second) == list(range(50))
    assert first != second
    assert all(torch.equal(x[:, 0].long(), target) for x, target in loader)


def test_the_seed_fixes_the_sequence_of_epochs():
    a, b, other = (numbered(50, shuffle=True, seed=seed) for seed in (3, 3, 4))
    assert [order(a), order(a)] == [order(b), order(b)]
    assert order(numbered(50, shuffle=True, seed=3)) != order(other)


def test_the_generator_state_resumes_the_sequence():
    loader, resumed = numbered(50, shuffle=True), numbered(50, shuffle=True, seed=9)
    order(loader)
    resumed.generator.set_state(loader.generator.get_state())
    assert order(resumed) == order(loader)


def test_the_global_random_state_is_neither_read_nor_changed():
    before = torch.get_rng_state()
    augment = [GaussianNoise(0.1)]
    first = [x for x, _ in numbered(20, shuffle=True, augment=augment)]
    assert torch.equal(torch.get_rng_state(), before)
    torch.rand(1)
    again = [x for x, _ in numbered(20, shuffle=True, augment=augment)]
    torch.testing.assert_close(first, again, rtol=0, atol=0)


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize(("n", "drop_last", "sizes"), [(10, True, [4, 4]), (8, False, [4, 4])])
def test_length_counts_the_batches_given(n, drop_last, sizes, shuffle):
    loader = numbered(n, batch_size=4, shuffle=shuffle, drop_last=drop_last)
    assert [len(x) for x, _ in loader] == sizes
    assert len(loader) == len(sizes)


def test_augmentations_compose_in_order_and_leave_the_data_alone():
    def add_one(x, generator):
        return x + 1

    def double(x, generator):
        return 2 * x

    loader = numbered(6, augment=[add_one, double])
    ((x, target),) = loader
    assert torch.equal(x[:, 0], 2.0 * (target + 1))
    assert torch.equal(loader.input[:, 0].long(), target)


def test_tensors_are_placed_on_the_device_asked_for():
    loader = BatchLoader(torch.zeros(4, 2), torch.zeros(4), device="cpu")
    assert loader.input.device == loader.target.device == loader.generator.device


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(target=torch.zeros(3)), "input contient 4 exemples et target 3"),
        (dict(batch_size=0), "batch_size doit valoir au moins 1"),
        (dict(batch_size=5, drop_last=True), "Aucun lot"),
        (dict(input=torch.zeros(0), target=torch.zeros(0)), "Aucun lot"),
    ],
)
def test_wrong_arguments_are_explained(arguments, message):
    with pytest.raises(ValueError, match=message):
        BatchLoader(**{"input": torch.zeros(4, 2), "target": torch.zeros(4), **arguments})


# ---- Augmentations


@pytest.mark.parametrize("transform", [RandomCrop(2), RandomFlip(0.5), GaussianNoise(0.1)])
def test_an_augmentation_is_reproducible_varies_within_a_batch_and_changes_nothing_in_place(
    transform,
):
    image = torch.rand(1, 3, 8, 8, generator=generator())
    x = image.expand(64, 3, 8, 8).clone()
    result = transform(x, generator(1))
    assert result.shape == x.shape
    assert result.dtype == x.dtype
    assert torch.equal(x, image.expand_as(x))
    assert len(result.unique(dim=0)) > 1
    assert torch.equal(transform(x, generator(1)), result)
    assert not torch.equal(transform(x, generator(2)), result)


def test_a_crop_is_a_window_of_the_zero_padded_image_and_all_windows_occur():
    image = 1 + torch.arange(2 * 5 * 7).view(1, 2, 5, 7).float()  # no zero, no equal pixels
    padding = 1
    padded = torch.nn.functional.pad(image, [padding] * 4)
    windows = [padded[0, :, i : i + 5, j : j + 7] for i in range(3) for j in range(3)]
    crops = RandomCrop(padding)(image.expand(300, -1, -1, -1), generator())
    found = [next(k for k, w in enumerate(windows) if torch.equal(w, crop)) for crop in crops]
    assert set(found) == set(range(9))


def test_a_flip_reverses_columns_for_a_fraction_p_of_the_images():
    x = torch.arange(6.0).view(1, 1, 2, 3).expand(4000, -1, -1, -1)
    result = RandomFlip(0.3)(x, generator())
    flipped = (result == x.flip(-1)).flatten(1).all(1)
    kept = (result == x).flatten(1).all(1)
    assert bool((flipped ^ kept).all())
    assert float(flipped.float().mean()) == pytest.approx(0.3, abs=0.03)


def test_noise_has_mean_zero_and_the_standard_deviation_asked_for():
    noise = GaussianNoise(0.5)(torch.full((1000, 1, 8, 8), 2.0), generator()) - 2
    assert float(noise.mean()) == pytest.approx(0, abs=0.01)
    assert float(noise.std()) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize("transform", [RandomCrop(2), RandomFlip()])
def test_flattened_images_are_refused_by_name(transform):
    with pytest.raises(ValueError, match=r"\(N, C, H, W\).*\(8, 784\)"):
        transform(torch.zeros(8, 784), generator())


@pytest.mark.parametrize(
    "build", [lambda: RandomCrop(-1), lambda: RandomFlip(1.5), lambda: GaussianNoise(-0.1)]
)
def test_meaningless_parameters_are_refused(build):
    with pytest.raises(ValueError, match="et vaut"):
        build()
