"""Image files of every kind."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from seqlab.data.images import decode as picture
from seqlab.errors import DataError


def noise() -> torch.Tensor:
    return torch.randint(1, 256, (3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))


def save(path: Path, pixels: np.ndarray, mode: str | None = None, **options: object) -> Path:
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(path, **options)
    return path


def quadrants(size: int = 32) -> np.ndarray:
    """Red, green over blue, white."""
    pixels = np.zeros((size, size, 3), np.uint8)
    half = size // 2
    pixels[:half, :half, 0] = pixels[:half, half:, 1] = pixels[half:, :half, 2] = pixels[half:, half:] = 255
    return pixels


def test_an_image_of_the_right_size_comes_back_to_the_bit(tmp_path: Path) -> None:
    pixels = noise()
    path = save(tmp_path / "a.png", pixels.permute(1, 2, 0).numpy())
    assert torch.equal(picture.read_image(path, 32, 32), pixels)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "gif", "tiff", "webp", "ppm"])
def test_every_format_and_size_comes_out_upright_and_in_colour(tmp_path: Path, suffix: str) -> None:
    image = picture.read_image(save(tmp_path / f"a.{suffix}", quadrants(200)), 32, 32).float()
    assert image.shape == (3, 32, 32)
    corners = torch.stack([image[:, 4, 4], image[:, 4, 27], image[:, 27, 4], image[:, 27, 27]])
    expected = 255.0 * torch.tensor([[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 1]])
    assert (corners - expected).abs().max() < 40  # the palette of a GIF and the blocks of a JPEG


@pytest.mark.parametrize("mode", ["L", "P", "1", "LA", "CMYK", "I;16", "RGBA"])
def test_every_mode_of_pixels_becomes_three_colours(tmp_path: Path, mode: str) -> None:
    suffix = "jpg" if mode == "CMYK" else "png"
    grey = np.repeat(quadrants()[:, :, 1:2], 3, axis=2)  # black and white only
    if mode == "I;16":
        path = save(tmp_path / "a.png", grey[:, :, 0].astype(np.uint16) * 257)
    else:
        path = save(tmp_path / f"a.{suffix}", grey, mode)
    image = picture.read_image(path, 32, 32)
    assert (image.shape, image.dtype) == ((3, 32, 32), torch.uint8)
    assert (image.permute(1, 2, 0).int() - torch.from_numpy(grey).int()).abs().max() <= 6


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    pixels = np.zeros((32, 32, 4), np.uint8)
    pixels[:16, :, 3] = 255  # the upper half is black, the lower half is not there
    image = picture.read_image(save(tmp_path / "a.png", pixels), 32, 32)
    assert not image[:, :16].any()
    assert (image[:, 16:] == 255).all()


def test_an_image_is_turned_as_its_exif_data_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    path = tmp_path / "a.png"
    Image.fromarray(quadrants()).save(path, exif=exif)
    image = picture.read_image(path, 32, 32)
    assert np.array_equal(image.permute(1, 2, 0).numpy(), np.rot90(quadrants(), k=-1))


def test_a_wide_image_is_cut_to_its_middle(tmp_path: Path) -> None:
    pixels = np.zeros((32, 96, 3), np.uint8)
    pixels[:, 32:64] = quadrants()
    image = picture.read_image(save(tmp_path / "a.png", pixels), 32, 32)
    assert np.array_equal(image.permute(1, 2, 0).numpy(), quadrants())


def test_a_file_that_is_no_image_is_an_error_that_names_it(tmp_path: Path) -> None:
    whole = save(tmp_path / "whole.png", noise().permute(1, 2, 0).numpy()).read_bytes()
    bad = {"text.png": b"no image\n", "empty.jpg": b"", "cut.png": whole[:700], "head.png": whole[:20]}
    bad["wrong.png"] = whole[:60] + bytes(40) + whole[100:]
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=name) as error:
            picture.read_image(tmp_path / name, 32, 32)
        assert error.value.hint
    for path in (tmp_path, tmp_path / "none.png"):
        with pytest.raises(DataError, match=path.name):
            picture.read_image(path, 32, 32)
