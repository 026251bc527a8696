"""Pictures of more than 8 bits: one range of black and white for a set, found by what it holds."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from seqlab.data.images.decode import read_image
from seqlab.data.images.depth import Extent, extent_of, find_ranges, to_bytes
from seqlab.data.images.folder import read_folder
from seqlab.data.images.image_set import ImageSet
from seqlab.tasks import Task

# What the same picture, shares from 0 to 1, is in each kind of file, and the range that is found.
KINDS = {
    "floats of 1": (lambda shares: shares.astype(np.float32), (0, 1)),
    "floats of 255": (lambda shares: (shares * 255).astype(np.float32), (0, 255)),
    "floats of 65535": (lambda shares: (shares * 65535).astype(np.float32), (0, 65535)),
    "floats about 0": (lambda shares: (shares * 2 - 1).astype(np.float32), (-1, 1)),
    "8 bits in 16": (lambda shares: (shares * 255).round().astype(np.uint16), (0, 255)),
    "10 bits": (lambda shares: (shares * 1023).round().astype(np.uint16), (0, 1023)),
    "12 bits": (lambda shares: (shares * 4095).round().astype(np.uint16), (0, 4095)),
    "14 bits": (lambda shares: (shares * 16383).round().astype(np.uint16), (0, 16383)),
    "16 bits": (lambda shares: (shares * 65535).round().astype(np.uint16), (0, 65535)),
}
# No range of these is common: it is from their lowest to their highest value.
ODD = {
    "tiny floats": lambda shares: (shares * 0.01).astype(np.float32),
    "floats a little above 1": lambda shares: (shares * 1.1 - 0.02).astype(np.float32),
    "large floats": lambda shares: (shares * 9e6 - 1e6).astype(np.float32),
    "32 bits": lambda shares: (shares * 2e6).astype(np.int32),
    "below zero": lambda shares: (shares * 3000 - 1024).astype(np.int32),
    "far from zero": lambda shares: (shares * 3000 + 30000).astype(np.uint16),
}


def shares(seed: int) -> np.ndarray:
    """A picture of 24 x 24, dark but for a bright half, which of them is by the seed's parity."""
    found = np.random.default_rng(seed).random((24, 24)) * 0.25
    found[: 8 + seed % 5, :] += 0.6 * (seed % 2)
    found[:, : 8 + seed % 5] += 0.6 * (1 - seed % 2)
    return found


def folder_of(folder: Path, convert: object, count: int = 20, first: int = 0) -> Path:
    for name, parity in (("side", 0), ("top", 1)):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for index in range(first, first + count):
            pixels = convert(shares(2 * index + parity))  # type: ignore[operator]
            Image.fromarray(pixels).save(folder / name / f"{index}.tif")
    return folder


def read(folder: Path, **options: object) -> ImageSet:
    return Task(read_folder(folder, folder.name, 24, **options)).result()  # type: ignore[arg-type]


def farthest(folder: Path, data: ImageSet, count: int = 20) -> int:
    """By how much the images of a folder, as they were read in that set, differ from the pictures in 8 bits."""
    found = []
    for name, parity in (("side", 0), ("top", 1)):
        for index in range(count):
            pixels = read_image(folder / name / f"{index}.tif", 24, 24, data.ranges)
            assert (torch.cat([data.images, data.test_images]) == pixels).flatten(1).all(1).any()
            found.append(np.abs(pixels[0].numpy().astype(float) - shares(2 * index + parity) * 255).max())
    return max(found)


@pytest.mark.parametrize("kind", KINDS)
def test_a_deep_picture_is_what_its_twin_of_8_bits_is(tmp_path: Path, kind: str) -> None:
    convert, (black, white) = KINDS[kind]
    data = read(folder_of(tmp_path / "deep", convert))
    assert farthest(tmp_path / "deep", data) <= 1
    assert list(data.ranges.values()) == [(black, white)]
    assert any(f"{black} is black, {white:,} is white" in note for note in data.notes)
    assert not any("cut off" in note or "nearly" in note for note in data.notes)


