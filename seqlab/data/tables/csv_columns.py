"""The columns of delimited text, read a part at a time, so that a large table is never there twice."""

import csv
import re
import warnings
from collections.abc import Collection, Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np
import pandas as pd

from seqlab.data.tables.arrays import arrays_of
from seqlab.data.tables.separators import SEVERAL_BLANKS, rows_of
from seqlab.data.tables.sniff import Layout
from seqlab.data.tables.unpack import Source
from seqlab.data.text.charset import text_reader
from seqlab.errors import DataError

CELLS = 1 << 21  # read at a time


def columns_of(
    source: Source, layout: Layout, as_text: Collection[str], lines: int | None = None
) -> dict[str, np.ndarray]:
    """The columns by name: numbers where all of a column's entries are some or missing, else text as it is written,
    nan for nothing; `as_text` are text in any case. lines: of the file that are read, by default all. Raises DataError
    naming the line where a row has too many cells.
    """
    raw = {*layout.as_text, *layout.raw, *as_text}
    while True:
        parts: dict[str, list[np.ndarray]] = {name: [] for name in layout.names}
        mixed = set[str]()
        try:
            for frame in _frames(source, layout, raw, lines):
                kinds = zip(layout.names, frame.dtypes.to_numpy(object), strict=True)
                mixed |= {name for name, dtype in kinds if dtype.kind not in "iuf" and name not in raw}
                for name, column in arrays_of(frame) if not mixed else ():
                    parts[name].append(np.asarray(column, object if name in raw else None))
        except (pd.errors.ParserError, pd.errors.ParserWarning) as problem:
            raise _of_line(source, layout, problem) from problem
        if not mixed:
            return {name: _joined(parts.pop(name)) for name in layout.names}
        raw |= mixed


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _frames(source: Source, layout: Layout, raw: set[str], lines: int | None) -> Iterator[pd.DataFrame]:
    with (
        source.unpacked() as content,
        text_reader(content, layout.encoding) as text,
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("error", pd.errors.ParserWarning)  # longer rows would be cut
        some: Any = text
        if lines is not None or layout.has_comments or layout.separator == SEVERAL_BLANKS:
            some = _Lines(_lines_of_table(islice(text, lines), layout))
        separator = "\t" if layout.separator == SEVERAL_BLANKS else layout.separator
        rows = iter(rows_of(some, separator, layout.quote))
        for _ in range(layout.skipped):
            next(rows)
        yield from pd.read_csv(
            some,
            sep=separator,
            quotechar=layout.quote,
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


def _lines_of_table(lines: Iterable[str], layout: Layout) -> Iterator[str]:
    """Lines without comments, their cells separated by tabs where they are by several blanks."""
    for number, line in enumerate(lines):
        if layout.has_comments and number >= layout.skipped and line.startswith("#"):
            continue
        yield re.sub(r"[^\S\n]{2,}", "\t", line.strip()) + "\n" if layout.separator == SEVERAL_BLANKS else line


class _Lines:
    """Lines as a file that can be read."""

    def __init__(self, lines: Iterator[str]) -> None:
        self.lines, self.left = lines, ""

    def __iter__(self) -> Iterator[str]:
        return self.lines

    def read(self, size: int = -1) -> str:
        parts, length = [self.left], len(self.left)
        for line in self.lines if size < 0 or length < size else ():
            parts.append(line)
            length += len(line)
            if 0 <= size <= length:
                break
        text = "".join(parts)
        end = len(text) if size < 0 else size
        self.left = text[end:]
        return text[:end]


def _of_line(source: Source, layout: Layout, problem: Exception) -> DataError:
    """What pandas could not read, with the line as an editor counts it."""
    width = len(layout.names)
    with source.unpacked() as content, text_reader(content, layout.encoding) as text:
        lines = _Counted(text)
        try:
            for number, row in enumerate(rows_of(lines, layout.separator, layout.quote)):
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
