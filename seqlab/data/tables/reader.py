"""Tables in files as people have them: CSV of any writing, Excel, Parquet, compressed; each column as what it holds.

What can be read in one way only is repaired and said; what cannot is an error that names the line or the column.
Series of files are read by the same `read_untyped`.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd

from seqlab.data.fetch.archive import reading
from seqlab.data.tables.arff import csv_of_arff, is_arff
from seqlab.data.tables.column_types import NUMBER, POINT_OR_COMMA, Columns, mark_of, typed
from seqlab.data.tables.csv_columns import columns_of
from seqlab.data.tables.excel import csv_of_excel
from seqlab.data.tables.footer import total_in
from seqlab.data.tables.header import each_once
from seqlab.data.tables.parquet import frame_of_parquet
from seqlab.data.tables.separators import BLANKS, NAMES, SEVERAL_BLANKS
from seqlab.data.tables.sniff import READ_WITH_MARK, SAVE_AS_CSV, Layout, has_leading_zeros, layout_of
from seqlab.data.tables.survey import SAMPLE, survey_of
from seqlab.data.tables.unpack import PARQUET, WHOLE_AGAIN, Source
from seqlab.data.text.charset import text_reader
from seqlab.errors import DataError

NamesAmong = Callable[[Sequence[str]], Sequence[str]]  # of columns those that hold names


@dataclass(frozen=True)
class Table:
    """name: the file's stem. frame: columns of numbers, booleans, datetime64[s] or text, with unique names, no infinite
    numbers and a RangeIndex. sha256: of the file's bytes. notes: repairs, a sentence each. written: of columns of
    numbers the mark before decimals or `number`, and after ` without ` those like -999 that are missing, of dates
    whether `day` or `month` is first or `date`, of words `words: ` and the marks of missing entries, like None, that
    are words there. marks: {column: {mark: rows}}, those like NA that were taken as missing."""

    name: str
    frame: pd.DataFrame
    sha256: str
    notes: tuple[str, ...]
    written: dict[str, str] = field(default_factory=dict)
    marks: dict[str, dict[str, int]] = field(default_factory=dict)


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
        written = {name: _with_any_mark(how) for name, how in written.items()}
    found = _typed(raw.columns, raw.decimal, raw.as_text, written, str(path))
    separated = (
        []
        if raw.separator == ","
        else [f"its columns are separated by {NAMES.get(raw.separator, repr(raw.separator))}"]
    )
    return _table(raw.name, found, raw.sha256, [*separated, *raw.notes], raw.as_text)


def table_of(frame: pd.DataFrame, name: str = "table", written: Mapping[str, str] = {}) -> Table:
    """The Table of a DataFrame, which stays as it is: typed columns as `read_table` gives them, without the index.

    The sha256 is of names and contents. Raises DataError where there are no rows or columns.
    """
    if not len(frame) or not frame.shape[1]:
        raise DataError(f"{name} has no rows or no columns", "give a DataFrame with both")
    columns = _columns_by_name(frame.reset_index(drop=True))
    as_text = [label for label, column in columns.items() if _are_codes(column)]
    found = _typed(columns, ".", as_text, written, name)
    digest = hashlib.sha256("\0".join(map(str, found.frame)).encode(errors="replace"))
    digest.update(pd.util.hash_pandas_object(found.frame, index=False).to_numpy().tobytes())
    return _table(name, found, digest.hexdigest(), [], as_text)


def _typed(
    columns: dict[str, np.ndarray | pd.Series],
    decimal: str,
    as_text: Sequence[str],
    written: Mapping[str, str],
    where: str,
) -> Columns:
    try:
        return typed(columns, decimal, as_text, written)
    except UnicodeError as problem:  # Parquet and DataFrames may hold bytes
        raise DataError(f"{where} has a column of bytes that are no text: {problem}", SAVE_AS_CSV) from problem


def _table(name: str, found: Columns, sha256: str, notes: list[str], as_text: Sequence[str]) -> Table:
    codes = [f"numbers with leading zeros are names, not numbers: {', '.join(as_text[:10])}"] if as_text else []
    if as_text[10:]:
        codes[0] += f" and {len(as_text) - 10:,} more"
    return Table(name, found.frame, sha256, (*notes, *codes, *found.notes), found.written, found.marks)


def _with_any_mark(how: str) -> str:
    """How a column is written, whatever stands before its decimals."""
    mark = mark_of(how)
    return NUMBER + how.removeprefix(mark) if mark in POINT_OR_COMMA else how


def _are_codes(column: np.ndarray | pd.Series) -> bool:
    """Whether a column of a DataFrame is text like 01234 alone, as `layout_of` finds it in a file."""
    if pd.api.types.is_numeric_dtype(column) or not len(known := pd.Series(column).dropna()):
        return False
    return all(isinstance(one, str) for one in known) and has_leading_zeros(known.str.strip().unique())


def read_untyped(
    source: Path | BinaryIO,
    written: Mapping[str, str] = {},
    names: Callable[[Sequence[str]], Sequence[str]] | None = None,
) -> Untyped:
    """The columns of a file, or of what a stream gives, before it is decided what they hold; see `read_table`.

    names: of all columns those that hold names, and are text even if these are numbers: 007 and 7 are two.
    """
    file = Source.of(source)
    sha256 = file.sha256()
    if file.start.startswith(PARQUET):
        columns = _columns_by_name(frame_of_parquet(file, SAVE_AS_CSV))
        try:
            raw = Untyped(file.name, file.where, {name: _as_text(one) for name, one in columns.items()}, sha256, ())
        except UnicodeError as problem:
            raise DataError(f"{file.where} has a column of bytes that are no text: {problem}", SAVE_AS_CSV) from problem
    else:
        try:
            with reading(Path(file.where), WHOLE_AGAIN):
                raw = _of_text(file, sha256, written, names)
        except UnicodeError as problem:
            raise DataError(f"{file.where} is cut or damaged: {problem}", WHOLE_AGAIN) from problem
    if not raw.columns or not len(next(iter(raw.columns.values()))):
        raise DataError(f"{file.where} has no rows", "name a file with a header and rows")
    return raw


def _columns_by_name(frame: pd.DataFrame) -> dict[str, np.ndarray | pd.Series]:
    """The columns with a RangeIndex, an index that is more first, under names that are text, each once."""
    frame = frame if isinstance(frame.index, pd.RangeIndex) else frame.reset_index()
    names = (
        " ".join(str(part) for part in label if str(part)) if isinstance(label, tuple) else str(label)
        for label in frame.columns
    )
    return {
        name: column.reset_index(drop=True) for name, (_, column) in zip(each_once(names), frame.items(), strict=True)
    }


def _as_text(column: np.ndarray | pd.Series) -> np.ndarray | pd.Series:
    """The column with bytes as the text that they are. Raises UnicodeError where they are none."""
    if isinstance(column, np.ndarray) or column.dtype != object:
        return column
    return column.map(lambda entry: entry.decode() if isinstance(entry, bytes) else entry)


def _of_text(file: Source, sha256: str, written: Mapping[str, str], names: NamesAmong | None) -> Untyped:
    """What is delimited text or, packed in a workbook, can be written as such."""
    packed, notes = file.packed, list[str]()
    if not file.is_named_so:
        notes.append(f"it is packed as {packed}, whatever its name says")
    if file.is_excel:
        file, notes = csv_of_excel(file)
    survey = survey_of(file)
    if is_arff(survey.start):
        file = csv_of_arff(file, survey.encoding)
        notes = [*notes, "it is read as ARFF"]
        survey = survey_of(file)
    encoding = survey.encoding
    with file.unpacked() as content, text_reader(content, encoding) as text:
        sample = text.read(SAMPLE)
        layout = layout_of(sample, bool(text.read(1)), encoding, file.where, survey.end)
    marks = set(POINT_OR_COMMA) - {layout.decimal}
    other_mark = [
        name for name, how in written.items() if not layout.shown and mark_of(how) in marks and name in layout.names
    ]
    as_text = [*other_mark, *(names(layout.names) if names is not None else ())]
    lines = max(survey.lines - layout.below, 0) if layout.below else None  # a lone return ends a line for some
    columns = columns_of(file, layout, as_text, lines)
    notes += survey.notes
    columns, said = _trimmed(columns, layout, file.where)
    notes += said
    notes += [note for note in layout.notes if not (other_mark and note in READ_WITH_MARK.values())]
    found: dict[str, np.ndarray | pd.Series] = {**columns}
    how = (layout.decimal, layout.shown, layout.as_text, layout.separator)
    return Untyped(file.name, file.where, found, sha256, tuple(notes), *how)


def _trimmed(columns: dict[str, np.ndarray], layout: Layout, where: str) -> tuple[dict[str, np.ndarray], list[str]]:
    """Without empty columns that a separator at the ends of lines makes, and a row of totals, and what is to be said of
    that. Raises DataError where cells separated by blanks are missing: those after them have moved."""
    notes = []
    short = pd.isna(columns[layout.names[-1]]) if layout.separator in (BLANKS, SEVERAL_BLANKS) else np.zeros(1, bool)
    if short.any():
        raise DataError(
            f"row {int(short.argmax()) + 1:,} of {where} has fewer cells than the {len(layout.names):,} columns",
            "write NA where a value is missing, or separate the cells by commas",
        )
    empty = [name for name in layout.names if name.startswith("column_") and pd.isna(columns[name]).all()]
    if 0 < len(empty) < len(columns):
        left = set(empty)
        columns = {name: values for name, values in columns.items() if name not in left}
        more = f" and {len(empty) - 10:,} more" if empty[10:] else ""
        notes.append(f"columns with neither name nor values are left out: {', '.join(empty[:10])}{more}")
    if total := total_in(columns):
        columns = {name: values[:-1] for name, values in columns.items()}
        notes.append(f"its last row, '{total}', holds the sums of the others: left out")
    return columns, notes
