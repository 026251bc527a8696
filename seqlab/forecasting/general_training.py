"""How the general forecaster is trained: on windows of many panels, and on from there on the series of a user."""

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from seqlab import checkpoint, runs, scoring, training
from seqlab.checkpoint import Checkpoint
from seqlab.data.batches import seeded
from seqlab.data.series.grid import complete
from seqlab.data.series.series import Series
from seqlab.errors import DataError
from seqlab.forecasting.forecast import end_of, require_alike
from seqlab.forecasting.general import KIND, GeneralForecaster, forecast_all, groups_of, load, panel_of
from seqlab.forecasting.panels import CALENDAR, TOLD, Panel, Windows, windows
from seqlab.forecasting.provenance import describe, require_same
from seqlab.forecasting.rules import NAMES, RULES
from seqlab.machine import use_threads
from seqlab.models.rule_mixture import RuleMixture
from seqlab.runs import Prepared, RunOptions
from seqlab.scoring.backtest import pool, summary
from seqlab.settings import ForecastSettings
from seqlab.tasks import Event, Status
from seqlab.training import Batch, State, optimizers

LEFT_OUT = 0.15  # of the rules in a window of training, so that the net can do without
UNTRIED = 0.1  # share of batches in which nothing is known of how good the rules have been
MOST_OF_ONE, MOST_OF_MANY = 400, 24  # origins of a single series, and of each of many
FAR_OFF = 0.2  # by which a loss counts less for each of its units, for a few windows are of another order
HORIZONS = {24: 48, 7: 30, 5: 20, 52: 13, 12: 18, 4: 8}  # rows to learn on, by the season
VAL_SHARE, VAL_WINDOWS = 0.2, 2000


