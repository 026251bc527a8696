"""CIFAR-10 and CIFAR-100 from their published binary archives, packed or unpacked.

Such an archive (Krizhevsky 2009, https://www.cs.toronto.edu/~kriz/cifar.html) is a tar of batches and of the names
of the classes. A batch is a row of records: the label (for CIFAR-100 the coarse and then the fine one, which is the
one used), then 1,024 bytes each of red, green and blue, row by row. Nothing in it is a pickle, and nothing is
unpacked to disk.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from seqlab.data.fetch.archive import read_members, reading
from seqlab.data.images.image_set import ImageSet
from seqlab.errors import DataError
from seqlab.files import read, regular

SIZE = 32  # pixels a side


@dataclass(frozen=True)
class Layout:
    """What a CIFAR archive holds. label_bytes: before the pixels of a record; the last is the label."""

    train: tuple[str, ...]
    test: str
    names: str
    classes: int
    label_bytes: int

    @property
    def record(self) -> int:
        return self.label_bytes + 3 * SIZE**2


LAYOUTS = {
    "cifar10": Layout(
        tuple(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin", "batches.meta.txt", 10, 1
    ),
    "cifar100": Layout(("train.bin",), "test.bin", "fine_label_names.txt", 100, 2),
}


def read_cifar(name: str, origin: str, path: Path) -> ImageSet:
    """The images of the binary archive, whatever its top folder is called, or of the folder of its files.

    Raises DataError, naming the file and what is odd, where it is not in the published format.
    """
    layout = LAYOUTS[name]
    files = _published(path, (*layout.train, layout.test, layout.names))
    classes = tuple(files[layout.names].decode("utf-8", errors="replace").split())
    if len(set(classes)) != layout.classes:
        raise _odd(path, layout.names, f"it names {len(set(classes))} classes, not {layout.classes}")
    for member in (*layout.train, layout.test):
        if not files[member] or len(files[member]) % layout.record:
            size = len(files[member])
            raise _odd(path, member, f"its {size:,} bytes are no whole records of {layout.record:,}")
    digest = hashlib.sha256()
    parts: list[tuple[Tensor, Tensor]] = []
    for members in (layout.train, (layout.test,)):
        count = sum(len(files[member]) for member in members) // layout.record
        images = torch.empty(count, 3, SIZE, SIZE, dtype=torch.uint8)
        labels = torch.empty(count, dtype=torch.int64)
        start = 0
        for member in members:
            data = files.pop(member)  # it goes as its images come: they are in memory once
            digest.update(data)
            records = np.frombuffer(data, np.uint8).reshape(-1, layout.record)  # (N, label bytes + 3072)
            truth, end = records[:, layout.label_bytes - 1], start + len(records)
            if (label := int(truth.max())) >= len(classes):
                raise _odd(path, member, f"it has the label {label} for {len(classes)} classes")
            images[start:end].numpy()[:] = records[:, layout.label_bytes :].reshape(-1, 3, SIZE, SIZE)
            labels[start:end].numpy()[:] = truth
            start = end
        parts.append((images, labels))
    return ImageSet(name, origin, classes, *parts[0], *parts[1], digest.hexdigest())


def _published(path: Path, names: tuple[str, ...]) -> dict[str, bytes]:
    """The files of those names in the archive, in whatever folder. Raises DataError if one is missing."""
    if path.is_dir():
        with reading(path, "let its files be read"):
            found = {name: read(path / name) for name in names if (path / name).is_file()}
    else:
        members = read_members(regular(path), lambda inside: inside.rpartition("/")[2] in names)
        found = {inside.rpartition("/")[2]: data for inside, data in members.items()}
    if missing := [name for name in names if name not in found]:
        raise DataError(
            f"{path} is not the published archive: it lacks {', '.join(missing)}", "remove it and fetch it again"
        )
    return found


def _odd(path: Path, member: str, problem: str) -> DataError:
    return DataError(f"{path}: {member} is not as published: {problem}", "remove the archive and fetch it again")
