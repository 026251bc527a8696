"""A trained forecaster: read from its checkpoint, and how wide the future of series is by it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from seqlab import scoring
from seqlab.checkpoint import Checkpoint, rebuilt
from seqlab.checkpoint.nets import net_of
from seqlab.data.series.features import INPUTS, LONGEST, Features, Scaler
from seqlab.errors import CheckpointError
from seqlab.machine import use_threads
from seqlab.models.forecaster import QuantileForecaster
from seqlab.scoring import calibration

ENTRIES = {"model": dict, "features": list, "scaler": dict, "cut": str, "data.series": list}
HORIZONS = (1, 2, 3, 5, 10, 20, 40, LONGEST)  # rows ahead that are trained; between them the model interpolates


@dataclass(frozen=True)
class Forecaster:
    """A trained forecaster, ready to use. No day after `cut` was used in training. kind: of its inputs, see INPUTS."""

    model: QuantileForecaster
    kind: str
    scaler: Scaler
    cut: np.datetime64
    checkpoint: Checkpoint

    @property
    def learned_to(self) -> np.datetime64:
        """The last day that was used in training, also of a forecaster that this one began with: the cut, or the one
        before it that has prices."""
        days: list[np.datetime64] = []
        config: dict[str, Any] | None = self.checkpoint.config
        while config:
            days += [np.datetime64(one["last"]) for one in config["data"]["series"]]
            config = config.get("from")
        return max(days)


def load(saved: Checkpoint) -> Forecaster:
    """The forecaster of a checkpoint. Raises CheckpointError if it is of another job, damaged, or of other features."""
    if saved.config["job"] != "forecasting":
        raise CheckpointError(
            f"checkpoint '{saved.name}' is no forecaster: its job is {saved.config['job']}",
            "see `seqlab checkpoints list` for the forecasters",
        )
    return rebuilt(saved, _load, ENTRIES)


def _load(saved: Checkpoint) -> Forecaster:
    kind = next((kind for kind, inputs in INPUTS.items() if saved.config["features"] == list(inputs.names)), None)
    if kind is None:
        raise CheckpointError(
            f"checkpoint '{saved.name}' was trained on other features than this seqlab computes",
            "train it again with `seqlab train-forecaster`",
        )
    model = net_of(saved, lambda: QuantileForecaster(**saved.config["model"]))
    scaler, cut = Scaler(**saved.config["scaler"]), np.datetime64(saved.config["cut"])
    found = Forecaster(model.eval(), kind, scaler, cut, saved)
    if len(scaler.mean) != len(INPUTS[kind].names) or np.isnat([cut, found.learned_to]).any():
        raise ValueError("scaler, features and days do not fit")
    return found


@torch.inference_mode()
def scales(forecaster: Forecaster, features: Sequence[Features]) -> list[np.ndarray]:
    """The model's log scale on every day of each series, (N, K): each from that day and those before it."""
    longest = max(len(one.dates) for one in features)
    x = torch.zeros(len(features), longest, len(forecaster.scaler.mean))
    for i, one in enumerate(features):
        x[i, : len(one.dates)] = torch.from_numpy(forecaster.scaler.apply(one.values))
    with use_threads(1):
        log_scale, _ = forecaster.model(x.to(forecaster.model.median.device))
    log_scale = log_scale.cpu().double()
    return [log_scale[i, : len(one.dates)].numpy() for i, one in enumerate(features)]


def calibrated(
    forecaster: Forecaster, features: Sequence[Features], log_scales: Sequence[np.ndarray]
) -> list[np.ndarray]:
    """Log scales (N, K) of each series, corrected on each day by how outcomes known by then had fallen: all series'."""
    knots = np.array(forecaster.model.horizons)
    days = np.unique(np.concatenate([one.dates for one in features]))
    known = np.full((len(days), len(features), len(knots)), np.nan)
    with torch.inference_mode():
        curves = forecaster.model.curves().cpu().double().numpy() * np.sqrt(knots)[:, None]  # (K, Q)
    for i, (one, log_scale) in enumerate(zip(features, log_scales, strict=True)):
        units = one.residuals(tuple(knots)) / (np.exp(log_scale) * one.volatility[:, None])
        excess = calibration.excess(np.broadcast_to(curves, (*units.shape, curves.shape[1])), units, scoring.LEVELS)
        excess[: one.warm_up] = np.nan
        for k, h in enumerate(knots):  # the outcome of what was forecast h rows ago is known now
            known[np.searchsorted(days, one.dates[h:]), i, k] = excess[:-h, k]
    factors = calibration.log_factors(known, knots)
    return [
        log_scale + factors[np.searchsorted(days, one.dates)]
        for one, log_scale in zip(features, log_scales, strict=True)
    ]


@torch.inference_mode()
def model_quantiles(
    forecaster: Forecaster, features: Features, log_scale: np.ndarray, rows: np.ndarray, horizons: np.ndarray
) -> np.ndarray:
    """Quantiles of the change of a series over `horizons` (H,) from `rows` (O,): (O, H, Q).

    log_scale (N, K): the model's on every row, calibrated.
    """
    units = forecaster.model.quantiles(torch.from_numpy(log_scale[rows]), int(horizons.max())).numpy()
    residuals = units[:, horizons - 1] * features.volatility[rows, None, None]
    return features.mean_forecast[rows][:, horizons - 1, None] + residuals
