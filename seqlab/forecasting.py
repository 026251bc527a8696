"""The job of series: train a forecaster on quotes, forecast with it, and say how good it was on unseen days."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seqlab import checkpoint, runs, scoring, training
from seqlab.checkpoint import Checkpoint
from seqlab.data.batches import ShuffledBatches
from seqlab.data.calendar import next_days, trades_in_new_york
from seqlab.data.features import FEATURES, RANGE_FEATURES, WARM_UP, Features, Scaler, features_of, windows
from seqlab.data.series import Series
from seqlab.errors import CheckpointError, DataError
from seqlab.machine import Compute, use_threads
from seqlab.models.forecaster import RecurrentForecaster
from seqlab.training import Batch, Progress, State

HORIZONS = (1, 2, 3, 5, 10, 20, 40, 60)  # days that are trained; between them the model interpolates
LONGEST = HORIZONS[-1]
REPORTED = (1, 5, 20)
ORIGINS = 250


@dataclass(kw_only=True)
class ForecastSettings(training.Settings):
    """A forecaster and its training. A reason per number: see docs/lab-diary.md."""

    cell: str = "lstm"
    hidden_size: int = 32
    num_layers: int = 2
    dropout: float = 0.1
    context: int = 192  # days in a training window, of which the first `burn_in` are no targets
    burn_in: int = 64
    range_dropout: float = 0.5  # share of windows that are trained as if only closes were known
    max_steps: int | None = 400
    batch_size: int = 32
    lr: float = 3e-3
    warmup_steps: int = 40


@dataclass(frozen=True)
class Forecaster:
    """A trained forecaster, ready to use. No day after `cut` was seen in training."""

    model: RecurrentForecaster
    scaler: Scaler
    cut: np.datetime64
    checkpoint: Checkpoint


@dataclass(frozen=True)
class Scores:
    """One method's scores per reported horizon. crps and mae in percent of log return, coverage80 a share."""

    crps: list[float]
    mae: list[float]
    coverage80: list[float]


@dataclass(frozen=True)
class Backtest:
    """Forecasts of the model and its baselines made on past days, scored on what came.

    origins (O,): days, of one series or of several one after the other; outcomes (O, K): log returns; quantiles:
    {method: (O, K, Q)} of log returns at scoring.LEVELS. Methods are `model` and the baselines.
    """

    horizons: tuple[int, ...]
    origins: np.ndarray
    outcomes: np.ndarray
    quantiles: dict[str, np.ndarray]

    def scores(self, method: str) -> Scores:
        quantiles = self.quantiles[method]
        error = np.abs(self.outcomes - quantiles[..., scoring.MEDIAN])
        return Scores(
            crps=(100 * scoring.crps(quantiles, self.outcomes).mean(0)).tolist(),
            mae=(100 * error.mean(0)).tolist(),
            coverage80=[scoring.coverage(quantiles[:, k], self.outcomes[:, k], 0.8) for k in range(len(self.horizons))],
        )

    def skill(self) -> list[float]:
        """100 (1 - sum CRPS of the model / sum CRPS of the random walk), per horizon."""
        ours = scoring.crps(self.quantiles["model"], self.outcomes).sum(0)
        theirs = scoring.crps(self.quantiles["random_walk"], self.outcomes).sum(0)
        return (100 * (1 - ours / theirs)).tolist()

    def p_values(self) -> list[float]:
        """Diebold-Mariano p-value of the model against the random walk, per horizon; of several series, the
        difference is averaged over those of a day first, for they move together."""
        ours = scoring.crps(self.quantiles["model"], self.outcomes)
        theirs = scoring.crps(self.quantiles["random_walk"], self.outcomes)
        _, place = np.unique(self.origins, return_inverse=True)
        counts = np.bincount(place)
        means = [np.bincount(place, (ours - theirs)[:, k]) / counts for k in range(len(self.horizons))]
        return [scoring.diebold_mariano(mean, h) for mean, h in zip(means, self.horizons, strict=True)]


@dataclass(frozen=True)
class Forecast:
    """The future of one series as the model sees it: prices at scoring.LEVELS by day, (horizon, Q), and the random
    walk's beside them."""

    series: Series
    dates: np.ndarray
    prices: np.ndarray
    random_walk: np.ndarray
    backtest: Backtest


