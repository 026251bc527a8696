"""An image of any format, from a file or from memory, as one uint8 tensor."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from seqlab.errors import DataError

if TYPE_CHECKING:
    from PIL import Image


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
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of odd metadata and of great size; the error at twice that size stays
            with Image.open(path) as file:
                return fitted(file, height, width)
    except FileNotFoundError as problem:
        raise DataError(f"there is no file {path}", "name an image file") from problem
    except IsADirectoryError as problem:
        raise DataError(f"{path} is a folder", "name the images in it") from problem
    except Exception as problem:  # each of Pillow's many readers has its own for a damaged file
        raise DataError(
            f"{path} cannot be read as an image: {problem}", "name an image file, as PNG or JPEG"
        ) from problem


def fitted(image: "Image.Image", height: int, width: int) -> Tensor:
    """A PIL image as `read_image` reads one from a file: (3, height, width) uint8."""
    from PIL import Image, ImageOps

    upright = _to_rgb(ImageOps.exif_transpose(image))
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


def _to_rgb(image: Any) -> Any:
    from PIL import Image

    if image.mode.startswith("I"):  # 16 bits of grey, which `convert` would cut off at 255
        return Image.fromarray((np.asarray(image) // 256).clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return image.convert("RGB")
