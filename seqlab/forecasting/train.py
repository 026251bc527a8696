"""A forecaster trained: on quotes for all to use, going on from another, or on the spot for just a few series."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seqlab import checkpoint, runs, scoring, training
from seqlab.checkpoint import Checkpoint
from seqlab.data.batches import ShuffledBatches
from seqlab.data.series.features import (
    FEATURES,
    OWN_FEATURES,
    RANGE_FEATURES,
    Features,
    Market,
    Scaler,
    features_of,
    windows,
)
from seqlab.data.series.portfolios import portfolios
from seqlab.data.series.series import Series
from seqlab.errors import CheckpointError, DataError, UsageError, did_you_mean
from seqlab.forecasting.forecast import ORIGINS, end_of, forecast_all, require_alike, require_length
from seqlab.forecasting.forecaster import HORIZONS, Forecaster, load
from seqlab.machine import Compute, use_threads
from seqlab.models.forecaster import RecurrentForecaster
from seqlab.models.recurrent import KINDS
from seqlab.scoring.backtest import pool, summary
from seqlab.training import Batch, Progress, State, optimizers

ADAPTED = {"max_steps": 60, "lr": 1e-3}  # settings to go on with from a forecaster that has learned before
FRESH = {"val_share": 0.25}  # settings of one that has few rows to learn from
VAL_WINDOWS = 256  # that choose the weights, at most: as sure as all of them, and read every few steps


@dataclass(kw_only=True)
class ForecastSettings(training.Settings):
    """A forecaster and its training. A reason per number: see docs/lab-diary.md."""

    cell: str = "lstm"
    hidden_size: int = 8
    num_layers: int = 2
    dropout: float = 0.0
    context: int = 192  # days in a training window, of which the first `burn_in` are no targets
    burn_in: int = 64
    range_dropout: float = 0.5  # share of windows that are trained as if only closes were known
    market_dropout: float = 0.25  # and as if no other series were at hand
    val_share: float = 0.0  # of the rows, the last before the cut: they choose the weights; none, and the last are kept
    max_steps: int | None = 250
    batch_size: int = 32
    lr: float = 3e-3
    warmup_steps: int = 40

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.cell not in KINDS:
            raise UsageError(f"setting 'cell' is '{self.cell}'", did_you_mean(self.cell, KINDS))
        training.require(self, "1 or more", lambda value: value >= 1, "hidden_size", "num_layers")
        training.require(self, "0 or more", lambda value: value >= 0, "burn_in")
        training.require(self, f"above burn_in, {self.burn_in}", lambda value: value > self.burn_in, "context")
        training.require(self, "from 0 to below 1", lambda value: 0 <= value < 1, "dropout", "val_share")
        training.require(self, "from 0 to 1", lambda value: 0 <= value <= 1, "range_dropout", "market_dropout")


def scaled_pinball(model: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
    """The objective: mean pinball loss of the quantiles in units of volatility times sqrt(h).

    inputs (B, T, F), targets (B, T, K) with NaN where there is no outcome. Windows stand alone: no state is carried.
    """
    assert isinstance(model, RecurrentForecaster)
    inputs, targets = batch
    log_scale, _ = model(inputs)  # (B, T, K)
    quantiles = torch.exp(log_scale).unsqueeze(-1) * model.shapes()  # (B, T, K, Q)
    error = targets.unsqueeze(-1) - quantiles
    levels = error.new_tensor(model.levels)
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
    start: Forecaster | None = None,
    measure: bool = True,
    command: str = "",
    stop: Callable[[], bool] = lambda: False,
) -> Generator[Progress, None, Checkpoint | None]:
    """Train one forecaster for all of `series` on what was known on the day `cut` (by default all of it).

    A generator of the run's progress that returns the finished checkpoint, or None if `stop()` ended it early. The
    last weights are kept, or with `val_share` those best on the last rows before the cut. The days after the cut,
    where there are some, are its backtest, unless `measure` is false. `start` is another forecaster to go on from, with
    its shape and its scaler; the cut must not be before its own, so that a backtest counts no day that either has seen.
    Raises DataError where a series is too short or the series are not alike.
    """
    saved = None
    if cut is None:
        cut = max(one.dates[-1] for one in series)
    require_alike(series)
    require_length(series)
    cut = end_of(cut, series[0].dates)
    if start is not None and cut < end_of(start.cut, series[0].dates):
        raise UsageError(
            f"the cut {cut} lies before that of the forecaster to go on from, {start.cut}",
            "give a later cut, or leave out --from",
        )
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
    longest = max(len(one.until(cut)) for one in series)
    if longest < 2 * settings.context:  # windows that short series fill
        settings.context = longest // 2
        settings.burn_in = min(settings.burn_in, settings.context // 4)
    torch.manual_seed(settings.seed)
    all_features = _lessons(series, cut, settings.seed)
    # what chooses the weights comes after what they learn from, and is not learned from
    learned = max(all_features, key=lambda one: len(one.dates)).dates
    learned_to = cut if not settings.val_share else learned[int((1 - settings.val_share) * (len(learned) - 1))]
    seen = [f.values[f.warm_up : np.searchsorted(f.dates, learned_to, side="right")] for f in all_features]
    scaler = start.scaler if start else Scaler.fit(np.concatenate(seen))
    if saved is not None:
        scaler = Scaler(**saved.config["scaler"])

    def cut_windows(until: np.datetime64, after: np.datetime64 | None = None) -> tuple[Tensor, Tensor]:
        length = settings.context, settings.burn_in
        pairs = [windows(f, scaler, HORIZONS, *length, until, after) for f in all_features]
        x, y = (torch.from_numpy(np.concatenate(part)) for part in zip(*pairs, strict=True))
        return x, y

    inputs, targets = cut_windows(learned_to)
    if targets.isnan().all():
        raise DataError("there is no day to learn from before the cut", f"use longer series or a later cut than {cut}")
    shape = ("cell", "hidden_size", "num_layers", "dropout")
    earlier = saved or (start.checkpoint if start else None)
    arguments = {
        "input_size": len(FEATURES),
        "own_size": len(OWN_FEATURES),
        "horizons": list(HORIZONS),
        "levels": list(scoring.LEVELS),
        **(earlier.config["model"] if earlier else {name: getattr(settings, name) for name in shape}),
    }
    for name in shape:
        setattr(settings, name, arguments[name])
    model = RecurrentForecaster(**arguments)
    if start:
        model.load_state_dict(start.model.state_dict())
    else:
        model.begin_as_wide_as(targets)
    chosen = compute.resolve(training.count_parameters(model))
    model.to(chosen.device)

    hidden_parts = (
        (list(RANGE_FEATURES), settings.range_dropout),
        (list(range(len(OWN_FEATURES), len(FEATURES))), settings.market_dropout),
    )

    def hide(x: Tensor, rows: Tensor, epochs: float, generator: torch.Generator) -> Tensor:
        keep = torch.ones(len(x), 1, x.shape[2], device=x.device)
        for columns, share in hidden_parts:
            hidden = torch.rand(len(x), generator=generator).to(x.device) < share
            keep[:, :, columns] = (~hidden).to(x)[:, None, None]
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
                augment=hide,
            ),
            optimizers.adamw(model, settings.lr, settings.weight_decay),
            learning_rate=lambda step: settings.lr,
            max_steps=0,
            clip_norm=settings.clip_norm,
            precision=chosen.precision,
        )
        settings.max_steps = training.choose_max_steps(
            run,
            settings.max_steps if resume or not (epochs or minutes) else None,  # a resumed run keeps its length
            epochs=epochs,
            minutes=minutes,
        )
        config = {
            "job": "forecasting",
            "command": command,
            "from": saved.config.get("from") if saved else start and start.checkpoint.lineage(),
            "data": {"name": folder.name, "series": [_describe(one, cut) for one in series]},
            "cut": str(cut),
            "model": arguments,
            "features": list(FEATURES),
            "scaler": asdict(scaler),
            "environment": chosen.record(),
        }

        x, y = cut_windows(cut, learned_to) if settings.val_share else (inputs[:0], targets[:0])
        asked = torch.nonzero(~y.isnan().all(-1).all(-1))[:, 0]  # windows with a target
        asked = asked[:: max(1, len(asked) // VAL_WINDOWS)]
        validation = x[asked].to(chosen.device), y[asked].to(chosen.device)

        @torch.no_grad()
        def validate() -> dict[str, float]:
            return {"val_loss": float(scaled_pinball(model, validation, None)[0])}

        choose = validate if len(asked) else None
        keeper = yield from runs.conduct(run, folder, settings, config, saved, validate=choose, stop=stop)
    if keeper is None:
        return None
    trained = load(checkpoint.load(folder))
    if not measure:
        return trained.checkpoint
    return keeper.finish({"backtest": summary(pool([one.backtest for one in forecast_all(trained, series)]))})


def held_out(series: Sequence[Series], rows: int) -> np.datetime64:
    """The cut that leaves the last `rows` of series to test on, or a quarter where that is less, a third at the most
    where a quarter is less than two dozen. Of several series the earliest such day."""
    return min(one.dates[-1 - min(rows, max(len(one) // 4, min(24, len(one) // 3)))] for one in series)


def fit_to(
    series: Sequence[Series],
    settings: ForecastSettings,
    *,
    held: int = ORIGINS + 20,
    compute: Compute = Compute(),
    start: Forecaster | None = None,
) -> Generator[Progress, None, Forecaster]:
    """A forecaster trained for just these series, on the spot: on all but the rows that are held out to test it.

    held: how many, see `held_out`. `start` is one to go on from. A generator of the run's progress that returns the
    forecaster, which is kept nowhere. Raises DataError where a series is too short.
    """
    with TemporaryDirectory(prefix="seqlab-") as folder:
        kept = Path(folder) / (start.checkpoint.name if start else "fresh")
        cut = held_out(series, held)
        if start is not None:
            cut = max(cut, start.cut)
        done = yield from train(series, kept, settings, cut=cut, compute=compute, start=start, measure=False)
        assert done is not None  # nothing stops it
        return load(done)


def _lessons(series: Sequence[Series], cut: np.datetime64, seed: int) -> list[Features]:
    """What there is to learn from: each series, and baskets of them, twice: beside all the others, and beside a few,
    so that the model learns to do with less. The baskets are part of these markets, as funds are of a real one.

    Of what was known on the day `cut`; the season alone is that of the whole series, as it is when it is forecast.
    """
    known = [one.until(cut) for one in series]
    own = [features_of(one, whole.season) for one, whole in zip(known, series, strict=True)]
    own += [features_of(one) for one in portfolios(known, seed)]
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