def windows_of(panel: Panel, most: int) -> Windows:
    """The windows of `most` origins of a panel, evenly spread, those that can be learned from; of the newest origin,
    all outcomes are there."""
    first, last = max(panel.season + 2, 8), panel.values.shape[1] - panel.horizon
    step = max(1, (last - first) // most // panel.gap) * panel.gap
    return usable(windows(panel, sorted(range(last, first - 1, -step)))) if last >= first else {}


def usable(some: Windows) -> Windows:
    """The windows that have something behind them, rules ahead and an outcome."""
    right = some["outcome"].isfinite().any(1) & (some["past"][..., 0].sum(1) >= 4) & (some["there"].sum(2) > 0).all(1)
    return _rows(some, right)


def joined(some: Sequence[Windows]) -> Windows:
    """Windows of one horizon one after the other."""
    return {name: torch.cat([one[name] for one in some]) for name in some[0]}


class WindowBatches:
    """Batches of windows, each of one group, whose order is a function of (seed, epoch, index).

    A group is drawn in proportion to the root of its size times its `share`; of long horizons there are fewer windows
    in a batch. Some rules are left out at random.
    """

    def __init__(self, groups: Mapping[str, Windows], shares: Mapping[str, float], batch_size: int, seed: int) -> None:
        self.groups = {name: one for name, one in groups.items() if one and len(one["scale"])}
        if not self.groups:
            raise DataError("there is no row to learn from before the cut", "use longer series or a later cut")
        self.batch_size, self.seed = batch_size, seed
        sizes = [len(one["scale"]) for one in self.groups.values()]
        self.count = max(1, sum(sizes) // batch_size)
        self.shares = torch.tensor([shares.get(name, 1.0) for name in self.groups]) * torch.tensor(sizes) ** 0.5

    def __len__(self) -> int:
        return self.count

    def epoch(self, number: int, start: int = 0) -> Iterator[tuple[Windows, Tensor]]:
        """Batches of windows and their outcomes (B, H), NaN where there is none."""
        names = list(self.groups)
        for index in range(start, self.count):
            generator = seeded(self.seed, number, index)
            group = self.groups[names[int(torch.multinomial(self.shares, 1, generator=generator))]]
            total, horizon = group["outcome"].shape
            rows = torch.randint(total, (min(total, max(16, self.batch_size * 24 // horizon)),), generator=generator)
            batch = {name: one[rows] for name, one in group.items()}
            kept = batch["there"] * (torch.rand(len(rows), 1, RULES, generator=generator) > LEFT_OUT)
            batch["there"] = torch.where(kept.sum(-1, keepdim=True) > 0, kept, batch["there"])
            if torch.rand(1, generator=generator) < UNTRIED:
                batch["errors"] = torch.full_like(batch["errors"], torch.nan)
                batch["phase"] = batch["errors"]
            yield batch, batch.pop("outcome")


def objective(model: nn.Module, batch: Batch, state: State) -> tuple[Tensor, State]:
    """The mean pinball loss in units of scale, of which that of single windows far off counts less and less."""
    assert isinstance(model, RuleMixture)
    return _nearer(losses(model, *batch)).mean(), None


def _nearer(loss: Tensor) -> Tensor:
    """The losses of windows, of which those far off count less."""
    return loss / (1 + FAR_OFF * loss.detach())


def losses(model: RuleMixture, inputs: Windows, outcome: Tensor) -> Tensor:
    """Twice the mean pinball loss of each window, (B,)."""
    return _pinball(outcome, model(inputs), model.levels)


def walk_losses(inputs: Windows, levels: list[float]) -> Tensor:
    """Those of a random walk: the last value, with the quantiles that the changes in these very windows have."""
    last = inputs["rules"][..., NAMES.index("last")]
    changes = torch.nanquantile(inputs["outcome"] - last, last.new_tensor(levels), 0).nan_to_num().T  # (H, levels)
    return _pinball(inputs["outcome"], last[..., None] + changes, levels)


def _pinball(outcome: Tensor, quantiles: Tensor, levels: list[float]) -> Tensor:
    known = outcome.isfinite()
    gap = outcome.nan_to_num()[..., None] - quantiles
    at = gap.new_tensor(levels)
    loss = 2 * torch.maximum(at * gap, (at - 1) * gap).mean(-1)
    return (loss * known).sum(1) / known.sum(1)


def prepare(
    groups: Mapping[str, Windows],
    shares: Mapping[str, float],
    held: Sequence[Windows],
    settings: ForecastSettings,
    options: RunOptions,
    described: dict[str, Any],
    start: GeneralForecaster | None = None,
) -> Prepared:
    """All of a run but its length. held: windows that choose the weights; none: the last are kept. described: what the
    checkpoint says of the data and of its origin: `data`, `cut`, `from`."""
    torch.manual_seed(settings.seed)
    shape: dict[str, Any] = {
        "rules": RULES,
        "row_size": 2 + CALENDAR,
        "told_size": TOLD,
        "levels": list(scoring.LEVELS),
        "hidden_size": settings.hidden_size,
    }
    if start is not None:
        shape = start.checkpoint.config["model"]
    model = RuleMixture(**shape)
    if start is not None:
        model.load_state_dict(start.model.state_dict())
    device_config = options.compute.resolve(training.count_parameters(model))
    model.to(device_config.device)

    walk = float(torch.cat([_nearer(walk_losses(one, model.levels)) for one in held]).mean()) if held else 0.0

    @torch.no_grad()
    def validate(step: int) -> dict[str, Any]:
        loss = float(torch.cat([_nearer(losses(model, one, one["outcome"])) for one in held]).mean())
        skill = 100 * (1 - loss / walk)
        return {"val_loss": loss, "val_skill": skill, "val_baseline": "a random walk as wide as these rows"}

    config = {
        "job": "forecasting",
        **described,
        "model": shape,
        "features": [KIND],
    }
    return Prepared(
        model,
        objective,
        WindowBatches(groups, shares, settings.batch_size, settings.seed),
        optimizers.adamw(model, settings.lr, settings.weight_decay),
        settings,
        device_config,
        config,
        validate if held else None,
    )


def train(
    series: Sequence[Series],
    settings: ForecastSettings,
    options: RunOptions,
    *,
    cut: np.datetime64 | None = None,
    start: GeneralForecaster | None = None,
    measure: bool = True,
) -> Generator[Event, None, Checkpoint | None]:
    """Train the general forecaster on `series` up to the day `cut` (by default all of them), going on from `start`; the
    newest fifth of the windows chooses the weights.

    A generator of the run's progress that returns the finished checkpoint, or None if it was stopped early. What comes
    after the cut is its backtest, unless `measure` is false. Raises DataError where there is nothing to learn from, and
    where the series of a backtest are not alike.
    """
    if measure:
        require_alike(series)
    folder, saved = options.folder, None
    assert folder is not None  # target_folder has named it
    cut = end_of(max(one.dates[-1] for one in series) if cut is None else cut, series[0].dates)
    if options.resume:
        saved, settings, compute = runs.reopen(folder, "forecasting", ForecastSettings)
        start, options = load(saved), replace(options, compute=compute)
        cut = np.datetime64(saved.config["cut"])
    described = [describe(complete(one), cut) for one in series]
    if saved is not None:
        require_same(saved, described)
    groups, held = _learned([complete(one).until(cut) for one in series])
    lineage = saved.config.get("from") if saved else start and start.checkpoint.lineage()
    data = {"from": lineage, "data": {"name": folder.name, "series": described}, "cut": str(cut)}
    prepared = prepare(groups, {}, held, settings, options, data, start)
    with use_threads(prepared.device_config.threads):
        keeper = yield from runs.run(prepared, options, saved)
    if keeper is None:
        return None
    trained = load(checkpoint.load(folder))
    if not measure:
        return trained.checkpoint
    yield Status("measuring on the days after the cut")
    return keeper.finish({"backtest": summary(pool([one.backtest for one in forecast_all(trained, series)]))})


def _learned(series: Sequence[Series]) -> tuple[dict[str, Windows], list[Windows]]:
    """The windows that are trained on, by groups of one horizon, and those that choose the weights: later ones, of
    which no outcome was trained on."""
    groups: dict[str, Windows] = {}
    held = []
    for number, group in enumerate(groups_of(series, max(HORIZONS.values()), MOST_OF_MANY, 1)):
        longest = max(len(one) for one in group)
        horizon = HORIZONS.get(panel_of(group[:1], 1).season, 8)
        panel = panel_of(group, max(1, min(horizon, longest // 4)))
        found = windows_of(panel, MOST_OF_ONE if len(group) == 1 else MOST_OF_MANY)
        if found and len(found["scale"]):
            origins = found["origin"]
            newest = origins > origins.quantile(1 - VAL_SHARE)
            groups[f"panel {number}"] = _rows(found, origins <= origins[newest].min() - panel.horizon)
            held.append(_rows(found, newest.nonzero()[:, 0][:: max(1, int(newest.sum()) // VAL_WINDOWS)]))
    return groups, held


def _rows(some: Windows, rows: Tensor) -> Windows:
    return {name: one[rows] for name, one in some.items()}
