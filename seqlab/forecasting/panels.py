"""Series side by side, and the windows of them that the general forecaster reads: what is known, and what came."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from seqlab.forecasting import rules
from seqlab.scoring import LEVELS, MEDIAN

ROWS = 48  # of the past that the net reads
CALENDAR = 15  # numbers of the calendar of a row
TOLD = CALENDAR + 5  # what is known of a row to come, beside the rules
TRIED, FADING = 24, 0.95  # earlier origins by which rules are judged, and what each counts of the one after it
SEASONS_TRIED, SEASON_FADING = 3, 0.8  # the same, of those at the same place of the season
HISTORY = 200  # rows whose quantiles are told
LARGEST = 5e3  # units of scale that an expectation may be away from the centre
Windows = dict[str, Tensor]


@dataclass(frozen=True)
class Panel:
    """S series that end together.

    values (S, N): oldest row first, NaN before a series begins; rows that were missing hold what was expected there.
    dates (S, N + horizon): datetime64 of these rows and of those to come. seasons: in rows, the shorter first, at most
    two. within_days, of_days: whether there are several rows a day, or rows by the day. known (S, N): which rows were
    observed; None: all.
    """

    values: np.ndarray
    dates: np.ndarray
    seasons: tuple[int, ...]
    horizon: int
    within_days: bool = False
    of_days: bool = False
    known: np.ndarray | None = None

    @property
    def season(self) -> int:
        """The shorter one, 1 where there is none."""
        return self.seasons[0] if self.seasons else 1

    @property
    def gap(self) -> int:
        """Rows between the origins by which rules are judged."""
        return max(1, self.horizon // 3)

    def judged_from(self, origin: int) -> list[int]:
        """The origins before this one by which its rules are judged, the newest first: some of their outcomes are
        known."""
        return [before for k in range(1, TRIED + 1) if (before := origin - k * self.gap) >= 4]

    def seasons_before(self, origin: int) -> list[int]:
        """The origins at the same place of the longer season, the newest first."""
        season = self.seasons[-1] if self.seasons else origin
        most = SEASONS_TRIED - 1 + -(-self.horizon // season)
        return [before for k in range(1, most + 1) if (before := origin - k * season) >= 4]


def windows(panel: Panel, origins: Sequence[int]) -> Windows:
    """What the net reads from each origin and what came, origin by origin, (O * S, ...): rules, there, errors, phase
    (H, R), history (Q), still (2), past (ROWS, 2 + CALENDAR), told (H, TOLD), outcome (H), scale, centre, origin;
    values in units of `scale` around `centre`.

    there: 1 where a rule knows. phase: errors at the same place of the longer season. errors, phase and outcome are NaN
    where nothing is known.
    """
    needed = sorted(
        {one for origin in origins for one in (origin, *panel.judged_from(origin), *panel.seasons_before(origin))}
    )
    found = rules.forecasts(panel.values, panel.seasons, needed, panel.horizon).astype(np.float32)
    place = {origin: k for k, origin in enumerate(needed)}
    outcomes = np.stack([outcomes_from(panel, origin) for origin in needed])
    almanac = calendar(panel)
    parts = []
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice|All-NaN|Degrees of freedom")
        for origin in origins:
            before = panel.judged_from(origin)
            judged = [place[one] for one in before]
            scale, centre = scale_and_centre(panel, origin)
            errors = _errors(found[judged], outcomes[judged], origin - np.array(before, int)) / scale[:, None, None]
            seasons = panel.seasons_before(origin)
            judged = [place[one] for one in seasons]
            phase = _errors_of_the_season(found[judged], outcomes[judged], origin - np.array(seasons, int))
            history, still, seen = _history(panel, origin)
            ahead = (found[place[origin]] - centre[:, None, None]) / scale[:, None, None]
            there = np.isfinite(ahead) & (np.abs(ahead) < LARGEST)
            parts.append(
                {
                    "rules": np.where(there, ahead, 0).transpose(0, 2, 1),
                    "there": there.transpose(0, 2, 1),
                    "errors": errors.transpose(0, 2, 1),
                    "phase": (phase / scale[:, None, None]).transpose(0, 2, 1),
                    "history": np.clip((history - centre[:, None]) / scale[:, None], -LARGEST, LARGEST),
                    "still": still / scale[:, None],
                    "past": _past(panel, origin, scale, centre, almanac),
                    "told": _told(panel, origin, almanac, seen),
                    "outcome": (outcomes[place[origin]] - centre[:, None]) / scale[:, None],
                    "scale": scale,
                    "centre": centre,
                    "origin": np.full(len(scale), origin),
                }
            )
    return {
        name: torch.from_numpy(np.concatenate([part[name] for part in parts]).astype(np.float32)) for name in parts[0]
    }


def scale_and_centre(panel: Panel, origin: int) -> tuple[np.ndarray, np.ndarray]:
    """Of each series by what was known, (S,): how far values are from those a season before, and their mean lately."""
    season, values = panel.season, panel.values[:, :origin]
    past = values[:, max(0, origin - max(5 * season, 40) - season) :]
    seasonal = np.nanmean(np.abs(past[:, season:] - past[:, :-season]), 1) if past.shape[1] > season else np.nan
    least = 0.05 * np.nanstd(values, 1) + 1e-3 * np.nanmean(np.abs(values), 1)
    scale = np.fmax(seasonal, least)
    return np.where(scale > 1e-12, scale, 1.0), np.nanmean(values[:, max(0, origin - max(season, 4)) :], 1)


def outcomes_from(panel: Panel, origin: int) -> np.ndarray:
    """(S, horizon), NaN where a row was missing or is not there yet."""
    values = panel.values if panel.known is None else np.where(panel.known, panel.values, np.nan)
    there = values[:, origin : origin + panel.horizon]
    return np.pad(there, ((0, 0), (0, panel.horizon - there.shape[1])), constant_values=np.nan)


def _errors(found: np.ndarray, outcomes: np.ndarray, ago: np.ndarray) -> np.ndarray:
    """How wrong each rule has been around each horizon, (S, R, H), NaN where nothing is known.

    found (O, S, R, H), outcomes (O, S, H); ago (O,): how many rows before now each was an origin. Means of absolute
    errors over horizons from a half to twice as long, the newer counting more.
    """
    horizon = outcomes.shape[-1]
    steps = np.arange(horizon)
    if not len(found):
        return np.full((found.shape[1], found.shape[2], horizon), np.nan, np.float32)
    error = np.abs(found - outcomes[:, :, None])
    error[np.broadcast_to((steps >= ago[:, None])[:, None, None], error.shape)] = np.nan
    known = np.isfinite(error)
    weight = (FADING ** np.arange(len(found)))[:, None, None, None]
    total = np.cumsum((np.where(known, error, 0) * weight).sum(0), -1)
    count = np.cumsum((known * weight).sum(0), -1)
    first, last = (steps + 1) // 2 - 1, np.minimum(2 * steps + 1, horizon - 1)
    sums = [part[..., last] - np.where(first >= 0, part[..., first], 0) for part in (total, count)]
    return np.where(sums[1] > 0, sums[0] / np.maximum(sums[1], 1e-9), np.nan)


def _errors_of_the_season(found: np.ndarray, outcomes: np.ndarray, ago: np.ndarray) -> np.ndarray:
    """How wrong each rule has been on each step and the two beside it at the same place of the season, (S, R, H)."""
    steps = np.arange(outcomes.shape[-1])
    if not len(found):
        return np.full((found.shape[1], found.shape[2], len(steps)), np.nan, np.float32)
    error = np.abs(found - outcomes[:, :, None])
    error[np.broadcast_to((steps >= ago[:, None])[:, None, None], error.shape)] = np.nan
    known = np.isfinite(error)
    weight = (SEASON_FADING ** np.arange(len(found)))[:, None, None, None]
    sums = np.stack([(np.where(known, error, 0) * weight).sum(0), (known * weight).sum(0)])
    padded = np.pad(sums, ((0, 0), (0, 0), (0, 0), (1, 1)))
    near = padded[..., :-2] + padded[..., 1:-1] + padded[..., 2:]
    return np.where(near[1] > 0, near[0] / np.maximum(near[1], 1e-9), np.nan)


def _history(panel: Panel, origin: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The last HISTORY rows as if they had no order: their quantiles (S, Q); how far they are from their median, all
    and the newest (S, 2); how many there are, as a logarithm, and the share that is the median itself (S, 2)."""
    past = panel.values[:, max(0, origin - HISTORY) : origin]
    count = np.maximum(np.isfinite(past).sum(1), 1)
    place = (count - 1)[:, None] * np.array(LEVELS)
    low = np.floor(place).astype(int)
    ordered = np.sort(past, 1)  # NaN last
    below, above = (np.take_along_axis(ordered, row, 1) for row in (low, np.ceil(place).astype(int)))
    quantiles = np.nan_to_num(below + (place - low) * (above - below))
    away = np.abs(past - quantiles[:, MEDIAN, None])
    recent = away[:, -max(panel.season, 8) :]
    still = np.nan_to_num(np.stack([np.nanmean(away, 1), np.nanmean(recent, 1)], 1))
    return quantiles, still, np.stack([np.log(count) / 5, (away == 0).sum(1) / count], 1)


