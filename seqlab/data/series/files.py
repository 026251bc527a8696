"""Series in a file, as people have them: some date column, one or more columns of numbers, in any writing.

Files are read by the reader of tables; here it is decided which columns are dates and which is the series.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd

from seqlab.data.series.file_columns import (
    closes_among,
    field_of,
    forecast_column,
    named_column,
    numbers_of_column,
    only_column,
    refuse_several_series,
)
from seqlab.data.series.file_dates import kept_rows
from seqlab.data.series.frequency import at_frequency
from seqlab.data.series.kinds import Kind, are_additive, are_counts, with_kind
from seqlab.data.series.known import numbers_again, table_until
from seqlab.data.series.series import FIELDS, Series, noted, series_of
from seqlab.data.series.splits import apply_splits, split_column, split_ratios
from seqlab.data.series.unusual import left_out
from seqlab.data.tables.dates import has_several_a_day
from seqlab.data.tables.header import UNNAMED
from seqlab.data.tables.reader import read_untyped
from seqlab.errors import DataError

LEAST_OF_FREQ = 0.7  # of the rows, that a frequency may keep of what is no price


def read_csv(
    source: Path | BinaryIO,
    name: str,
    columns: Sequence[str] = (),
    kind: Kind = "auto",
    freq: str | None = None,
    as_of: np.datetime64 | None = None,
) -> list[Series]:
    """The Series of a file that `read_table` reads, one for each of `columns`: a date column, and open, high, low,
    close, ... in any case.

    Without `columns` its close, else its only numeric column, is the series. One series is called `name`, several as
    their columns. kind: what they hold, see `kinds`; `levels` are values whose differences are forecast, `returns` are
    compounded. freq: how often there is a row, see `frequency`. as_of: the day or the time up to which it is read,
    as if nothing had followed, see `known`. Raises DataError naming what is missing or unreadable.
    """
    raw = read_untyped(source)
    table = pd.DataFrame(raw.columns, copy=False)
    table, (dated, when, said) = table_until(table, raw.where, as_of, retyped=partial(numbers_again, raw=raw))
    of_index = UNNAMED + ", ".join(dated)  # pandas writes the dates of an index without a name
    notes = [*(note for note in raw.notes if note != of_index), *said]
    refuse_several_series(table.drop(columns=dated), when, raw.where)
    kept, doubled = kept_rows(when)
    table, when, notes = table[kept].reset_index(drop=True), when[kept], [*notes, *doubled]
    rest = [str(label) for label in table.columns if label not in dated]
    taken = list(dict.fromkeys(named_column(column, rest, raw.where) for column in columns)) or [
        only_column(table, rest, raw.decimal, raw.where)
    ]
    others = table[rest]
    names = [name] if len(taken) == 1 else [re.sub(r"[/\\]+", "-", label) for label in taken]  # folders are named so
    return [
        series_of_column(
            others,
            when,
            label,
            name=called,
            kind=kind,
            freq=freq,
            where=raw.where,
            notes=notes,
            decimal=raw.decimal,
        )
        for label, called in zip(taken, names, strict=True)
    ]


def series_of_column(
    table: pd.DataFrame,
    when: np.ndarray,
    label: str,
    *,
    name: str,
    kind: Kind,
    freq: str | None = None,
    where: str,
    notes: Sequence[str] = (),
    decimal: str = ".",
) -> Series:
    """The Series of one column of a table without its dates, which are `when` (N,); open, high, ... belong to a close.

    where: what an error calls the table; notes: what there is to say of it. Raises DataError for what is no number.
    """
    values, repairs = forecast_column(table[label], decimal, where)
    frame, is_price = _fields(table, label, list(table.columns), values, decimal)
    frame = frame.assign(date=when)
    told = split_column([str(other) for other in table.columns])
    if told is not None and field_of(label) == "close" and "adj_close" not in map(field_of, table.columns):
        frame, said = _without_splits(frame, table[told])
        repairs = [*repairs, *said]
    is_price |= field_of(label) in ("open", "high", "low")
    return _series(frame, label, kind, freq, where, name, [*notes, *repairs], is_price)


def _without_splits(frame: pd.DataFrame, told: pd.Series) -> tuple[pd.DataFrame, list[str]]:
    """The frame with closes that are adjusted for the splits that a column tells of."""
    ratios = split_ratios(told)
    if ratios is None:
        return frame, [f"column '{told.name}' cannot be read as splits, like 4.0 or 4:1: it is left"]
    order = np.argsort(frame["date"].to_numpy(), kind="stable")
    closes, days = frame["adj_close"].to_numpy()[order], frame["date"].to_numpy()[order].astype("datetime64[D]")
    factors = np.ones(len(frame))
    factors[order], said = apply_splits(closes, ratios[order], days, str(told.name))
    return frame.assign(adj_close=frame["adj_close"] * factors), said


def _fields(
    table: pd.DataFrame, label: str, rest: list[str], values: np.ndarray, decimal: str
) -> tuple[pd.DataFrame, bool]:
    """The columns of series.FIELDS beside the one that is taken, and whether that is a close."""
    is_price = label in closes_among(list(table.columns))
    # the columns named open, high, ... belong to the closes, not to another column that was asked for
    known = {field_of(other): other for other in reversed(rest)} if is_price else {}
    frame = pd.DataFrame({field: np.full(len(values), np.nan) for field in FIELDS})
    for field in FIELDS:
        if field in known and known[field] != label:
            frame[field] = numbers_of_column(table[known[field]], decimal)[0]
    frame["adj_close"] = values
    if field_of(label) != "adj_close" or "close" not in known:
        frame["close"] = values
    return frame, is_price


def _series(
    frame: pd.DataFrame,
    label: str,
    kind: Kind,
    freq: str | None,
    where: str,
    name: str,
    notes: list[str],
    is_close: bool,
) -> Series:
    """The Series of the column `label`, whose values are the frame's adj_close."""
    unit, is_price = _unit_of(frame["date"].to_numpy()), is_close or kind == "prices"
    unusual, least = np.zeros(len(frame), bool), 0.0
    if kind != "returns":  # of which all may be
        unusual, said = _unusual(frame, is_price)
        notes = [*notes, *(f"column '{label}': {note}" for note in said)]
        frame = frame[~unusual]
    values = frame["adj_close"].to_numpy()[np.argsort(frame["date"].to_numpy(), kind="stable")]
    values = values[np.isfinite(values)]
    additive, counts = are_additive(values, kind, is_close, f"column '{label}' of {where}"), are_counts(values)
    if additive:  # differences know no scale
        frame = frame.assign(close=frame["adj_close"])
    elif not is_price:
        frame, least, said = _above_zero(frame)
        notes = [*notes, *(f"column '{label}': {note}" for note in said)]
    series = series_of(name, "file", "", frame, notes, additive=additive, unit=unit)
    if least:
        series = replace(series, close=np.where(series.adjusted == least, 0.0, series.close))
    dropped = (*series.dropped, f"{unusual.sum():,} that are unlike all others") if unusual.any() else series.dropped
    origin = f"the file's column {label}, which ends on {series.dates[-1]}"
    series = replace(series, column=label, origin=origin, dropped=dropped)
    if kind == "returns":  # compounded before any row is left out
        series = with_kind(series, kind, is_close, counts)
    if freq is not None:
        series = at_frequency(series, freq)
    if kind != "returns":
        series = with_kind(series, kind, is_close, counts)
    if freq is not None and len(series) < LEAST_OF_FREQ * len(frame) and not series.is_price:
        raise DataError(
            f"of {len(frame):,} rows of column '{label}' of {where} a frequency of {freq} would keep the last of each "
            "period alone",
            "sum or average them first, or leave the frequency out",
        )
    return noted(series)


