"""Files out of a published tar archive, read as a stream: nothing is unpacked to disk."""

import gzip
import lzma
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path

from seqlab.errors import DataError

CHUNK = 1 << 20


def read_members(path: Path, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """The files of a .tar.gz or .tar.xz archive that `wanted` takes, by their path below the archive's top folder,
    whatever that is called; where there is none, by their name.

    Read to the very end, where the compression has its checksum. Raises DataError for an archive that is cut, damaged
    or none.
    """
    opener = lzma.open if path.suffix == ".xz" else gzip.open
    files = {}
    try:
        with opener(path, "rb") as unpacked:
            with tarfile.open(fileobj=unpacked, mode="r|") as archive:
                for entry in archive:
                    inside = entry.name.partition("/")[2] or entry.name
                    if entry.isfile() and wanted(inside):
                        content = archive.extractfile(entry)
                        assert content is not None  # it is a file
                        files[inside] = content.read()
            while unpacked.read(CHUNK):
                pass
    except (tarfile.TarError, lzma.LZMAError, zlib.error, EOFError, OSError) as problem:
        raise DataError(f"{path} cannot be read: {problem}", "remove it and fetch it again") from problem
    return files
