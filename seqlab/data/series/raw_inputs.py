"""The rows as they are: what a recurrent net is given that is to find the recent volatility by itself.

No average over rows but the unit: what a series' changes have been like over 252 rows, a year of trading days, so that
a penny stock and a currency look alike.
"""

import numpy as np
import pandas as pd

from seqlab.data.series.series import Series
from seqlab.data.series.volatility_features import log_ratio

YEAR = 252  # rows that the unit looks back on, in the mean: of trading days
MOST = 8.0  # units that a change counts as

NAMES = (
    "return",
    "return_size",
    "range",
    "overnight",
    "overnight_size",
    "intraday",
    "days",
    "has_range",
)


def year_volatility(returns: pd.Series, least: pd.Series | float = 1e-5) -> pd.Series:
    """The unit of each row: the standard deviation of changes, fading over YEAR rows, (N,), NaN until 20 are known."""
    return ((returns**2).ewm(alpha=1 / YEAR, min_periods=20).mean() ** 0.5).clip(lower=least)


def columns_of(series: Series, returns: pd.Series, parkinson: pd.Series, unit: pd.Series) -> dict[str, pd.Series]:
    """The inputs of each row by name, NaN where unknown.

    returns: the residual changes; parkinson: the variance of each row from its high and low.
    """
    before = unit.shift(1)  # known before the change that it measures
    opened = pd.Series(np.log(series.open / np.append(np.nan, series.adjusted[:-1])))
    days = np.append(np.nan, np.diff(series.dates) / np.timedelta64(1, "D"))
    return {
        "return": (returns / before).clip(-MOST, MOST),
        "return_size": log_ratio(returns.abs(), before),
        "range": log_ratio(parkinson**0.5, before),
        "overnight": (opened / before).clip(-MOST, MOST),
        "overnight_size": log_ratio(opened.abs(), before),
        "intraday": (pd.Series(np.log(series.adjusted / series.open)) / before).clip(-MOST, MOST),
        "days": pd.Series(np.log(days)),
        "has_range": parkinson.notna().astype(float),
    }
