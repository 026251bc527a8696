"""CIFAR's published archives, whole, odd and damaged."""

from pathlib import Path

import pytest
import torch

from seqlab.data.images import cifar
from seqlab.errors import DataError
from tests.data.images.cifar_files import MEMBERS, NAMES, cifar100_files, cifar_files, write_archive


@pytest.mark.parametrize("top", ["cifar-10-batches-bin/", "another/", "", "two/levels/"])
def test_an_archive_is_read_to_the_byte_whatever_its_folder_is_called(tmp_path: Path, top: str) -> None:
    files = cifar_files(5)
    data = cifar.read_cifar("cifar10", "here", write_archive(tmp_path / "a.tar.gz", files, top))
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
    first = cifar.read_cifar("cifar10", "", write_archive(tmp_path / "a", files))
    turned = dict(reversed(files.items()))
    second = cifar.read_cifar("cifar10", "", write_archive(tmp_path / "b", turned, "x/"))
    files["data_batch_2.bin"] = files["data_batch_2.bin"][:-1] + b"\xff"
    third = cifar.read_cifar("cifar10", "", write_archive(tmp_path / "c", files))
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
        cifar.read_cifar("cifar10", "", path)
    assert str(path) in error.value.message
    assert "fetch" in error.value.hint


@pytest.mark.parametrize("keep", [0, 10, 2_000, -9, -2_000])
def test_a_cut_archive_is_an_error(tmp_path: Path, keep: int) -> None:
    path = write_archive(tmp_path / "cut.tar.gz", cifar_files(3))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"cut\.tar\.gz"):
        cifar.read_cifar("cifar10", "", path)


def test_a_flipped_bit_inside_the_compression_is_an_error(tmp_path: Path) -> None:
    path = write_archive(tmp_path / "bits.tar.gz", cifar_files(3))
    whole = path.read_bytes()
    for place in range(20, len(whole), len(whole) // 20):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 16]) + whole[place + 1 :])
        with pytest.raises(DataError, match=r"bits\.tar\.gz"):
            cifar.read_cifar("cifar10", "", path)


def test_of_the_hundred_classes_the_fine_labels_are_read(tmp_path: Path) -> None:
    files = cifar100_files(30)
    for given in (write_archive(tmp_path / "a.tar.gz", files, "cifar-100-binary/"), unpacked(tmp_path / "b", files)):
        data = cifar.read_cifar("cifar100", "here", given)
        assert (data.images.shape, data.test_images.shape) == ((30, 3, 32, 32), (15, 3, 32, 32))
        third = files["train.bin"][2 * 3074 : 3 * 3074]
        assert data.labels[2] == third[1] and bytes(data.images[2].flatten().tolist()) == third[2:]
        assert len(data.classes) == 100 and data.classes[99] == "fine_99"


@pytest.mark.parametrize(
    ("member", "content", "words"),
    [
        ("train.bin", None, "lacks train.bin"),
        ("fine_label_names.txt", None, "lacks fine_label_names.txt"),
        ("test.bin", bytes(3073), "no whole records of 3,074"),
        ("train.bin", bytes([1, 100]) + bytes(3072), "label 100 for 100 classes"),
        ("fine_label_names.txt", b"apple\npear\n", "2 classes, not 100"),
    ],
)
def test_an_odd_archive_of_a_hundred_classes_says_what_is_odd(
    tmp_path: Path, member: str, content: bytes | None, words: str
) -> None:
    files = cifar100_files(10)
    del files[member]
    if content is not None:
        files[member] = content
    for given in (write_archive(tmp_path / "odd.tar.gz", files), unpacked(tmp_path / "odd", files)):
        with pytest.raises(DataError, match=words):
            cifar.read_cifar("cifar100", "", given)


def test_unpacked_files_are_the_archive(tmp_path: Path) -> None:
    files = cifar_files(3)
    packed = cifar.read_cifar("cifar10", "", write_archive(tmp_path / "a", files))
    assert cifar.read_cifar("cifar10", "", unpacked(tmp_path / "b", files)).sha256 == packed.sha256


def unpacked(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def test_members_of_the_archive_made_here_are_those_that_are_read() -> None:
    assert sorted(MEMBERS) == sorted([*cifar.LAYOUTS["cifar10"].train, cifar.LAYOUTS["cifar10"].test])
