"""Forecasts of series, each with its backtest beside the baselines."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from seqlab import scoring
from seqlab.data.series.calendar import next_dates, spacing
from seqlab.data.series.features import Market, features_of
from seqlab.data.series.mean_forecast import seasonal_naive
from seqlab.data.series.series import Series
from seqlab.errors import DataError
from seqlab.forecasting.forecaster import Forecaster, calibrated, model_quantiles, scales
from seqlab.scoring import baselines
from seqlab.scoring.backtest import Backtest

REPORTED = (1, 5, 20)
ORIGINS = 250
FEWEST = {"days": 300, "rows": 60}  # of daily prices, and of other series


@dataclass(frozen=True)
class Forecast:
    """The future of one series as the model sees it: prices at scoring.LEVELS by day, (horizon, Q), and the random
    walk's beside them."""

    series: Series
    dates: np.ndarray
    prices: np.ndarray
    random_walk: np.ndarray
    backtest: Backtest

    def history(self, count: int) -> np.ndarray:
        """The last `count` prices as they are drawn: adjusted, on the scale of the last close."""
        past, last = self.series.adjusted[-count:], self.series.close[-1]
        return past * (last / past[-1]) if past[-1] else past


def forecast(forecaster: Forecaster, series: Series, **options: Any) -> Forecast:
    """One series alone: see `forecast_all`."""
    return next(forecast_all(forecaster, [series], **options))


def forecast_all(
    forecaster: Forecaster,
    series: Sequence[Series],
    *,
    horizon: int = 20,
    origins: int = ORIGINS,
    stride: int = 1,
    garch: bool = False,
) -> Iterator[Forecast]:
    """The next `horizon` days of each series, with a backtest on up to `origins` days, `stride` apart, after the cut.

    A generator: a backtest of many series takes its time. They are each other's market, and calibrated together. The
    backtest's days are counted back from the last one that has an outcome at the longest horizon. garch: compare with
    GARCH and GJR too, which takes seconds and the package `arch`. Raises DataError for a series that is too short.
    """
    require_alike(series)
    require_length(series)
    own = [features_of(one) for one in series]
    market = Market.of(own)
    features = [market.beside(one) for one in own]
    log_scales = calibrated(forecaster, features, scales(forecaster, features))
    days = np.arange(1, horizon + 1)
    horizons = tuple(h for h in REPORTED if h < horizon) + (horizon,)
    ahead = np.array(horizons)
    for one, seen, log_scale in zip(series, features, log_scales, strict=True):
        ours = model_quantiles(forecaster, seen, log_scale, np.array([len(one) - 1]), days)[0]  # (horizon, Q)
        walk = baselines.normal(baselines.volatility(seen.returns())[-1:], days, scoring.LEVELS)[0]
        last = len(one) - 1 - horizon
        first = max(seen.warm_up, int(np.searchsorted(one.dates, end_of(forecaster.cut, one.dates))))
        rows = np.arange(last, first - 1, -stride)[:origins][::-1]
        outcomes = seen.outcomes(horizons)
        repeated = np.stack([seasonal_naive(seen.path, seen.season, h) for h in horizons], 1)  # (N, H)
        theirs = baselines.by_name(
            seen.returns(),
            seen.day_range,
            seen.ewma,
            rows,
            ahead,
            scoring.LEVELS,
            repeated=repeated if seen.season > 1 else None,
            with_garch=garch and not one.additive,  # it is fitted to returns
        )
        begun = rows[0] if len(rows) else len(one)
        naive = np.array([np.abs(outcomes[: max(begun - h + 1, 1), k]).mean() for k, h in enumerate(horizons)])
        yield Forecast(
            one,
            next_dates(one.dates, horizon, exchange=one.exchange),
            one.moved(ours),
            one.moved(walk),
            Backtest(
                horizons,
                one.dates[rows],
                outcomes[rows],
                {"model": model_quantiles(forecaster, seen, log_scale, rows, ahead), **theirs},
                np.tile(np.maximum(naive, 1e-12), (len(rows), 1)),
                (one.dates[-1], forecaster.learned_to) if one.dates[-1] < forecaster.learned_to else None,
                step=spacing(one.dates).unit,
                stride=stride,
                in_percent=not one.additive,
                only_width=one.is_daily_prices,
            ),
        )


def end_of(cut: np.datetime64, dates: np.ndarray) -> np.datetime64:
    """A day as the moment at its end where there are several rows a day."""
    if dates.dtype == cut.dtype or cut.dtype != "datetime64[D]":
        return cut
    return (cut + 1).astype(dates.dtype) - 1


def require_length(series: Sequence[Series]) -> None:
    for one in series:
        rows = "days" if one.is_daily_prices else "rows"
        if len(one) < FEWEST[rows]:
            raise DataError(
                f"{one.name} has {len(one)} {rows}, too few to forecast from", f"give at least {FEWEST[rows]} {rows}"
            )


def require_alike(series: Sequence[Series]) -> None:
    """What is one market and one backtest must have rows of one kind: a daily close is not known at midnight."""
    for other in series[1:]:
        first, mine, yours = series[0], spacing(series[0].dates).unit, spacing(other.dates).unit
        if first.dates.dtype != other.dates.dtype or (first.additive != other.additive):
            kinds = ("log returns", "differences")
            raise DataError(
                f"{first.name} ({kinds[first.additive]} by the {mine}) and {other.name} ({kinds[other.additive]} by "
                f"the {yours}) are not of one kind",
                "give them to commands of their own, or read all with --levels",
            )
