"""The images that a library user may give: files, arrays, PIL images and tensors, one or many."""

from collections.abc import Generator, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from seqlab.data.images.decode import IN_WORDS, as_picture, fitted, opened, read_image
from seqlab.data.images.depth import Ranges
from seqlab.data.images.layout import images_below, listing
from seqlab.errors import DataError
from seqlab.tasks import Note

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    Image = str | Path | np.ndarray | Tensor | Picture
    Images = Image | Iterable[Image]

LARGEST = 512  # pixels a side of a picture to be drawn


def listed(images: "Images") -> "list[Image]":
    """One image or many as a list: an array (H, W) or (H, W, 3) is one, (N, H, W, 3) are many; so are tensors
    (3, H, W) and (N, 3, H, W)."""
    if isinstance(images, np.ndarray | Tensor):
        return list(images) if images.ndim == 4 else [images]
    if isinstance(images, Iterable) and not isinstance(images, str):
        return list(images)
    return [images]


def with_folders(images: "list[Image]") -> "Generator[Note, None, list[Image]]":
    """The images with the image files below it in place of each folder, saying what else is in that. Raises DataError
    for a folder without an image."""
    found: list[Image] = []
    for image in images:
        if not isinstance(image, str | Path) or not Path(image).is_dir():
            found.append(image)
            continue
        inside, others = images_below(Path(image))
        if not inside:
            raise DataError(f"{image} holds no image", f"name image files, or a folder of them: {IN_WORDS}")
        beside = f"; no images, not read: {listing(others)}" if others else ""
        yield Note(f"{image}: {len(inside):,} image{'' if len(inside) == 1 else 's'}{beside}")
        found += inside
    return found


def name_of(image: "Image", number: int) -> str:
    """The path of a file, as it was given; of others the number among the images, from 1."""
    return str(image) if isinstance(image, str | Path) else f"image {number}"


def pixels_of(
    image: "Image", height: int, width: int, ranges: Ranges | None = None, notes: list[str] | None = None
) -> Tensor:
    """An image as a net reads it: (3, height, width) uint8. Raises DataError for what is no image.

    ranges: what is black and white for the net in pictures of more than 8 bits; notes: gets a line where one of these
    is not as those trained on.
    """
    if isinstance(image, str | Path):
        return read_image(Path(image), height, width, ranges, notes)
    if isinstance(image, np.ndarray | Tensor):
        image = as_picture(image)
    try:
        return fitted(image, height, width, ranges, notes)
    except (AttributeError, OSError, ValueError) as problem:  # not an image, or one of a damaged file
        raise DataError(
            f"{type(image).__name__} cannot be read as an image: {problem}", "give files, arrays, tensors or PIL images"
        ) from problem


def picture_of(image: "Image", height: int, width: int, ranges: Ranges | None = None) -> np.ndarray:
    """The same part of it at its own resolution, up to LARGEST, as (h, w, 3) uint8."""
    full_height, full_width = _size(image)
    scale = min(full_height / height, full_width / width, LARGEST / max(height, width))
    shape = max(1, round(scale * height)), max(1, round(scale * width))
    return pixels_of(image, *shape, ranges).permute(1, 2, 0).numpy()


def _size(image: "Image") -> tuple[int, int]:
    """Its height and width in pixels."""
    if isinstance(image, str | Path):
        with opened(Path(image)) as file:
            return file.height, file.width
    if isinstance(image, np.ndarray):
        return image.shape[0], image.shape[1]
    if isinstance(image, Tensor):
        return image.shape[1], image.shape[2]
    return image.height, image.width
