"""An image of any common format, from a file or from memory, as one uint8 tensor."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from seqlab.data.images.depth import Ranges, extent_of, find_ranges, remarks, to_bytes
from seqlab.errors import DataError

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")  # Pillow's others start programs, or are not for photos
BY_CONTENT = ("PNG", "JPEG", "WEBP", "GIF")  # begin as nothing else does; raw photos are TIFF too
IN_WORDS = "PNG, JPEG, WebP, BMP, GIF, TIFF or PPM"


@cache
def image_suffixes() -> frozenset[str]:
    """How the names of image files end: `.png`, `.jpg` and all else that can be read here."""
    from PIL import Image

    return frozenset(suffix for suffix, kind in Image.registered_extensions().items() if kind in FORMATS)


def is_image(path: Path) -> bool:
    """Whether a file is an image by its name, or by how it begins where the name ends otherwise or not at all."""
    suffix = path.suffix.lower()
    if suffix in image_suffixes():
        return True
    try:
        with opened(path, BY_CONTENT if any(map(str.isalpha, suffix)) else FORMATS):
            return True
    except Exception:  # each of Pillow's many readers has its own
        return False


@contextmanager
def opened(file: Path | IO[bytes], formats: tuple[str, ...] = FORMATS) -> "Iterator[Image.Image]":
    """An image file, of which only the beginning is read until its pixels are asked for. Never runs a program."""
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd metadata and of great size; the error at twice that size stays
        with Image.open(file, formats=formats) as image:
            yield image


def read_image(
    path: Path, height: int, width: int, ranges: Ranges | None = None, notes: list[str] | None = None
) -> Tensor:
    """An image file of any mode and size as (3, height, width) uint8.

    Turned as its EXIF data says, laid on white where it is transparent, cut to the shape from its middle,
    then resized. Of an animation the first frame, of several pages the first. ranges, notes: as in `fitted`. Raises
    DataError, naming the file, if it is no image, of another format than FORMATS or damaged.
    """
    try:
        with opened(path) as file:
            return fitted(file, height, width, ranges, notes)
    except FileNotFoundError as problem:
        raise DataError(f"there is no file {path}", "name an image file") from problem
    except IsADirectoryError as problem:
        raise DataError(f"{path} is a folder", "name the images in it") from problem
    except Exception as problem:  # each of Pillow's many readers has its own for a damaged file
        raise DataError(f"{path} cannot be read as an image: {problem}", f"name an image file: {IN_WORDS}") from problem


def fitted(
    image: "Image.Image", height: int, width: int, ranges: Ranges | None = None, notes: list[str] | None = None
) -> Tensor:
    """A PIL image as `read_image` reads one from a file: (3, height, width) uint8.

    ranges: what is black and white in pictures of more than 8 bits, see `depth`; of a kind that is not in it the
    picture's own values say it. notes: gets a line where the picture is of no such kind, or holds values outside.
    """
    from PIL import Image, ImageOps

    upright = _to_rgb(ImageOps.exif_transpose(image), ranges or {}, notes)
    resized = ImageOps.fit(upright, (width, height), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(resized)).permute(2, 0, 1).contiguous()  # (3, H, W)


def as_picture(pixels: np.ndarray | Tensor) -> "Image.Image":
    """An array (H, W), (H, W, 3) or (H, W, 4), or a tensor (3, H, W), of uint8 as a PIL image.

    Raises DataError for another shape or type.
    """
    from PIL import Image

    array = pixels.permute(1, 2, 0).cpu().numpy() if isinstance(pixels, Tensor) and pixels.dim() == 3 else pixels
    if not isinstance(array, np.ndarray) or array.dtype != np.uint8 or not _is_picture(array.shape):
        shape = " x ".join(map(str, pixels.shape))
        raise DataError(
            f"{shape} values of {pixels.dtype} are no image",
            "give an array (H, W, 3) or a tensor (3, H, W) of uint8, from 0 to 255",
        )
    return Image.fromarray(np.ascontiguousarray(array))


def _is_picture(shape: tuple[int, ...]) -> bool:
    return 0 not in shape and (len(shape) == 2 or (len(shape) == 3 and shape[2] in (3, 4)))


def _to_rgb(image: Any, ranges: Ranges, notes: list[str] | None) -> Any:
    from PIL import Image

    if extent := extent_of(image):
        if notes is not None:
            notes += remarks(extent, ranges)
        return to_bytes(image, {**find_ranges([extent]), **ranges}[extent.kind]).convert("RGB")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return image.convert("RGB")
