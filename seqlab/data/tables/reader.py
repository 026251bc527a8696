"""Tables in files as people have them: CSV of any writing, Parquet, compressed; each column as what it holds.

What can be read in one way only is repaired and said; what cannot is an error that names the line or the column.
"""

import codecs
import csv
import hashlib
import importlib
import warnings
import zipfile
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any

import numpy as np
import pandas as pd

from seqlab.data.fetch.archive import OPENERS, reading
from seqlab.data.tables.column_types import MARKS, NUMBER, typed
from seqlab.data.tables.sniff import MISSING, READ_WITH_POINT, SAVE_AS_CSV, Layout, encoding_of, layout_of, rows_of
from seqlab.errors import DataError

SAMPLE = 1 << 18  # bytes that tell how a file is written
CHUNK = 1 << 20
CELLS = 1 << 21  # read at a time, so that a large table is never there twice
WHOLE_AGAIN = "get the whole file again"
_PACKED = {b"\x1f\x8b": ".gz", b"BZh": ".bz2", b"\xfd7zXZ\x00": ".xz", b"PK\x03\x04": ".zip", b"(\xb5/\xfd": ".zst"}


@dataclass(frozen=True)
class Table:
    """name: the file's stem. frame: columns of numbers, booleans, datetime64[s] or text, with unique names, no infinite
    numbers and a RangeIndex. sha256: of the file's bytes. notes: repairs, a sentence each. written: of columns of
    numbers the mark before decimals or `number`, of dates whether `day` or `month` is first or `date`."""

    name: str
    frame: pd.DataFrame
    sha256: str
    notes: tuple[str, ...]
    written: dict[str, str] = field(default_factory=dict)


def read_table(path: Path, written: Mapping[str, str] = {}) -> Table:
    """The table in a file: CSV, TSV and their like, or Parquet; packed as .gz, .bz2, .xz, .zip, .zst or not.

    written: how the columns of a table like it are: 1.500 and 05/03/2020 are here what they were there, where both can
    be, and odd entries are missing, however many. Raises DataError for what is no table or cannot be read in one way
    alone.
    """
    if path.is_dir():
        raise DataError(f"{path} is a folder", "name a file in it")
    if not path.exists():
        raise DataError(f"there is no file {path}", "check the path")
    try:
        with path.open("rb") as file:
            start = file.read(8)
            sha256 = hashlib.file_digest(file, "sha256").hexdigest() if file.seek(0) == 0 else ""
    except OSError as problem:
        raise DataError(f"{path} cannot be read: {problem.strerror}", "check the file") from problem
    if not start:
        raise DataError(f"{path} is empty", "name a file with a header and rows")
    if start.startswith(b"PAR1"):
        frame, layout, notes = _of_parquet(path), None, list[str]()
    else:
        try:
            with reading(path, WHOLE_AGAIN):
                frame, layout, notes = _of_text(path, start, written)
        except UnicodeError as problem:
            raise DataError(f"{path} is cut or damaged: {problem}", WHOLE_AGAIN) from problem
    if not len(frame) or not frame.shape[1]:
        raise DataError(f"{path} has no rows", "name a file with a header and rows")
    try:
        decimal, names = (layout.decimal, layout.as_text) if layout else (".", ())
        if layout and layout.shown:  # what the file shows counts more than what another was
            written = {name: NUMBER if how in MARKS else how for name, how in written.items()}
        frame, said, found = typed(dict(frame.items()), decimal, names, written)
    except UnicodeError as problem:  # Parquet may hold bytes
        raise DataError(f"{path} has a column of bytes that are no text: {problem}", SAVE_AS_CSV) from problem
    name = Path(path.stem).stem if path.suffix.lower() in _PACKED.values() else path.stem
    return Table(name, frame, sha256, (*notes, *said), found)


def _of_parquet(path: Path) -> pd.DataFrame:
    try:
        frame = pd.read_parquet(path)
    except ImportError as problem:
        raise DataError(
            f"{path} is Parquet, and nothing installed here reads it", f"`pip install pyarrow`, or {SAVE_AS_CSV}"
        ) from problem
    except Exception as problem:  # pyarrow has kinds of its own
        raise DataError(f"{path} is no Parquet that can be read: {_first_line(problem)}", WHOLE_AGAIN) from problem
    return _with_plain_names(frame)


