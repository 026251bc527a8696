"""What the general forecaster says of one series: the forecast, and its backtest beside simple ones."""

from dataclasses import replace

import numpy as np

from seqlab import scoring
from seqlab.checkpoint import Checkpoint
from seqlab.data.series.calendar import next_dates
from seqlab.data.series.mean_forecast import seasonal_naive
from seqlab.data.series.seasons import seasons_of
from seqlab.data.series.series import Series
from seqlab.data.series.spacing import spacing
from seqlab.forecasting.forecast import end_of
from seqlab.forecasting.results import Forecast, Windows
from seqlab.scoring import baselines
from seqlab.scoring.backtest import NO_UNIT, Backtest


def answer(
    saved: Checkpoint,
    cut: np.datetime64 | None,
    series: Series,
    horizons: tuple[int, ...],
    rows: np.ndarray,
    values: np.ndarray,
    stride: int,
    all_baselines: bool,
) -> Forecast:
    """The forecast and the backtest of one series.

    saved, cut: of the forecaster. rows (O,): of the series, that were forecast from; values (O + 1, H, Q): what was
    forecast from them and from the last one. horizons: those that are scored. all_baselines: see `forecast_all`.
    """
    one, last, ahead = _in_own_units(series), np.array([len(series) - 1]), np.array(horizons)
    ours = one.possible(_changes(one, values, np.concatenate([rows, last])), np.concatenate([rows, last]))
    path = one.path()
    returns = np.diff(path, prepend=path[0])
    steps = np.arange(1, values.shape[1] + 1)
    walk = baselines.normal(baselines.volatility(returns, fewest=1)[-1:], steps, scoring.LEVELS)
    outcomes = np.stack([_moved_by(path, h, series.filled) for h in horizons], 1)
    before = ours[:-1]
    if cut is not None:
        later = series.dates[rows + 1] > end_of(cut, series.dates)  # a month is dated by its first day
        rows, before = rows[later], before[later]
    every_step = _windows(one, path, returns, rows, before)
    usable = np.isfinite(outcomes[rows]).all(1)
    rows, before = rows[usable], before[usable]
    others = _baselines(one, path, returns, rows, ahead, all_baselines)
    begun = rows[0] if len(rows) else len(series)
    naive = np.array([np.nanmean(np.abs(outcomes[: max(begun - h + 1, 1), k])) for k, h in enumerate(horizons)])
    tested = Backtest(
        horizons,
        series.dates[rows],
        outcomes[rows],
        {name: one.possible(quantiles, rows) for name, quantiles in {"model": before[:, ahead - 1], **others}.items()},
        np.tile(np.maximum(np.nan_to_num(naive), NO_UNIT), (len(rows), 1)),
        step=spacing(series.dates).unit,
        stride=stride,
        in_percent=not one.additive,
        only_width=False,
        of_prices=series.is_price,
    )
    return Forecast(
        one,
        next_dates(series.dates, values.shape[1], exchange=series.exchange),
        one.moved(ours[-1]),
        one.moved(one.possible(walk, last)[0]),
        tested,
        model=saved.name,
        trained="shipped" if saved.is_shipped else "fresh",
        cut=cut,
        windows=every_step,
    )


def _windows(series: Series, path: np.ndarray, returns: np.ndarray, rows: np.ndarray, ours: np.ndarray) -> Windows:
    """Every step of what was forecast from `rows`, beside the last value and the last season; ours (O, H, Q): changes
    by the model."""
    steps = np.arange(1, ours.shape[1] + 1)
    methods = {"model": ours, **_simple(series, path, returns, rows, steps)}
    now = series.adjusted[rows, None]
    outcomes = np.stack([_moved_by(path, h, series.filled)[rows] for h in steps], 1)
    values = now + outcomes if series.additive else now * np.exp(outcomes)
    quantiles = {}
    for name, changes in methods.items():
        possible = series.possible(changes, rows)
        quantiles[name] = now[..., None] + possible if series.additive else now[..., None] * np.exp(possible)
    return Windows(rows, values, {name: one.astype(np.float32) for name, one in quantiles.items()})


def _in_own_units(series: Series) -> Series:
    """The series with differences for changes, but for prices: its forecasts are of values, and are scored so."""
    return series if series.is_price else replace(series, additive=True)


def _changes(series: Series, values: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Values (O, H, Q) as changes of the path from `rows` (O,)."""
    now = series.adjusted[rows, None, None]
    return values - now if series.additive else np.log(np.maximum(values / now, 1e-6))


def _moved_by(path: np.ndarray, horizon: int, filled: np.ndarray | None) -> np.ndarray:
    """The change over the next rows, (N,); NaN where it is not known yet, or was not observed."""
    outcome = np.full(len(path), np.nan)
    if horizon < len(path):
        outcome[:-horizon] = path[horizon:] - path[:-horizon]
        if filled is not None:
            outcome[:-horizon][filled[horizon:] | filled[:-horizon]] = np.nan
    return outcome


def _baselines(
    series: Series, path: np.ndarray, returns: np.ndarray, rows: np.ndarray, horizons: np.ndarray, fitted: bool
) -> dict[str, np.ndarray]:
    """Quantiles (O, K, Q) of what the model is compared with."""
    asked = rows, horizons, scoring.LEVELS
    found = {
        **_simple(series, path, returns, rows, horizons),
        "drift": baselines.drift(returns, *asked, fewest=1),
        "empirical": baselines.empirical(returns, *asked),
    }
    if fitted:
        found |= baselines.fitted_by_name(returns, _repeating(series), *asked, of_prices=series.is_price)
    return found


def _simple(
    series: Series, path: np.ndarray, returns: np.ndarray, rows: np.ndarray, horizons: np.ndarray
) -> dict[str, np.ndarray]:
    """Quantiles (O, K, Q) of the last value, and of the last season where there is one."""
    size = baselines.volatility(returns, fewest=1)[rows]
    found = {"random_walk": baselines.normal(size, horizons, scoring.LEVELS)}
    if seasons := _repeating(series):
        repeated = np.stack([seasonal_naive(path - path[0], seasons[-1], h) for h in horizons], 1)
        found["seasonal_naive"] = baselines.seasonal(repeated, returns, rows, horizons, scoring.LEVELS)
    return found


def _repeating(series: Series) -> tuple[int, ...]:
    """The seasons of which it has seen enough to repeat one."""
    return series.seasons or tuple(season for season in seasons_of(series)[:1] if 2 * season <= len(series))
