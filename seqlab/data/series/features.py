"""The inputs of a forecaster from a series and those beside it, and its targets, in units of recent volatility.

Everything on a day is computed from that day and the days before it, so that a forecast made on a past day is the
one that would have been made then. Prices never enter, only log returns and log ratios: a series in cents and one in
thousands look alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from seqlab.data.series.mean_forecast import mean_forecast
from seqlab.data.series.series import Series

EWMA_DECAY = 0.94  # of the daily volatility that scales everything (RiskMetrics 1996)
WARM_UP = 252  # days before the first origin: a year for the longest span
LONGEST = 60  # horizon, in rows
SEASONS_DECAY = 0.8  # of the size of residuals at one place in the season, from one season to the next
SPANS = (5, 21, 63)
SIZE_DECAYS = (0.80, 0.94, 0.98, 0.99)  # of mean absolute returns, which one crash does not own as it owns squares
DOWNSIDE_DECAYS = (0.85, 0.97)
FLOOR = 0.1  # of a log ratio's argument: a day without a move is not minus infinity

OWN_FEATURES = (
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
# what the series at hand have in common; the last says whether there was more than one
MARKET_FEATURES = (
    "market_return",
    "market_return_size",
    "market_size_over_5",
    "market_size_over_21",
    "market_size_over_252",
    "market_return_over_5",
    "market_return_over_21",
    "has_market",
)
FEATURES = OWN_FEATURES + MARKET_FEATURES
RANGE_FEATURES = tuple(i for i, name in enumerate(FEATURES) if name.startswith(("range", "gap", "has_range")))
SWITCHES = [FEATURES.index("has_range"), FEATURES.index("has_market")]


@dataclass(frozen=True)
class Features:
    """One series, row by row. Row t is known at the close of day t.

    dates: (N,).
    values: (N, F), NaN where a row lacks what a feature needs.
    volatility: the EWMA standard deviation of the residual of each row's change, (N,).
    ewma: that of the change itself, (N,); the same for daily prices.
    day_range: the Parkinson volatility of each row, (N,), NaN where high and low are unknown.
    path: cumulated changes (log returns, or differences where the series is additive), from 0, (N,).
    mean_forecast: the expected change over the next 1, 2, ... rows, (N, LONGEST): 0 for daily prices.
    season: rows after which the series may repeat itself, 1 for daily prices.
    warm_up: rows before the first that is forecast from.
    filled: rows that were not observed, (N,); none where all were.
    """

    name: str
    dates: np.ndarray
    values: np.ndarray
    volatility: np.ndarray
    ewma: np.ndarray
    day_range: np.ndarray
    path: np.ndarray
    mean_forecast: np.ndarray
    season: int
    warm_up: int
    filled: np.ndarray | None = None

    def returns(self) -> np.ndarray:
        """The change of each row (N,), of which the first is none: 0."""
        return np.diff(self.path, prepend=0.0)

    def residuals(self, horizons: tuple[int, ...]) -> np.ndarray:
        """The outcomes less their mean forecast, (N, len(horizons)): what the model learns the size of."""
        return self.outcomes(horizons) - self.mean_forecast[:, np.array(horizons) - 1]

    def outcomes(self, horizons: tuple[int, ...]) -> np.ndarray:
        """The change over the next h rows, (N, len(horizons)); NaN where it is not known yet, or was not observed."""
        outcomes = np.full((len(self.dates), len(horizons)), np.nan)
        for k, h in enumerate(horizons):
            if h < len(self.dates):
                outcomes[:-h, k] = self.path[h:] - self.path[:-h]
                if self.filled is not None:
                    outcomes[:-h, k][self.filled[h:] | self.filled[:-h]] = np.nan
        return outcomes


def features_of(series: Series) -> Features:
    """Compute a series' own features; those of the market are left unknown, see `Market`."""
    count, daily = len(series.dates), series.is_daily_prices
    path = series.path() - series.path()[0]
    seasons = () if daily else series.seasons
    season = max((1, *seasons))
    mean = np.broadcast_to(0.0, (count, LONGEST)) if daily else _mean_forecast(series, path, seasons)
    returns = pd.Series(np.diff(path, prepend=0.0) - np.append(0.0, mean[:-1, 0]))  # residuals
    returns.iloc[0] = np.nan
    # what a change of a hundred-thousandth is, in the path's units
    least = 1e-5 * pd.Series(np.abs(series.adjusted)).expanding().mean() + 1e-12 if series.additive else 1e-5
    volatility = ewma_volatility(returns, least)
    # Parkinson (1980): the variance of a day from its high and low
    parkinson = pd.Series(np.log(series.high / series.low) ** 2 / (4 * np.log(2)))
    columns = _of_changes(returns, volatility) | _of_ranges(series, parkinson, volatility)
    columns["season_size"] = _season_size(returns, volatility, season)

    values = np.full((len(returns), len(FEATURES)), np.nan)  # (N, F)
    values[:, : len(OWN_FEATURES)] = np.stack([columns[name].to_numpy(float) for name in OWN_FEATURES], axis=1)
    values[:, -1] = 0.0
    raw = pd.Series(np.diff(path, prepend=np.nan))
    return Features(
        name=series.name,
        dates=series.dates,
        values=values,
        volatility=volatility.to_numpy(),
        ewma=volatility.to_numpy() if daily else ewma_volatility(raw, least).to_numpy(),
        day_range=parkinson.to_numpy() ** 0.5,
        path=path,
        mean_forecast=mean,
        season=season,
        warm_up=WARM_UP if daily else min(WARM_UP, 24 + 2 * season, count // 3),
        filled=series.filled,
    )


def _mean_forecast(series: Series, path: np.ndarray, seasons: tuple[int, ...]) -> np.ndarray:
    rises = series.additive and series.never_falls
    return mean_forecast(path, seasons, np.arange(1, LONGEST + 1), series.filled, only_rises=rises)


def _of_changes(returns: pd.Series, volatility: pd.Series) -> dict[str, pd.Series]:
    """The features of residual changes, of their size above all, in units of volatility."""
    squared, before = returns**2, volatility.shift(1)
    columns: dict[str, pd.Series] = {
        "return": (returns / before).clip(-6, 6),
        "return_size": _log_ratio(returns.abs(), before),
    }
    for span in SPANS:
        total = returns.rolling(span, min_periods=span).sum()
        columns[f"return_over_{span}"] = (total / (volatility * np.sqrt(span))).clip(-6, 6)
        columns[f"size_over_{span}"] = _log_ratio(_rms(squared, span), volatility)
    for span in SPANS[:2]:
        downside = _rms(squared.where(returns < 0, 0.0), span)
        columns[f"downside_over_{span}"] = _log_ratio(downside, volatility)
    columns["size_over_252"] = _log_ratio(_rms(squared, 252, minimum=20), volatility)
    columns["size_over_all"] = _log_ratio(squared.expanding(60).mean() ** 0.5, volatility)

    for decay in SIZE_DECAYS:
        fading = returns.abs().ewm(alpha=1 - decay, min_periods=20).mean()
        columns[f"size_fading_{round(100 * decay)}"] = _log_ratio(np.sqrt(np.pi / 2) * fading, volatility)
    for decay in DOWNSIDE_DECAYS:
        fading = squared.where(returns < 0, 0.0).ewm(alpha=1 - decay, min_periods=20).mean()
        columns[f"downside_fading_{round(100 * decay)}"] = _log_ratio((2 * fading) ** 0.5, volatility)
    return columns


def _of_ranges(series: Series, parkinson: pd.Series, volatility: pd.Series) -> dict[str, pd.Series]:
    """The features of high and low, and of the gap, which is what happened overnight."""
    columns = {"range": _log_ratio(parkinson**0.5, volatility)}
    for span in SPANS[:2]:
        columns[f"range_over_{span}"] = _log_ratio(_rms(parkinson, span), volatility)
    previous = np.concatenate([[np.nan], series.adjusted[:-1]])
    columns["gap"] = _log_ratio(pd.Series(np.abs(np.log(series.open / previous))), volatility)
    columns["has_range"] = parkinson.notna().astype(float)
    return columns


def _season_size(returns: pd.Series, volatility: pd.Series, season: int) -> pd.Series:
    """The size of the residuals at the place in the season that comes next; unknown where there is no season."""
    if season == 1:
        return pd.Series(np.full(len(returns), np.nan))
    place = np.arange(len(returns)) % season
    same = (returns**2).groupby(place).transform(lambda one: one.ewm(alpha=1 - SEASONS_DECAY).mean())
    return _log_ratio(same.shift(season - 1) ** 0.5, volatility)


def ewma_volatility(returns: pd.Series, least: pd.Series | float = 1e-5) -> pd.Series:
    """The exponentially weighted standard deviation of changes, (N,), NaN until 20 are known (RiskMetrics 1996).

    Never below `least` or a quarter of the year's: quiet weeks of coarse ticks are no calm.
    """
    squared = returns**2
    volatility = squared.ewm(alpha=1 - EWMA_DECAY, min_periods=20).mean() ** 0.5
    return volatility.clip(lower=(0.25 * _rms(squared, 252, minimum=20)).clip(lower=least))


@dataclass(frozen=True)
class Market:
    """What several series have in common, day by day: the volatility of the market over the tickers at hand.

    Averages over the series that have a value on a day: of the return in units of each one's volatility, of its square,
    and of how each one's recent and long-run sizes compare with its volatility now. days (D,), values (D, M) known at
    the close of each, NaN where fewer than two series have a value.
    """

    days: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, pool: Sequence[Features]) -> "Market":
        """The market that these series make; of a single one there is none."""
        names = ("return", "size_over_5", "size_over_21", "size_over_252")
        columns = [FEATURES.index(name) for name in names]
        days = np.unique(np.concatenate([one.dates for one in pool]))
        total, count = np.zeros((2, len(days), 1 + len(columns)))
        for one in pool:
            own = one.values[:, columns]
            own = np.concatenate([own[:, :1] ** 2, own], axis=1)
            rows = np.searchsorted(days, one.dates)
            total[rows] += np.nan_to_num(own)
            count[rows] += np.isfinite(own)
        mean = np.where(count >= 2, total / np.maximum(count, 1), np.nan)
        squared, returns, *sizes = mean.T
        over = [pd.Series(returns).rolling(span).mean().to_numpy() * np.sqrt(span) for span in SPANS[:2]]
        present = np.isfinite(returns).astype(float)
        return cls(days, np.stack([returns, np.log(np.sqrt(squared) + FLOOR), *sizes, *over, present], axis=1))

    def beside(self, one: Features) -> Features:
        """The features of one series of this market, those of the market filled in."""
        values = one.values.copy()
        values[:, len(OWN_FEATURES) :] = self.values[np.searchsorted(self.days, one.dates)]
        return replace(one, values=values)


