"""Tables in files as people have them: CSV of any writing, Excel, Parquet, compressed; each column as what it holds.

What can be read in one way only is repaired and said; what cannot is an error that names the line or the column.
Series of files are read by the same `read_untyped`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd

from seqlab.data.fetch.archive import reading
from seqlab.data.tables.column_types import NUMBER, POINT_OR_COMMA, typed
from seqlab.data.tables.csv_columns import columns_of
from seqlab.data.tables.excel import csv_of_excel
from seqlab.data.tables.sniff import NAMES, READ_WITH_POINT, SAVE_AS_CSV, encoding_of, layout_of
from seqlab.data.tables.unpack import CHUNK, PARQUET, WHOLE_AGAIN, Source
from seqlab.data.text.charset import NAMES as ENCODINGS
from seqlab.data.text.charset import UTF8, WINDOWS, Survey, text_reader
from seqlab.errors import DataError

SAMPLE = 1 << 18  # bytes that tell how a file is written


@dataclass(frozen=True)
class Table:
    """name: the file's stem. frame: columns of numbers, booleans, datetime64[s] or text, with unique names, no infinite
    numbers and a RangeIndex. sha256: of the file's bytes. notes: repairs, a sentence each. written: of columns of
    numbers the mark before decimals or `number`, of dates whether `day` or `month` is first or `date`, of words
    `words: ` and the marks of missing entries, like None, that are words there."""

    name: str
    frame: pd.DataFrame
    sha256: str
    notes: tuple[str, ...]
    written: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Untyped:
    """The columns of a file by name, numbers or text as it is written, and how they are written.

    decimal: the mark in numbers that can be read in two ways; shown: whether the file shows it. as_text: columns whose
    numbers are names. separator: of its columns, the comma where there are none. notes: repairs, a sentence each.
    """

    name: str
    where: str
    columns: dict[str, np.ndarray | pd.Series]
    sha256: str
    notes: tuple[str, ...]
    decimal: str = "."
    shown: bool = False
    as_text: tuple[str, ...] = ()
    separator: str = ","


def read_table(path: Path, written: Mapping[str, str] = {}) -> Table:
    """The table in a file: CSV, TSV and their like, Excel, or Parquet; packed as .gz, .bz2, .xz, .zip, .zst or not.

    written: how the columns of a table like it are: 1.500 and 05/03/2020 are here what they were there, where both can
    be, and odd entries are missing, however many. Raises DataError for what is no table or cannot be read in one way
    alone.
    """
    raw = read_untyped(path, written)
    if raw.shown:  # what the file shows counts more than what another was
        written = {name: NUMBER if how in POINT_OR_COMMA else how for name, how in written.items()}
    try:
        frame, said, found = typed(raw.columns, raw.decimal, raw.as_text, written)
    except UnicodeError as problem:  # Parquet may hold bytes
        raise DataError(f"{path} has a column of bytes that are no text: {problem}", SAVE_AS_CSV) from problem
    separated = [] if raw.separator == "," else [f"its columns are separated by {NAMES[raw.separator]}"]
    if raw.as_text:
        said = [f"numbers with leading zeros are names, not numbers: {', '.join(raw.as_text)}", *said]
    return Table(raw.name, frame, raw.sha256, (*separated, *raw.notes, *said), found)


def table_of(frame: pd.DataFrame, name: str = "table", written: Mapping[str, str] = {}) -> Table:
    """The Table of a DataFrame, which stays as it is: typed columns as `read_table` gives them, without the index.

    The sha256 is of names and contents. Raises DataError where there are no rows or columns.
    """
    if not len(frame) or not frame.shape[1]:
        raise DataError(f"{name} has no rows or no columns", "give a DataFrame with both")
    columns, notes, found = typed(_columns_by_name(frame.reset_index(drop=True)), ".", (), written)
    digest = hashlib.sha256("\0".join(map(str, columns)).encode(errors="replace"))
    digest.update(pd.util.hash_pandas_object(columns, index=False).to_numpy().tobytes())
    return Table(name, columns, digest.hexdigest(), tuple(notes), found)


def read_untyped(source: Path | BinaryIO, written: Mapping[str, str] = {}) -> Untyped:
    """The columns of a file, or of what a stream gives, before it is decided what they hold; see `read_table`."""
    file = Source.of(source)
    sha256 = file.sha256()
    if file.start.startswith(PARQUET):
        raw = Untyped(file.name, file.where, _of_parquet(file), sha256, ())
    else:
        try:
            with reading(Path(file.where), WHOLE_AGAIN):
                raw = _of_text(file, sha256, written)
        except UnicodeError as problem:
            raise DataError(f"{file.where} is cut or damaged: {problem}", WHOLE_AGAIN) from problem
    if not raw.columns or not len(next(iter(raw.columns.values()))):
        raise DataError(f"{file.where} has no rows", "name a file with a header and rows")
    return raw


def _of_parquet(file: Source) -> dict[str, np.ndarray | pd.Series]:
    try:
        with file.open() as content:
            frame = pd.read_parquet(content)
    except ImportError as problem:
        raise DataError(
            f"{file.where} is Parquet, and nothing installed here reads it", f"`pip install pyarrow`, or {SAVE_AS_CSV}"
        ) from problem
    except Exception as problem:  # pyarrow has kinds of its own
        said = str(problem).strip().partition("\n")[0]
        raise DataError(f"{file.where} is no Parquet that can be read: {said}", WHOLE_AGAIN) from problem
    return _columns_by_name(frame)


def _columns_by_name(frame: pd.DataFrame) -> dict[str, np.ndarray | pd.Series]:
    """The columns with a RangeIndex, an index that is more first, under names that are text, each once."""
    frame = frame if isinstance(frame.index, pd.RangeIndex) else frame.reset_index()
    columns: dict[str, np.ndarray | pd.Series] = {}
    for label, column in frame.items():
        name = " ".join(str(part) for part in label if str(part)) if isinstance(label, tuple) else str(label)
        number, fresh = 1, name
        while fresh in columns:
            number += 1
            fresh = f"{name} ({number})"
        columns[fresh] = column.reset_index(drop=True)
    return columns


def _of_text(file: Source, sha256: str, written: Mapping[str, str]) -> Untyped:
    """What is delimited text or, packed in a workbook, can be written as such."""
    packed, notes = file.packed, list[str]()
    if not file.is_named_so:
        notes.append(f"it is packed as {packed}, whatever its name says")
    if file.is_excel:
        file, notes = csv_of_excel(file)
    encoding, said = _survey(file)
    with file.unpacked() as content, text_reader(content, encoding) as text:
        sample = text.read(SAMPLE)
        layout = layout_of(sample, bool(text.read(1)), encoding, file.where)
    marks = set(POINT_OR_COMMA) - {layout.decimal}
    other_mark = [name for name, how in written.items() if not layout.shown and how in marks and name in layout.names]
    columns = columns_of(file, layout, other_mark)
    notes += said
    empty = [name for name in layout.names if name.startswith("column_") and pd.isna(columns[name]).all()]
    if 0 < len(empty) < len(columns):  # what a separator at the ends of lines makes
        columns = {name: values for name, values in columns.items() if name not in empty}
        notes.append(f"columns with neither name nor values are left out: {', '.join(empty)}")
    notes += [note for note in layout.notes if not (other_mark and note == READ_WITH_POINT)]
    found: dict[str, np.ndarray | pd.Series] = {**columns}
    how = (layout.decimal, layout.shown, layout.as_text, layout.separator)
    return Untyped(file.name, file.where, found, sha256, tuple(notes), *how)


def _survey(file: Source) -> tuple[str, list[str]]:
    """Reads all of a file once: its encoding, and what is to be said of that. Raises DataError where it is no text."""
    file.refuse_cut_zst()
    survey, lines = Survey(), 1
    with file.unpacked() as content:
        chunk = content.read(SAMPLE)
        if encoding := encoding_of(chunk, file.where):
            return encoding, [f"it is written in {ENCODINGS[encoding]}"]
        while chunk:
            if 0 in chunk:
                line = lines + chunk.count(b"\n", 0, chunk.index(0))
                raise DataError(f"{file.where} has a NUL byte in line {line:,}: it is damaged or no text", WHOLE_AGAIN)
            lines += chunk.count(b"\n")
            survey.feed(chunk)
            chunk = content.read(CHUNK)
    survey.finish()
    if (encoding := survey.encoding()) == UTF8:
        count = "1 byte of it is" if survey.bad == 1 else f"{survey.bad:,} bytes of it are"
        return encoding, [f"{count} not UTF-8: each such place became U+FFFD"] if survey.bad else []
    if encoding == WINDOWS and not survey.undefined:
        return encoding, [f"it is not written in UTF-8: read as Windows-1252, as in '{survey.example()}'"]
    old = "latin-1" if survey.undefined else WINDOWS
    name = "Latin-1" if survey.undefined else "Windows-1252"
    convert = "its words do not look so: if they come out wrong, convert it (iconv -f ENCODING -t UTF-8)"
    return old, [f"it is not written in UTF-8: read as {name}, as in '{survey.example()}'; {convert}"]
