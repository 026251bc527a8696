"""How a forecaster is trained: on quotes for all to use, going on from another, or on the spot for a few series."""

import math
from collections.abc import Generator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seqlab import checkpoint, runs, training
from seqlab import settings as all_settings
from seqlab.checkpoint import Checkpoint
from seqlab.data.batches import ShuffledBatches
from seqlab.data.series.about import about_all
from seqlab.data.series.features import INPUTS, Inputs, Scaler
from seqlab.data.series.frames import SeriesData, listed, load_data
from seqlab.data.series.grid import complete
from seqlab.data.series.kinds import Kind
from seqlab.data.series.long_table import Long
from seqlab.data.series.quotes import snapshot, snapshot_tickers
from seqlab.data.series.series import Series, day_of
from seqlab.errors import UsageError
from seqlab.forecasting import general, general_training
from seqlab.forecasting.examples import Examples, examples_of, for_short_series, hiding
from seqlab.forecasting.forecast import ORIGINS, end_of, forecast_all, require_alike, require_length
from seqlab.forecasting.forecaster import Forecaster, load
from seqlab.forecasting.models import AnyForecaster, model_of
from seqlab.forecasting.nets import ADAPTED, inputs_of, net_config, net_of, settings_for
from seqlab.forecasting.provenance import describe, name_of, require_same
from seqlab.machine import Compute, use_threads
from seqlab.models.forecaster import QuantileForecaster
from seqlab.runs import Prepared, RunOptions
from seqlab.scoring.backtest import pool, summary
from seqlab.settings import ForecastSettings
from seqlab.tasks import Event, Note, Status
from seqlab.training import Batch, State, optimizers

DEFAULT_MINUTES = 1.0  # where the settings leave the length open


def train_forecaster(
    data: SeriesData | Sequence[SeriesData],
    options: RunOptions,
    given: dict[str, Any],
    *,
    cut: str | None = None,
    columns: Sequence[str] = (),
    kind: Kind = "auto",
    freq: str | None = None,
    long: Long = Long(),
    start: str | None = None,
    offline: bool = False,
) -> Generator[Event, None, Checkpoint | None]:
    """Train one forecaster for all of `data`, or for the embedded quotes where it is empty, with what was `given` of
    the settings.

    Daily prices have a forecaster of their own; of other series it is the general one, which goes on from the one that
    ships. `start`: the name of a forecaster to begin with, in fewer and shorter steps. Otherwise as `train`.
    """
    found = checkpoint.find(start, job="forecasting") if start and not options.resume else None
    begun = model_of(found) if found is not None else None
    settings = all_settings.make(ForecastSettings, given)  # what is wrong is reported before any quote is fetched
    last = day_of(cut) if cut is not None else None
    items = listed(data)
    loaded = load_data(items, columns=columns, kind=kind, freq=freq, long=long, offline=offline)
    series = list(loaded if items else map(snapshot, snapshot_tickers()))
    yield from map(Note, about_all(series))
    if not options.resume:  # a run that goes on has those it began with
        settings = settings_for(series, given, begun, **(ADAPTED if isinstance(begun, Forecaster) else {}))
    name = name_of(series) if items else "quotes"
    read = {"columns": list(columns), "kind": kind, "freq": freq, "long": asdict(long)}
    options = replace(options, source=checkpoint.source_of(*items, **read))
    named = options.folder is not None
    options = yield from runs.target_folder(options, name, given)
    if not named and (checkpoint.shipped_folder() / checkpoint.folder_name(name) / "config.json").exists():
        yield Note(f"'{name}' of yours will come before the one that ships with seqlab; -o FOLDER names it otherwise")
    if options.resume:
        assert options.folder is not None  # target_folder has named it
        is_of_rules = general.is_general(checkpoint.load(options.folder))
    else:
        is_of_rules = settings.net == "rules"
    if is_of_rules:
        if begun is None and not options.resume and "hidden_size" not in given:
            begun = general.load(checkpoint.find(general.NAME))
        assert not isinstance(begun, Forecaster)  # settings_for has seen to it
        return (yield from general_training.train(series, settings, options, cut=last, start=begun))
    assert not isinstance(begun, general.GeneralForecaster)
    return (yield from train(series, settings, options, cut=last, start=begun))