@dataclass(frozen=True)
class Scaler:
    """Mean and standard deviation of each feature over the training days; what is missing becomes the mean."""

    mean: list[float]
    std: list[float]

    @classmethod
    def fit(cls, values: np.ndarray) -> "Scaler":
        """values (N, F), NaN where unknown; a feature that never was known keeps mean 0 and deviation 1."""
        known = np.isfinite(values).any(axis=0)
        mean, std = np.zeros(values.shape[1]), np.ones(values.shape[1])
        mean[known], std[known] = np.nanmean(values[:, known], 0), np.nanstd(values[:, known], 0)
        mean[SWITCHES], std[SWITCHES] = 0.0, 1.0  # so that 0 still means: unknown
        return cls(mean.tolist(), np.maximum(std, 1e-3).tolist())

    def apply(self, values: np.ndarray) -> np.ndarray:
        """(N, F) -> (N, F) float32 without NaN, within +-6."""
        scaled = np.nan_to_num((values - np.array(self.mean)) / np.array(self.std), nan=0.0)
        return scaled.clip(-6, 6).astype(np.float32)


def _rms(squared: pd.Series, span: int, minimum: int | None = None) -> pd.Series:
    return squared.rolling(span, min_periods=minimum or span).mean() ** 0.5


def _log_ratio(size: pd.Series, volatility: pd.Series) -> pd.Series:
    return pd.Series(np.log((size / volatility + FLOOR).to_numpy()))
