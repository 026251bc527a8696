"""Series out of pandas, and out of whatever else a library user may give: tickers, files, or several of all these."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd

from seqlab.data.series.column_numbers import numbers_of_column
from seqlab.data.series.column_words import field_of, plain
from seqlab.data.series.date_parts import with_clock
from seqlab.data.series.file_columns import (
    close_of,
    listed_labels,
    named_column,
    refuse_several_series,
    tells_of_rows,
)
from seqlab.data.series.file_dates import DATE_NAMES, dates_of, kept_rows
from seqlab.data.series.files import series_of_column
from seqlab.data.series.frequency import parse
from seqlab.data.series.kinds import Kind
from seqlab.data.series.known import rows_until, table_until
from seqlab.data.series.moments import moment_of
from seqlab.data.series.quotes import load_many
from seqlab.data.series.series import FIELDS, Series
from seqlab.data.tables.date_values import Dates, in_seconds
from seqlab.errors import DataError, UsageError, did_you_mean

SeriesData = str | Path | pd.Series | pd.DataFrame | Series
NAME_THEM = "name those that are meant with columns=[...]"
LONG = ("unique_id", "ds", "y")  # the columns of a long table


def listed(data: SeriesData | Sequence[SeriesData]) -> list[SeriesData]:
    """One or several, as a list. Raises UsageError for anything else."""
    items = [data] if isinstance(data, SeriesData) else list(data) if isinstance(data, Sequence) else [data]
    for one in items:
        if not isinstance(one, SeriesData):
            raise UsageError(
                f"no series can be read from a {type(one).__name__}",
                "give a ticker, a file, a pandas Series or DataFrame, or a list of these",
            )
    return items


def load_data(
    data: SeriesData | Sequence[SeriesData],
    *,
    columns: Sequence[str] = (),
    kind: Kind = "auto",
    freq: str | None = None,
    as_of: str | date | np.datetime64 | None = None,
    offline: bool = False,
) -> Iterator[Series]:
    """The Series of tickers, files and pandas objects, in their order; tickers and files as `quotes.load_many` does.

    A pandas Series needs an index of dates. A DataFrame is wide, with such an index or a column of dates and then a
    column for each series (of open, high, low, close, ... the close alone), or long, with the columns unique_id, ds and
    y. columns: those of files and frames to take. kind: what they hold, see `kinds`. freq: how often there is a row,
    see `frequency`. as_of: the day or the time up to which they are read, as if nothing had followed, see `known`.
    Raises DataError, and UsageError for a kind, a frequency or a day that is none.
    """
    last = None if as_of is None else moment_of(as_of)
    if kind not in get_args(Kind):
        raise UsageError(f"kind is '{kind}'", did_you_mean(str(kind), get_args(Kind)))
    if freq is not None:
        parse(freq)  # what is none is refused for tickers too
    for is_name, group in itertools.groupby(listed(data), lambda one: isinstance(one, str | Path)):
        if is_name:
            names = [str(one) for one in group]
            yield from load_many(names, columns=columns, kind=kind, freq=freq, as_of=last, offline=offline)
            continue
        for one in group:
            if isinstance(one, Series):
                yield one if last is None else one.until(last)
            elif isinstance(one, pd.Series):
                label = "series" if one.name is None else one.name
                name = " ".join(map(str, label)) if isinstance(label, tuple) else str(label)
                yield from _of_frame(one.to_frame(name), (name,), kind, freq, last, "the Series")
            elif isinstance(one, pd.DataFrame):
                yield from _of_frame(one, columns, kind, freq, last, "the DataFrame")


def _of_frame(
    frame: pd.DataFrame, columns: Sequence[str], kind: Kind, freq: str | None, last: np.datetime64 | None, where: str
) -> Iterator[Series]:
    if frame.empty:
        raise DataError(f"{where} has no rows or no columns", "give one with dates and numbers")
    notes: tuple[str, ...] = ()
    if frame.columns.nlevels > 1:
        frame, notes = _with_plain_names(frame)
    if not isinstance(frame.index, pd.DatetimeIndex | pd.PeriodIndex) and not pd.api.types.is_numeric_dtype(
        frame.index
    ):
        frame = frame.reset_index()  # names of series, dates as text, or both
    if set(LONG) <= set(frame.columns):
        if columns:
            raise UsageError(f"{where} is long: its values are in column y", "leave columns out, or give a wide one")
        yield from _of_long(_long_until(frame, last, where), kind, freq, where, notes)
    else:
        yield from _of_wide(frame, columns, kind, freq, where, notes, last)


def _with_plain_names(frame: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The frame with a name of one level for each column, `AAA Close` of Close above AAA, and what is to be said; a
    level that is the same in all columns, as a single ticker, tells nothing."""
    levels = [[str(part) for part in frame.columns.get_level_values(level)] for level in range(frame.columns.nlevels)]
    varied = [level for level in levels if len(set(level) - {""}) > 1 or _are_prices(level)] or levels
    if len(varied) > 1 and _are_prices(varied[0]):
        varied.reverse()  # the ticker first
    names = [" ".join(filter(None, parts)) for parts in zip(*varied, strict=True)]
    shown = ", ".join(names[:6]) + (", ..." if names[6:] else "")
    return frame.set_axis(names, axis=1), (f"its columns have {len(levels)} levels: they are called {shown}",)


