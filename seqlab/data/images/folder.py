"""A folder of images, one folder for each class, as an ImageSet.

Either FOLDER/CLASS/* or FOLDER/train/CLASS/* and FOLDER/test/CLASS/* (`val` where there is no `test`). A class has
the images in its folder and the folders in that. Files whose names do not end as an image's do are left out, with
a note; hidden files and folders are passed over. A link to a file or to a class's folder is what it leads to; links to
folders further down are not followed, as they may run in circles.

Without a test part one is drawn, see `held_out`.
"""

import hashlib
import os
from collections.abc import Generator, Iterable
from dataclasses import replace
from pathlib import Path

import torch

from seqlab.data.fetch.archive import reading
from seqlab.data.fetch.cache import Transfer
from seqlab.data.images.decode import image_suffixes, read_image
from seqlab.data.images.image_set import ImageSet
from seqlab.data.images.test_split import Picture, count, split
from seqlab.errors import DataError

PIXELS = 32  # a side, by default
HINT = "give it one folder for each class with its images in it: FOLDER/cat/1.jpg, FOLDER/dog/2.jpg"


def read_folder(folder: Path, name: str, size: int = PIXELS) -> Generator[Transfer, None, ImageSet]:
    """The images of a folder, cut to squares from their middles and resized to size x size.

    A generator that yields its progress in bytes read. Raises DataError, naming what is odd: no or one class, a class
    without images, images that cannot be read.
    """
    notes: list[str] = []
    parts = _parts(folder, notes)
    classes = _classes(folder, parts)
    listed = [_listed(part, classes, notes) for part in parts]
    _check_listed(parts, classes, listed)
    total = sum(path.stat().st_size for files in listed for path, _ in files)
    progress = Transfer(f"images of {name}", "folder", 0, 2 * total)  # each is read for its sha256 and for its pixels
    pictures = []
    for files in listed:
        hashed = yield from _hashed(files, progress)
        pictures.append(sorted(hashed, key=lambda one: (one.digest, one.label)))  # so a stretch of them has all classes
        progress = replace(progress, done=progress.done + sum(path.stat().st_size for path, _ in files))
    drawn = len(parts) == 1
    train, test = split(pictures[0], notes) if drawn else (pictures[0], pictures[1])
    if not train or not test:
        raise DataError(f"{folder} has too few pictures to hold some out as a test", "add pictures to its classes")
    if not drawn and (leaked := len({one.digest for one in train} & {one.digest for one in test})):
        notes.append(f"{count(leaked, 'picture')} of {parts[1].name}/ {'is' if leaked == 1 else 'are'} in train/ too")
    need = (len(train) + len(test)) * 3 * size**2
    notes.append(f"images of {size} x {size} pixels, {need / 1e6:,.1f} MB in memory")
    _need_memory(need)
    images = yield from _decoded(folder, [*train, *test], size, progress)
    labels = torch.tensor([one.label for one in [*train, *test]])
    digest = hashlib.sha256(f"{size}\n".encode())
    shown = [printable(one) for one in classes]
    for one, side in [*((one, "train") for one in train), *((one, "" if drawn else "test") for one in test)]:
        digest.update(f"{side} {one.digest} {shown[one.label]}\n".encode())
    cut = len(train)
    return ImageSet(
        name,
        "folder",
        tuple(shown),
        images[:cut],
        labels[:cut],
        images[cut:],
        labels[cut:],
        digest.hexdigest(),
        drawn,
        tuple(notes),
    )


def _classes(folder: Path, parts: list[Path]) -> list[str]:
    """The names of the classes, in order. Raises DataError where they are no two."""
    classes = sorted(_class_folders(parts[0]))
    if len(classes) < 2:
        found = f"only one class, {printable(classes[0])}" if classes else "no folders"
        raise DataError(f"{parts[0]} has {found}, and a classifier needs two classes or more", HINT)
    if len(parts) == 1 and "train" in classes and set(classes) <= {"train", "test", "val", "valid", "validation"}:
        raise DataError(f"{folder}/train has no folders of classes", HINT.replace("FOLDER", "FOLDER/train"))
    return classes


def _check_listed(parts: list[Path], classes: list[str], listed: list[list[tuple[Path, int]]]) -> None:
    """Raise DataError for a part without an image, and for a class to train on without one."""
    if not listed[-1]:
        raise DataError(f"{parts[-1]} has no image in the folders of its classes", HINT)
    if empty := [label for label in range(len(classes)) if label not in {label for _, label in listed[0]}]:
        names = ", ".join(printable(classes[label]) for label in empty[:3])
        raise DataError(
            f"{parts[0]} has {len(empty)} {'class' if len(empty) == 1 else 'classes'} without an image: {names}",
            "put images in, or remove the empty folder",
        )


