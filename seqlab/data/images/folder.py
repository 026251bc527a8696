"""A folder of images, one folder for each class, as an ImageSet.

Either FOLDER/CLASS/* or FOLDER/train/CLASS/* and FOLDER/test/CLASS/*, see `layout`. A class has the images in its
folder and the folders in that. A file whose name does not end as an image's does is read where it begins as one; other
files are left out, with a note; hidden files and folders are passed over. A link to a file or to a class's folder is
what it leads to; links to folders further down are not followed, as they may run in circles.

A few images that cannot be read are left out, with a note. Without a test part one is drawn, see `test_split`.
"""

import hashlib
import os
from collections.abc import Generator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import torch
from torch import Tensor

from seqlab.data.fetch.cache import Transfer
from seqlab.data.images.checks import check_colours, check_depths
from seqlab.data.images.decode import LARGEST_IMAGE, opened, read_image
from seqlab.data.images.depth import Extent, Ranges, extent_of, find_ranges
from seqlab.data.images.image_set import ImageSet
from seqlab.data.images.layout import find_parts, listing, printable
from seqlab.data.images.members import list_members
from seqlab.data.images.test_split import Picture, count, split
from seqlab.errors import DataError
from seqlab.files import read

PIXELS = 32  # a side, by default
MOST_DAMAGED = 0.05  # of the images: so many may be left out
Damaged = dict[Picture, DataError]


def read_folder(
    folder: Path, name: str, size: int = PIXELS, ranges: Ranges | None = None
) -> Generator[Transfer, None, ImageSet]:
    """The images of a folder, cut to squares from their middles and resized to size x size.

    ranges: what is black and white in pictures of more than 8 bits, by default what those to train on hold. A generator
    that yields its progress in bytes read. Raises DataError, naming what is odd: no or one class, a class without
    images, too many images that cannot be read, images that are all of one colour.
    """
    notes: list[str] = []
    parts = find_parts(folder, notes)
    classes, members = list_members(parts, notes)
    total = sum(path.stat().st_size for part in members for path, _ in part.files)
    progress = Transfer(f"images of {name}", "folder", 0, 2 * total)  # each is read for its sha256 and for its pixels
    pictures = []
    for part in members:
        hashed = yield from _hashed(part.files, progress)
        pictures.append(sorted(hashed, key=lambda one: (one.digest, one.label)))  # so a stretch of them has all classes
        progress = replace(progress, done=progress.done + sum(path.stat().st_size for path, _ in part.files))
    drawn = len(parts) == 1
    train, test = split(pictures[0], notes) if drawn else (pictures[0], pictures[1])
    if not drawn and (leaked := len({one.digest for one in train} & {one.digest for one in test})):
        verb = "is" if leaked == 1 else "are"
        notes.append(f"{count(leaked, 'picture')} of {parts[1].name}/ {verb} in {parts[0].name}/ too")
    need = (len(train) + len(test)) * 3 * size**2
    notes.append(f"images of {size} x {size} pixels, {need / 1e6:,.1f} MB in memory")
    _need_memory(need)
    ranges = {**_ranges([*train, *test]), **_ranges(train), **(ranges or {})}
    images, damaged = yield from _decoded([*train, *test], size, ranges, progress)
    if damaged:
        train, test = _left_out(folder, train, test, damaged, notes)
    check_depths([*train, *test], ranges, notes)
    check_colours(folder, images, [*train, *test], notes)
    if not train or not test:
        raise _too_few(folder, train)
    shown, cut = tuple(map(printable, classes)), len(train)
    labels = torch.tensor([one.label for one in [*train, *test]])
    return ImageSet(
        name,
        "folder",
        shown,
        images[:cut],
        labels[:cut],
        images[cut:],
        labels[cut:],
        _digest(size, train, test, drawn, shown),
        drawn,
        tuple(notes),
        ranges,
    )


def _too_few(folder: Path, pictures: list[Picture]) -> DataError:
    different = len({one.digest for one in pictures})
    copies = (
        f", as {count(len(pictures), 'file')} are {different:,} different ones" if different < len(pictures) else ""
    )
    return DataError(
        f"{folder} has too few pictures to hold some out as a test{copies}", "add other pictures to its classes"
    )


def _digest(size: int, train: list[Picture], test: list[Picture], drawn: bool, classes: tuple[str, ...]) -> str:
    """The sha256 of the pictures, their classes and sides, whatever their names and the layout of their folders."""
    digest = hashlib.sha256(f"{size}\n".encode())
    for one, side in [*((one, "train") for one in train), *((one, "" if drawn else "test") for one in test)]:
        digest.update(f"{side} {one.digest} {classes[one.label]}\n".encode())
    return digest.hexdigest()


def _hashed(files: list[tuple[Path, int]], progress: Transfer) -> Generator[Transfer, None, list[Picture]]:
    hashed = []
    for path, label in files:
        data = read(path, LARGEST_IMAGE)
        hashed.append(Picture(path, label, hashlib.sha256(data).hexdigest(), *_looked_into(data)))
        progress = replace(progress, done=progress.done + len(data))
        yield progress
    return hashed


def _looked_into(data: bytes) -> tuple[Extent | None, bool]:
    """The values of a picture of more than 8 bits, and whether it has pages or frames beside the first."""
    try:
        with opened(BytesIO(data)) as image:
            has_pages = image.format != "MPO" and getattr(image, "is_animated", False)  # MPO: a photo and its preview
            return extent_of(image), has_pages
    except Exception:  # of a damaged one, as is told when its pixels are read
        return None, False


def _ranges(pictures: list[Picture]) -> Ranges:
    return find_ranges(one.extent for one in pictures if one.extent)


def _decoded(
    pictures: list[Picture], size: int, ranges: Ranges, progress: Transfer
) -> Generator[Transfer, None, tuple[Tensor, Damaged]]:
    """The pixels (N, 3, size, size) uint8 of the pictures that can be read, and those that cannot."""
    images = torch.empty(len(pictures), 3, size, size, dtype=torch.uint8)
    damaged: Damaged = {}
    place = 0
    for one in pictures:
        try:
            pixels = read_image(one.path, size, size, ranges)
        except DataError as problem:
            damaged[one] = problem
        else:
            images[place] = pixels
            place += 1
        progress = replace(progress, done=progress.done + one.path.stat().st_size)
        yield progress
    return images[:place], damaged


def _left_out(
    folder: Path, train: list[Picture], test: list[Picture], damaged: Damaged, notes: list[str]
) -> tuple[list[Picture], list[Picture]]:
    """The pictures without the damaged ones, and a line on these. Raises DataError where they are too many or leave a
    class without a picture."""
    total, names = len(train) + len(test), listing(str(one.path.relative_to(folder)) for one in damaged)
    whole = [one for one in train if one not in damaged], [one for one in test if one not in damaged]
    is_lacking = (test and not whole[1]) or {one.label for one in whole[0]} != {one.label for one in train}
    if len(damaged) <= MOST_DAMAGED * total and not is_lacking:
        notes.append(f"left out, as {'it' if len(damaged) == 1 else 'they'} cannot be read: {names}")
        return whole
    if len(damaged) == 1:
        (problem,) = damaged.values()
        raise DataError(problem.message, "remove it, or copy it again")
    raise DataError(
        f"{len(damaged):,} of {total:,} images in {folder} cannot be read: {names}",
        "remove them, or copy them again",
    )


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