def scaled_pinball(model: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
    """The objective: mean pinball loss of the quantiles in units of volatility times sqrt(h).

    inputs (B, T, F), targets (B, T, K) with NaN where there is no outcome. Windows stand alone: no state is carried.
    """
    assert isinstance(model, RecurrentForecaster)
    inputs, targets = batch
    log_scale, _ = model(inputs)  # (B, T, K)
    quantiles = torch.exp(log_scale).unsqueeze(-1) * model.shapes()  # (B, T, K, Q)
    levels = torch.tensor(model.levels)
    error = targets.unsqueeze(-1) - quantiles
    loss = torch.maximum(levels * error, (levels - 1) * error).mean(-1)  # (B, T, K)
    return 2 * loss[~targets.isnan()].mean(), None


def train(
    series: Sequence[Series],
    folder: Path,
    settings: ForecastSettings,
    *,
    cut: np.datetime64 | None = None,
    compute: Compute = Compute(),
    minutes: float | None = None,
    epochs: float | None = None,
    resume: bool = False,
    command: str = "",
    stop: Callable[[], bool] = lambda: False,
) -> Generator[Progress, None, Checkpoint | None]:
    """Train one forecaster for all of `series` on what was known on the day `cut` (by default all of it).

    A generator of the run's progress that returns the finished checkpoint, or None if `stop()` ended it early. The
    last weights are kept: nothing is chosen. The days after the cut, where there are some, are its backtest. Raises
    DataError where a series is too short.
    """
    saved = None
    if cut is None:
        cut = max(one.dates[-1] for one in series)
    if resume:
        saved, settings, compute = runs.reopen(folder, "forecasting", ForecastSettings)
        cut = np.datetime64(saved.config["cut"])
        if [one["sha256"] for one in saved.config["data"]["series"]] != [
            _describe(one, cut)["sha256"] for one in series
        ]:
            raise CheckpointError(
                f"{folder} was trained on other series than these", "resume with those it was trained on"
            )
    elif compute.precision == "auto":
        compute = Compute(compute.device, "fp32", compute.threads)  # too small a net to gain by bf16
    torch.manual_seed(settings.seed)
    all_features = [features_of(one.until(cut)) for one in series]
    scaler = Scaler.fit(np.concatenate([f.values[WARM_UP:] for f in all_features]))
    cut_windows = [windows(f, scaler, HORIZONS, settings.context, settings.burn_in, cut) for f in all_features]
    inputs = torch.from_numpy(np.concatenate([x for x, _ in cut_windows]))
    targets = torch.from_numpy(np.concatenate([y for _, y in cut_windows]))
    if targets.isnan().all():
        raise DataError("there is no day to learn from before the cut", f"use longer series or a later cut than {cut}")
    shape = {k: getattr(settings, k) for k in ("cell", "hidden_size", "num_layers", "dropout")}
    arguments = {
        "input_size": len(FEATURES),
        "horizons": list(HORIZONS),
        "levels": list(scoring.LEVELS),
        **shape,
    }
    model = RecurrentForecaster(**arguments)
    chosen = compute.resolve(training.count_parameters(model))
    model.to(chosen.device)

    def hide_ranges(x: Tensor, generator: torch.Generator) -> Tensor:
        hidden = torch.rand(len(x), generator=generator).to(x.device) < settings.range_dropout
        keep = torch.ones(len(x), 1, x.shape[2], device=x.device)
        keep[:, :, list(RANGE_FEATURES)] = (~hidden).to(x)[:, None, None]
        return x * keep

    with use_threads(chosen.threads):
        run = training.Run(
            model,
            scaled_pinball,
            ShuffledBatches(
                inputs.to(chosen.device),
                targets.to(chosen.device),
                min(settings.batch_size, len(inputs)),
                settings.seed,
                drop_last=True,
                augment=hide_ranges,
            ),
            training.adamw(model, settings.lr, settings.weight_decay),
            learning_rate=lambda step: settings.lr,
            max_steps=0,
            clip_norm=settings.clip_norm,
            precision=chosen.precision,
        )
        settings.max_steps = training.choose_max_steps(
            run, None if epochs or minutes else settings.max_steps, epochs=epochs, minutes=minutes
        )
        config = {
            "job": "forecasting",
            "command": command,
            "data": {"name": folder.name, "series": [_describe(one, cut) for one in series]},
            "cut": str(cut),
            "model": arguments,
            "features": list(FEATURES),
            "scaler": asdict(scaler),
            "environment": chosen.record(),
        }
        keeper = yield from runs.conduct(run, folder, settings, config, saved, stop=stop)
    if keeper is None:
        return None
    trained = load(checkpoint.load(folder))
    return keeper.finish({"backtest": summary(pool([forecast(trained, one).backtest for one in series]))})


def load(saved: Checkpoint) -> Forecaster:
    """The forecaster of a checkpoint. Raises CheckpointError if it is of another job, damaged, or of other features."""
    if saved.config["job"] != "forecasting":
        raise CheckpointError(
            f"checkpoint '{saved.name}' is no forecaster: its job is {saved.config['job']}",
            "see `seqlab checkpoints list` for the forecasters",
        )
    if saved.config["features"] != list(FEATURES):
        raise CheckpointError(
            f"checkpoint '{saved.name}' was trained on other features than this seqlab computes",
            "train it again with `seqlab train-forecaster`",
        )
    model = RecurrentForecaster(**saved.config["model"])
    model.load_state_dict(saved.weights())
    return Forecaster(model.eval(), Scaler(**saved.config["scaler"]), np.datetime64(saved.config["cut"]), saved)


def forecast(
    forecaster: Forecaster, series: Series, *, horizon: int = 20, origins: int = ORIGINS, stride: int = 1
) -> Forecast:
    """The next `horizon` days of a series, with a backtest on up to `origins` days, `stride` apart, after the cut.

    The backtest's days are counted back from the last one that has an outcome at the longest horizon. Raises
    DataError for a series that is too short.
    """
    features = features_of(series)
    log_scale = scales(forecaster, features)
    returns = np.diff(features.log_price, prepend=0.0)
    walk = {
        "random_walk": scoring.random_walk(returns),
        "ewma": features.volatility,
    }
    last_close = series.close[-1]
    days = np.arange(1, horizon + 1)
    ours = model_quantiles(forecaster, log_scale[-1:], features.volatility[-1:], days)[0]  # (horizon, Q)
    theirs = scoring.normal_quantiles(walk["random_walk"][-1:], days)[0]

    horizons = tuple(h for h in REPORTED if h < horizon) + (horizon,)
    last = len(series.dates) - 1 - horizon
    first = max(WARM_UP, int(np.searchsorted(series.dates, forecaster.cut)))
    rows = np.arange(last, first - 1, -stride)[:origins][::-1]
    quantiles = {"model": model_quantiles(forecaster, log_scale[rows], features.volatility[rows], np.array(horizons))}
    for name, volatility in walk.items():
        quantiles[name] = scoring.normal_quantiles(volatility[rows], np.array(horizons))
    return Forecast(
        series,
        next_days(series.dates, horizon, exchange=series.source != "file" and trades_in_new_york(series.name)),
        last_close * np.exp(ours),
        last_close * np.exp(theirs),
        Backtest(horizons, series.dates[rows], features.outcomes(horizons)[rows], quantiles),
    )


def pool(backtests: Sequence[Backtest]) -> Backtest:
    """The backtests of several series with the same horizons as one, origins one after the other."""
    first = backtests[0]
    return Backtest(
        first.horizons,
        np.concatenate([one.origins for one in backtests]),
        np.concatenate([one.outcomes for one in backtests]),
        {method: np.concatenate([one.quantiles[method] for one in backtests]) for method in first.quantiles},
    )


@torch.inference_mode()
def scales(forecaster: Forecaster, features: Features) -> np.ndarray:
    """The model's log scale on every day of a series, (N, K): each from that day and those before it."""
    x = torch.from_numpy(forecaster.scaler.apply(features.values))
    with use_threads(1):
        log_scale, _ = forecaster.model(x[None])
    return log_scale[0].double().numpy()


@torch.inference_mode()
def model_quantiles(
    forecaster: Forecaster, log_scale: np.ndarray, volatility: np.ndarray, horizons: np.ndarray
) -> np.ndarray:
    """Quantiles of cumulative log returns: log_scale (O, K), volatility (O,), horizons (H,) -> (O, H, Q)."""
    units = forecaster.model.quantiles(torch.from_numpy(log_scale), int(horizons.max())).numpy()
    return units[:, horizons - 1] * volatility[:, None, None]


def summary(backtest: Backtest) -> dict[str, Any]:
    """The figures of a backtest as JSON values; null where there is no origin to score."""
    days = backtest.origins
    scored = len(days) > 0
    methods = {name: asdict(backtest.scores(name)) if scored else None for name in backtest.quantiles}
    return {
        "origins": len(days),
        "first": str(days.min()) if scored else None,
        "last": str(days.max()) if scored else None,
        "horizons": list(backtest.horizons),
        "model": methods.pop("model"),
        "baselines": methods,
        "skill_vs_random_walk": backtest.skill() if scored else None,
        "dm_p_value": backtest.p_values() if scored else None,
    }


def verdict(backtest: Backtest) -> str:
    """One sentence on how good the model was beside the random walk, and on how sure that is."""
    count = len(backtest.origins)
    if count == 0:
        return "Nothing is known of how good this forecast is: no day after the model's cut has an outcome yet."
    parts = []
    for h, skill, p in zip(backtest.horizons, backtest.skill(), backtest.p_values(), strict=True):
        better = "better" if skill > 0 else "worse"
        sure = f"p = {p:.2f}" if p >= 0.01 else "p < 0.01"
        parts.append(f"{abs(skill):.1f} % {better} at {h} day{'s' if h > 1 else ''} ({sure})")
    known = [p < 0.05 and skill > 0 for p, skill in zip(backtest.p_values(), backtest.skill(), strict=True)]
    if all(known):
        claim = "the model knew more than a random walk"
    elif any(known):
        claim = "the model knew more than a random walk at some horizons only"
    else:
        claim = "the model is not shown to know more than a random walk"
    return (
        f"In {count:,} forecasts from past days that it had not seen {claim}: its CRPS was {', '.join(parts)}; "
        "it says how wide the future is, not where it goes, and is no investment advice."
    )


def _describe(series: Series, cut: np.datetime64) -> dict[str, Any]:
    """What a checkpoint notes of a series: the part of it that was used, by name, origin and sha256."""
    used = series.until(cut)
    return {
        "name": series.name,
        "origin": series.source,
        "first": str(used.dates[0]),
        "last": str(used.dates[-1]),
        "days": len(used.dates),
        "sha256": used.sha256,
    }
