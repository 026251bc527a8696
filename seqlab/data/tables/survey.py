"""One reading of all of a file: its encoding, how many lines it has, and the last of them."""

from dataclasses import dataclass

from seqlab.data.tables.sniff import encoding_of
from seqlab.data.tables.unpack import CHUNK, WHOLE_AGAIN, Source
from seqlab.data.text import charset
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
    found, lines, last = charset.Survey(), 0, b""
    with file.unpacked() as content:
        start = chunk = content.read(SAMPLE)
        if encoding := encoding_of(chunk, file.where):
            return Survey(encoding, start, (f"it is written in {charset.NAMES[encoding]}",))
        while chunk:
            if 0 in chunk:
                line = lines + 1 + chunk.count(b"\n", 0, chunk.index(0))
                raise DataError(f"{file.where} has a NUL byte in line {line:,}: it is damaged or no text", WHOLE_AGAIN)
            lines += chunk.count(b"\n")
            found.feed(chunk)
            last = (last + chunk)[-END:]
            chunk = content.read(CHUNK)
    found.finish()
    encoding, notes = _encoding(found)
    end = last.decode(encoding.removesuffix("-sig"), "replace").splitlines(keepends=True)
    whole = lines + (not last.endswith(b"\n"))
    return Survey(encoding, start, notes, whole, tuple(end[1:] if whole > len(end) else end))


def _encoding(found: charset.Survey) -> tuple[str, tuple[str, ...]]:
    """The encoding of what is not UTF-16, and what is to be said of it. Of a table that looks like none that is known
    one is taken all the same: most of it are numbers."""
    encoding = found.encoding()
    if encoding == charset.UTF8:
        count = "1 byte of it is" if found.bad == 1 else f"{found.bad:,} bytes of it are"
        return encoding, (f"{count} not UTF-8: each such place became U+FFFD",) if found.bad else ()
    if encoding == charset.WINDOWS and not found.undefined:
        return encoding, (f"it is not written in UTF-8: read as Windows-1252, as in '{found.example()}'",)
    old, name = ("latin-1", "Latin-1") if found.undefined else (charset.WINDOWS, "Windows-1252")
    convert = "its words do not look so: if they come out wrong, convert it (iconv -f ENCODING -t UTF-8)"
    return old, (f"it is not written in UTF-8: read as {name}, as in '{found.example()}'; {convert}",)