def _unusual(frame: pd.DataFrame, is_price: bool) -> tuple[np.ndarray, list[str]]:
    """Which rows hold what is no observation (N,), and what is to be said of them. frame: in any order of dates."""
    dates = frame["date"].to_numpy()
    order = np.argsort(dates, kind="stable")
    order = order[~np.isnat(dates[order])]
    unusual = np.zeros(len(frame), bool)
    order = order[np.append(dates[order][1:] != dates[order][:-1], True)[: len(order)]]
    unusual[order], said = left_out(frame["adj_close"].to_numpy()[order], dates[order], is_price)
    return unusual, said


def _above_zero(frame: pd.DataFrame) -> tuple[pd.DataFrame, float, list[str]]:
    """The frame with half of the smallest value above zero for its few zeros, which have no relative change; that half,
    0 where there are none; and what is to be said."""
    values = frame["adj_close"].to_numpy()
    zero = values == 0
    if not zero.any():
        return frame, 0.0, []
    least = float(np.min(values[values > 0])) / 2
    filled = np.where(zero, least, values)
    count, known = int(zero.sum()), int(np.isfinite(values).sum())
    verb = "is" if count == 1 else "are"
    said = f"{count:,} of {known:,} values {verb} zero: taken as {least:g}, half of the smallest above"
    return frame.assign(adj_close=filled, close=filled), least, [said]


def _unit_of(dates: np.ndarray) -> str:
    """That of a series with these dates: days, minutes, or seconds where minutes are too coarse."""
    if not has_several_a_day(dates):
        return "D"
    known = dates[~np.isnat(dates)]
    return "m" if (known == known.astype("datetime64[m]")).all() else "s"
