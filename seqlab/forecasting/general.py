"""The general forecaster: one net for all series that are no daily prices, which was trained on many others before."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from seqlab import scoring
from seqlab.checkpoint import Checkpoint, Entries, net_of, rebuilt
from seqlab.data.series.calendar import next_dates
from seqlab.data.series.grid import complete
from seqlab.data.series.mean_forecast import seasonal_naive
from seqlab.data.series.series import Series
from seqlab.data.series.spacing import spacing
from seqlab.errors import CheckpointError, DataError
from seqlab.forecasting.forecast import end_of
from seqlab.forecasting.panels import CALENDAR, TOLD, TRIED, Panel, outcomes_from, windows
from seqlab.forecasting.results import Forecast, Windows
from seqlab.forecasting.rules import RULES
from seqlab.machine import use_threads
from seqlab.models.rule_mixture import RuleMixture
from seqlab.scoring import baselines, calibration
from seqlab.scoring.backtest import Backtest

NAME = "general"
KIND = "rules"  # what its checkpoints call their features
FEWEST = 10  # rows of a series
LONGEST = 720  # horizon, in rows
MOST_WINDOWS, FEWEST_ORIGINS, MOST_ORIGINS = 4000, 8, 250  # of a backtest whose number of origins is left open
LARGEST = 5e7  # numbers that the rules of one chunk of series may be
JUDGED, FEWEST_JUDGED, MOST_JUDGED = 1000, 2, 20  # windows of a panel that tell how wide quantiles should be; origins
BATCH = 512  # windows that the net reads at once
ENTRIES: Entries = {"model": dict, "features": list, "cut": (str, type(None)), "data.series": list}


@dataclass(frozen=True)
class GeneralForecaster:
    """A net that mixes simple rules, ready to use. cut: the last day that was used in training; None where that was on
    other series: a backtest may go as far back as a series does."""

    model: RuleMixture
    cut: np.datetime64 | None
    checkpoint: Checkpoint


def is_general(saved: Checkpoint) -> bool:
    return bool(saved.config.get("features") == [KIND])


def load(saved: Checkpoint) -> GeneralForecaster:
    """The general forecaster of a checkpoint. Raises CheckpointError where it is damaged, or of other rules."""
    return rebuilt(saved, _load, ENTRIES)


def _load(saved: Checkpoint) -> GeneralForecaster:
    shape = saved.config["model"]
    ours = {"rules": RULES, "row_size": 2 + CALENDAR, "told_size": TOLD, "levels": list(scoring.LEVELS)}
    if any(shape.get(name) != value for name, value in ours.items()):
        raise CheckpointError(
            f"checkpoint '{saved.name}' was trained with other rules than this seqlab computes",
            "train it again with `seqlab train-forecaster`",
        )
    cut = saved.config["cut"]
    model = net_of(saved, lambda: RuleMixture(**shape))
    return GeneralForecaster(model.eval(), None if cut is None else np.datetime64(cut), saved)


def forecast_all(
    forecaster: GeneralForecaster,
    series: Sequence[Series],
    *,
    horizon: int = 20,
    origins: int | None = None,
    stride: int = 1,
    all_baselines: bool = False,
    reported: Sequence[int] = (1, 5, 20),
) -> Iterator[Forecast]:
    """The next `horizon` rows of each series, with a backtest on up to `origins` rows, `stride` apart.

    A generator, in the order of `series`. origins: None: 250, of many series fewer. reported: the horizons that are
    scored, beside the longest. all_baselines: compare with AutoETS and Theta of `statsforecast` too, which takes
    seconds. Raises DataError for a series that is too short.
    """
    for one in series:
        if len(one) < FEWEST:
            raise DataError(f"{one.name} has {len(one)} rows, too few to forecast from", f"give at least {FEWEST} rows")
    if origins is None:
        origins = min(MOST_ORIGINS, max(FEWEST_ORIGINS, MOST_WINDOWS // len(series)))
    horizons = (*(h for h in reported if h < horizon), horizon)
    for group in groups_of([complete(one) for one in series], horizon, origins, stride):
        panel = panel_of(group, horizon)
        length = panel.values.shape[1]
        tested = range(length - horizon - stride * (origins - 1), length - horizon + 1, stride)
        tested = tested[max(0, -(-(FEWEST - tested.start) // stride)) :]
        quantiles = _calibrated(forecaster.model, panel, [*tested, length])  # (O + 1, S, H, Q)
        for place, one in enumerate(group):
            first = length - len(one)
            rows = np.array([row - 1 - first for row in tested if row - first >= FEWEST], int)
            ours = quantiles[:, place]
            values = np.concatenate([ours[len(tested) - len(rows) : -1], ours[-1:]])
            yield _answer(forecaster, one, horizons, rows, values, stride, all_baselines)


def panel_of(series: Sequence[Series], horizon: int) -> Panel:
    """Series of one spacing side by side, with the dates to come."""
    length, found = max(len(one) for one in series), spacing(series[0].dates)
    values = np.full((len(series), length), np.nan)
    known = np.zeros(values.shape, bool)
    dates = np.full((len(series), length + horizon), np.datetime64("NaT"), "datetime64[s]")
    for place, one in enumerate(series):
        first = length - len(one)
        values[place, first:], dates[place, first:length] = one.adjusted, one.dates
        known[place, first:] = True if one.filled is None else ~one.filled
        dates[place, length:] = next_dates(one.dates, horizon, exchange=one.exchange)
    within = found.rows_per_day > 1
    return Panel(values, dates, seasons_of(series[0]), horizon, within, bool(found.weekdays), known)


def seasons_of(series: Series) -> tuple[int, ...]:
    """The seasons of the calendar in rows, the shorter first, at most two, whether the series is long enough or not: a
    day and a week, a week and a year, or a year. None of a price that rests at weekends, nor of what follows no rule.
    """
    found = spacing(series.dates)
    if not found.regular or (series.is_price and 0 < len(found.weekdays) < 7):
        return ()
    if found.rows_per_day > 1:
        return (
            found.seasons if len(found.seasons) > 1 else (found.rows_per_day, found.rows_per_day * len(found.weekdays))
        )
    unit, step = np.datetime_data(found.step)[0], int(found.step.astype(int))
    if found.places:
        per_year = float(found.places.per_year)
    elif found.weeks or unit == "M":
        per_year = 12 / step
    elif found.weekdays:
        return (len(found.weekdays), 52 * len(found.weekdays)) if len(found.weekdays) > 1 else (52,)
    else:
        per_year = 364 / step
    return (round(per_year),) if per_year > 1 and per_year == int(per_year) else ()


def groups_of(series: Sequence[Series], horizon: int, origins: int, stride: int) -> Iterator[list[Series]]:
    """Neighbours that are of one spacing, not too many at once for the memory: all rules of all origins are there."""
    rows = origins * stride + TRIED * max(1, horizon // 3) + FEWEST_JUDGED  # at most, of which each is an origin
    most = max(1, int(LARGEST / (RULES * horizon * rows)))
    group: list[Series] = []
    for one in series:
        if group and (len(group) == most or _kind(one) != _kind(group[0])):
            yield group
            group = []
        group.append(one)
    if group:
        yield group


def _kind(series: Series) -> tuple[Any, ...]:
    return spacing(series.dates).unit, seasons_of(series)


def _calibrated(model: RuleMixture, panel: Panel, origins: Sequence[int]) -> np.ndarray:
    """The quantiles from each origin, (O, S, H, Q), as wide as earlier ones should have been: by outcomes known then.

    Those judged are a horizon apart, of all series of the panel.
    """
    length, horizon = panel.values.shape[1], panel.horizon
    count = min(max(JUDGED // len(panel.values), FEWEST_JUDGED), MOST_JUDGED)
    first = max(FEWEST, length // 3, min(origins) - count * horizon)  # where little was known they were too narrow
    judged = list(range(length - horizon, first - 1, -horizon))[::-1]
    every = sorted({*origins, *judged})
    quantiles = _quantiles(model, panel, every)
    place = {origin: k for k, origin in enumerate(every)}
    excess = np.full((len(judged), len(panel.values), horizon), np.nan)
    for k, origin in enumerate(judged):
        excess[k] = calibration.excess(quantiles[place[origin]], outcomes_from(panel, origin), scoring.LEVELS)
    found = []
    for origin in origins:
        known = [k for k, one in enumerate(judged) if one <= origin - horizon][-count:]
        ours = quantiles[place[origin]]
        median = ours[..., scoring.MEDIAN, None]
        found.append(median + (ours - median) * calibration.width_factors(excess[known])[:, None])
    return np.stack(found)


@torch.inference_mode()
def _quantiles(model: RuleMixture, panel: Panel, origins: Sequence[int]) -> np.ndarray:
    """The quantiles from each origin in the series' own units, (O, S, H, Q)."""
    some = windows(panel, origins)
    count = len(some["scale"])
    with use_threads(1):
        parts = [model({name: one[i : i + BATCH] for name, one in some.items()}) for i in range(0, count, BATCH)]
    scaled = torch.cat(parts).double() * some["scale"].double()[:, None, None] + some["centre"].double()[:, None, None]
    return scaled.reshape(len(origins), len(panel.values), *scaled.shape[1:]).numpy()


