"""The bytes of a file of rows, or of standard input, whatever they are packed as."""

import hashlib
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import IO, Any, BinaryIO

from seqlab import files
from seqlab.data.fetch.archive import OPENERS, Bounds, bounded, zip_of
from seqlab.errors import DataError

CHUNK = 1 << 20
PIECE = 1 << 12  # of a .zst, all of which is unpacked at once
WHOLE_AGAIN = "get the whole file again"
PACKED = {b"\x1f\x8b": ".gz", b"BZh": ".bz2", b"\xfd7zXZ\x00": ".xz", b"PK\x03\x04": ".zip", b"(\xb5/\xfd": ".zst"}
PARQUET = b"PAR1"
ENDINGS = (".csv", ".tsv", ".tab", ".txt", ".data", ".parquet", ".xlsx", ".xlsm", ".xls", *PACKED.values())


def is_file_name(name: str) -> bool:
    """Whether a name is that of a file of rows, by its ending or because there is such a file."""
    # a name longer than any file's would be an error of the system to is_file()
    looks_so = name.lower().endswith(ENDINGS) or "/" in name or "\\" in name
    return looks_so or (0 < len(name) < 256 and Path(name).is_file())


def stem_of(path: Path) -> str:
    """A file's name without its endings: `sales` for sales.csv.gz."""
    return Path(path.stem).stem if path.suffix.lower() in PACKED.values() else path.stem


@dataclass(frozen=True)
class Source:
    """A file, or bytes. where: what errors call it; name: what the table is called."""

    content: Path | bytes
    where: str
    name: str

    @classmethod
    def of(cls, source: Path | BinaryIO) -> "Source":
        """Raises DataError where there is no such file, nothing in it, or what no file is, as in `files.regular`."""
        if not isinstance(source, Path):
            content = files.read_stream(source, "standard input")
            if not content:
                raise DataError("standard input is empty", "give it a header and rows")
            return cls(content, "standard input", "stdin")
        found = cls(files.regular(source), str(source), stem_of(source))
        if not found.start:
            raise DataError(f"{source} is empty", "name a file with a header and rows")
        return found

    def open(self) -> BinaryIO:
        """The bytes as they are."""
        return self.content.open("rb") if isinstance(self.content, Path) else BytesIO(self.content)

    @cached_property
    def start(self) -> bytes:
        """The first eight bytes, which tell what it is."""
        with self.open() as file:
            return file.read(8)

    @cached_property
    def packed(self) -> str:
        """`.gz` and the like, whatever its name says; empty where it is not packed."""
        return next((kind for magic, kind in PACKED.items() if self.start.startswith(magic)), "")

    @property
    def is_named_so(self) -> bool:
        """Whether its name says how it is packed."""
        return not isinstance(self.content, Path) or self.content.suffix.lower() == self.packed or not self.packed

    @property
    def size(self) -> int:
        """In bytes, as it is."""
        return self.content.stat().st_size if isinstance(self.content, Path) else len(self.content)

    def sha256(self) -> str:
        """Of the bytes as they are."""
        with self.open() as file:
            return hashlib.file_digest(file, "sha256").hexdigest()  # type: ignore[arg-type]

    def members(self) -> list[str]:
        """The files in a .zip."""
        with self.open() as file, zip_of(file, self.where) as archive:
            return [one.filename for one in archive.infolist() if not one.is_dir() and "__MACOSX" not in one.filename]

    @property
    def is_excel(self) -> bool:
        """Whether it is a workbook of Excel: a .zip of a kind. Raises BadZipFile where it is damaged."""
        return self.packed == ".zip" and any(name.startswith("xl/") for name in self.members())

    @contextmanager
    def unpacked(self) -> Iterator[IO[bytes]]:
        """The content, unpacked as it is read."""
        with self.open() as file:
            if self.packed == ".zip":
                inside = self.members()
                if len(inside) != 1:
                    raise DataError(f"{self.where} has {len(inside)} files in it", "unpack it, and name one of them")
                with zip_of(file, self.where) as archive, archive.open(inside[0]) as content:
                    yield content
            elif self.packed == ".zst":
                zstandard = _zstandard(self.where)
                try:
                    stream = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
                    with bounded(stream, self.where, self.size) as content:
                        yield content
                except zstandard.ZstdError as problem:
                    raise DataError(f"{self.where} cannot be unpacked: {problem}", WHOLE_AGAIN) from problem
            elif self.packed:
                with (
                    OPENERS[self.packed](file, "rb") as stream,
                    bounded(stream, self.where, self.size) as content,
                ):
                    yield content
            else:
                yield file

    def refuse_cut_zst(self) -> None:
        """Raises DataError where the last frame does not end: the stream reader takes that for the end of the file."""
        if self.packed != ".zst":
            return
        zstandard = _zstandard(self.where)
        frame = None
        try:
            with self.open() as file:
                bounds = Bounds(self.where, self.size)
                while chunk := file.read(PIECE):
                    while chunk:
                        if frame is None or frame.eof:
                            frame = zstandard.ZstdDecompressor().decompressobj()
                        bounds.add(len(frame.decompress(chunk)))
                        chunk = frame.unused_data if frame.eof else b""
        except zstandard.ZstdError as problem:
            raise DataError(f"{self.where} cannot be unpacked: {problem}", WHOLE_AGAIN) from problem
        if frame is None or not frame.eof:
            raise DataError(f"{self.where} cannot be unpacked: it ends too soon", WHOLE_AGAIN)


def _zstandard(where: str) -> Any:
    try:
        return importlib.import_module("zstandard")
    except ImportError as problem:
        raise DataError(f"{where} is packed as .zst", "`pip install zstandard`, or unpack it with unzstd") from problem
