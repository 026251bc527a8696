"""The general forecaster: one net for all series that are no daily prices, which was trained on many others before."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from seqlab import scoring
from seqlab.checkpoint import Checkpoint, Entries, rebuilt
from seqlab.checkpoint.nets import net_of
from seqlab.data.series.calendar import next_dates
from seqlab.data.series.grid import complete
from seqlab.data.series.seasons import seasons_of
from seqlab.data.series.series import Series
from seqlab.data.series.spacing import spacing
from seqlab.errors import CheckpointError, DataError
from seqlab.forecasting.explained import Explained, explained
from seqlab.forecasting.general_answers import answer
from seqlab.forecasting.panels import CALENDAR, TOLD, TRIED, Panel, outcomes_from, windows
from seqlab.forecasting.results import Forecast
from seqlab.forecasting.rules import RULES
from seqlab.machine import use_threads
from seqlab.models.rule_mixture import RuleMixture
from seqlab.scoring import calibration

NAME = "general"
KIND = "rules"  # what its checkpoints call their features
FEWEST = 10  # rows of a series
LONGEST = 720  # horizon, in rows
MOST_WINDOWS, FEWEST_ORIGINS, MOST_ORIGINS = 4000, 8, 250  # of a backtest whose number of origins is left open
LARGEST = 5e7  # numbers that the rules of one chunk of series may be
JUDGED, FEWEST_JUDGED, MOST_JUDGED = 1000, 2, 100  # windows of a panel that tell how wide quantiles should be; origins
HORIZONS_JUDGED = 20  # over which these lie at most
MOST_ZEROS = 0.3  # share of zeros above which an 80 % interval cannot hold 80 %: its edge is where most outcomes are
FITS, FEW = 4, 16  # parts of a backtest before each of which effects are estimated; series, of more there is one
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
    seconds. What covariates explain is taken out before and put back after, by what was known. Raises DataError for a
    series that is too short, or a covariate that is missing ahead.
    """
    for one in series:
        if len(one) < FEWEST:
            raise DataError(f"{one.name} has {len(one)} rows, too few to forecast from", f"give at least {FEWEST} rows")
    if origins is None:
        origins = min(MOST_ORIGINS, max(FEWEST_ORIGINS, MOST_WINDOWS // len(series)))
    horizons = (*(h for h in reported if h < horizon), horizon)
    whole = [complete(one) for one in series]
    beside = {id(one): explained(one, horizon) for one in whole if one.covariates is not None}
    for group in groups_of(whole, horizon, origins, stride):
        panel = panel_of(group, horizon)
        length = panel.values.shape[1]
        tested = range(length - horizon - stride * (origins - 1), length - horizon + 1, stride)
        tested = tested[max(0, -(-(FEWEST - tested.start) // stride)) :]
        told = [beside.get(id(one)) for one in group]
        quantiles = _with_covariates(forecaster.model, panel, told, [*tested, length])  # (O + 1, S, H, Q)
        for place, one in enumerate(group):
            first = length - len(one)
            rows = np.array([row - 1 - first for row in tested if row - first >= FEWEST], int)
            ours = quantiles[:, place]
            values = np.concatenate([ours[len(tested) - len(rows) : -1], ours[-1:]])
            made = answer(forecaster.checkpoint, forecaster.cut, one, horizons, rows, values, stride, all_baselines)
            yield made if (own := told[place]) is None else own.said_in(made)


def panel_of(series: Sequence[Series], horizon: int) -> Panel:
    """Series of one spacing side by side, with the dates to come."""
    length, found = max(len(one) for one in series), spacing(series[0].dates)
    values = np.full((len(series), length), np.nan)
    known = np.zeros(values.shape, bool)
    dates = np.full((len(series), length + horizon), np.datetime64("NaT", "s"), "datetime64[s]")
    for place, one in enumerate(series):
        first = length - len(one)
        values[place, first:], dates[place, first:length] = one.adjusted, one.dates
        known[place, first:] = True if one.filled is None else ~one.filled
        dates[place, length:] = next_dates(one.dates, horizon, exchange=one.exchange)
    within = found.rows_per_day > 1
    return Panel(values, dates, seasons_of(series[0]), horizon, within, bool(found.weekdays), known)


def groups_of(series: Sequence[Series], horizon: int, origins: int, stride: int) -> Iterator[list[Series]]:
    """Neighbours that are of one spacing, not too many at once for the memory: all rules of all origins are there."""
    rows = origins * stride + TRIED * max(1, horizon // 3) + HORIZONS_JUDGED * horizon  # at most
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


def _with_covariates(
    model: RuleMixture, panel: Panel, told: Sequence[Explained | None], origins: Sequence[int]
) -> np.ndarray:
    """`_calibrated`, of values without the effects of covariates, (O, S, H, Q), which are put back. told (S,): what
    there is beside each series, None where nothing. Effects are estimated again for a few parts of the origins, the
    last by itself, from what was known at the first of a part."""
    if not any(told):
        return _calibrated(model, panel, origins)
    fits = FITS if len(told) <= FEW else 1
    parts = [part.tolist() for part in np.array_split(np.array(origins[:-1], int), fits) if len(part)]
    found = []
    for part in [*parts, [origins[-1]]]:
        values = panel.values.copy()
        for place, one in enumerate(told):
            if one is not None:
                values[place] = one.without(values[place], part[0])
        quantiles = _calibrated(model, replace(panel, values=values), part)
        for place, one in enumerate(told):
            if one is not None:
                quantiles[:, place] = one.put_back(quantiles[:, place], part, panel.values.shape[1])
        found.append(quantiles)
    return np.concatenate(found)


def _calibrated(model: RuleMixture, panel: Panel, origins: Sequence[int]) -> np.ndarray:
    """The quantiles from each origin, (O, S, H, Q), as wide as earlier ones should have been: by outcomes known then.

    Those judged are of all series of the panel but those of rare demand, which stay as they are, from rows `apart`:
    many of few series, of many the newest two.
    """
    horizon = panel.horizon
    count = min(max(JUDGED // len(panel.values), FEWEST_JUDGED), MOST_JUDGED)
    apart = max(1, horizon * min(count, HORIZONS_JUDGED) // count)
    first = max(FEWEST, min(origins) // 3, min(origins) - count * apart)
    judged = np.arange(max(origins) - apart, first - 1, -apart)[::-1]
    every = sorted({*origins, *judged.tolist()})
    quantiles = _quantiles(model, panel, every)
    place = {origin: k for k, origin in enumerate(every)}
    excess = np.full((len(judged), len(panel.values), horizon), np.nan)
    for k, origin in enumerate(judged):
        excess[k] = calibration.excess(quantiles[place[origin]], outcomes_from(panel, origin), scoring.LEVELS)
    zeros = np.cumsum(panel.values == 0, 1) / np.maximum(np.cumsum(np.isfinite(panel.values), 1), 1)  # (S, N)
    found = []
    for origin in origins:
        is_rare = zeros[:, origin - 1] > MOST_ZEROS
        newest = (judged < origin) & (judged >= origin // 3)  # with little known they are too narrow
        newest[: max(0, newest.sum() - count)] = False
        is_known = judged[newest, None] + np.arange(horizon) < origin  # (J, H)
        known = np.where(is_known[:, None] & ~is_rare[:, None], excess[newest], np.nan)
        ours = quantiles[place[origin]]
        median = ours[..., scoring.MEDIAN, None]
        factors = np.where(is_rare[:, None], 1.0, calibration.width_factors(known, apart))[..., None]  # (S, H, 1)
        found.append(median + (ours - median) * factors)
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
