"""Forecasts of series, each with its backtest beside the baselines."""

from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

import numpy as np

from seqlab import scoring
from seqlab.data.series.calendar import next_dates
from seqlab.data.series.days import ONE_DAY, unit_of
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
ORIGINS, MOST_ORIGINS = 250, 5000
FEWEST = {"days": 300, "rows": 60}  # of daily prices, and of other series


def forecast(forecaster: Forecaster, series: Series, **options: Any) -> Forecast:
    """One series alone: see `forecast_all`."""
    return next(forecast_all(forecaster, [series], **options))


def forecast_all(
    forecaster: Forecaster,
    series: Sequence[Series],
    *,
    horizon: int = 20,
    origins: int | None = None,
    stride: int = 1,
    all_baselines: bool = False,
    earlier: Sequence[Forecaster] = (),
) -> Iterator[Forecast]:
    """The next `horizon` days of each series, with a backtest on up to `origins` days, `stride` apart, after the cut.

    A generator: a backtest of many series takes its time. They are each other's market, and calibrated together. The
    backtest's days are counted back from the last one that has an outcome at the longest horizon. earlier: forecasters
    of the same inputs with earlier cuts, the oldest first: each day of the backtest is forecast from by the newest that
    had learned nothing later, so that it may be long. origins: None: 250, or with earlier ones and without
    all_baselines 5,000. all_baselines: compare with what packages fit too, which takes seconds: prices with GARCH and
    GJR of `arch`, other series with AutoETS and Theta of `statsforecast`. Raises DataError for a series that is too
    short, and UsageError where the package is missing.
    """
    require_alike(series)
    require_length(series)
    if all_baselines:
        require_packages(series)
    series = [complete(one) for one in series]
    own = [features_of(one, forecaster.kind) for one in series]
    market = Market.of(own)
    features = [market.beside(one) for one in own]
    models = [*earlier, forecaster]
    log_scales = [calibrated(one, features, scales(one, features)) for one in models]
    origins = origins or (MOST_ORIGINS if earlier and not all_baselines else ORIGINS)
    days = np.arange(1, horizon + 1)
    trained = "shipped" if forecaster.checkpoint.is_shipped else "fresh"
    for place, (one, known) in enumerate(zip(series, features, strict=True)):
        last, wide = np.array([len(one) - 1]), [each[place] for each in log_scales]
        ours = model_quantiles(forecaster, known, wide[-1], last, days)  # (1, horizon, Q)
        walk = baselines.normal(baselines.volatility(known.returns())[-1:], days, scoring.LEVELS)
        yield Forecast(
            one,
            next_dates(one.dates, horizon, exchange=one.exchange),
            one.moved(one.possible(ours, last)[0]),
            one.moved(one.possible(walk, last)[0]),
            _backtest(models, one, known, wide, horizon, origins, stride, all_baselines),
            model=forecaster.checkpoint.name,
            trained=trained,
            cut=forecaster.cut,
        )


def _backtest(
    models: Sequence[Forecaster],
    series: Series,
    features: Features,
    log_scales: Sequence[np.ndarray],
    horizon: int,
    origins: int,
    stride: int,
    all_baselines: bool,
) -> Backtest:
    """What the models, the oldest first, and the baselines would have forecast on past days. log_scales: of each model
    (N, K), calibrated."""
    horizons = (*(h for h in REPORTED if h < horizon), horizon)
    last = len(series) - 1 - horizon
    learned_to = models[-1].learned_to
    hindsight = series.dates[-1] < learned_to
    if hindsight:  # of such a forecast the past is no evidence
        models, log_scales = models[-1:], log_scales[-1:]
    begins = [int(np.searchsorted(series.dates, end_of(one.cut, series.dates))) for one in models]
    first = max(features.warm_up, begins[0])
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
    newest = np.searchsorted(begins, rows, side="right") - 1  # of the models that had learned nothing later
    parts = [
        model_quantiles(one, features, log_scale, rows[newest == k], np.array(horizons))
        for k, (one, log_scale) in enumerate(zip(models, log_scales, strict=True))
    ]
    ours = np.concatenate(parts)
    return Backtest(
        horizons,
        series.dates[rows],
        outcomes[rows],
        {name: series.possible(quantiles, rows) for name, quantiles in {"model": ours, **others}.items()},
        np.tile(np.maximum(naive, 1e-12), (len(rows), 1)),
        (series.dates[-1], learned_to) if hindsight else None,
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
    return (cut + ONE_DAY).astype(dates.dtype) - unit_of(dates)


def require_length(series: Sequence[Series]) -> None:
    for one in series:
        rows = "days" if one.is_daily_prices else "rows"
        if len(one) < FEWEST[rows]:
            fewer = "" if rows == "rows" else ", or have them read as no prices: --kind levels takes fewer"
            raise DataError(
                f"{one.name} has {len(one)} {rows}, too few to forecast from",
                f"give at least {FEWEST[rows]} {rows}{fewer}",
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