def table_of(frame: pd.DataFrame, name: str = "table") -> Table:
    """The Table of a DataFrame, which stays as it is: typed columns as `read_table` gives them, an index that is no
    plain count first. The sha256 is of names and contents. Raises DataError where there are no rows or columns."""
    if not len(frame) or not frame.shape[1]:
        raise DataError(f"{name} has no rows", "give a DataFrame with rows and columns")
    columns, notes, found = typed(dict(_with_plain_names(frame).items()), ".", (), {})
    digest = hashlib.sha256("\0".join(columns).encode(errors="replace"))
    digest.update(pd.util.hash_pandas_object(columns, index=False).to_numpy().tobytes())
    return Table(name, columns, digest.hexdigest(), tuple(notes), found)


def _with_plain_names(frame: pd.DataFrame) -> pd.DataFrame:
    """A copy with a RangeIndex, an index that is more first, and names that are text, each once."""
    frame = frame.copy(deep=False) if isinstance(frame.index, pd.RangeIndex) else frame.reset_index()
    seen: dict[str, int] = {}
    names = []
    for label in frame.columns:
        name = " ".join(str(part) for part in label if str(part)) if isinstance(label, tuple) else str(label)
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    frame.columns = pd.Index(names)
    return frame.reset_index(drop=True)


def _of_text(path: Path, start: bytes, written: Mapping[str, str]) -> tuple[pd.DataFrame, Layout, list[str]]:
    """The columns as pandas reads them, how they are written, and the notes."""
    packed = next((kind for magic, kind in _PACKED.items() if start.startswith(magic)), "")
    encoding, notes = _survey(path, packed)
    with _opened(path, packed) as content, TextIOWrapper(content, encoding, newline="") as text:
        sample = text.read(SAMPLE)
        layout = layout_of(sample, bool(text.read(1)), encoding, str(path))
    other_mark = [name for name, how in written.items() if not layout.shown and how in set(MARKS) - {layout.decimal}]
    columns = _columns(path, packed, layout, other_mark)
    if packed and path.suffix.lower() != packed:
        notes.append(f"it is packed as {packed}, whatever its name says")
    empty = [name for name in layout.names if name.startswith("column_") and pd.isna(columns[name]).all()]
    if 0 < len(empty) < len(columns):  # what a separator at the ends of lines makes
        columns = {name: values for name, values in columns.items() if name not in empty}
        notes.append(f"columns with neither name nor values are left out: {', '.join(empty)}")
    said = [note for note in layout.notes if not (other_mark and note == READ_WITH_POINT)]
    return pd.DataFrame(columns, copy=False), layout, [*notes, *said]


@contextmanager
def _opened(path: Path, packed: str) -> Iterator[IO[bytes]]:
    """The content of a file, unpacked as it is read."""
    if packed == ".zip":
        with zipfile.ZipFile(path) as archive:
            inside = [one.filename for one in archive.infolist() if not one.is_dir() and "__MACOSX" not in one.filename]
            if any(name.startswith("xl/") for name in inside):
                raise DataError(f"{path} is an Excel file", SAVE_AS_CSV)
            if len(inside) != 1:
                raise DataError(f"{path} has {len(inside)} files in it", "unpack it, and name one of them")
            with archive.open(inside[0]) as content:
                yield content
    elif packed == ".zst":
        zstandard = _zstandard(path)
        try:
            with path.open("rb") as file:
                yield zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        except zstandard.ZstdError as problem:
            raise DataError(f"{path} cannot be unpacked: {problem}", WHOLE_AGAIN) from problem
    else:
        with OPENERS.get(packed, open)(path, "rb") as content:
            yield content


def _zstandard(path: Path) -> Any:
    try:
        return importlib.import_module("zstandard")
    except ImportError as problem:
        raise DataError(f"{path} is packed as .zst", "`pip install zstandard`, or unpack it with unzstd") from problem


def _refuse_cut_zst(path: Path) -> None:
    """Raises DataError where the last frame does not end: the stream reader takes that for the end of the file."""
    zstandard = _zstandard(path)
    frame = None
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                while chunk:
                    if frame is None or frame.eof:
                        frame = zstandard.ZstdDecompressor().decompressobj()
                    frame.decompress(chunk)
                    chunk = frame.unused_data if frame.eof else b""
    except zstandard.ZstdError as problem:
        raise DataError(f"{path} cannot be unpacked: {problem}", WHOLE_AGAIN) from problem
    if frame is None or not frame.eof:
        raise DataError(f"{path} cannot be unpacked: it ends too soon", WHOLE_AGAIN)


