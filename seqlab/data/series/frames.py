"""Series out of pandas, and out of whatever else a library user may give: tickers, files, or several of all these."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd

from seqlab.data.series.file_columns import named_column, refuse_several_series
from seqlab.data.series.file_dates import dates_of
from seqlab.data.series.files import series_of_column
from seqlab.data.series.kinds import Kind
from seqlab.data.series.quotes import load_many
from seqlab.data.series.series import Series, field_name
from seqlab.errors import DataError, UsageError, did_you_mean

SeriesData = str | Path | pd.Series | pd.DataFrame | Series
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
    offline: bool = False,
) -> Iterator[Series]:
    """The Series of tickers, files and pandas objects, in their order; tickers and files as `quotes.load_many` does.

    A pandas Series needs an index of dates. A DataFrame is wide, with such an index or a column of dates and then a
    column for each series (of open, high, low, close, ... the close alone), or long, with the columns unique_id, ds and
    y. columns: those of files and frames to take. kind: what they hold, see `kinds`. freq: how often there is a row,
    see `frequency`. Raises DataError, and UsageError for a kind or a frequency that is none.
    """
    if kind not in get_args(Kind):
        raise UsageError(f"kind is '{kind}'", did_you_mean(str(kind), get_args(Kind)))
    for is_name, group in itertools.groupby(listed(data), lambda one: isinstance(one, str | Path)):
        if is_name:
            yield from load_many([str(one) for one in group], columns=columns, kind=kind, freq=freq, offline=offline)
            continue
        for one in group:
            if isinstance(one, Series):
                yield one
            elif isinstance(one, pd.Series):
                label = "series" if one.name is None else one.name
                name = " ".join(map(str, label)) if isinstance(label, tuple) else str(label)
                yield from _of_frame(one.to_frame(name), (name,), kind, freq, "the Series")
            elif isinstance(one, pd.DataFrame):
                yield from _of_frame(one, columns, kind, freq, "the DataFrame")


def _of_frame(
    frame: pd.DataFrame, columns: Sequence[str], kind: Kind, freq: str | None, where: str
) -> Iterator[Series]:
    if frame.empty:
        raise DataError(f"{where} has no rows or no columns", "give one with dates and numbers")
    if frame.columns.nlevels > 1:
        raise DataError(f"the columns of {where} have {frame.columns.nlevels} levels", "take one: frame['Close']")
    if frame.index.name == LONG[0]:
        frame = frame.reset_index()
    if set(LONG) <= set(frame.columns):
        if columns:
            raise UsageError(f"{where} is long: its values are in column y", "leave columns out, or give a wide one")
        for name, rows in frame.groupby(LONG[0], sort=False, observed=True):
            one = rows[[*LONG[1:]]].reset_index(drop=True)
            (series,) = _of_wide(one, ["y"], kind, freq, f"series {name} of {where}")
            yield replace(series, name=str(name))
    else:
        yield from _of_wide(frame, columns, kind, freq, where)


def _of_wide(frame: pd.DataFrame, columns: Sequence[str], kind: Kind, freq: str | None, where: str) -> Iterator[Series]:
    dated, when, notes = _dates_of(frame, where)
    table = frame.drop(columns=dated).reset_index(drop=True)
    table.columns = table.columns.map(str)
    if not table.columns.is_unique:
        twice = table.columns[table.columns.duplicated()][0]
        raise DataError(f"{where} has several columns called '{twice}'", "give each column a name of its own")
    refuse_several_series(table if table.shape[1] > 1 else table.iloc[:, :0], when, where)  # one alone is the values
    labels = list(table.columns)
    for label in [named_column(column, labels, where) for column in columns] or _all_series(table, where):
        series = series_of_column(table, when, label, name=label, kind=kind, freq=freq, where=where, notes=notes)
        origin = f"column {label} of {where}, which ends on {series.dates[-1]}"
        yield replace(series, source="frame", origin=origin)


def _dates_of(frame: pd.DataFrame, where: str) -> tuple[list[str], np.ndarray, tuple[str, ...]]:
    """The columns that hold the dates, none where the index does; dates (N,), as the clock showed them; notes."""
    if isinstance(frame.index, pd.DatetimeIndex | pd.PeriodIndex):
        return [], _moments(frame.index), ()
    for label in frame.columns:
        if pd.api.types.is_datetime64_any_dtype(frame[label]):
            return [label], _moments(pd.DatetimeIndex(frame[label])), ()
    try:
        return dates_of(frame.rename(columns=str), where)
    except DataError as problem:
        raise DataError(problem.message, "give it an index of dates: frame.index = pd.to_datetime(...)") from problem


def _moments(index: pd.DatetimeIndex | pd.PeriodIndex) -> np.ndarray:
    times = index.to_timestamp() if isinstance(index, pd.PeriodIndex) else index
    return times.tz_localize(None).to_numpy().astype("datetime64[s]")


def _all_series(table: pd.DataFrame, where: str) -> list[str]:
    """The close, adjusted if there is such a one, else every column of numbers."""
    known = {field_name(label): label for label in reversed(table.columns)}
    for field in ("adj_close", "close"):
        if field in known:
            return [known[field]]
    labels = list(table.select_dtypes("number").columns)
    if not labels:
        raise DataError(f"{where} has no column of numbers", "give it one, or name one of text with columns=[...]")
    return labels