def _past(panel: Panel, origin: int, scale: np.ndarray, centre: np.ndarray, almanac: np.ndarray) -> np.ndarray:
    """The last ROWS rows, (S, ROWS, 2 + CALENDAR): whether one was there, its value, the calendar."""
    first, lacking = max(0, origin - ROWS), max(0, ROWS - origin)
    values = (panel.values[:, first:origin] - centre[:, None]) / scale[:, None]
    there = np.isfinite(values)
    seen = np.stack([there, np.clip(np.where(there, values, 0), -8, 8)], -1)
    whole = np.concatenate([seen, almanac[:, first:origin] * there[..., None]], -1)
    return np.pad(whole, ((0, 0), (lacking, 0), (0, 0)))


def _told(panel: Panel, origin: int, almanac: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """The calendar of the rows to come, how far they are, and what was seen of the past, (S, H, TOLD)."""
    steps = np.arange(1, panel.horizon + 1)
    far = np.stack(
        [np.log(steps) / 4, np.minimum(steps / panel.season / 4, 8), 0 * steps + np.log(panel.season) / 5], 1
    )
    ahead = almanac[:, origin : origin + panel.horizon]
    parts = [np.broadcast_to(part, (*ahead.shape[:2], part.shape[-1])) for part in (far, seen[:, None])]
    return np.concatenate([ahead, *parts], -1)


def calendar(panel: Panel) -> np.ndarray:
    """Of every row its place in the year, the month and the day, and the weekday: (S, N + horizon, CALENDAR)."""
    known = ~np.isnat(panel.dates)
    day = np.where(known, panel.dates, np.datetime64("2000-01-01")).astype("datetime64[D]")
    month = day.astype("datetime64[M]")
    year = (day - day.astype("datetime64[Y]").astype("datetime64[D]")).astype(float) / 365.25
    of_month = (day - month.astype("datetime64[D]")).astype(float) / 31 * panel.of_days
    waves = [wave(2 * np.pi * k * year) for wave in (np.sin, np.cos) for k in (1, 2)]
    hour = np.where(known, panel.dates, day).astype("datetime64[s]") - day.astype("datetime64[s]")
    time = hour.astype(float) / 86400 * panel.within_days
    waves += [np.sin(2 * np.pi * time), np.cos(2 * np.pi * time) * panel.within_days]
    waves += [np.sin(2 * np.pi * of_month), np.cos(2 * np.pi * of_month) * panel.of_days]
    weekday = (day.astype(int) + 3) % 7
    days = [(weekday == k) * float(panel.of_days or panel.within_days) for k in range(7)]
    return (np.stack([*waves, *days], -1) * known[..., None]).astype(np.float32)
