"""Files out of tar and zip archives and compressed files, read as a stream: nothing is unpacked to disk."""

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import IO, Any, BinaryIO

from seqlab.errors import DataError

CHUNK = 1 << 20
MOST_UNPACKED = 2 << 30  # bytes; a kernel has 1.4 GB
MOST_RATIO = 100  # of the bytes unpacked to those packed: text has some ten, a bomb a thousand
ALWAYS = 8 << 20  # bytes that are unpacked at any ratio
MOST_MEMBERS = 100_000  # a kernel has 80,000
LONGEST_END = 22 + (1 << 16)  # bytes at the end of a zip, in which it says how long the list of its files is
LARGEST_HEADER = 1 << 20  # bytes of a tar's header: a name, a link, or more that is said of a file
HEADERS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)
LARGEST_LIST = 32 << 20  # bytes of that list
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


class Bounds:
    """What may come out of an archive or a compressed file of so many bytes. Each method raises DataError beyond it."""

    def __init__(self, path: Path | str, packed: int) -> None:
        self.path, self.packed, self.unpacked, self.members = path, packed, 0, 0

    def add(self, size: int) -> None:
        """So many bytes more are unpacked."""
        self.unpacked += size
        if self.unpacked > MOST_UNPACKED:
            raise self._refused(f"unpacks to more than {MOST_UNPACKED >> 30} GiB")
        if self.unpacked > ALWAYS and self.unpacked > MOST_RATIO * self.packed:
            raise self._refused(f"unpacks to more than {MOST_RATIO} times its size, {self.packed:,} bytes")

    def add_member(self) -> None:
        self.members += 1
        if self.members > MOST_MEMBERS:
            raise self._refused(f"has more than {MOST_MEMBERS:,} files")

    def _refused(self, what: str) -> DataError:
        return DataError(f"{self.path} {what}", "if it is what you mean, unpack it yourself and name what is in it")


class _Entry(tarfile.TarInfo):
    """What a tar says of a file, in headers of a limited size: tarfile reads them whole, however long they are."""

    @classmethod
    def frombuf(cls, buf: Any, encoding: Any, errors: Any) -> Any:
        entry = super().frombuf(buf, encoding, errors)
        if entry.type in HEADERS and entry.size > LARGEST_HEADER:
            raise tarfile.ReadError(f"it has a header of {entry.size:,} bytes")
        return entry


class _Bounded(io.RawIOBase):
    """A stream that is unpacked as it is read, as far as its bounds let it."""

    def __init__(self, stream: IO[bytes] | gzip.GzipFile, bounds: Bounds) -> None:
        self.stream, self.bounds = stream, bounds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.stream.read(len(buffer))
        self.bounds.add(len(data))
        buffer[: len(data)] = data
        return len(data)


@contextmanager
def bounded(stream: IO[bytes] | gzip.GzipFile, path: Path | str, packed: int) -> Iterator[IO[bytes]]:
    """What comes out of a stream that unpacks a file of so many bytes. Reading it raises DataError beyond the limits of
    unpacking; path is what that calls the file."""
    with io.BufferedReader(_Bounded(stream, Bounds(path, packed)), CHUNK) as content:
        yield content


@contextmanager
def unpacking(path: Path, mode: str = "rb") -> Iterator[IO[bytes]]:
    """A compressed file's content, `bounded`."""
    with OPENERS[path.suffix.lower()](path, mode) as stream, bounded(stream, path, path.stat().st_size) as content:
        yield content


@contextmanager
def zip_of(file: Path | BinaryIO, where: Path | str) -> Iterator[zipfile.ZipFile]:
    """A zip archive whose list of files is within the limits: it says itself how large they are, and no more of one is
    read. where: what errors call it."""
    with file.open("rb") if isinstance(file, Path) else nullcontext(file) as stream:
        size = stream.seek(0, io.SEEK_END)
        stream.seek(max(0, size - LONGEST_END))
        _, mark, end = stream.read(LONGEST_END).rpartition(b"PK\5\6")
        if mark and int.from_bytes(end[8:12], "little") > LARGEST_LIST:  # it would all be read at once
            raise DataError(f"{where} has more than {MOST_MEMBERS:,} files", "unpack it yourself, and name one")
        bounds = Bounds(where, size)
        with zipfile.ZipFile(stream) as packed:
            for info in packed.infolist():
                bounds.add_member()
                bounds.add(info.file_size)
            yield packed


def members(path: Path) -> Generator[tuple[str, IO[bytes] | None], None, None]:
    """The files of an archive, in its order, each with its content to be read before the next is asked for; None of a
    link. Raises DataError beyond the limits of unpacking.

    Read to the very end, where the compression has its checksum. To be used within `reading`.
    """
    suffix = path.suffix.lower()
    if suffix == ".zip":
        with zip_of(path, path) as packed:
            for info in packed.infolist():
                if stat.S_ISLNK(info.external_attr >> 16):
                    yield info.filename, None
                elif not info.is_dir():
                    with packed.open(info) as content:
                        yield info.filename, content
        return
    opener, packed_size = open if suffix == ".tar" else OPENERS.get(suffix, gzip.open), path.stat().st_size
    with opener(path, "rb") as stream, bounded(stream, path, packed_size) as unpacked:
        bounds = Bounds(path, packed_size)  # of what its files say that they are: sparse ones are more than the stream
        with tarfile.open(fileobj=unpacked, mode="r|", tarinfo=_Entry) as archive:
            for entry in archive:
                bounds.add_member()
                bounds.add(entry.size if entry.isreg() else 0)
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