def _survey(path: Path, packed: str) -> tuple[str, list[str]]:
    """Reads all of a file once: its encoding, and what is to be said of that. Raises DataError where it is no text."""
    if packed == ".zst":
        _refuse_cut_zst(path)
    with _opened(path, packed) as content:
        chunk = content.read(SAMPLE)
        encoding = encoding_of(chunk, str(path))
        if encoding.startswith("utf-16"):
            return encoding, ["it is written in UTF-16"]
        decoder = codecs.getincrementaldecoder("utf-8")()
        lines, is_utf8, is_windows = 1, True, True
        while chunk:
            if 0 in chunk:
                line = lines + chunk.count(b"\n", 0, chunk.index(0))
                raise DataError(f"{path} has a NUL byte in line {line:,}: it is damaged or no text", WHOLE_AGAIN)
            lines += chunk.count(b"\n")
            if is_utf8:
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError:
                    is_utf8 = False
            is_windows = is_windows and not set(b"\x81\x8d\x8f\x90\x9d") & set(chunk)
            chunk = content.read(CHUNK)
    if is_utf8:
        try:
            decoder.decode(b"", final=True)
            return encoding, []
        except UnicodeDecodeError:
            pass
    old = "cp1252" if is_windows else "latin-1"
    return old, [f"it is not written in UTF-8: read as {'Windows-1252' if is_windows else 'Latin-1'}"]


def _columns(path: Path, packed: str, layout: Layout, other_mark: Collection[str]) -> dict[str, np.ndarray]:
    """The columns by name, read a part at a time; as text those of another decimal mark than the file's, and again as
    text one that is numbers in one part and text in another. Raises DataError that names the line where a row has too
    many cells."""
    as_text = {*layout.as_text, *other_mark}
    while True:
        parts: dict[str, list[np.ndarray]] = {name: [] for name in layout.names}
        kinds: dict[str, set[str]] = {name: set() for name in layout.names}
        try:
            for frame in _frames(path, packed, layout, as_text):
                for name in layout.names:
                    kind, values = _kind_and_values(frame[name])
                    kinds[name] |= {kind} - {"empty"}
                    parts[name].append(values)
        except (pd.errors.ParserError, pd.errors.ParserWarning) as problem:
            raise _of_line(path, packed, layout, problem) from problem
        mixed = {name for name, found in kinds.items() if len(found) > 1}
        if not mixed:
            break
        as_text |= mixed
    for name, found in kinds.items():
        if found - {"number"}:  # else True and nothing would be 1 and nan
            parts[name] = [part.astype(object) for part in parts[name]]
    return {name: np.concatenate(parts.pop(name)) for name in layout.names}


def _frames(path: Path, packed: str, layout: Layout, as_text: set[str]) -> Iterator[pd.DataFrame]:
    with (
        _opened(path, packed) as content,
        TextIOWrapper(content, layout.encoding, newline="") as text,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("error", pd.errors.ParserWarning)  # longer rows would be cut
        rows = iter(rows_of(text, layout.separator))
        for _ in range(layout.skipped):
            next(rows)
        yield from pd.read_csv(
            text,
            sep=layout.separator,
            decimal=layout.decimal,
            header=None,
            names=list(layout.names),
            dtype=dict.fromkeys(as_text, object),
            na_values=list(MISSING),
            skipinitialspace=True,
            index_col=False,
            low_memory=False,
            chunksize=max(1000, CELLS // len(layout.names)),
        )


def _kind_and_values(column: pd.Series) -> tuple[str, np.ndarray]:
    if pd.api.types.is_bool_dtype(column):
        return "boolean", column.to_numpy()
    if pd.api.types.is_numeric_dtype(column):
        return "empty" if column.isna().all() else "number", column.to_numpy()
    kind = pd.api.types.infer_dtype(column, skipna=True)
    return {"boolean": "boolean", "empty": "empty"}.get(kind, "text"), column.to_numpy(object)


def _of_line(path: Path, packed: str, layout: Layout, problem: Exception) -> DataError:
    """What pandas could not read, with the line as an editor counts it."""
    width = len(layout.names)
    with _opened(path, packed) as content, TextIOWrapper(content, layout.encoding, newline="") as text:
        lines = _Counted(text)
        try:
            for number, row in enumerate(rows_of(lines, layout.separator)):
                if number >= layout.skipped and len(row) > width:
                    return DataError(
                        f"line {lines.read:,} of {path} has {len(row):,} cells, the header {width:,}",
                        "put cells that hold the separator in quotes, or mend the line",
                    )
        except csv.Error:
            pass
    return DataError(f"{path} is no table: {_first_line(problem)}", "look for a quote that is not closed")


class _Counted:
    """Lines, and how many of them were read: a row may have several."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.lines, self.read = lines, 0

    def __iter__(self) -> Iterator[str]:
        for line in self.lines:
            self.read += 1
            yield line


def _first_line(problem: Exception) -> str:
    return str(problem).strip().partition("\n")[0].removeprefix("Error tokenizing data. C error: ")