def train(
    series: Sequence[Series],
    settings: ForecastSettings,
    options: RunOptions,
    *,
    cut: np.datetime64 | None = None,
    start: Forecaster | None = None,
    measure: bool = True,
) -> Generator[Event, None, Checkpoint | None]:
    """Train one forecaster for all of `series` on what was known on the day `cut` (by default all of it).

    A generator of the run's progress that returns the finished checkpoint, or None if it was stopped early. The last
    weights are kept, or with `val_share` those best on the last rows before the cut. The days after the cut, where
    there are some, are its backtest, unless `measure` is false. `start` is another forecaster to go on from, with its
    shape and its scaler; the cut must not be before its own, so that a backtest counts no day that either was trained
    on. Raises DataError where a series is too short or the series are not alike.
    """
    require_alike(series)
    require_length(series)
    series = [complete(one) for one in series]
    cut = end_of(max(one.dates[-1] for one in series) if cut is None else cut, series[0].dates)
    if start is not None and cut < end_of(start.cut, series[0].dates):
        raise UsageError(
            f"the cut {cut} lies before that of the forecaster to go on from, {start.cut}",
            "give a later cut, or leave out --from",
        )
    saved, folder = None, options.folder
    assert folder is not None  # target_folder has named it
    if options.resume:
        saved, settings, compute = runs.reopen(folder, "forecasting", ForecastSettings)
        load(saved)  # the net is made as its config says: that it can be is seen first
        options, cut = replace(options, compute=compute), np.datetime64(saved.config["cut"])
        require_same(saved, [describe(one, cut) for one in series])
    elif options.compute.precision == "auto":  # too small a net to gain by bf16
        options = replace(options, compute=replace(options.compute, precision="fp32"))
    prepared = prepare(series, settings, options, cut, saved, start)
    with use_threads(prepared.device_config.threads):
        keeper = yield from runs.run(prepared, options, saved)
    if keeper is None:
        return None
    trained = load(checkpoint.load(folder))
    if not measure:
        return trained.checkpoint
    yield Status("measuring on the days after the cut")
    return keeper.finish({"backtest": summary(pool([one.backtest for one in forecast_all(trained, series)]))})


def prepare(
    series: Sequence[Series],
    settings: ForecastSettings,
    options: RunOptions,
    cut: np.datetime64,
    saved: Checkpoint | None = None,
    start: Forecaster | None = None,
) -> Prepared:
    """All of a run but its length."""
    earlier = saved or (start.checkpoint if start else None)
    if earlier is not None:
        settings = replace(settings, net=net_of(earlier.config["model"]))
    settings = for_short_series(settings, series, cut)
    torch.manual_seed(settings.seed)
    kind = inputs_of(settings)
    scaler = Scaler(**earlier.config["scaler"]) if earlier else None
    examples = examples_of(series, settings, cut, kind, scaler)
    shape = net_config(settings) | (earlier.config["model"] if earlier else {})
    model = QuantileForecaster(**shape)
    if start is not None:
        model.load_state_dict(start.model.state_dict())
    else:
        model.begin_as_wide_as(examples.targets)
    device_config = options.compute.resolve(training.count_parameters(model))
    device = device_config.device
    model.to(device)
    held_out = examples.val_inputs.to(device), examples.val_targets.to(device)

    walk = walk_loss(held_out[1], model.levels)

    @torch.no_grad()
    def validate(step: int) -> dict[str, Any]:
        loss = float(scaled_pinball(model, held_out, None)[0])
        skill = 100 * (1 - loss / walk)
        return {"val_loss": loss, "val_skill": skill, "val_baseline": "a random walk as wide as these rows"}

    assert options.folder is not None
    config = {
        "job": "forecasting",
        "from": saved.config.get("from") if saved else start and start.checkpoint.lineage(),
        "data": {"name": options.folder.name, "series": [describe(one, cut) for one in series]},
        "cut": str(cut),
        "model": shape,
        "features": list(INPUTS[kind].names),
        "scaler": asdict(examples.scaler),
    }
    return Prepared(
        model,
        scaled_pinball,
        _batches(examples, settings, INPUTS[kind], device),
        optimizers.adamw(model, settings.lr, settings.weight_decay),
        settings,
        device_config,
        config,
        validate if len(held_out[0]) else None,
        minutes=DEFAULT_MINUTES,
    )


