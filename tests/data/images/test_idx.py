"""MNIST's format, whole, odd and damaged, from bytes that are made here."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from seqlab.data.images.idx import read_idx, read_idx_set
from seqlab.errors import DataError
from tests.data.images.mnist_files import FILES, idx, mnist_files, write_files

Odd = Callable[[dict[str, bytes]], None]


@pytest.mark.parametrize("is_packed", [True, False])
def test_a_file_is_read_to_the_byte(tmp_path: Path, is_packed: bool) -> None:
    values = np.random.default_rng(0).integers(0, 256, (3, 4, 5), dtype=np.uint8)
    path = tmp_path / "a"
    path.write_bytes(gzip.compress(idx(values)) if is_packed else idx(values))
    assert np.array_equal(read_idx(path), values)


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
@pytest.mark.parametrize("is_packed", [True, False])
def test_a_set_has_a_black_edge_and_three_equal_channels(tmp_path: Path, name: str, is_packed: bool) -> None:
    files = mnist_files(40)
    data = read_idx_set(name, "here", write_files(tmp_path, files, is_packed))
    assert (data.images.shape, data.images.dtype) == ((40, 3, 32, 32), torch.uint8)
    assert (data.test_images.shape, data.test_labels.dtype) == ((20, 3, 32, 32), torch.int64)
    assert data.images[7, :, 2:30, 2:30].tolist() == 3 * [
        [list(files[FILES[0]][16 + 784 * 7 + 28 * y :][:28]) for y in range(28)]
    ]
    assert data.images.long().sum() == 3 * sum(files[FILES[0]][16:])  # so the edge is 0
    assert bytes(data.test_labels.tolist()) == files[FILES[3]][8:]
    assert len(data.classes) == 10 and data.classes[5] == {"mnist": "5", "fashion-mnist": "Sandal"}[name]


def test_the_checksum_is_of_the_images_and_not_of_their_packing(tmp_path: Path) -> None:
    files = mnist_files(20)
    first = read_idx_set("mnist", "", write_files(tmp_path / "a", files, True))
    second = read_idx_set("mnist", "", write_files(tmp_path / "b", files, False))
    third = read_idx_set("mnist", "", write_files(tmp_path / "c", mnist_files(20, seed=1), True))
    assert first.sha256 == second.sha256 != third.sha256


IMAGES = mnist_files(20)[FILES[0]]
LABELS = mnist_files(20)[FILES[1]]


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        (0, b"", "begins with nothing"),
        (0, b"\0\0\x08", "no IDX file"),
        (0, b"GIF89a, say", "begins with 47494638"),
        (0, b"\1\0" + IMAGES[2:], "begins with 01000803"),
        (0, IMAGES[:2] + b"\x0d" + IMAGES[3:], "type 0x0d"),
        (0, IMAGES[:3] + b"\0", "0 dimensions"),
        (0, IMAGES[:10], "ends within the sizes of its 3 dimensions"),
        (0, IMAGES[:-1], r"20 x 28 x 28 values and holds 15,679"),
        (0, IMAGES + b"\0", "holds more"),
        (0, IMAGES[:4] + 3 * b"\xff\xff\xff\xff" + IMAGES[16:], "4294967295 x 4294967295"),
        (0, IMAGES[:3] + b"\xff" + IMAGES[4:], "255 dimensions"),
        (0, idx(np.zeros((20, 27, 28), np.uint8)), "20 x 27 x 28"),
        (0, idx(np.zeros((0, 28, 28), np.uint8)), "0 x 28 x 28"),
        (0, LABELS, "is 20, not images"),
        (1, IMAGES, "not the labels of 20 images"),
        (1, idx(np.zeros(19, np.uint8)), "is 19, not the labels of 20"),
        (1, idx(np.full(20, 10, np.uint8)), "label 10 for 10 classes"),
        (3, None, "lacks t10k-labels-idx1-ubyte.gz"),
    ],
)
@pytest.mark.parametrize("is_packed", [True, False])
def test_an_odd_file_is_an_error_that_says_which_and_what(
    tmp_path: Path, file: int, content: bytes | None, words: str, is_packed: bool
) -> None:
    files = mnist_files(20)
    del files[FILES[file]]
    if content is not None:
        files[FILES[file]] = content
    write_files(tmp_path, files, is_packed)
    with pytest.raises(DataError, match=words) as error:
        read_idx_set("mnist", "", tmp_path)
    assert FILES[file] in error.value.message and error.value.hint


@pytest.mark.parametrize("keep", [1, 2, 9, 200, -1, -9])
def test_a_cut_file_is_an_error(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(IMAGES)[:keep])
    with pytest.raises(DataError, match=r"cut\.gz"):
        read_idx(path)


def test_a_flipped_bit_inside_the_compression_is_an_error(tmp_path: Path) -> None:
    whole, path = gzip.compress(IMAGES, mtime=0), tmp_path / "bits.gz"
    for place in range(12, len(whole), len(whole) // 20):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 16]) + whole[place + 1 :])
        with pytest.raises(DataError, match=r"bits\.gz"):
            read_idx(path)


def test_the_header_is_big_endian() -> None:
    assert IMAGES[:16] == struct.pack(">4I", 2051, 20, 28, 28) and LABELS[:8] == struct.pack(">2I", 2049, 20)
