"""What a forecaster is trained on: windows of series and their portfolios, those that validate, and what is hidden."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from seqlab.data.series.features import Features, Inputs, Market, Scaler, features_of
from seqlab.data.series.portfolios import portfolios
from seqlab.data.series.series import Series
from seqlab.errors import DataError
from seqlab.forecasting.forecaster import HORIZONS
from seqlab.settings import ForecastSettings

ABSURD = 1000.0  # units of volatility that no outcome is large that has a volatility
VAL_WINDOWS = 256  # that choose the weights, at most: as good as all of them, and read every few steps


@dataclass(frozen=True)
class Examples:
    """Windows of features (W, T, F) and targets (W, T, K), NaN where there is no outcome. Those to validate with come
    later; there are none without `val_share`."""

    inputs: Tensor
    targets: Tensor
    val_inputs: Tensor
    val_targets: Tensor
    scaler: Scaler


def for_short_series(settings: ForecastSettings, series: Sequence[Series], cut: np.datetime64) -> ForecastSettings:
    """The settings, with windows that short series fill."""
    longest = max(len(one.until(cut)) for one in series)
    if longest >= 2 * settings.context:
        return settings
    context = max(longest // 2, 1)
    return replace(settings, context=context, burn_in=min(settings.burn_in, context // 4))


def examples_of(
    series: Sequence[Series], settings: ForecastSettings, cut: np.datetime64, kind: str, scaler: Scaler | None = None
) -> Examples:
    """The training and the validation windows of `series`, of what was known on the day `cut`.

    kind: of the inputs, see `data.series.features.INPUTS`. scaler: that of a forecaster to go on from; else one is
    fitted to the training days alone. Raises DataError where
    there is no training day.
    """
    pool = _pool(series, cut, settings.seed, kind)
    days = max(pool, key=lambda one: len(one.dates)).dates
    # what chooses the weights comes after what they are trained on
    end = cut if not settings.val_share else days[int((1 - settings.val_share) * (len(days) - 1))]
    if scaler is None:
        known = [one.values[one.warm_up : np.searchsorted(one.dates, end, side="right")] for one in pool]
        scaler = Scaler.fit(np.concatenate(known), pool[0].inputs.switches)
    inputs, targets = _windows(pool, scaler, settings, end)
    if targets.isnan().all():
        raise DataError("there is no day to learn from before the cut", f"use longer series or a later cut than {cut}")
    if not settings.val_share:
        return Examples(inputs, targets, inputs[:0], targets[:0], scaler)
    x, y = _windows(pool, scaler, settings, cut, end)
    rows = torch.nonzero(~y.isnan().all(-1).all(-1))[:, 0]  # windows with a target
    rows = rows[:: max(1, len(rows) // VAL_WINDOWS)]
    return Examples(inputs, targets, x[rows], y[rows], scaler)


def hiding(settings: ForecastSettings, inputs: Inputs) -> Callable[[Tensor, Tensor, float, torch.Generator], Tensor]:
    """An augmentation of batches (B, T, F): some windows are trained as if only closes were known, or no other series,
    so that the model can do without."""
    parts = (
        (inputs.of_ranges, settings.range_dropout),
        (inputs.of_market, settings.market_dropout),
    )

    def hide(x: Tensor, rows: Tensor, epochs: float, generator: torch.Generator) -> Tensor:
        keep = torch.ones(len(x), 1, x.shape[2], device=x.device)
        for columns, share in parts:
            hidden = torch.rand(len(x), generator=generator).to(x.device) < share
            keep[:, :, columns] = (~hidden).to(x)[:, None, None]
        return x * keep

    return hide


def _windows(
    pool: Sequence[Features],
    scaler: Scaler,
    settings: ForecastSettings,
    until: np.datetime64,
    after: np.datetime64 | None = None,
) -> tuple[Tensor, Tensor]:
    pairs = [windows(one, scaler, HORIZONS, settings.context, settings.burn_in, until, after) for one in pool]
    x, y = (torch.from_numpy(np.concatenate(part)) for part in zip(*pairs, strict=True))
    return x, y


def windows(
    features: Features,
    scaler: Scaler,
    horizons: tuple[int, ...],
    length: int,
    burn_in: int,
    until: np.datetime64,
    after: np.datetime64 | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Training windows of one series: inputs (W, length, F) and targets (W, length, K).

    A target is the residual of the outcome over a horizon, in units of volatility times sqrt(h). It is NaN in
    the first `burn_in` days of a window and where the outcome lies after `until`: nothing later is used. Every other
    day from the warm-up on is a target in exactly one window; with `after`, only those later than that.
    """
    known = int(np.searchsorted(features.dates, until, side="right"))
    scaled = scaler.apply(features.values[:known])
    outcomes = features.residuals(horizons)[:known] / (features.volatility[:known, None] * np.sqrt(horizons))
    outcomes[np.abs(outcomes) > ABSURD] = np.nan  # after rows that never moved there is no unit
    for k, h in enumerate(horizons):  # later ones were not known
        outcomes[max(known - h, 0) :, k] = np.nan
    if after is not None:
        outcomes[: np.searchsorted(features.dates, after, side="right")] = np.nan
    inputs, targets = [], []
    for first in range(max(0, features.warm_up - burn_in), known - burn_in, length - burn_in):
        x = np.zeros((length, scaled.shape[1]), np.float32)
        y = np.full((length, len(horizons)), np.nan, np.float32)
        days = scaled[first : first + length]
        x[: len(days)] = days
        y[burn_in : len(days)] = outcomes[first + burn_in : first + length]
        inputs.append(x)
        targets.append(y)
    shape = (0, length, scaled.shape[1]), (0, length, len(horizons))
    if not inputs:
        return np.zeros(shape[0], np.float32), np.zeros(shape[1], np.float32)
    return np.stack(inputs), np.stack(targets)


def _pool(series: Sequence[Series], cut: np.datetime64, seed: int, kind: str) -> list[Features]:
    """Each series, and portfolios of them, twice: beside all the others, and beside a few, so that the model learns to
    do with less. The portfolios are part of these markets, as funds are of a real one.

    Of what was known on the day `cut`, the seasons too.
    """
    known = [one.until(cut) for one in series]
    own = [features_of(one, kind) for one in [*known, *portfolios(known, seed)]]
    if len(own) < 2:
        return own
    random = np.random.default_rng(seed)
    whole = Market.of(own)
    result = [whole.beside(one) for one in own]
    for one in own:
        others = [other for other in own if other is not one]
        few = random.choice(len(others), min(len(others), int(random.integers(1, 8))), replace=False)
        result.append(Market.of([one, *(others[j] for j in few)]).beside(one))
    return result
