"""Files in a folder of images that are named, made or filled oddly."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import EpsImagePlugin, Image

from seqlab.data.images.decode import is_image, read_image
from seqlab.errors import DataError
from tests.data.images.test_folder import classes, picture, read


def content(kind: str, seed: int = 0) -> bytes:
    to = BytesIO()
    pixels = np.random.default_rng(seed).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(to, kind)
    return to.getvalue()


def notes_with(folder: Path, words: str) -> list[str]:
    return [note for note in read(folder).notes if words in note]


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "bmp", "gif", "tiff", "ppm"])
@pytest.mark.parametrize("name", ["img_{}", "scan.{:04}", "picture {} of 12"])
def test_images_without_a_suffix_are_read_by_their_content(tmp_path: Path, kind: str, name: str) -> None:
    for place, label in enumerate(("side", "top")):
        (tmp_path / label).mkdir()
        for index in range(6):
            (tmp_path / label / name.format(index)).write_bytes(content(kind, 100 * place + index))
    data = read(tmp_path)
    assert len(data.images) + len(data.test_images) == 12
    assert any("by what they begin with" in note and "and 9 more" in note for note in data.notes)


def test_a_wrong_suffix_is_looked_behind_where_the_content_is_unmistakable(tmp_path: Path) -> None:
    taken = {"a.jpg_large": "jpeg", "b.jpg!d": "jpeg", "c.dat": "png", "d.tmp": "webp", "e.bin": "gif"}
    for name, kind in taken.items():
        (tmp_path / name).write_bytes(content(kind))
        assert is_image(tmp_path / name), name
    left = {"a.nef": content("tiff"), "b.txt": b"BM and P6 are how some files begin", "c.md": content("bmp")}
    left |= {"notes": b"BMW 320, P5 plate\n", "empty": b"", "d.mp4": bytes(100), "README": b"RIFF of a guitar WEBP"}
    for name, held in left.items():
        (tmp_path / name).write_bytes(held)
        assert not is_image(tmp_path / name), name


def test_what_is_left_out_is_counted_by_its_reason(tmp_path: Path) -> None:
    folder = classes(tmp_path, cat=5, dog=5)
    for index in range(6):
        (folder / "cat" / f"{index}.heic").write_bytes(b"\0\0\0\x18ftypheic")
    (folder / "dog" / "notes.txt").write_text("mine")
    (formats,) = notes_with(folder, "WebP")
    assert "cat/0.heic" in formats and "and 3 more" in formats and "notes" not in formats
    (others,) = notes_with(folder, "no image files")
    assert others.endswith(": dog/notes.txt")


@pytest.mark.parametrize("suffix", ["heic", "tga", "xyz"])
def test_a_class_whose_files_are_all_left_out_says_how_many_and_why(tmp_path: Path, suffix: str) -> None:
    folder = classes(tmp_path, cat=5, emu=0)
    for index in range(12):
        (folder / "emu" / f"{index}.{suffix}").write_bytes(bytes(100))
    with pytest.raises(DataError, match=r"without an image: emu; 12 files were left out.*WebP.*emu/0\.") as error:
        read(folder)
    assert "convert" in error.value.hint


def test_a_few_damaged_images_are_left_out_and_named(tmp_path: Path) -> None:
    folder = classes(tmp_path, cat=20, dog=20)
    whole = read(folder)
    (folder / "dog" / "cut.png").write_bytes(content("png", 7)[:900])
    (folder / "cat" / "page.jpg").write_bytes(b"<html>404</html>")
    data = read(folder)
    assert len(data.images) + len(data.test_images) == 40 and len(whole.images) == 32
    (note,) = [one for one in data.notes if "cannot be read" in one]
    assert "cat/page.jpg" in note and "dog/cut.png" in note
    assert not (data.images == 0).flatten(1).all(1).any()  # none stands for them
    assert data.labels.bincount().sum() == len(data.images)
    for index in range(3):
        (folder / "dog" / f"{index}.jpg").write_bytes(f"<html>{index}".encode())
    with pytest.raises(DataError, match="5 of 45 images"):
        read(folder)


def test_a_class_of_damaged_images_alone_is_an_error_however_few(tmp_path: Path) -> None:
    folder = classes(tmp_path, cat=50, dog=50, emu=0)
    (folder / "emu" / "1.png").write_bytes(content("png")[:900])
    with pytest.raises(DataError, match=r"emu.1\.png"):
        read(folder)


def test_postscript_in_a_png_starts_no_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def started(*_: object, **__: object) -> None:
        raise AssertionError("Ghostscript was asked for")

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", started)
    (tmp_path / "evil.png").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n%%EndComments\nshowpage\n")
    with pytest.raises(DataError, match=r"evil\.png cannot be read.*identify") as error:
        read_image(tmp_path / "evil.png", 8, 8)
    assert "WebP" in error.value.hint


def test_images_of_one_colour_are_counted_with_an_example(tmp_path: Path) -> None:
    folder = classes(tmp_path, cat=10, dog=10)
    assert not notes_with(folder, "one colour")
    for index in range(3):
        Image.new("RGB", (8 + index, 8), (9, 90, 200)).save(folder / "dog" / f"blank{index}.png")
    (note,) = notes_with(folder, "one colour")
    assert "3 of 23 pictures" in note and "dog/blank" in note


@pytest.mark.parametrize("sizes", ["other files", "copies"])
def test_a_folder_of_one_and_the_same_colour_is_an_error(tmp_path: Path, sizes: str) -> None:
    for place, name in enumerate(("cat", "dog")):
        (tmp_path / name).mkdir()
        for index in range(10):
            width = 8 if sizes == "copies" else 8 + 10 * place + index
            Image.new("L", (width, 8), 7).save(tmp_path / name / f"{index}.png")
    with pytest.raises(DataError, match=r"all 20 images .* \(7, 7, 7\)"):
        read(tmp_path)


def test_colours_alone_may_be_the_classes(tmp_path: Path) -> None:
    for place, name in enumerate(("dark", "light")):
        (tmp_path / name).mkdir()
        for index in range(10):
            Image.new("L", (8, 8), 200 * place + index).save(tmp_path / name / f"{index}.png")
    (note,) = notes_with(tmp_path, "one colour")
    assert "20 of 20" in note


def test_nearly_black_images_are_told(tmp_path: Path) -> None:
    for place, name in enumerate(("cat", "dog")):
        (tmp_path / name).mkdir()
        for index in range(10):
            mask = np.random.default_rng(100 * place + index).integers(0, 2, (24, 24), dtype=np.uint8)
            Image.fromarray(mask).save(tmp_path / name / f"{index}.png")
    assert any("the highest is 1" in note for note in notes_with(tmp_path, "nearly black"))
    broken = np.zeros((24, 24), np.uint8)
    broken[3, 3] = 255  # one pixel of a sensor does not make them bright
    Image.fromarray(broken).resize((8, 8), Image.Resampling.NEAREST).save(tmp_path / "cat" / "broken.png")
    assert notes_with(tmp_path, "nearly black")


def test_pages_beside_the_first_are_told(tmp_path: Path) -> None:
    folder = classes(tmp_path, cat=10, dog=10)
    pages = [Image.fromarray(np.random.default_rng(n).integers(0, 256, (8, 8), dtype=np.uint8)) for n in range(3)]
    pages[0].save(folder / "cat" / "scan.tif", save_all=True, append_images=pages[1:])
    (note,) = notes_with(folder, "pages")
    assert "1 of 21 pictures, as cat/scan.tif" in note
    first = read_image(folder / "cat" / "scan.tif", 8, 8)[0]
    assert torch.equal(first, torch.from_numpy(np.array(pages[0])))


def test_copies_in_two_classes_are_the_reason_why_none_can_be_held_out(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        for index in range(5):
            picture(tmp_path / name / f"{index}.png", index)
    with pytest.raises(DataError, match="10 files are 5 different ones"):
        read(tmp_path)
