"""A Series of a table whose faults are repaired or said: rows in order, each date once, what is unusable left out."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from seqlab.data.series.checks import check
from seqlab.data.series.series import FIELDS, Series
from seqlab.errors import DataError

LARGEST = 1e100  # that a value may be: squares of it are still numbers


def series_of(
    name: str,
    source: str,
    origin: str,
    frame: pd.DataFrame,
    notes: Sequence[str],
    *,
    exchange: str = "",
    additive: bool = False,
    unit: str = "D",
) -> Series:
    """A Series of a table with columns `date` (datetime64, NaT allowed) and FIELDS, in any order of days.

    additive: values of any sign, not prices. unit: of the dates, of which each has its last row: D, or m and s where a
    day may have several. What is unusable is dropped and named; see `noted` for what looks wrong. Raises
    DataError if nothing is left.
    """
    values = frame[list(FIELDS)].to_numpy(np.float64)
    dates = frame["date"].to_numpy()
    return series_of_arrays(name, source, origin, dates, values, notes, exchange=exchange, additive=additive, unit=unit)


def series_of_arrays(
    name: str,
    source: str,
    origin: str,
    dates: np.ndarray,
    values: np.ndarray,
    notes: Sequence[str],
    *,
    exchange: str = "",
    additive: bool = False,
    unit: str = "D",
) -> Series:
    """`series_of` of dates (N,) and values of FIELDS (N, len(FIELDS))."""
    notes = list(notes)
    dates = dates.astype(f"datetime64[{unit}]")
    dropped: list[str] = []
    dates, values = _keep(~np.isnat(dates), dates, values, dropped, "without a date")
    closes = [FIELDS.index("close"), FIELDS.index("adj_close")]
    dates, values = _keep(np.isfinite(values[:, closes]).all(axis=1), dates, values, dropped, "without a value")
    usable = np.asarray((values[:, closes] > (-np.inf if additive else 0)).all(axis=1))
    dates, values = _keep(usable, dates, values, dropped, "with a price not above zero")
    if (dates[1:] < dates[:-1]).any():
        notes.append("the dates were not in order: sorted")
        order = np.argsort(dates, kind="stable")
        dates, values = dates[order], values[order]
    last_of_date = np.append(dates[1:] != dates[:-1], True)[: len(dates)]
    dates, values = _keep(last_of_date, dates, values, dropped, "of a date that comes again")
    if not len(dates):
        what = "value" if additive else "price"
        hint = "; ".join([*notes, *(f"{one} dropped" for one in dropped)])
        raise DataError(f"{name} has no usable {what}", hint or f"it needs rows with a date and a {what}")
    usual = np.max if additive else np.median  # of prices logs are taken, and a single one may be a fault
    if (size := float(usual(np.abs(values[:, closes])))) > LARGEST:
        raise DataError(f"{name} has values of {size:.3g}, too large to compute with", "give it in larger units")
    close, adjusted, volume = (values[:, FIELDS.index(field)] for field in ("close", "adj_close", "volume"))
    if additive:  # ranges are ratios of prices
        ranges = np.full((len(dates), 3), np.nan)
    else:
        with np.errstate(over="ignore", invalid="ignore"):  # an absurd range is no range
            ranges = _possible_ranges(values[:, :3] * (adjusted / close)[:, None], adjusted, notes)
    if (below := int((volume < 0).sum())) and not additive:
        notes.append(f"the volume of {below:,} {'row' if below == 1 else 'rows'} is below zero: left out")
    opened, high, low = ranges.T.copy()
    volume = np.where(np.isfinite(volume) & (volume >= 0), volume, np.nan)
    parts = (dates, close.copy(), adjusted.copy(), opened, high, low, volume)
    return Series(name, source, origin, *parts, tuple(notes), exchange, additive, dropped=tuple(dropped))


def noted(series: Series) -> Series:
    """The series with notes on what looks wrong in it."""
    return replace(series, notes=(*series.notes, *check(series.dates, series.adjusted, is_price=series.is_price)))


def _keep(
    mask: np.ndarray, days: np.ndarray, values: np.ndarray, dropped: list[str], what: str
) -> tuple[np.ndarray, np.ndarray]:
    if mask.all():
        return days, values
    dropped.append(f"{int((~mask).sum()):,} {what}")
    return days[mask], values[mask]


def _possible_ranges(ranges: np.ndarray, close: np.ndarray, notes: list[str]) -> np.ndarray:
    """Open, high, low (N, 3), low <= open, close <= high: rounding is repaired, the impossible made NaN."""
    nothing = ((ranges <= 0) | np.isinf(ranges)).any(axis=1)
    if nothing.any():
        notes.append(f"open, high or low of {nothing.sum():,} rows is no price: left out")
    ranges = np.where(np.isfinite(ranges) & (ranges > 0), ranges, np.nan)
    opened, high, low = ranges.T
    top, bottom = np.fmax(opened, close), np.fmin(opened, close)  # fmax: an unknown open says nothing
    impossible = (high < top * (1 - 1e-3)) | (low > bottom * (1 + 1e-3))
    if impossible.any():
        notes.append(f"open, high and low of {impossible.sum():,} rows contradict the close: left out")
    mended = np.stack([opened, np.maximum(high, top), np.minimum(low, bottom)], axis=1)
    mended[impossible] = np.nan
    return mended
