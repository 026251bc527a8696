"""MNIST and Fashion-MNIST from their four IDX files, gzipped or not.

IDX (LeCun, http://yann.lecun.com/exdb/mnist/): two zero bytes, the type of the values (0x08: unsigned bytes), the
number of dimensions, each dimension as four bytes with the highest first, then the values.

Both sets are grey and 28 x 28. They become 3 x 32 x 32 like the others: two black pixels on each side, and the same
values in all three channels.
"""

import gzip
import hashlib
import math
import struct
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from seqlab import files
from seqlab.data.fetch.archive import CHUNK, bounded, reading
from seqlab.data.fetch.downloads import IDX_FILES
from seqlab.data.images.image_set import ImageSet
from seqlab.errors import DataError

SIZE, PUBLISHED_SIZE = 32, 28  # pixels a side
HINT = "remove the file and fetch it again"
CLASSES = {
    "mnist": tuple("0123456789"),
    "fashion-mnist": (
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ),
}


def read_idx(path: Path) -> np.ndarray:
    """The unsigned bytes of an IDX file, in its shape. Raises DataError, naming the file and what is odd."""
    with reading(path, HINT), files.regular(path).open("rb") as raw:
        is_packed = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        with bounded(gzip.open(raw), path, path.stat().st_size) if is_packed else raw as file:
            magic = file.read(4)
            if len(magic) < 4 or magic[:2] != b"\0\0":
                raise DataError(f"{path} is no IDX file: it begins with {magic.hex() or 'nothing'}", HINT)
            if magic[2] != 0x08:
                raise DataError(f"{path} has values of the type 0x{magic[2]:02x}, not 0x08, unsigned bytes", HINT)
            if not 1 <= magic[3] <= 3:
                raise DataError(f"{path} has {magic[3]} dimensions: images have three and labels one", HINT)
            head = file.read(4 * magic[3])
            if len(head) < 4 * magic[3]:
                raise DataError(f"{path} ends within the sizes of its {magic[3]} dimensions", HINT)
            shape = struct.unpack(f">{magic[3]}I", head)
            size, values = math.prod(shape), bytearray()
            while len(values) <= size and (
                chunk := file.read(CHUNK)
            ):  # the header may name far more than the file holds
                values += chunk
    if len(values) != size:
        named, held = " x ".join(map(str, shape)), "more" if len(values) > size else f"{len(values):,}"
        raise DataError(f"{path} should hold {named} values and holds {held}", HINT)
    return np.frombuffer(values, np.uint8).reshape(shape)


def read_idx_set(name: str, origin: str, folder: Path) -> ImageSet:
    """The images of the four IDX files in a folder. Raises DataError where they are not as published."""
    digest = hashlib.sha256()
    parts: list[tuple[Tensor, Tensor]] = []
    for images_file, labels_file in (IDX_FILES[:2], IDX_FILES[2:]):
        images_path, labels_path = idx_file(folder, images_file), idx_file(folder, labels_file)
        grey, labels = read_idx(images_path), read_idx(labels_path)
        if grey.ndim != 3 or grey.shape[1:] != (PUBLISHED_SIZE, PUBLISHED_SIZE) or not len(grey):
            shape = " x ".join(map(str, grey.shape))
            raise DataError(f"{images_path} is {shape}, not images of 28 x 28", HINT)
        if labels.shape != (len(grey),):
            shape = " x ".join(map(str, labels.shape))
            raise DataError(f"{labels_path} is {shape}, not the labels of {len(grey):,} images", HINT)
        if (label := int(labels.max())) >= len(CLASSES[name]):
            raise DataError(f"{labels_path} has the label {label} for {len(CLASSES[name])} classes", HINT)
        digest.update(grey.tobytes() + labels.tobytes())
        images = torch.zeros(len(grey), 3, SIZE, SIZE, dtype=torch.uint8)
        edge = (SIZE - PUBLISHED_SIZE) // 2
        images[:, :, edge:-edge, edge:-edge] = torch.from_numpy(grey)[:, None]  # (N, 1, 28, 28)
        parts.append((images, torch.from_numpy(labels.astype(np.int64))))
    return ImageSet(name, origin, CLASSES[name], *parts[0], *parts[1], digest.hexdigest())


def idx_file(folder: Path, name: str) -> Path:
    """The IDX file of that name, gzipped or not. Raises DataError where it is neither."""
    for path in (folder / f"{name}.gz", folder / name):
        if path.is_file():
            return path
    raise DataError(f"{folder} lacks {name}.gz", "put the four IDX files in it, or leave out --data-dir")
