"""Images as one uint8 tensor: CIFAR-10 from its published binary archive, image files, batched augmentation.

The archive (Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html) is a tar of `data_batch_1.bin` to
`data_batch_5.bin`, `test_batch.bin` and `batches.meta.txt`. A batch is a row of records of 3,073 bytes: the
label, then 1,024 bytes each of red, green and blue, row by row. Nothing in it is a pickle, and nothing is
unpacked to disk.
"""

import hashlib
import struct
import warnings
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from seqlab.data import cache
from seqlab.data.archive import read_members
from seqlab.errors import DataError, UsageError, did_you_mean

CIFAR_SIZE = 32  # pixels a side
CIFAR_RECORD = 1 + 3 * CIFAR_SIZE**2  # bytes
CIFAR_TRAIN = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
CIFAR_TEST = "test_batch.bin"
CIFAR_NAMES = "batches.meta.txt"


@dataclass(frozen=True)
class ImageSet:
    """Labelled images, split as their publisher split them.

    images (N, 3, H, W) uint8, labels (N,) int64 < len(classes). sha256 is that of the records, those to train
    on first: it does not depend on how the archive was packed.
    """

    name: str
    origin: str
    classes: tuple[str, ...]
    images: Tensor
    labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    sha256: str


def load_images(name: str, *, offline: bool = False) -> Generator[cache.Transfer, None, ImageSet]:
    """The image set of that name.

    A generator: it yields the progress of a download where one is needed and returns the set. Raises
    UsageError for an unknown name, NetworkError where the archive cannot be fetched, DataError where it is
    not the published format.
    """
    if name not in READERS:
        raise UsageError(f"there is no image data set '{name}'", did_you_mean(name, READERS))
    fetched = yield from cache.fetch(cache.DOWNLOADS[name], offline=offline)
    return READERS[name](name, fetched.provenance(cache.DOWNLOADS[name]), fetched.path)


def read_cifar10(name: str, origin: str, path: Path) -> ImageSet:
    """The images of the binary archive, whatever its top folder is called."""
    files = _published(path, (*CIFAR_TRAIN, CIFAR_TEST, CIFAR_NAMES))
    classes = tuple(files[CIFAR_NAMES].decode("utf-8", errors="replace").split())
    if len(set(classes)) != 10:
        raise _odd(path, CIFAR_NAMES, f"it names {len(set(classes))} classes, not 10")
    digest = hashlib.sha256()
    images, labels = [], []
    for member in (*CIFAR_TRAIN, CIFAR_TEST):
        data = files.pop(member)
        digest.update(data)
        if not data or len(data) % CIFAR_RECORD:
            raise _odd(path, member, f"its {len(data):,} bytes are no whole records of {CIFAR_RECORD:,}")
        records = np.frombuffer(data, np.uint8).reshape(-1, CIFAR_RECORD)  # (N, 3073)
        if (label := int(records[:, 0].max())) >= len(classes):
            raise _odd(path, member, f"it has the label {label} for {len(classes)} classes")
        labels.append(torch.from_numpy(records[:, 0].astype(np.int64)))
        pixels = torch.from_numpy(records[:, 1:].copy())
        images.append(pixels.view(-1, 3, CIFAR_SIZE, CIFAR_SIZE))  # (N, 3, 32, 32)
    return ImageSet(
        name,
        origin,
        classes,
        torch.cat(images[:-1]),
        torch.cat(labels[:-1]),
        images[-1],
        labels[-1],
        digest.hexdigest(),
    )


READERS: dict[str, Callable[[str, str, Path], ImageSet]] = {"cifar10": read_cifar10}


def channel_statistics(images: Tensor) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each channel of images (N, C, H, W) uint8 on the CPU, as shares of 255."""
    total = torch.zeros(images.shape[1], dtype=torch.float64)
    squares = torch.zeros_like(total)
    for part in images.split(1024):
        shares = part.transpose(0, 1).flatten(1).float() / 255  # (C, n H W)
        total += shares.sum(1)
        squares += shares.square().sum(1)
    count = images.numel() / images.shape[1]
    mean = total / count
    deviation = (squares / count - mean.square()).clamp_min(1e-12).sqrt()
    return mean.tolist(), deviation.tolist()


def read_image(path: Path, height: int, width: int) -> Tensor:
    """An image file of any format, mode and size as (3, height, width) uint8.

    Turned as its EXIF data says, laid on white where it is transparent, cut to the shape from its middle,
    then resized. Of an animation the first frame. Raises DataError, naming the file, if it is no image or is
    damaged.
    """
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # the error at twice that size stays
            with Image.open(path) as file:
                image = _to_rgb(ImageOps.exif_transpose(file))
        fitted = ImageOps.fit(image, (width, height), Image.Resampling.BICUBIC)
    except FileNotFoundError as problem:
        raise DataError(f"there is no file {path}", "name an image file") from problem
    # what Pillow's many readers raise for a damaged file
    except (
        OSError,
        ValueError,
        SyntaxError,
        EOFError,
        IndexError,
        struct.error,
        Image.DecompressionBombError,
    ) as problem:
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


def _published(path: Path, names: tuple[str, ...]) -> dict[str, bytes]:
    """The files of those names in the archive, in whatever folder. Raises DataError if one is missing."""
    found = read_members(path, lambda inside: inside.rpartition("/")[2] in names)
    files = {inside.rpartition("/")[2]: data for inside, data in found.items()}
    if missing := [name for name in names if name not in files]:
        raise DataError(
            f"{path} is not the published archive: it lacks {', '.join(missing)}", "remove it and fetch it again"
        )
    return files


def _odd(path: Path, member: str, problem: str) -> DataError:
    return DataError(f"{path}: {member} is not as published: {problem}", "remove the archive and fetch it again")