@pytest.mark.parametrize("kind", ODD)
def test_an_uncommon_range_is_that_of_the_values_and_keeps_their_order(tmp_path: Path, kind: str) -> None:
    data = read(folder_of(tmp_path, ODD[kind]))
    assert int(data.images.min()) <= 3 and int(data.images.max()) >= 252
    for name in ("side", "top"):
        values = np.asarray(Image.open(tmp_path / name / "3.tif")).astype(float)
        pixels = read_image(tmp_path / name / "3.tif", 24, 24, data.ranges)[0].numpy().astype(float)
        assert np.corrcoef(values.ravel(), pixels.ravel())[0, 1] > 0.9999


def test_a_dark_picture_of_a_set_stays_dark(tmp_path: Path) -> None:
    folder_of(tmp_path, KINDS["12 bits"][0])
    Image.fromarray((shares(1) * 400).astype(np.uint16)).save(tmp_path / "top" / "dark.tif")
    data = read(tmp_path)
    highest = torch.cat([data.images, data.test_images]).flatten(1).amax(1)
    assert int(highest.min()) < 30 and int(highest.sort().values[1]) > 200


def test_values_that_are_none_count_for_nothing_and_are_told(tmp_path: Path) -> None:
    folder_of(tmp_path, KINDS["floats of 1"][0])
    holed = shares(3).astype(np.float32)
    holed[0, :3] = np.nan, np.inf, -3.4e38
    Image.fromarray(holed).save(tmp_path / "top" / "holed.tif")
    data = read(tmp_path)
    assert data.ranges == {"floats": (0, 1)}
    assert any("NaN" in note and "1 of 41 pictures" in note and "holed.tif" in note for note in data.notes)
    pixels = read_image(tmp_path / "top" / "holed.tif", 24, 24, data.ranges)[0, 0, :3]
    assert pixels.tolist() == [0, 255, 0]


def test_the_range_is_that_of_the_training_part_and_what_is_outside_is_told(tmp_path: Path) -> None:
    folder_of(tmp_path / "train", KINDS["floats of 1"][0])
    folder_of(tmp_path / "test", KINDS["floats of 255"][0], 3, first=50)
    data = read(tmp_path)
    assert data.ranges == {"floats": (0, 1)} and (data.test_images >= 253).float().mean() > 0.9
    assert any("cut off: 6 of 46 pictures" in note for note in data.notes)


def test_ranges_that_were_learned_are_kept_for_other_images(tmp_path: Path) -> None:
    folder_of(tmp_path, KINDS["10 bits"][0])
    data = read(tmp_path, ranges={"integers": (0.0, 4095.0)})
    assert data.ranges == {"integers": (0.0, 4095.0)} and int(data.images.max()) <= 64


def test_floats_among_pictures_of_8_bits_are_alike(tmp_path: Path) -> None:
    folder_of(tmp_path, KINDS["floats of 1"][0], 10)
    folder_of(tmp_path, lambda one: (one * 255).round().astype(np.uint8), 10, first=10)
    data = read(tmp_path)
    assert farthest(tmp_path, data) <= 1
    assert any("20 pictures of floats" in note for note in data.notes)


@given(st.floats(-1e6, 1e6, width=32), st.floats(-1e6, 1e6, width=32), st.integers(0, 9))
def test_a_range_holds_its_values_and_they_fill_an_eighth_of_it(one: float, other: float, seed: int) -> None:
    low, high = sorted((one + 0.0, other + 0.0))  # no zero is below zero
    black, white = find_ranges([Extent("floats", low, high, 0)])["floats"]
    assert black <= low <= high <= white and black < white
    assert high - low >= (white - black) / 8 or low == high
    values = np.random.default_rng(seed).uniform(low, high, (4, 4)).astype(np.float32)
    pixels = np.asarray(to_bytes(Image.fromarray(values), (black, white)))
    assert (np.diff(pixels.ravel()[np.argsort(values.ravel())].astype(int)) >= 0).all()


def test_a_set_without_any_value_is_black() -> None:
    extent = extent_of(Image.fromarray(np.full((4, 4), np.nan, np.float32)))
    assert extent is not None and extent.unusable == 16
    (black_and_white,) = find_ranges([extent]).values()
    assert not np.asarray(to_bytes(Image.fromarray(np.full((4, 4), np.nan, np.float32)), black_and_white)).any()


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "RGB", "CMYK", "RGBA", "YCbCr"])
def test_pictures_of_8_bits_are_not_deep(mode: str) -> None:
    assert extent_of(Image.new("RGB", (4, 4), "red").convert(mode)) is None
