"""Writing to the cache folder: what goes wrong there is no fault of the network, and the error names the folder."""

import hashlib
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seqlab.data.fetch.cache import free_bytes
from seqlab.errors import DataError


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Around every write to the cache: what goes wrong there is not the network's fault and no other source helps."""
    try:
        yield
    except OSError as problem:
        raise DataError(
            f"the cache folder {folder} cannot be written: {problem.strerror or problem}",
            "free some space there, or name another folder in SEQLAB_CACHE",
        ) from problem


@contextmanager
def opened(part: Path, mode: str) -> Iterator[io.FileIO]:
    """`part`, unbuffered, and on the disk for certain when the block has ended well."""
    with writing(part.parent):
        file = io.FileIO(part, mode)
    with file:
        yield file
        with writing(part.parent):
            os.fsync(file.fileno())


def write(file: io.FileIO, chunk: bytes) -> None:
    left = memoryview(chunk)
    with writing(Path(str(file.name)).parent):
        while left:
            left = left[file.write(left) :]


def need_space(folder: Path, size: int) -> None:
    free = free_bytes(folder)
    if size > free:
        raise DataError(
            f"{folder} has {free / 1e6:,.0f} MB free, and {size / 1e6:,.0f} MB are needed",
            "free some space there, or name another folder in SEQLAB_CACHE",
        )


def digest(path: Path, kind: str) -> str:
    """The sha256 or md5 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.new(kind, usedforsecurity=False)).hexdigest()
