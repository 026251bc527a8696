"""Images: the published archive, the augmentation of a batch, and image files of every kind."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from seqlab.data import images
from seqlab.data.cache import finish
from seqlab.errors import DataError, UsageError
from tests.cifar import MEMBERS, NAMES, cifar_files, write_archive


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def noise(count: int, height: int = 8, width: int = 6, seed: int = 0) -> Tensor:
    """Images without a black pixel, so that padding shows, and without two that are alike."""
    return torch.randint(1, 256, (count, 3, height, width), dtype=torch.uint8, generator=generator(seed))


# --- the archive


@pytest.mark.parametrize("top", ["cifar-10-batches-bin/", "another/", "", "two/levels/"])
def test_an_archive_is_read_to_the_byte_whatever_its_folder_is_called(tmp_path: Path, top: str) -> None:
    files = cifar_files(5)
    data = images.read_cifar10("cifar10", "here", write_archive(tmp_path / "a.tar.gz", files, top))
    assert data.classes == tuple(NAMES)
    assert (data.images.shape, data.images.dtype) == ((25, 3, 32, 32), torch.uint8)
    assert (data.test_images.shape, data.test_labels.dtype) == ((5, 3, 32, 32), torch.int64)
    third = files["data_batch_3.bin"][2 * 3073 : 3 * 3073]
    assert data.labels[12] == third[0]
    for channel, y, x in [(0, 0, 0), (1, 5, 31), (2, 31, 7)]:
        assert data.images[12, channel, y, x] == third[1 + 1024 * channel + 32 * y + x]
    assert bytes(data.test_images[4].flatten().tolist()) == files["test_batch.bin"][-3072:]


def test_the_checksum_is_of_the_images_and_not_of_their_packing(tmp_path: Path) -> None:
    files = cifar_files(3)
    first = images.read_cifar10("cifar10", "", write_archive(tmp_path / "a", files))
    turned = dict(reversed(files.items()))
    second = images.read_cifar10("cifar10", "", write_archive(tmp_path / "b", turned, "x/"))
    files["data_batch_2.bin"] = files["data_batch_2.bin"][:-1] + b"\xff"
    third = images.read_cifar10("cifar10", "", write_archive(tmp_path / "c", files))
    assert first.sha256 == second.sha256 != third.sha256
    assert torch.equal(first.images, second.images)


@pytest.mark.parametrize(
    ("member", "content", "words"),
    [
        ("data_batch_2.bin", None, "lacks data_batch_2.bin"),
        ("batches.meta.txt", None, "lacks batches.meta.txt"),
        ("data_batch_4.bin", cifar_files(3)["data_batch_4.bin"][:-1], "data_batch_4.bin"),
        ("test_batch.bin", b"", "test_batch.bin"),
        ("data_batch_1.bin", b"\x0a" + bytes(3072), "label 10"),
        ("batches.meta.txt", b"cat\ndog\n", "2 classes"),
    ],
)
def test_an_odd_archive_is_an_error_that_says_what_is_odd(
    tmp_path: Path, member: str, content: bytes | None, words: str
) -> None:
    files = cifar_files(3)
    del files[member]
    if content is not None:
        files[member] = content
    path = write_archive(tmp_path / "odd.tar.gz", files)
    with pytest.raises(DataError, match=words) as error:
        images.read_cifar10("cifar10", "", path)
    assert str(path) in error.value.message
    assert "fetch" in error.value.hint


@pytest.mark.parametrize("keep", [0, 10, 2_000, -9, -2_000])
def test_a_cut_archive_is_an_error(tmp_path: Path, keep: int) -> None:
    path = write_archive(tmp_path / "cut.tar.gz", cifar_files(3))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"cut\.tar\.gz"):
        images.read_cifar10("cifar10", "", path)


def test_a_flipped_bit_inside_the_compression_is_an_error(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "bits.tar.gz", cifar_files(3))
    whole = path.read_bytes()
    for place in range(20, len(whole), len(whole) // 20):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 16]) + whole[place + 1 :])
        with pytest.raises(DataError, match=r"bits\.tar\.gz"):
            images.read_cifar10("cifar10", "", path)


def test_an_unknown_data_set_gets_a_suggestion() -> None:
    with pytest.raises(UsageError, match="cifar1000") as error:
        finish(images.load_images("cifar1000"))  # type: ignore[arg-type]
    assert "'cifar10'" in error.value.hint


@pytest.mark.mirror
def test_the_published_images_are_the_published_ones() -> None:
    data = finish(images.load_images("cifar10"))  # type: ignore[arg-type]
    assert data.labels.bincount().tolist() == 10 * [5000]  # type: ignore[attr-defined]
    assert data.test_labels.bincount().tolist() == 10 * [1000]  # type: ignore[attr-defined]
    mean, std = images.channel_statistics(data.images)  # type: ignore[attr-defined]
    assert mean == pytest.approx([0.4914, 0.4822, 0.4465], abs=5e-5)  # as the literature has them
    assert std == pytest.approx([0.2470, 0.2435, 0.2616], abs=5e-5)


# --- image files


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
    pixels = noise(1, 32, 32)[0]
    path = save(tmp_path / "a.png", pixels.permute(1, 2, 0).numpy())
    assert torch.equal(images.read_image(path, 32, 32), pixels)


@pytest.mark.parametrize("suffix", ["png", "jpg", "bmp", "gif", "tiff", "webp", "ppm"])
def test_every_format_and_size_comes_out_upright_and_in_colour(tmp_path: Path, suffix: str) -> None:
    image = images.read_image(save(tmp_path / f"a.{suffix}", quadrants(200)), 32, 32).float()
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
    image = images.read_image(path, 32, 32)
    assert (image.shape, image.dtype) == ((3, 32, 32), torch.uint8)
    assert (image.permute(1, 2, 0).int() - torch.from_numpy(grey).int()).abs().max() <= 6


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    pixels = np.zeros((32, 32, 4), np.uint8)
    pixels[:16, :, 3] = 255  # the upper half is black, the lower half is not there
    image = images.read_image(save(tmp_path / "a.png", pixels), 32, 32)
    assert not image[:, :16].any()
    assert (image[:, 16:] == 255).all()


def test_an_image_is_turned_as_its_exif_data_says(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    path = tmp_path / "a.png"
    Image.fromarray(quadrants()).save(path, exif=exif)
    image = images.read_image(path, 32, 32)
    assert np.array_equal(image.permute(1, 2, 0).numpy(), np.rot90(quadrants(), k=-1))


def test_a_wide_image_is_cut_to_its_middle(tmp_path: Path) -> None:
    pixels = np.zeros((32, 96, 3), np.uint8)
    pixels[:, 32:64] = quadrants()
    image = images.read_image(save(tmp_path / "a.png", pixels), 32, 32)
    assert np.array_equal(image.permute(1, 2, 0).numpy(), quadrants())


def test_a_file_that_is_no_image_is_an_error_that_names_it(tmp_path: Path) -> None:
    whole = save(tmp_path / "whole.png", noise(1, 32, 32)[0].permute(1, 2, 0).numpy()).read_bytes()
    bad = {"text.png": b"no image\n", "empty.jpg": b"", "cut.png": whole[:700], "head.png": whole[:20]}
    bad["wrong.png"] = whole[:60] + bytes(40) + whole[100:]
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=name) as error:
            images.read_image(tmp_path / name, 32, 32)
        assert error.value.hint
    for path in (tmp_path, tmp_path / "none.png"):
        with pytest.raises(DataError, match=path.name):
            images.read_image(path, 32, 32)


def test_members_of_the_archive_made_here_are_those_that_are_read() -> None:
    assert sorted(MEMBERS) == sorted([*images.CIFAR_TRAIN, images.CIFAR_TEST])
