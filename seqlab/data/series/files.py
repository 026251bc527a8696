"""Series in a file, as people have them: some date column, one or more columns of numbers, in any writing.

Files are read by the reader of tables; here it is decided which columns are dates and which is the series.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
import pandas as pd

from seqlab.data.series.file_columns import (
    FAULTS,
    field_of,
    forecast_column,
    named_column,
    numbers_of_column,
    only_column,
    refuse_several_series,
)
from seqlab.data.series.file_dates import dates_of, kept_rows
from seqlab.data.series.series import FIELDS, Series, series_of
from seqlab.data.tables.dates import has_several_a_day
from seqlab.data.tables.header import UNNAMED
from seqlab.data.tables.reader import read_untyped
from seqlab.errors import DataError

Kind = Literal["auto", "levels", "returns"]
NO_PRICE = 0.01  # share of closes at or below zero above which a column holds no prices
PERCENT = 0.2  # median size of a return above which it seems to be written in percent


def read_csv(source: Path | BinaryIO, name: str, columns: Sequence[str] = (), kind: Kind = "auto") -> list[Series]:
    """The Series of a file that `read_table` reads, one for each of `columns`: a date column, and open, high, low,
    close, ... in any case.

    Without `columns` its close, else its only numeric column, is the series. One series is called `name`, several as
    their columns. kind: `levels` are values whose differences are forecast, `returns` are compounded, and `auto` takes
    closes and what is above zero everywhere for prices, the rest for levels. Raises DataError naming what is missing
    or unreadable.
    """
    raw = read_untyped(source)
    table = pd.DataFrame(raw.columns, copy=False)
    dated, when, said = dates_of(table, raw.where)
    of_index = UNNAMED + ", ".join(dated)  # pandas writes the dates of an index without a name
    notes = [*(note for note in raw.notes if note != of_index), *said]
    refuse_several_series(table.drop(columns=dated), when, raw.where)
    kept, left_out = kept_rows(when)
    table, when, notes = table[kept].reset_index(drop=True), when[kept], [*notes, *left_out]
    rest = [str(label) for label in table.columns if label not in dated]
    taken = list(dict.fromkeys(named_column(column, rest, raw.where) for column in columns)) or [
        only_column(table, rest, raw.decimal, raw.where)
    ]
    names = [name] if len(taken) == 1 else [re.sub(r"[/\\]+", "-", label) for label in taken]  # folders are named so
    return [
        series_of_column(
            table[rest], when, label, name=called, kind=kind, where=raw.where, notes=notes, decimal=raw.decimal
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
    where: str,
    notes: Sequence[str] = (),
    decimal: str = ".",
) -> Series:
    """The Series of one column of a table without its dates, which are `when` (N,); open, high, ... belong to a close.

    where: what an error calls the table; notes: what there is to say of it. Raises DataError for what is no number.
    """
    values, repairs = forecast_column(table[label], decimal, where)
    frame, is_price = _fields(table, label, list(table.columns), values, decimal)
    return _series(frame.assign(date=when), label, kind, where, name, [*notes, *repairs], is_price)


def _fields(
    table: pd.DataFrame, label: str, rest: list[str], values: np.ndarray, decimal: str
) -> tuple[pd.DataFrame, bool]:
    """The columns of series.FIELDS beside the one that is taken, and whether that is a close."""
    is_price = field_of(label) in ("adj_close", "close")
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
    frame: pd.DataFrame, label: str, kind: Kind, where: str, name: str, notes: list[str], is_price: bool
) -> Series:
    """The Series of the column `label`, whose values are the frame's adj_close."""
    values = frame["adj_close"].to_numpy()
    additive, said = _reading(values[np.isfinite(values)], label, kind, is_price)
    if additive:  # differences know no scale
        frame["close"] = values
    within_days = has_several_a_day(frame["date"].to_numpy())
    series = series_of(name, "file", "", frame, [*notes, *said], additive=additive, within_days=within_days)
    if kind == "returns":
        series = _compounded(series, f"column '{label}' of {where}")
    origin = f"the file's column {label}, which ends on {series.dates[-1]}"
    return replace(series, origin=origin, is_quote=is_price or kind == "returns")


def _reading(values: pd.Series, label: str, kind: Kind, is_price: bool) -> tuple[bool, list[str]]:
    """Whether a column is additive at first, and what is to be said of that."""
    if kind != "auto":
        return True, []  # returns too, until they are compounded
    low = int((values <= 0).sum())
    if is_price and low <= max(FAULTS, NO_PRICE * len(values)):
        return False, []
    if low:
        rows = f"{low:,} {'value' if low == 1 else 'values'} at or below zero"
        return True, [f"column '{label}' has {rows}: its differences are forecast (--returns if it holds returns)"]
    return False, [
        f"column '{label}' is above zero everywhere: its relative changes are forecast (--levels for its differences)"
    ]


def _compounded(returns: Series, where: str) -> Series:
    """The index that a series of returns makes, which is 100 before the first of them."""
    rates = returns.close
    if (rates <= -1).any():
        at = int(np.flatnonzero(rates <= -1)[0])
        raise DataError(
            f"{where} loses everything in the row of {returns.dates[at]}: a return of {rates[at]:g}",
            "write returns as fractions, -0.01 for a loss of 1 %, or use --levels",
        )
    with np.errstate(over="ignore", under="ignore"):
        index = 100 * np.exp(np.cumsum(np.log1p(rates)))
    if not (np.isfinite(index) & (index > 0)).all():
        raise DataError(f"{where} compounds to nothing or past all bounds", "write returns as fractions, 0.01 for 1 %")
    notes = [*returns.notes, "its returns are compounded to an index that is 100 before the first row"]
    usual = float(np.median(np.abs(rates)))
    if usual > PERCENT:
        notes.append(f"half of the returns are larger than {usual:.3g}: are they in percent? Here 1 % is 0.01")
    return replace(returns, close=index, adjusted=index.copy(), additive=False, notes=tuple(notes))
