"""CIFAR-10 from its published binary archive.

The archive (Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html) is a tar of `data_batch_1.bin` to
`data_batch_5.bin`, `test_batch.bin` and `batches.meta.txt`. A batch is a row of records of 3,073 bytes: the
label, then 1,024 bytes each of red, green and blue, row by row. Nothing in it is a pickle, and nothing is
unpacked to disk.
"""

import hashlib
from pathlib import Path

import numpy as np
import torch

from seqlab.data.archive import read_members
from seqlab.data.images import ImageSet
from seqlab.errors import DataError

CIFAR_SIZE = 32  # pixels a side
CIFAR_RECORD = 1 + 3 * CIFAR_SIZE**2  # bytes
CIFAR_TRAIN = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
CIFAR_TEST = "test_batch.bin"
CIFAR_NAMES = "batches.meta.txt"


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
