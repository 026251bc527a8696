"""A bank of filters over the size of a series' changes: what a linear model of volatility is given.

Rolling and fading averages of sizes over several spans, of losses alone, of daily ranges and of the place in the
season, each as a log ratio to today's volatility. HAR (Corsi 2009) and GARCH are such averages with few weights.
"""

import numpy as np
import pandas as pd

from seqlab.data.series.series import Series

EWMA_DECAY = 0.94  # of the daily volatility that scales everything (RiskMetrics 1996)
SEASONS_DECAY = 0.8  # of the size of residuals at one place in the season, from one season to the next
SPANS = (5, 21, 63)
SIZE_DECAYS = (0.80, 0.94, 0.98, 0.99)  # of mean absolute returns, which one crash does not own as it owns squares
DOWNSIDE_DECAYS = (0.85, 0.97)
FLOOR = 0.1  # of a log ratio's argument: a day without a move is not minus infinity

NAMES = (
    "return",
    "return_size",
    *(f"return_over_{span}" for span in SPANS),
    *(f"size_over_{span}" for span in SPANS),
    *(f"downside_over_{span}" for span in SPANS[:2]),
    "size_over_252",
    "size_over_all",
    *(f"size_fading_{round(100 * decay)}" for decay in SIZE_DECAYS),
    *(f"downside_fading_{round(100 * decay)}" for decay in DOWNSIDE_DECAYS),
    "range",
    *(f"range_over_{span}" for span in SPANS[:2]),
    "gap",
    "has_range",
    "season_size",
)


def columns_of(
    series: Series, returns: pd.Series, parkinson: pd.Series, volatility: pd.Series, season: int
) -> dict[str, pd.Series]:
    """The features of each row by name, NaN where unknown.

    returns: the residual changes; parkinson: the variance of each row from its high and low; volatility: the unit.
    """
    columns = _of_changes(returns, volatility) | _of_ranges(series, parkinson, volatility)
    columns["season_size"] = _season_size(returns, volatility, season)
    return columns


def _of_changes(returns: pd.Series, volatility: pd.Series) -> dict[str, pd.Series]:
    """The features of residual changes, of their size above all, in units of volatility."""
    squared, before = returns**2, volatility.shift(1)
    columns: dict[str, pd.Series] = {
        "return": (returns / before).clip(-6, 6),
        "return_size": log_ratio(returns.abs(), before),
    }
    for span in SPANS:
        total = returns.rolling(span, min_periods=span).sum()
        columns[f"return_over_{span}"] = (total / (volatility * np.sqrt(span))).clip(-6, 6)
        columns[f"size_over_{span}"] = log_ratio(_rms(squared, span), volatility)
    for span in SPANS[:2]:
        downside = _rms(squared.where(returns < 0, 0.0), span)
        columns[f"downside_over_{span}"] = log_ratio(downside, volatility)
    columns["size_over_252"] = log_ratio(_rms(squared, 252, minimum=20), volatility)
    columns["size_over_all"] = log_ratio(squared.expanding(60).mean() ** 0.5, volatility)

    for decay in SIZE_DECAYS:
        fading = returns.abs().ewm(alpha=1 - decay, min_periods=20).mean()
        columns[f"size_fading_{round(100 * decay)}"] = log_ratio(np.sqrt(np.pi / 2) * fading, volatility)
    for decay in DOWNSIDE_DECAYS:
        fading = squared.where(returns < 0, 0.0).ewm(alpha=1 - decay, min_periods=20).mean()
        columns[f"downside_fading_{round(100 * decay)}"] = log_ratio((2 * fading) ** 0.5, volatility)
    return columns


def _of_ranges(series: Series, parkinson: pd.Series, volatility: pd.Series) -> dict[str, pd.Series]:
    """The features of high and low, and of the gap, which is what happened overnight."""
    columns = {"range": log_ratio(parkinson**0.5, volatility)}
    for span in SPANS[:2]:
        columns[f"range_over_{span}"] = log_ratio(_rms(parkinson, span), volatility)
    previous = np.concatenate([[np.nan], series.adjusted[:-1]])
    columns["gap"] = log_ratio(pd.Series(np.abs(np.log(series.open / previous))), volatility)
    columns["has_range"] = parkinson.notna().astype(float)
    return columns


def _season_size(returns: pd.Series, volatility: pd.Series, season: int) -> pd.Series:
    """The size of the residuals at the place in the season that comes next; unknown where there is no season."""
    if season == 1:
        return pd.Series(np.full(len(returns), np.nan))
    place = np.arange(len(returns)) % season
    same = (returns**2).groupby(place).transform(lambda one: one.ewm(alpha=1 - SEASONS_DECAY).mean())
    return log_ratio(same.shift(season - 1) ** 0.5, volatility)


def ewma_volatility(returns: pd.Series, least: pd.Series | float = 1e-5) -> pd.Series:
    """The exponentially weighted standard deviation of changes, (N,), NaN until 20 are known (RiskMetrics 1996).

    Never below `least` or a quarter of the year's: quiet weeks of coarse ticks are no calm.
    """
    squared = returns**2
    volatility = squared.ewm(alpha=1 - EWMA_DECAY, min_periods=20).mean() ** 0.5
    return volatility.clip(lower=(0.25 * _rms(squared, 252, minimum=20)).clip(lower=least))


def _rms(squared: pd.Series, span: int, minimum: int | None = None) -> pd.Series:
    return squared.rolling(span, min_periods=minimum or span).mean() ** 0.5


def log_ratio(size: pd.Series, volatility: pd.Series) -> pd.Series:
    """log(size / volatility), with a floor: of rows (N,), NaN where either is."""
    return pd.Series(np.log((size / volatility + FLOOR).to_numpy()))
