"""What is done to a batch of images: each against a slow, plain way to say the same."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional as F

from seqlab.data.batches import ShuffledBatches
from seqlab.data.images import augment
from seqlab.data.images import image_set as images
from seqlab.data.images.augment import Augment, Normalise

HALF = Normalise([0.5] * 3, [0.2] * 3)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(count: int, height: int = 8, width: int = 6, seed: int = 0) -> Tensor:
    """Images without a black pixel, so that padding shows, and without two that are alike."""
    return torch.randint(1, 256, (count, 3, height, width), dtype=torch.uint8, generator=generator(seed))


def test_normalised_images_have_mean_0_and_deviation_1_in_each_channel() -> None:
    batch = noise(1500)
    mean, std = images.channel_statistics(batch)
    shares = batch.numpy().astype(np.float64) / 255
    assert mean == pytest.approx(shares.mean((0, 2, 3)))
    assert std == pytest.approx(shares.std((0, 2, 3)))
    normal = Normalise(mean, std)(batch)
    assert normal.dtype == torch.float32
    assert normal.mean((0, 2, 3)).tolist() == pytest.approx([0, 0, 0], abs=1e-4)
    assert normal.std((0, 2, 3)).tolist() == pytest.approx([1, 1, 1], abs=1e-3)


@given(
    count=st.integers(1, 9),
    height=st.integers(6, 9),
    width=st.integers(6, 9),
    padding=st.integers(0, 5),
    reflect=st.booleans(),
    seed=st.integers(0, 2**40),
)
def test_a_crop_is_a_window_of_the_padded_image(
    count: int, height: int, width: int, padding: int, reflect: bool, seed: int
) -> None:
    batch = noise(count, height, width)
    cropped = augment.random_crop(batch, padding, generator(seed), reflect=reflect)
    assert (cropped.shape, cropped.dtype) == (batch.shape, torch.uint8)
    for before, after in zip(batch.numpy(), cropped.numpy(), strict=True):
        around = ((0, 0), (padding, padding), (padding, padding))
        padded = np.pad(before, around, mode="reflect" if reflect else "constant")
        places = [(y, x) for y in range(2 * padding + 1) for x in range(2 * padding + 1)]
        assert any(np.array_equal(after, padded[:, y : y + height, x : x + width]) for y, x in places)


def test_every_window_is_drawn_about_as_often_and_each_image_draws_its_own() -> None:
    dot = torch.zeros(20_000, 1, 9, 9, dtype=torch.uint8)
    dot[:, :, 4, 4] = 1
    counts = augment.random_crop(dot, 4, generator()).long().sum((0, 1))
    assert (counts.min() > 170).item() and (counts.max() < 330).item()  # 247 expected, 16 the deviation


def test_an_epoch_mirrors_the_images_that_the_one_before_did_not() -> None:
    source = noise(500)
    mirrored = torch.rand(500, generator=generator()) < 0.5
    assert 200 < int(mirrored.sum()) < 300
    rows = torch.randperm(500, generator=generator(1))
    drawn = Augment(0, True, HALF, mirrored=mirrored)
    for epochs, here in ((0.0, mirrored), (1.5, ~mirrored), (2.9, mirrored)):
        batch = drawn(source[rows], rows, epochs, generator())
        for place, image in zip(rows.tolist(), batch, strict=True):
            expected = HALF(source[place : place + 1])[0]
            assert torch.equal(image, expected.flip(2) if here[place] else expected)


@given(height=st.integers(1, 9), width=st.integers(1, 9), side=st.integers(1, 12), seed=st.integers(0, 2**40))
def test_a_hole_is_a_black_square_around_a_pixel_of_the_image(height: int, width: int, side: int, seed: int) -> None:
    batch = noise(4, height, width)
    for before, after in zip(batch, augment.random_cutout(batch, side, generator(seed)), strict=True):
        found = []
        for y in range(height):
            for x in range(width):
                expected = before.clone()
                top, left = max(0, y - side // 2), max(0, x - side // 2)
                expected[:, top : y - side // 2 + side, left : x - side // 2 + side] = 0
                found.append(torch.equal(after, expected))
        assert any(found)


def test_images_grow_to_their_full_side_by_three_quarters_of_the_run() -> None:
    sides = [augment.growing_side(32, 20, done / 100) for done in range(101)]
    assert sides == 25 * [20] + 25 * [24] + 25 * [28] + 26 * [32]
    assert {augment.growing_side(32, start, 0.0) for start in (None, 32, 40)} == {32}
    work = 0.25 * sum((side / 32) ** 2 for side in (20, 24, 28, 32))
    assert sum(augment.growing_cost(32, 20, done / 100) for done in range(100)) / 100 == pytest.approx(work)
    assert augment.growing_cost(32, None, 0.1) == 1


def test_a_small_image_is_the_large_one_made_small() -> None:
    source = noise(3, 32, 32)
    drawn = Augment(0, False, HALF, start_side=16, epochs=4.0)
    small = drawn(source, torch.arange(3), 0.0, generator())
    weights = torch.tensor([1.0, 3, 3, 1]) / 8  # a triangle as wide as two of the small pixels
    filters = (weights[:, None] * weights).expand(3, 1, 4, 4)
    expected = F.conv2d(HALF(source), filters, stride=2, padding=1, groups=3)
    torch.testing.assert_close(small[:, :, 1:-1, 1:-1], expected[:, :, 1:-1, 1:-1])
    assert torch.equal(drawn(source, torch.arange(3), 3.0, generator()), HALF(source))


def test_augmentation_is_a_function_of_seed_epoch_and_batch() -> None:
    source, kept = noise(40), noise(40)
    drawn = Augment(2, True, HALF, cutout=3, mirrored=torch.rand(40, generator=generator()) < 0.5)

    def batches(seed: int) -> ShuffledBatches:
        return ShuffledBatches(source, torch.arange(40), 8, seed, augment=drawn)

    whole = list(batches(1).epoch(3))
    for (first, _), (second, _) in zip(whole[2:], batches(1).epoch(3, start=2), strict=True):
        assert torch.equal(first, second)
    for other in (list(batches(1).epoch(4)), list(batches(2).epoch(3))):
        assert not torch.equal(whole[0][0], other[0][0])
    assert torch.equal(source, kept)  # the images themselves are left as they are


def test_without_any_of_it_an_image_is_only_normalised() -> None:
    batch = noise(4)
    assert torch.equal(Augment(0, False, HALF)(batch, torch.arange(4), 0.5, generator()), HALF(batch))