def _are_prices(names: Sequence[str]) -> bool:
    return {field_of(name) for name in names if name} <= set(FIELDS)


def _long_until(frame: pd.DataFrame, last: np.datetime64 | None, where: str) -> pd.DataFrame:
    """The rows of a long frame up to `last`: a series that begins later was not there."""
    return frame if last is None else frame[rows_until(_dates_of(frame[[LONG[1]]], where)[1], last, where)]


def _of_long(frame: pd.DataFrame, kind: Kind, freq: str | None, where: str, notes: tuple[str, ...]) -> Iterator[Series]:
    """The series of each unique_id."""
    nameless, others = int(frame[LONG[0]].isna().sum()), [str(label) for label in frame.columns if label not in LONG]
    if nameless == len(frame):
        raise DataError(f"{where} names no series: {LONG[0]} is empty in all its rows", f"fill in {LONG[0]}")
    if nameless:
        rows = f"{nameless:,} {'row' if nameless == 1 else 'rows'}"
        notes += (f"{rows} of {where} without a {LONG[0]} {'is' if nameless == 1 else 'are'} left out",)
    if others:
        notes += (f"of {where} only {', '.join(LONG)} are read, not {listed_labels(others)}",)
    for name, rows_of_it in frame.groupby(LONG[0], sort=False, observed=True):
        one = rows_of_it[[*LONG[1:]]].reset_index(drop=True)
        (series,) = _of_wide(one, ["y"], kind, freq, f"series {name} of {where}", notes)
        yield replace(series, name=str(name))


def _of_wide(
    frame: pd.DataFrame,
    columns: Sequence[str],
    kind: Kind,
    freq: str | None,
    where: str,
    notes: tuple[str, ...],
    last: np.datetime64 | None = None,
) -> Iterator[Series]:
    frame, (dated, when, said) = table_until(frame, where, last, read=_dates_of)
    table = frame.drop(columns=dated).reset_index(drop=True)
    table.columns = table.columns.map(str)
    if not table.columns.is_unique:
        twice = table.columns[table.columns.duplicated()][0]
        raise DataError(f"{where} has several columns called '{twice}'", "give each column a name of its own")
    refuse_several_series(table, when, where)
    kept, left_out = kept_rows(when)
    table, when = table[kept].reset_index(drop=True), when[kept]
    labels = [named_column(column, list(table.columns), where) for column in columns]
    notes += (*said, *left_out)
    if not labels:
        labels, others = _all_series(table, where)
        notes += (f"columns that hold no series are left out: {listed_labels(others)}",) if others else ()
    for label in labels:
        series = series_of_column(table, when, label, name=label, kind=kind, freq=freq, where=where, notes=notes)
        origin = f"column {label} of {where}, which ends on {series.dates[-1]}"
        yield replace(series, source="frame", origin=origin)


def _dates_of(frame: pd.DataFrame, where: str) -> tuple[list[str], np.ndarray, tuple[str, ...]]:
    """The columns that hold the dates, none where the index does; dates (N,), as the clock showed them; notes."""
    if isinstance(frame.index, pd.DatetimeIndex | pd.PeriodIndex):
        return [], _moments(frame.index), ()
    typed = [label for label in frame.columns if pd.api.types.is_datetime64_any_dtype(frame[label])]
    for label in sorted(typed, key=lambda label: plain(str(label)) not in DATE_NAMES):
        found = Dates(_moments(pd.DatetimeIndex(frame[label])))
        if len(np.unique(found.when)) < len(frame):
            clock, found = with_clock(frame.rename(columns=str), [str(label)], found)
            return [label, *clock], found.when, found.notes
        return [label], found.when, ()
    try:
        return dates_of(frame.rename(columns=str), where)
    except DataError as problem:
        raise DataError(problem.message, "give it an index of dates: frame.index = pd.to_datetime(...)") from problem


def _moments(index: pd.DatetimeIndex | pd.PeriodIndex) -> np.ndarray:
    times = index.to_timestamp() if isinstance(index, pd.PeriodIndex) else index
    return in_seconds(times.tz_localize(None).to_numpy())


def _all_series(table: pd.DataFrame, where: str) -> tuple[list[str], list[str]]:
    """The close, adjusted if there is such a one, else every column of numbers that tell of more than the row; and the
    columns that are left out, but for those that belong to a close."""
    labels = list(table.columns)
    try:
        close = close_of(labels, where)
    except DataError as problem:
        raise DataError(problem.message, NAME_THEM) from problem
    if close:
        return [close], []
    read = {label: numbers_of_column(table[label], ".")[0] for label in labels if not _is_boolean(table[label])}
    numeric = [label for label in read if np.isfinite(read[label]).sum() > len(table) / 2]
    numeric += [label for label in table.select_dtypes("number").columns if label not in numeric]
    measured = [label for label in labels if label in numeric and not tells_of_rows(table[label], read[label])]
    varied = [label for label in measured if len(np.unique(read[label])) > 1] or measured
    if not varied:
        held = f" that tell of more than their row, but {listed_labels(numeric)}" if numeric else ""
        raise DataError(f"{where} has no column of numbers{held}", f"give it one, or {NAME_THEM}")
    return varied, [label for label in labels if label not in varied]


def _is_boolean(column: pd.Series) -> bool:
    return pd.api.types.is_bool_dtype(column) or pd.api.types.infer_dtype(column, skipna=True) == "boolean"
