"""Series out of pandas, and out of whatever else a library user may give: tickers, files, or several of all these."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd

from seqlab.data.series.column_numbers import numbers_of_column
from seqlab.data.series.column_series import series_of_column
from seqlab.data.series.column_words import field_of, plain
from seqlab.data.series.covariate_columns import taken_out
from seqlab.data.series.covariates import CovariateNames, Covariates
from seqlab.data.series.date_parts import with_clock
from seqlab.data.series.file_columns import (
    close_of,
    listed_labels,
    named_column,
    refuse_several_series,
    tells_of_rows,
)
from seqlab.data.series.file_dates import DATE_NAMES, dates_of, dates_of_column, kept_rows
from seqlab.data.series.frequency import parse
from seqlab.data.series.kinds import Kind
from seqlab.data.series.known import table_until
from seqlab.data.series.long_table import LONG, Long, series_of_long
from seqlab.data.series.moments import moment_of
from seqlab.data.series.quotes import load_many
from seqlab.data.series.series import FIELDS, Series
from seqlab.data.tables.date_values import Dates, in_seconds
from seqlab.errors import DataError, UsageError, did_you_mean

SeriesData = str | Path | pd.Series | pd.DataFrame | Series
NAME_THEM = "name those that are meant with columns=[...]"


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
    long: Long = Long(),
    covariates: CovariateNames = CovariateNames(),
    offline: bool = False,
) -> Iterator[Series]:
    """The Series of tickers, files and pandas objects, in their order; tickers and files as `quotes.load_many` does.

    A pandas Series needs an index of dates. A DataFrame is wide, with such an index or a column of dates and then a
    column for each series (of open, high, low, close, ... the close alone), or long, as files may be too: with the
    columns unique_id, ds and y, or those that `long` names. columns: those of wide files and frames to take. kind: what
    they hold, see `kinds`. freq: how often there is a row, see `frequency`. as_of: the day or the time up to which they
    are read, as if nothing had followed, see `known`. covariates: columns of files and frames that
    stand beside their series, and a country's holidays. Raises DataError, and UsageError for a kind, a frequency or a
    day that is none.
    """
    last = None if as_of is None else moment_of(as_of)
    if kind not in get_args(Kind):
        raise UsageError(f"kind is '{kind}'", did_you_mean(str(kind), get_args(Kind)))
    if freq is not None:
        parse(freq)  # what is none is refused for tickers too
    for is_name, group in itertools.groupby(listed(data), lambda one: isinstance(one, str | Path)):
        if is_name:
            names = [str(one) for one in group]
            read: dict[str, Any] = {"columns": columns, "kind": kind, "freq": freq, "long": long}
            yield from load_many(names, **read, as_of=last, covariates=covariates, offline=offline)
            continue
        for one in group:
            if isinstance(one, Series):
                if covariates.columns:
                    raise UsageError(f"{one.name} is a Series without columns", "give covariates in a DataFrame")
                beside = Covariates(country=covariates.holidays) if covariates else one.covariates
                yield replace(one if last is None else one.until(last), covariates=beside)
            elif isinstance(one, pd.Series):
                label = "series" if one.name is None else one.name
                name = " ".join(map(str, label)) if isinstance(label, tuple) else str(label)
                yield from _of_frame(one.to_frame(name), (name,), kind, freq, last, "the Series", Long(), covariates)
            elif isinstance(one, pd.DataFrame):
                yield from _of_frame(one, columns, kind, freq, last, "the DataFrame", long, covariates)


def _of_frame(
    frame: pd.DataFrame,
    columns: Sequence[str],
    kind: Kind,
    freq: str | None,
    last: np.datetime64 | None,
    where: str,
    long: Long,
    covariates: CovariateNames,
) -> Iterator[Series]:
    if frame.empty:
        raise DataError(f"{where} has no rows or no columns", "give one with dates and numbers")
    notes: tuple[str, ...] = ()
    if frame.columns.nlevels > 1:
        frame, notes = _with_plain_names(frame)
    are_times = isinstance(frame.index, pd.DatetimeIndex | pd.PeriodIndex)
    wanted = (long.id or LONG[0], long.time or LONG[1])
    if are_times and long.is_said and wanted[1] not in frame.columns:
        frame = frame.reset_index(names=wanted[1])
    elif (not are_times and not pd.api.types.is_numeric_dtype(frame.index)) or frame.index.name in wanted:
        frame = frame.reset_index()  # names of series, dates as text, or both
    found = long.found_in(list(map(str, frame.columns)), columns, where)
    if found is not None or covariates:
        frame = frame.set_axis(list(map(str, frame.columns)), axis=1)
    if found is None:
        frame, beside = taken_out(frame, covariates, where, read=_dates_of, values=columns)
        for one in _of_wide(frame, columns, kind, freq, where, notes, last):
            yield one if beside is None else beside.joined(one)
        return

    def read(table: pd.DataFrame, of: str) -> tuple[list[str], np.ndarray, tuple[str, ...]]:
        typed = pd.api.types.is_datetime64_any_dtype(table[found[1]])
        return _dates_of(table[[found[1]]], of) if typed else dates_of_column(table, found[1], of)

    frame, beside = taken_out(frame, covariates, where, read=read, values=[found[2]], who=found[0])
    frame, (_, when, said) = table_until(frame, where, last, read=read)
    for one in series_of_long(frame, when, found, name=where, kind=kind, freq=freq, where=where, notes=[*notes, *said]):
        of = f"series {one.name} of {where}" if one.panel else where
        one = replace(one, source="frame", origin=f"column {found[2]} of {of}, which ends on {one.dates[-1]}")
        yield one if beside is None else beside.joined(one)


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


def _of_wide(
    frame: pd.DataFrame,
    columns: Sequence[str],
    kind: Kind,
    freq: str | None,
    where: str,
    notes: tuple[str, ...],
    last: np.datetime64 | None,
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
    panel = where if len(labels) > 1 else ""
    for label in labels:
        series = series_of_column(table, when, label, name=label, kind=kind, freq=freq, where=where, notes=notes)
        origin = f"column {label} of {where}, which ends on {series.dates[-1]}"
        yield replace(series, source="frame", origin=origin, panel=panel)


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
