"""A series with all the rows that it should have: a season is a time, so what is missing must keep its place."""

from dataclasses import replace

import numpy as np
import pandas as pd

from seqlab.data.series.calendar import whole_dates
from seqlab.data.series.series import Series
from seqlab.data.series.spacing import spacing


def complete(series: Series) -> Series:
    """The series with the rows that it lacks between its first and its last, `filled` with what was expected there; as
    it is where it lacks none, or follows no rule. Prices are left alone: a market rests when it rests.

    A row that was filled keeps the place of others, and is neither trained on nor scored.
    """
    if series.is_price or series.filled is not None:
        return series
    whole = whole_dates(series.dates, spacing(series.dates))
    return series if whole is None else with_rows(series, whole)


def with_rows(series: Series, whole: np.ndarray) -> Series:
    """The series with all rows of `whole` (M,), which holds its own: those that it lacks are filled."""
    if len(whole) == len(series):
        return series
    there = np.searchsorted(whole, series.dates)
    path = np.full(len(whole), np.nan)
    path[there] = series.path()
    filled = np.isnan(path)
    expected = _expected(path, spacing(whole).season)
    values = expected if series.additive else np.exp(expected)
    values[there] = series.adjusted
    opened, high, low, volume = np.full((4, len(whole)), np.nan)
    for wide, narrow in ((opened, series.open), (high, series.high), (low, series.low), (volume, series.volume)):
        wide[there] = narrow
    return replace(
        series,
        dates=whole,
        close=values,
        adjusted=values.copy(),
        open=opened,
        high=high,
        low=low,
        volume=volume,
        filled=filled,
    )


def _expected(path: np.ndarray, season: int) -> np.ndarray:
    """path (N,) with its NaN filled: by what was a season before, and what the last season has grown by; by the row
    before where there is no season. In the first season between its neighbours, before any forecast is made."""
    path = path.copy()
    known = np.isfinite(path)
    growth = np.full(len(path), np.nan)
    if season == 1:
        return path[np.maximum.accumulate(np.where(known, np.arange(len(path)), 0))]
    growth[season:] = path[season:] - path[:-season]
    first = np.flatnonzero(~known[:season])
    path[first] = np.interp(first, np.flatnonzero(known), path[known])
    lately = pd.Series(growth).shift(1).rolling(season, min_periods=1).mean().fillna(0.0).to_numpy()
    for row in np.flatnonzero(~known):
        if row >= season:  # which may itself have been filled
            path[row] = path[row - season] + lately[row]
    return path
