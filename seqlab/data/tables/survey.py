"""One reading of all of a file: its encoding, how many lines it has, and the last of them."""

import codecs
from dataclasses import dataclass

from seqlab.data.tables.sniff import encoding_of
from seqlab.data.tables.unpack import CHUNK, WHOLE_AGAIN, Source
from seqlab.errors import DataError

SAMPLE = 1 << 18  # bytes that tell how a file is written
END = 1 << 14  # bytes that are kept of its end


@dataclass(frozen=True)
class Survey:
    """start: the first bytes. end: the last whole lines, none of UTF-16. notes: on the encoding, a sentence each."""

    encoding: str
    start: bytes
    notes: tuple[str, ...] = ()
    lines: int = 0
    end: tuple[str, ...] = ()


def survey_of(file: Source) -> Survey:
    """Raises DataError where the file is no text."""
    file.refuse_cut_zst()
    with file.unpacked() as content:
        start = chunk = content.read(SAMPLE)
        encoding = encoding_of(chunk, file.where)
        if encoding.startswith("utf-16"):
            return Survey(encoding, start, ("it is written in UTF-16",))
        decoder = codecs.getincrementaldecoder("utf-8")()
        lines, is_utf8, is_windows, last = 0, True, True, b""
        while chunk:
            if 0 in chunk:
                line = lines + 1 + chunk.count(b"\n", 0, chunk.index(0))
                raise DataError(f"{file.where} has a NUL byte in line {line:,}: it is damaged or no text", WHOLE_AGAIN)
            lines += chunk.count(b"\n")
            if is_utf8:
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError:
                    is_utf8 = False
            is_windows = is_windows and not set(b"\x81\x8d\x8f\x90\x9d") & set(chunk)
            last = (last + chunk)[-END:]
            chunk = content.read(CHUNK)
    if is_utf8:
        try:
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            is_utf8 = False
    old = "cp1252" if is_windows else "latin-1"
    notes = () if is_utf8 else (f"it is not written in UTF-8: read as {'Windows-1252' if is_windows else 'Latin-1'}",)
    encoding = encoding if is_utf8 else old
    end = last.decode(encoding.removesuffix("-sig"), "replace").splitlines(keepends=True)
    whole = lines + (not last.endswith(b"\n"))
    return Survey(encoding, start, notes, whole, tuple(end[1:] if whole > len(end) else end))
