"""The Series of one column of numbers and its dates: what is no observation left out, of the kind that it is."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from seqlab.data.series.column_words import field_of
from seqlab.data.series.file_columns import closes_among, forecast_column, numbers_of_column
from seqlab.data.series.frequency import at_frequency
from seqlab.data.series.kinds import Kind, are_additive, are_counts, with_kind
from seqlab.data.series.repairs import noted, series_of_arrays
from seqlab.data.series.series import FIELDS, Series
from seqlab.data.series.splits import apply_splits, split_column, split_ratios
from seqlab.data.series.unusual import left_out
from seqlab.data.tables.dates import has_several_a_day
from seqlab.errors import DataError

LEAST_OF_FREQ = 0.7  # of the rows, that a frequency may keep of what is no price
CLOSE, ADJUSTED = FIELDS.index("close"), FIELDS.index("adj_close")


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
    fields, is_price = _fields(table, label, list(table.columns), values, decimal)
    told = split_column([str(other) for other in table.columns])
    if told is not None and field_of(label) == "close" and "adj_close" not in map(field_of, table.columns):
        fields[:, ADJUSTED], said = _without_splits(when, fields[:, ADJUSTED], table[told])
        repairs = [*repairs, *said]
    is_price |= field_of(label) in ("open", "high", "low")
    return series_of_fields(
        when, fields, label, name=name, kind=kind, freq=freq, where=where, notes=[*notes, *repairs], is_close=is_price
    )


def _without_splits(dates: np.ndarray, closes: np.ndarray, told: pd.Series) -> tuple[np.ndarray, list[str]]:
    """Closes (N,) that are adjusted for the splits that a column tells of."""
    ratios = split_ratios(told)
    if ratios is None:
        return closes, [f"column '{told.name}' cannot be read as splits, like 4.0 or 4:1: it is left"]
    order = np.argsort(dates, kind="stable")
    factors = np.ones(len(closes))
    days = dates[order].astype("datetime64[D]")
    factors[order], said = apply_splits(closes[order], ratios[order], days, str(told.name))
    return closes * factors, said


def _fields(
    table: pd.DataFrame, label: str, rest: list[str], values: np.ndarray, decimal: str
) -> tuple[np.ndarray, bool]:
    """The columns of series.FIELDS beside the one that is taken, (N, len(FIELDS)), and whether that is a close."""
    is_price = label in closes_among(list(table.columns))
    # the columns named open, high, ... belong to the closes, not to another column that was asked for
    known = {field_of(other): other for other in reversed(rest)} if is_price else {}
    fields = alone(values)
    for place, field in enumerate(FIELDS):
        if field in known and known[field] != label:
            fields[:, place] = numbers_of_column(table[known[field]], decimal)[0]
    fields[:, ADJUSTED] = values
    if field_of(label) != "adj_close" or "close" not in known:
        fields[:, CLOSE] = values
    return fields, is_price


def alone(values: np.ndarray) -> np.ndarray:
    """series.FIELDS of values (N,) that have no open, high, ... beside them: (N, len(FIELDS))."""
    fields = np.full((len(values), len(FIELDS)), np.nan)
    fields[:, [CLOSE, ADJUSTED]] = values[:, None]
    return fields


def series_of_fields(
    dates: np.ndarray,
    fields: np.ndarray,
    label: str,
    *,
    name: str,
    kind: Kind,
    freq: str | None,
    where: str,
    notes: Sequence[str],
    is_close: bool,
) -> Series:
    """The Series of the column `label`, of dates (N,) in any order and series.FIELDS (N, len(FIELDS)) of which its
    values are adj_close. is_close: it holds prices by its name. Raises DataError where there is nothing usable."""
    unit, is_price, size = _unit_of(dates), is_close or kind == "prices", len(dates)
    unusual, least, notes = np.zeros(size, bool), 0.0, list(notes)
    if kind != "returns":  # of which all may be
        unusual, said = _unusual(dates, fields[:, ADJUSTED], is_price)
        notes = [*notes, *(f"column '{label}': {note}" for note in said)]
        dates, fields = dates[~unusual], fields[~unusual]
    values = fields[np.argsort(dates, kind="stable"), ADJUSTED]
    values = values[np.isfinite(values)]
    additive, counts = are_additive(values, kind, is_close, f"column '{label}' of {where}"), are_counts(values)
    if additive:  # differences know no scale
        fields[:, CLOSE] = fields[:, ADJUSTED]
    elif not is_price:
        fields, least, said = _above_zero(fields)
        notes = [*notes, *(f"column '{label}': {note}" for note in said)]
    series = series_of_arrays(name, "file", "", dates, fields, notes, additive=additive, unit=unit)
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
    if freq is not None and len(series) < LEAST_OF_FREQ * len(dates) and not series.is_price:
        raise DataError(
            f"of {len(dates):,} rows of column '{label}' of {where} a frequency of {freq} would keep the last of each "
            "period alone",
            "sum or average them first, or leave the frequency out",
        )
    return noted(series)


def _unusual(dates: np.ndarray, values: np.ndarray, is_price: bool) -> tuple[np.ndarray, list[str]]:
    """Which values (N,) are no observation, (N,), and what is to be said of them. dates (N,): in any order."""
    order = np.argsort(dates, kind="stable")
    order = order[~np.isnat(dates[order])]
    unusual = np.zeros(len(dates), bool)
    order = order[np.append(dates[order][1:] != dates[order][:-1], True)[: len(order)]]
    unusual[order], said = left_out(values[order], dates[order], is_price)
    return unusual, said


def _above_zero(fields: np.ndarray) -> tuple[np.ndarray, float, list[str]]:
    """The fields with half of the smallest value above zero for its few zeros, which have no relative change; that
    half, 0 where there are none; and what is to be said."""
    values = fields[:, ADJUSTED]
    zero = values == 0
    if not zero.any():
        return fields, 0.0, []
    least = float(np.min(values[values > 0])) / 2
    fields = fields.copy()
    fields[:, [CLOSE, ADJUSTED]] = np.where(zero, least, values)[:, None]
    count, known = int(zero.sum()), int(np.isfinite(values).sum())
    verb = "is" if count == 1 else "are"
    said = f"{count:,} of {known:,} values {verb} zero: taken as {least:g}, half of the smallest above"
    return fields, least, [said]


def _unit_of(dates: np.ndarray) -> str:
    """That of a series with these dates: days, minutes, or seconds where minutes are too coarse."""
    if not has_several_a_day(dates):
        return "D"
    known = dates[~np.isnat(dates)]
    return "m" if (known == known.astype("datetime64[m]")).all() else "s"
