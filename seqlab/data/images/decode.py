"""An image of any common format, from a file or from memory, as one uint8 tensor."""

import logging
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
from seqlab.files import regular

if TYPE_CHECKING:
    from PIL import Image

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")  # Pillow's others start programs, or are not for photos
BY_CONTENT = ("PNG", "JPEG", "WEBP", "GIF")  # begin as nothing else does; raw photos are TIFF too
MOST_PIXELS = 50_000_000  # some eight bytes each are needed; photos of telephones have as many
LARGEST_IMAGE = 1 << 28  # bytes of a file
ORIENTATION = 0x0112  # the tag of EXIF
STRIP = 256  # rows of an image that are made opaque at a time
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
    """An image file, of which only the beginning is read until its pixels are asked for. Never runs a program.

    Raises DataError for a path of what is no file, and ValueError for more than MOST_PIXELS.
    """
    from PIL import Image

    if isinstance(file, Path):
        regular(file, LARGEST_IMAGE)
    if not (logger := logging.getLogger("PIL")).handlers:
        logger.addHandler(logging.NullHandler())  # else what it logs of a damaged file, which it also raises, is shown
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd metadata and of great size
        with Image.open(file, formats=formats) as image:
            if image.width * image.height > MOST_PIXELS:
                raise ValueError(
                    f"it has {image.width:,} x {image.height:,} pixels, more than the {MOST_PIXELS:,} that are decoded"
                )
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
    except DataError:
        raise
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

    image.load()  # some formats have their EXIF data behind the pixels
    turned = ImageOps.exif_transpose(image) if image.getexif().get(ORIENTATION, 1) != 1 else image
    upright = _to_rgb(turned, ranges or {}, notes)
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
    if not image.has_transparency_data:
        return image if image.mode == "RGB" else image.convert("RGB")
    opaque = Image.new("RGB", image.size)
    for top in range(0, image.height, STRIP):  # as a whole it would be there four times
        layer = image.crop((0, top, image.width, min(top + STRIP, image.height))).convert("RGBA")
        opaque.paste(Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB"), (0, top))
    return opaque
