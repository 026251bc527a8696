"""The inputs of a forecaster from a series and those beside it, and its targets, in units of its recent volatility.

Everything on a day is computed from that day and the days before it, so that a forecast made on a past day is the
one that would have been made then. Prices never enter, only log returns and log ratios: a series in cents and one in
thousands look alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from seqlab.data.series import raw_inputs, volatility_features
from seqlab.data.series.mean_forecast import mean_forecast
from seqlab.data.series.series import Series

WARM_UP = 252  # days before the first origin: a year for the longest span
LONGEST = 60  # horizon, in rows


@dataclass(frozen=True)
class Inputs:
    """The columns of one kind of inputs.

    own: those of the series itself. averaged: those of them whose mean over the series at hand is the market's, the
    return first; spans: rows over which the market's return is summed too. The last column says whether there is a
    market: whether there was more than one series.
    """

    own: tuple[str, ...]
    averaged: tuple[str, ...]
    spans: tuple[int, ...]

    @property
    def market(self) -> tuple[str, ...]:
        sizes = (f"market_{name}" for name in self.averaged[1:])
        sums = (f"market_return_over_{span}" for span in self.spans)
        return ("market_return", "market_return_size", *sizes, *sums, "has_market")

    @property
    def names(self) -> tuple[str, ...]:
        return self.own + self.market

    @property
    def of_ranges(self) -> list[int]:
        """The places of those that are unknown where only closes are."""
        needs = ("range", "gap", "overnight", "intraday", "has_range")
        return [i for i, name in enumerate(self.own) if name.startswith(needs)]

    @property
    def of_market(self) -> list[int]:
        return list(range(len(self.own), len(self.names)))

    @property
    def switches(self) -> list[int]:
        return [self.names.index("has_range"), self.names.index("has_market")]


INPUTS = {
    "features": Inputs(volatility_features.NAMES, ("return", "size_over_5", "size_over_21", "size_over_252"), (5, 21)),
    "rows": Inputs(raw_inputs.NAMES, ("return", "range"), ()),
}


@dataclass(frozen=True)
class Features:
    """One series, row by row. Row t is known at the close of day t.

    dates: (N,).
    kind: the columns' names are those of INPUTS[kind].
    values: (N, F), NaN where a row lacks what a feature needs.
    volatility: the unit of the targets, the standard deviation of the residual of each row's change, (N,): over the
    last weeks beside features, over 252 rows beside rows.
    ewma: that of the change itself over the last weeks, (N,).
    day_range: the Parkinson volatility of each row, (N,), NaN where high and low are unknown.
    path: cumulated changes (log returns, or differences where the series is additive), from 0, (N,).
    mean_forecast: the expected change over the next 1, 2, ... rows, (N, LONGEST): 0 for daily prices.
    season: rows after which the series may repeat itself, 1 for daily prices.
    warm_up: rows before the first that is forecast from.
    filled: rows that were not observed, (N,); none where all were.
    """

    name: str
    dates: np.ndarray
    kind: str
    values: np.ndarray
    volatility: np.ndarray
    ewma: np.ndarray
    day_range: np.ndarray
    path: np.ndarray
    mean_forecast: np.ndarray
    season: int
    warm_up: int
    filled: np.ndarray | None = None

    @property
    def inputs(self) -> Inputs:
        return INPUTS[self.kind]

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


def features_of(series: Series, kind: str = "features") -> Features:
    """Compute a series' own inputs, of one kind of INPUTS; those of the market are left unknown, see `Market`."""
    count, daily = len(series.dates), series.is_daily_prices
    path = series.path() - series.path()[0]
    seasons = () if daily else series.seasons
    season = max((1, *seasons))
    mean = np.broadcast_to(0.0, (count, LONGEST)) if daily else _mean_forecast(series, path, seasons)
    returns = pd.Series(np.diff(path, prepend=0.0) - np.append(0.0, mean[:-1, 0]))  # residuals
    returns.iloc[0] = np.nan
    # what a change of a hundred-thousandth is, in the path's units
    least = 1e-5 * pd.Series(np.abs(series.adjusted)).expanding().mean() + 1e-12 if series.additive else 1e-5
    # Parkinson (1980): the variance of a day from its high and low
    parkinson = pd.Series(np.log(series.high / series.low) ** 2 / (4 * np.log(2)))
    raw = pd.Series(np.diff(path, prepend=np.nan))
    if kind == "features":
        unit = volatility_features.ewma_volatility(returns, least)
        columns = volatility_features.columns_of(series, returns, parkinson, unit, season)
    else:
        unit = raw_inputs.year_volatility(returns, least)
        columns = raw_inputs.columns_of(series, returns, parkinson, unit)
    inputs = INPUTS[kind]
    values = np.full((count, len(inputs.names)), np.nan)  # (N, F)
    values[:, : len(inputs.own)] = np.stack([columns[name].to_numpy(float) for name in inputs.own], axis=1)
    values[:, -1] = 0.0
    return Features(
        name=series.name,
        dates=series.dates,
        kind=kind,
        values=values,
        volatility=unit.to_numpy(),
        ewma=volatility_features.ewma_volatility(raw, least).to_numpy(),
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


@dataclass(frozen=True)
class Market:
    """What several series have in common, day by day: the mean over the series that have a value on a day.

    Of the return in units of each one's volatility, of its square, and of the sizes that `Inputs.averaged` names. days
    (D,), values (D, M) known at the close of each, NaN where fewer than two series have a value.
    """

    days: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, pool: Sequence[Features]) -> "Market":
        """The market that these series make, all of one kind of inputs; of a single one there is none."""
        inputs = pool[0].inputs
        columns = [inputs.names.index(name) for name in inputs.averaged]
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
        size = np.log(np.sqrt(squared) + volatility_features.FLOOR)
        over = [pd.Series(returns).rolling(span).mean().to_numpy() * np.sqrt(span) for span in inputs.spans]
        present = np.isfinite(returns).astype(float)
        return cls(days, np.stack([returns, size, *sizes, *over, present], axis=1))

    def beside(self, one: Features) -> Features:
        """The features of one series of this market, those of the market filled in."""
        values = one.values.copy()
        values[:, one.inputs.of_market] = self.values[np.searchsorted(self.days, one.dates)]
        return replace(one, values=values)


@dataclass(frozen=True)
class Scaler:
    """Mean and standard deviation of each input over the training days; what is missing becomes the mean.

    A deviation of 0 says that the input did not vary there: it stays 0, for nothing was learned of it.
    """

    mean: list[float]
    std: list[float]

    @classmethod
    def fit(cls, values: np.ndarray, switches: Sequence[int]) -> "Scaler":
        """values (N, F), NaN where unknown. `switches` are not scaled, for 0 must still mean: unknown."""
        known = np.isfinite(values).any(axis=0)
        mean, std = np.zeros((2, values.shape[1]))
        mean[known], std[known] = np.nanmean(values[:, known], 0), np.nanstd(values[:, known], 0)
        std = np.where(std > 1e-6, np.maximum(std, 1e-3), 0.0)
        places = list(switches)
        mean[places], std[places] = 0.0, (values[:, places] != 0).any(0)
        return cls(mean.tolist(), std.tolist())

    def apply(self, values: np.ndarray) -> np.ndarray:
        """(N, F) -> (N, F) float32 without NaN, within +-6."""
        std = np.array(self.std)
        scaled = np.nan_to_num((values - np.array(self.mean)) / np.where(std > 0, std, np.inf), nan=0.0)
        return scaled.clip(-6, 6).astype(np.float32)
