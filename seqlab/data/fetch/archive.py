"""Files out of tar and zip archives and compressed files, read as a stream: nothing is unpacked to disk."""

import bz2
import gzip
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from seqlab.errors import DataError

CHUNK = 1 << 20
OPENERS: dict[str, Any] = {".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open}
ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".zip")


@contextmanager
def reading(path: Path, hint: str) -> Iterator[None]:
    """Around all reading of an archive or a compressed file: what is cut, damaged or none raises DataError."""
    try:
        yield
    except (tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, EOFError, OSError) as problem:
        raise DataError(f"{path} cannot be read: {problem}", hint) from problem
    except (RuntimeError, NotImplementedError) as problem:  # zipfile's: a password, an unknown compression
        raise DataError(f"{path} cannot be read: {problem}", "pack it again, without a password") from problem


def members(path: Path) -> Generator[tuple[str, IO[bytes] | None], None, None]:
    """The files of an archive, in its order, each with its content to be read before the next is asked for; None of a
    link.

    Read to the very end, where the compression has its checksum. To be used within `reading`.
    """
    suffix = path.suffix.lower()
    if suffix == ".zip":
        with zipfile.ZipFile(path) as packed:
            for info in packed.infolist():
                if stat.S_ISLNK(info.external_attr >> 16):
                    yield info.filename, None
                elif not info.is_dir():
                    with packed.open(info) as content:
                        yield info.filename, content
        return
    with (open if suffix == ".tar" else OPENERS.get(suffix, gzip.open))(path, "rb") as unpacked:
        with tarfile.open(fileobj=unpacked, mode="r|") as archive:
            for entry in archive:
                if entry.issym() or entry.islnk():
                    yield entry.name, None
                elif entry.isreg():
                    member = archive.extractfile(entry)
                    assert member is not None  # it is a file
                    yield entry.name, member
        while unpacked.read(CHUNK):
            pass


def read_members(path: Path, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """The files of a .tar.gz or .tar.xz archive that `wanted` takes, by their path below the archive's top folder,
    whatever that is called; where there is none, by their name.

    Raises DataError for an archive that is cut, damaged or none.
    """
    with reading(path, "remove it and fetch it again"):
        found = ((below_top(name), content) for name, content in members(path))
        return {inside: content.read() for inside, content in found if content and wanted(inside)}


def below_top(name: str) -> str:
    """A member's path below the archive's top folder; its name where there is none."""
    return name.partition("/")[2] or name