def _answer(
    forecaster: GeneralForecaster,
    series: Series,
    horizons: tuple[int, ...],
    rows: np.ndarray,
    values: np.ndarray,
    stride: int,
    all_baselines: bool,
) -> Forecast:
    """The forecast and the backtest of one series. rows (O,): that were forecast from; values (O + 1, H, Q): what was
    forecast of them and of the last one."""
    one, last, ahead = _in_own_units(series), np.array([len(series) - 1]), np.array(horizons)
    ours = one.possible(_changes(one, values, np.concatenate([rows, last])), np.concatenate([rows, last]))
    path = one.path()
    returns = np.diff(path, prepend=path[0])
    steps = np.arange(1, values.shape[1] + 1)
    walk = baselines.normal(baselines.volatility(returns, fewest=1)[-1:], steps, scoring.LEVELS)
    outcomes = np.stack([_moved_by(path, h, series.filled) for h in horizons], 1)
    before = ours[:-1]
    if forecaster.cut is not None:
        later = series.dates[rows] >= end_of(forecaster.cut, series.dates)
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
        np.tile(np.maximum(np.nan_to_num(naive), 1e-12), (len(rows), 1)),
        step=spacing(series.dates).unit,
        stride=stride,
        in_percent=not one.additive,
        only_width=False,
        of_prices=series.is_price,
    )
    saved = forecaster.checkpoint
    return Forecast(
        one,
        next_dates(series.dates, values.shape[1], exchange=series.exchange),
        one.moved(ours[-1]),
        one.moved(one.possible(walk, last)[0]),
        tested,
        model=saved.name,
        trained="shipped" if saved.is_shipped else "fresh",
        cut=forecaster.cut,
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
