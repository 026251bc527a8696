"""Folders of images: their layouts, the split that is drawn, and everything odd that lies in such folders."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from seqlab.data.images.folder import read_folder
from seqlab.data.images.image_set import ImageSet
from seqlab.data.images.sets import load_images, set_name
from seqlab.errors import DataError, UsageError
from seqlab.tasks import Task


def picture(path: Path, seed: int, size: tuple[int, int] = (8, 8)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def classes(folder: Path, **counts: int) -> Path:
    """A folder of classes with so many pictures each, no two alike."""
    for place, (name, count) in enumerate(counts.items()):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for index in range(count):
            picture(folder / name / f"{index}.png", 1000 * place + index)
    return folder


def read(folder: Path, size: int = 8) -> ImageSet:
    return Task(read_folder(folder, folder.name, size)).result()


def seen(images: torch.Tensor) -> set[bytes]:
    return {image.numpy().tobytes() for image in images}


def test_the_images_of_a_folder_are_its_files_to_the_bit(tmp_path: Path) -> None:
    data = read(classes(tmp_path / "pets", dog=10, cat=20))
    assert (data.name, data.origin, data.classes, data.drawn) == ("pets", "folder", ("cat", "dog"), True)
    assert data.labels.bincount().tolist() == [16, 8] and data.test_labels.bincount().tolist() == [4, 2]
    assert (data.images.shape, data.images.dtype) == ((24, 3, 8, 8), torch.uint8)
    both, labels = torch.cat([data.images, data.test_images]), torch.cat([data.labels, data.test_labels])
    for label, name in enumerate(data.classes):
        files = {
            np.array(Image.open(path)).transpose(2, 0, 1).tobytes() for path in (tmp_path / "pets" / name).iterdir()
        }
        assert seen(both[labels == label]) == files
    assert set(data.labels[-8:].tolist()) == {0, 1}  # a stretch of it has all classes


@pytest.mark.parametrize("held_out", ["test", "val"])
def test_the_split_of_the_folders_is_taken_where_there_is_one(tmp_path: Path, held_out: str) -> None:
    classes(tmp_path / "train", a=3, b=3)
    for index in range(2):
        picture(tmp_path / held_out / "b" / f"{index}.png", 77 + index)
    data = read(tmp_path)
    assert not data.drawn
    assert (data.labels.bincount().tolist(), data.test_labels.tolist()) == ([3, 3], [1, 1])


def test_a_val_beside_a_test_is_noted(tmp_path: Path) -> None:
    classes(tmp_path / "train", a=3, b=3)
    classes(tmp_path / "test", a=1)
    classes(tmp_path / "val", a=2)
    data = read(tmp_path)
    assert len(data.test_images) == 1 and any("val" in note for note in data.notes)
    assert any("1 picture of test/ is in train/ too" in note for note in data.notes)


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    assert read(classes(tmp_path, train=3, test=3, bus=3)).classes == ("bus", "test", "train")


def test_the_split_depends_on_neither_names_nor_order_nor_layout(tmp_path: Path) -> None:
    first = read(classes(tmp_path / "a", x=12, y=9))
    for name in ("x", "y"):
        for index, path in enumerate(sorted((tmp_path / "a" / name).iterdir(), reverse=True)):
            to = tmp_path / "b" / name / ("deep" if index % 2 else "") / f"renamed {index:03}.PNG"
            to.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, to)
    second = read(tmp_path / "b")
    assert torch.equal(first.images, second.images) and torch.equal(first.test_labels, second.test_labels)
    assert first.sha256 == second.sha256
    assert read(tmp_path / "b", 9).sha256 != first.sha256  # other pixels
    picture(tmp_path / "b" / "x" / "new.png", 5000)
    assert read(tmp_path / "b").sha256 != first.sha256


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 12)), min_size=1, max_size=40))
def test_copies_of_a_picture_are_on_one_side(
    tmp_path_factory: pytest.TempPathFactory, given_: list[tuple[str, int]]
) -> None:
    folder = tmp_path_factory.mktemp("copies")
    for place, (name, seed) in enumerate([*given_, *((name, 20 + ord(name)) for name in "abc"), ("a", 21), ("a", 22)]):
        picture(folder / name / f"{place}.png", seed)
    data = read(folder)
    assert not seen(data.images) & seen(data.test_images)
    assert set(data.labels.tolist()) == {0, 1, 2}
    assert len(data.images) + len(data.test_images) == len(given_) + 5
    for label in range(3):  # a fifth, and one at least where there are two
        held = len(seen(data.test_images[data.test_labels == label]))
        sizes = {seed for name, seed in given_ if "abc".index(name) == label} | {20 + ord("abc"[label])}
        assert held <= max(1, (len(sizes) + 2) // 5)


def test_what_lies_beside_the_images_is_left_out_with_a_note(tmp_path: Path) -> None:
    folder = classes(tmp_path / "pets", cat=5, dog=5)
    for name in (".DS_Store", "cat/.DS_Store", "cat/._0.png", "dog/.cache/x.png"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"hidden")
    (folder / ".git").mkdir()
    for name in ("README.md", "cat/Thumbs.db", "loose.png"):
        (folder / name).write_bytes(b"other")
    data = read(folder)
    assert data.classes == ("cat", "dog") and len(data.images) + len(data.test_images) == 10
    (note,) = [note for note in data.notes if "left out" in note]
    assert all(name in note for name in ("README.md", "loose.png", "cat/Thumbs.db")) and "DS_Store" not in note


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_lead_to_files_and_classes_and_never_in_circles(tmp_path: Path) -> None:
    store = classes(tmp_path / "store", cat=5, dog=5)
    folder = tmp_path / "linked"
    (folder / "cat").mkdir(parents=True)
    for path in (store / "cat").iterdir():
        (folder / "cat" / path.name).symlink_to(path)
    (folder / "dog").symlink_to(store / "dog")
    assert read(folder).sha256 == read(store).sha256
    (folder / "cat" / "again").symlink_to(folder)
    (folder / "cat" / "lost.png").symlink_to(tmp_path / "nowhere.png")
    os.mkfifo(folder / "cat" / "pipe.png")
    data = read(folder)
    assert data.sha256 == read(store).sha256
    assert any("lost.png" in note and "pipe.png" in note for note in data.notes)


def test_a_class_of_one_picture_trains_and_is_not_tested(tmp_path: Path) -> None:
    data = read(classes(tmp_path, a=6, b=1))
    assert data.test_labels.tolist() == [0]
    assert any("1 class of one picture" in note for note in data.notes)


def test_a_picture_of_two_classes_only_trains(tmp_path: Path) -> None:
    folder = classes(tmp_path, a=4, b=4)
    for name in "ab":
        picture(folder / name / "both.png", 9999)
    data = read(folder)
    assert any("1 picture in two classes" in note for note in data.notes)
    assert len(data.test_images) == 2 and not any("both" in note for note in data.notes)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: folder.mkdir(), ["no folders"]),
        (lambda folder: picture(folder / "a.png", 0), ["no folders"]),
        (lambda folder: classes(folder, cat=3), ["only one class, cat"]),
        (lambda folder: classes(folder, cat=0, dog=0), ["has no image"]),
        (lambda folder: classes(folder, cat=3, dog=0), ["1 class without an image: dog"]),
        (lambda folder: classes(folder, cat=1, dog=1), ["too few pictures"]),
        (lambda folder: classes(folder, train=4, test=2), ["train has no folders of classes"]),
        (lambda folder: [classes(folder / "train", a=2, b=2), classes(folder / "test", c=1)], ["not: c"]),
        (lambda folder: [classes(folder / "train", a=2, b=2), classes(folder / "test", a=0)], ["test has no image"]),
    ],
)
def test_a_folder_that_is_none_of_images_is_an_error(
    tmp_path: Path, make: Callable[[Path], Any], words: list[str]
) -> None:
    make(tmp_path / "given")
    with pytest.raises(DataError) as error:
        read(tmp_path / "given")
    assert str(tmp_path / "given") in error.value.message and error.value.hint
    assert all(word in error.value.message for word in words), error.value.message


def whole(kind: str) -> bytes:
    from io import BytesIO

    to = BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(to, kind)
    return to.getvalue()


def giant() -> bytes:
    """A PNG that says it is 60,000 x 60,000."""
    import struct
    import zlib

    head = b"IHDR" + struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + head + struct.pack(">I", zlib.crc32(head)) + whole("png")[33:]


DAMAGED = {
    "empty.jpg": b"",
    "zero.png": bytes(500),
    "text.jpg": b"no image\n",
    "html.png": b"<html><body>404 Not Found</body></html>",
    "cut.jpg": whole("jpeg")[:-700],
    "head.jpg": whole("jpeg")[:30],
    "cut.png": whole("png")[:1500],
    "signature.png": whole("png")[:8],
    "flipped.png": whole("png")[:60] + bytes(40) + whole("png")[100:],
    "cut.gif": whole("gif")[:300],
    "cut.bmp": whole("bmp")[:300],
    "cut.webp": whole("webp")[:200],
    "cut.tiff": whole("tiff")[:100],
    "cut.ppm": whole("ppm")[:200],
    "giant.png": giant(),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_one_damaged_image_is_refused_by_its_name(tmp_path: Path, name: str) -> None:
    folder = classes(tmp_path, cat=3, dog=3)
    (folder / "dog" / name).write_bytes(DAMAGED[name])
    with pytest.raises(DataError) as error:
        read(folder)
    assert str(folder / "dog" / name) in error.value.message and "remove it" in error.value.hint


def test_of_many_damaged_images_three_are_named_and_all_counted(tmp_path: Path) -> None:
    folder = classes(tmp_path, cat=3, dog=3)
    for name, content in DAMAGED.items():
        (folder / "dog" / name).write_bytes(content + name.encode())
    with pytest.raises(DataError, match=r"\d+ of 21 images .* and \d+ more"):
        read(folder)


@pytest.mark.skipif(os.name == "nt", reason="there names are text")
def test_names_of_any_bytes_become_text(tmp_path: Path) -> None:
    classes(tmp_path, **{"ok": 3, "red \x1b[31m": 3, "tab\t": 3, "日本": 3, os.fsdecode(b"bad \xff"): 3})
    names = read(tmp_path).classes
    assert set(names) == {"bad \\udcff", "ok", "red \\x1b[31m", "tab\\t", "日本"}
    "".join(names).encode()


def test_more_memory_than_there_is_is_refused_before_it_is_taken(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="GB of memory"):
        read(classes(tmp_path, a=3, b=3), size=200_000)


def test_what_is_neither_a_name_nor_a_folder_gets_a_hint(tmp_path: Path) -> None:
    for given_ in ("fashon-mnist", str(tmp_path / "none"), ""):
        with pytest.raises(UsageError) as error:
            set_name(given_)
        assert "folder" in error.value.hint
    with pytest.raises(UsageError, match="is a file"):
        set_name(str(picture(tmp_path / "a.png", 0)))
    with pytest.raises(UsageError, match="data-dir"):
        Task(load_images(str(classes(tmp_path, a=1, b=1)), data_dir=tmp_path)).result()
    with pytest.raises(UsageError, match="64"):
        Task(load_images("mnist", size=64)).result()
