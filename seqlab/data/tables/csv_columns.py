"""The columns of delimited text, read a part at a time, so that a large table is never there twice."""

import csv
import warnings
from collections.abc import Collection, Iterator

import numpy as np
import pandas as pd

from seqlab.data.tables.sniff import Layout, rows_of
from seqlab.data.tables.unpack import Source
from seqlab.data.text.charset import text_reader
from seqlab.errors import DataError

CELLS = 1 << 21  # read at a time


def columns_of(source: Source, layout: Layout, as_text: Collection[str]) -> dict[str, np.ndarray]:
    """The columns by name: numbers where all of a column's entries are some or missing, else text as it is written,
    nan for nothing; `as_text` are text in any case. Raises DataError naming the line where a row has too many cells.
    """
    raw = {*layout.as_text, *layout.raw, *as_text}
    while True:
        parts: dict[str, list[np.ndarray]] = {name: [] for name in layout.names}
        kinds: dict[str, set[str]] = {name: set() for name in layout.names}
        try:
            for frame in _frames(source, layout, raw):
                for name, column in frame.items():
                    kind, values = _kind_and_values(column)
                    kinds[str(name)].add(kind)
                    parts[str(name)].append(values)
        except (pd.errors.ParserError, pd.errors.ParserWarning) as problem:
            raise _of_line(source, layout, problem) from problem
        mixed = {name for name, found in kinds.items() if "text" in found} - raw
        if not mixed:
            return {name: np.concatenate(parts.pop(name)) for name in layout.names}
        raw |= mixed


def _frames(source: Source, layout: Layout, raw: set[str]) -> Iterator[pd.DataFrame]:
    with (
        source.unpacked() as content,
        text_reader(content, layout.encoding) as text,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("error", pd.errors.ParserWarning)  # longer rows would be cut
        rows = iter(rows_of(text, layout.separator))
        for _ in range(layout.skipped):
            next(rows)
        yield from pd.read_csv(
            text,
            sep=layout.separator,
            decimal="." if layout.separator == "," else layout.decimal,
            header=None,
            names=list(layout.names),
            dtype=dict.fromkeys(raw, object),
            na_values=[""],
            keep_default_na=False,
            skipinitialspace=True,
            index_col=False,
            low_memory=False,
            chunksize=max(1000, CELLS // len(layout.names)),
        )


def _kind_and_values(column: pd.Series) -> tuple[str, np.ndarray]:
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        return "number", column.to_numpy()
    return "text", column.to_numpy(object, na_value=np.nan)


def _of_line(source: Source, layout: Layout, problem: Exception) -> DataError:
    """What pandas could not read, with the line as an editor counts it."""
    width = len(layout.names)
    with source.unpacked() as content, text_reader(content, layout.encoding) as text:
        lines = _Counted(text)
        try:
            for number, row in enumerate(rows_of(lines, layout.separator)):
                if number >= layout.skipped and len(row) > width:
                    return DataError(
                        f"line {lines.read:,} of {source.where} has {len(row):,} cells, the header {width:,}",
                        "put cells that hold the separator in quotes, or mend the line",
                    )
        except csv.Error:
            pass
    said = str(problem).strip().partition("\n")[0].removeprefix("Error tokenizing data. C error: ")
    return DataError(f"{source.where} is no table: {said}", "look for a quote that is not closed")


class _Counted:
    """Lines, and how many of them were read: a row may have several."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.lines, self.read = lines, 0

    def __iter__(self) -> Iterator[str]:
        for line in self.lines:
            self.read += 1
            yield line
