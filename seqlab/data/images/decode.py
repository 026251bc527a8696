"""An image file of any format as one uint8 tensor."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seqlab.errors import DataError


def image_suffixes() -> set[str]:
    """How the names of image files end: `.png`, `.jpg` and all else that can be read here."""
    from PIL import Image

    return {suffix for suffix, kind in Image.registered_extensions().items() if kind in Image.OPEN}


def read_image(path: Path, height: int, width: int) -> Tensor:
    """An image file of any format, mode and size as (3, height, width) uint8.

    Turned as its EXIF data says, laid on white where it is transparent, cut to the shape from its middle,
    then resized. Of an animation the first frame. Raises DataError, naming the file, if it is no image or is
    damaged.
    """
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd metadata and of great size; the error at twice that size stays
            with Image.open(path) as file:
                image = _to_rgb(ImageOps.exif_transpose(file))
        fitted = ImageOps.fit(image, (width, height), Image.Resampling.BICUBIC)
    except FileNotFoundError as problem:
        raise DataError(f"there is no file {path}", "name an image file") from problem
    except IsADirectoryError as problem:
        raise DataError(f"{path} is a folder", "name the images in it") from problem
    except Exception as problem:  # each of Pillow's many readers has its own for a damaged file
        raise DataError(
            f"{path} cannot be read as an image: {problem}", "name an image file, as PNG or JPEG"
        ) from problem
    return torch.from_numpy(np.array(fitted)).permute(2, 0, 1).contiguous()  # (3, H, W)


def _to_rgb(image: Any) -> Any:
    from PIL import Image

    if image.mode.startswith("I"):  # 16 bits of grey, which `convert` would cut off at 255
        return Image.fromarray((np.asarray(image) // 256).clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return image.convert("RGB")