def _hashed(files: list[tuple[Path, int]], progress: Transfer) -> Generator[Transfer, None, list[Picture]]:
    hashed = []
    for path, label in files:
        with reading(path, "let it be read, or remove it"):
            data = path.read_bytes()
        hashed.append(Picture(path, label, hashlib.sha256(data).hexdigest()))
        progress = replace(progress, done=progress.done + len(data))
        yield progress
    return hashed


def _decoded(
    folder: Path, pictures: list[Picture], size: int, progress: Transfer
) -> Generator[Transfer, None, torch.Tensor]:
    """The pixels (N, 3, size, size) uint8. Raises DataError that names the images that cannot be read."""
    images = torch.empty(len(pictures), 3, size, size, dtype=torch.uint8)
    damaged: list[tuple[Path, DataError]] = []
    for index, one in enumerate(pictures):
        try:
            images[index] = read_image(one.path, size, size)
        except DataError as problem:
            damaged.append((one.path, problem))
        progress = replace(progress, done=progress.done + one.path.stat().st_size)
        yield progress
    if damaged:
        raise _damaged(folder, damaged, len(images))
    return images


def printable(name: str) -> str:
    """A file's name as text that can be written down and shown, whatever its bytes: what is odd is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in name)


def _parts(folder: Path, notes: list[str]) -> list[Path]:
    """The folders of classes to train on and to test with; the folder itself if they are one."""
    inside = _class_folders(folder)
    if "train" not in inside or not _class_folders(inside["train"]):
        return [folder]
    test = next((name for name in ("test", "val") if name in inside and _class_folders(inside[name])), None)
    if others := sorted(set(inside) - {"train", test}):
        notes.append(f"not read beside train/{f' and {test}/' if test else ''}: {_listing(others)}")
    return [inside["train"], *([inside[test]] if test else [])]


def _class_folders(folder: Path) -> dict[str, Path]:
    """The folders in it by name, but for hidden ones and those of checkpoints, which training here puts beside them."""
    with reading(folder, "let it be read, or name another folder"):
        inside = (path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
        return {path.name: path for path in inside if not any(path.glob("*/config.json"))}


def _listed(part: Path, classes: list[str], notes: list[str]) -> list[tuple[Path, int]]:
    """The image files below a folder of classes, each with its class."""

    def refuse(problem: OSError) -> None:
        raise DataError(f"{problem.filename} cannot be read: {problem.strerror}", "let it be read, or remove it")

    folders = _class_folders(part)
    if unknown := sorted(set(folders) - set(classes)):
        raise DataError(f"{part} has classes that train/ has not: {_listing(unknown)}", "put some of them in train/")
    suffixes, found = image_suffixes(), []
    others = sorted(path.name for path in part.iterdir() if path.is_file() and not path.name.startswith("."))
    for name in sorted(folders):
        for where, below, files in os.walk(folders[name], onerror=refuse):
            below[:] = sorted(one for one in below if not one.startswith("."))
            for path in (Path(where, file) for file in sorted(files) if not file.startswith(".")):
                if path.suffix.lower() in suffixes and path.is_file():
                    found.append((path, classes.index(name)))
                else:
                    others.append(path.relative_to(part).as_posix())
    if others:
        notes.append(f"left out, as they are no image files or in no class: {_listing(others)}")
    return found


def _need_memory(size: int) -> None:
    """Raise DataError where images of so many bytes cannot be in this machine's memory."""
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if size > memory * 0.8:
        raise DataError(
            f"the images need {size / 1e9:,.1f} GB of memory and this machine has {memory / 1e9:,.1f} GB",
            "choose a smaller --size",
        )


def _damaged(folder: Path, damaged: list[tuple[Path, DataError]], total: int) -> DataError:
    if len(damaged) == 1:
        return DataError(damaged[0][1].message, "remove it, or copy it again")
    named = ", ".join(str(path.relative_to(folder)) for path, _ in damaged[:3])
    more = f" and {len(damaged) - 3:,} more" if len(damaged) > 3 else ""
    return DataError(
        f"{len(damaged):,} of {total:,} images in {folder} cannot be read: {named}{more}",
        "remove them, or copy them again",
    )


def _listing(names: Iterable[str]) -> str:
    shown = [printable(name) for name in names]
    return ", ".join(shown[:3]) + (f" and {len(shown) - 3:,} more" if len(shown) > 3 else "")
