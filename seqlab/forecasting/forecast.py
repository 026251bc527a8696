"""Forecasts of series, each with its backtest beside the baselines."""

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from seqlab import scoring
from seqlab.data.series.calendar import next_dates
from seqlab.data.series.features import Features, Market, features_of
from seqlab.data.series.grid import complete
from seqlab.data.series.mean_forecast import seasonal_naive
from seqlab.data.series.series import Series
from seqlab.data.series.spacing import spacing
from seqlab.errors import DataError, UsageError
from seqlab.forecasting.forecaster import Forecaster, calibrated, model_quantiles, scales
from seqlab.forecasting.results import Forecast
from seqlab.scoring import baselines
from seqlab.scoring.backtest import Backtest

REPORTED = (1, 5, 20)
ORIGINS = 250
FEWEST = {"days": 300, "rows": 60}  # of daily prices, and of other series


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
    all_baselines: bool = False,
) -> Iterator[Forecast]:
    """The next `horizon` days of each series, with a backtest on up to `origins` days, `stride` apart, after the cut.

    A generator: a backtest of many series takes its time. They are each other's market, and calibrated together. The
    backtest's days are counted back from the last one that has an outcome at the longest horizon. all_baselines:
    compare with what packages fit too, which takes seconds: prices with GARCH and GJR of `arch`, other series with
    AutoETS and Theta of `statsforecast`. Raises DataError for a series that is too short, and UsageError where the
    package is missing.
    """
    require_alike(series)
    require_length(series)
    if all_baselines:
        require_packages(series)
    series = [complete(one) for one in series]
    own = [features_of(one, forecaster.kind) for one in series]
    market = Market.of(own)
    features = [market.beside(one) for one in own]
    log_scales = calibrated(forecaster, features, scales(forecaster, features))
    days = np.arange(1, horizon + 1)
    trained = "shipped" if forecaster.checkpoint.is_shipped else "fresh"
    for one, known, log_scale in zip(series, features, log_scales, strict=True):
        last = np.array([len(one) - 1])
        ours = model_quantiles(forecaster, known, log_scale, last, days)  # (1, horizon, Q)
        walk = baselines.normal(baselines.volatility(known.returns())[-1:], days, scoring.LEVELS)
        yield Forecast(
            one,
            next_dates(one.dates, horizon, exchange=one.exchange),
            one.moved(one.possible(ours, last)[0]),
            one.moved(one.possible(walk, last)[0]),
            _backtest(forecaster, one, known, log_scale, horizon, origins, stride, all_baselines),
            model=forecaster.checkpoint.name,
            trained=trained,
            cut=forecaster.cut,
        )


def _backtest(
    forecaster: Forecaster,
    series: Series,
    features: Features,
    log_scale: np.ndarray,
    horizon: int,
    origins: int,
    stride: int,
    all_baselines: bool,
) -> Backtest:
    """What the model and the baselines would have forecast on past days. log_scale (N, K): the model's, calibrated."""
    horizons = (*(h for h in REPORTED if h < horizon), horizon)
    last = len(series) - 1 - horizon
    first = max(features.warm_up, int(np.searchsorted(series.dates, end_of(forecaster.cut, series.dates))))
    outcomes = features.outcomes(horizons)
    rows = np.arange(last, first - 1, -stride)
    rows = rows[np.isfinite(outcomes[rows]).all(axis=1)][:origins][::-1]  # of missing rows nothing is known
    repeated = np.stack([seasonal_naive(features.path, features.season, h) for h in horizons], 1)  # (N, H)
    asked = rows, np.array(horizons), scoring.LEVELS
    others = baselines.by_name(
        features.returns(),
        features.day_range,
        features.ewma,
        *asked,
        repeated=repeated if features.season > 1 else None,
    )
    if all_baselines:
        others |= baselines.fitted_by_name(features.returns(), series.seasons, *asked, of_prices=series.is_price)
    begun = rows[0] if len(rows) else len(series)
    naive = np.array([np.nanmean(np.abs(outcomes[: max(begun - h + 1, 1), k])) for k, h in enumerate(horizons)])
    ours = model_quantiles(forecaster, features, log_scale, rows, np.array(horizons))
    hindsight = series.dates[-1] < forecaster.learned_to
    return Backtest(
        horizons,
        series.dates[rows],
        outcomes[rows],
        {name: series.possible(quantiles, rows) for name, quantiles in {"model": ours, **others}.items()},
        np.tile(np.maximum(naive, 1e-12), (len(rows), 1)),
        (series.dates[-1], forecaster.learned_to) if hindsight else None,
        step=spacing(series.dates).unit,
        stride=stride,
        in_percent=not series.additive,
        only_width=series.is_daily_prices,
        of_prices=series.is_price,
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


def require_packages(series: Sequence[Series]) -> None:
    """Raises UsageError where the package is missing that fits the baselines of one of `series`."""
    for one in series:
        package = "arch" if one.is_price else "statsforecast"
        try:
            import_module(package)
        except ImportError as problem:
            raise UsageError(
                f"--baselines all of {one.name} needs the package {package}: {problem}",
                f"install it beside seqlab: pip install {package}",
            ) from problem


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
