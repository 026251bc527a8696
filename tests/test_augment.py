"""The augmentation and normalisation of a batch."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from seqlab.data import augment
from seqlab.data.batches import ShuffledBatches


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(count: int, height: int = 8, width: int = 6, seed: int = 0) -> Tensor:
    """Images without a black pixel, so that padding shows, and without two that are alike."""
    return torch.randint(1, 256, (count, 3, height, width), dtype=torch.uint8, generator=generator(seed))


@given(
    count=st.integers(1, 9),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    padding=st.integers(0, 5),
    seed=st.integers(0, 2**40),
)
def test_a_crop_is_a_window_of_the_padded_image(count: int, height: int, width: int, padding: int, seed: int) -> None:
    batch = noise(count, height, width)
    cropped = augment.random_crop(batch, padding, generator(seed))
    assert (cropped.shape, cropped.dtype) == (batch.shape, torch.uint8)
    for before, after in zip(batch.numpy(), cropped.numpy(), strict=True):
        padded = np.pad(before, ((0, 0), (padding, padding), (padding, padding)))
        places = [(y, x) for y in range(2 * padding + 1) for x in range(2 * padding + 1)]
        assert any(np.array_equal(after, padded[:, y : y + height, x : x + width]) for y, x in places)


def test_every_window_is_drawn_about_as_often_and_each_image_draws_its_own() -> None:
    dot = torch.zeros(20_000, 1, 9, 9, dtype=torch.uint8)
    dot[:, :, 4, 4] = 1
    counts = augment.random_crop(dot, 4, generator()).long().sum((0, 1))
    assert (counts.min() > 170).item() and (counts.max() < 330).item()  # 247 expected, 16 the deviation


@given(count=st.integers(0, 20), seed=st.integers(0, 2**40))
def test_a_flip_mirrors_or_leaves_and_twice_the_same_is_nothing(count: int, seed: int) -> None:
    batch = noise(count)
    flipped = augment.random_flip(batch, generator(seed))
    for before, after in zip(batch.numpy(), flipped.numpy(), strict=True):
        assert np.array_equal(after, before) or np.array_equal(after, before[:, :, ::-1])
    assert torch.equal(augment.random_flip(flipped, generator(seed)), batch)


def test_half_of_the_images_are_mirrored() -> None:
    batch = noise(4000)
    changed = (augment.random_flip(batch, generator()) != batch).flatten(1).any(1).sum().item()
    assert abs(changed - 2000) < 130  # four deviations


def test_augmentation_is_a_function_of_seed_epoch_and_batch() -> None:
    source, kept = noise(40), noise(40)
    augmented = augment.Augment(2, True, then=augment.Normalise([0.5] * 3, [0.2] * 3))

    def batches(seed: int) -> ShuffledBatches:
        return ShuffledBatches(source, torch.arange(40), 8, seed, augment=augmented)

    whole = list(batches(1).epoch(3))
    for (first, _), (second, _) in zip(whole[2:], batches(1).epoch(3, start=2), strict=True):
        assert torch.equal(first, second)
    for other in (list(batches(1).epoch(4)), list(batches(2).epoch(3))):
        assert not torch.equal(whole[0][0], other[0][0])
    assert torch.equal(source, kept)  # the images themselves are left as they are


def test_without_crop_and_flip_an_image_is_only_normalised() -> None:
    batch, normalise = noise(4), augment.Normalise([0.5] * 3, [0.2] * 3)
    assert torch.equal(augment.Augment(0, False, normalise)(batch, generator()), normalise(batch))