def _batches(examples: Examples, settings: ForecastSettings, inputs: Inputs, device: torch.device) -> ShuffledBatches:
    return ShuffledBatches(
        examples.inputs.to(device),
        examples.targets.to(device),
        min(settings.batch_size, len(examples.inputs)),
        settings.seed,
        drop_last=True,
        augment=hiding(settings, inputs),
    )


def scaled_pinball(model: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
    """The objective: mean pinball loss of the quantiles in units of volatility times sqrt(h).

    inputs (B, T, F), targets (B, T, K) with NaN where there is no outcome. Windows stand alone: no state is carried.
    """
    assert isinstance(model, QuantileForecaster)
    inputs, targets = batch
    log_scale, _ = model(inputs)  # (B, T, K)
    quantiles = torch.exp(log_scale).unsqueeze(-1) * model.shapes()  # (B, T, K, Q)
    return _pinball(targets, quantiles, model.levels), None


def walk_loss(targets: Tensor, levels: Sequence[float]) -> float:
    """That of a random walk in units of the volatility, with the quantiles that these very targets (B, T, K) have."""
    if not len(targets):
        return math.nan
    at = targets.new_tensor(levels)
    each = [torch.nanquantile(targets[..., k], at) for k in range(targets.shape[2])]
    return float(_pinball(targets, torch.stack(each), levels))


def _pinball(targets: Tensor, quantiles: Tensor, levels: Sequence[float]) -> Tensor:
    error = targets.unsqueeze(-1) - quantiles
    at = error.new_tensor(levels)
    loss = torch.maximum(at * error, (at - 1) * error).mean(-1)  # (B, T, K)
    return 2 * loss[~targets.isnan()].mean()


def fit_to(
    series: Sequence[Series],
    settings: ForecastSettings,
    *,
    held: int = ORIGINS + 20,
    compute: Compute = Compute(),
    start: AnyForecaster | None = None,
) -> Generator[Event, None, AnyForecaster]:
    """A forecaster trained for just these series, on the spot: on all but the rows that are held out to test it.

    held: how many, see `held_out`. `start` is one to go on from. A generator of the run's progress that returns the
    forecaster, which is kept nowhere. Raises DataError where a series is too short.
    """
    with TemporaryDirectory(prefix="seqlab-") as folder:
        options = RunOptions(Path(folder) / (start.checkpoint.name if start else "fresh"), compute)
        cut = held_out(series, held)
        if settings.net == "rules":
            assert not isinstance(start, Forecaster)
            done = yield from general_training.train(series, settings, options, cut=cut, start=start, measure=False)
        else:
            assert not isinstance(start, general.GeneralForecaster)
            cut = cut if start is None else max(cut, start.cut)
            done = yield from train(series, settings, options, cut=cut, start=start, measure=False)
        assert done is not None  # nothing stops it
        return model_of(done)


def held_out(series: Sequence[Series], rows: int) -> np.datetime64:
    """The cut that leaves the last `rows` of series to test on, or a quarter where that is less, a third at the most
    where a quarter is less than two dozen. Of several series the earliest such day."""
    return min(one.dates[-1 - min(rows, max(len(one) // 4, min(24, len(one) // 3)))] for one in series)
