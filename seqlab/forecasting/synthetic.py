"""Series that nobody observed, to learn forecasting from: levels that wander, trends, seasons, noise, jumps, counts."""

import numpy as np
import pandas as pd
from scipy.signal import lfilter

from seqlab.forecasting.panels import Panel

# rows, seasons, horizon, a row's length
KINDS: tuple[tuple[int, tuple[int, ...], int, str], ...] = (
    (700, (24, 168), 48, "h"),
    (1100, (7, 364), 30, "D"),
    (300, (7,), 14, "D"),
    (450, (52,), 13, "W"),
    (140, (12,), 18, "M"),
    (60, (12,), 12, "M"),
    (56, (4,), 8, "Q"),
    (40, (), 6, "Y"),
)


def panel(rng: np.random.Generator, kind: int, count: int = 64) -> Panel:
    """A panel of `count` series of one of KINDS, each drawn by itself."""
    rows, seasons, horizon, unit = KINDS[kind]
    values = np.stack([_series(rng, rows, seasons) for _ in range(count)])
    start = np.datetime64("2000-01-01") + rng.integers(0, 7000)
    freq = {"M": "MS", "Q": "QS", "Y": "YS"}.get(unit, unit)
    dates = pd.date_range(start, periods=rows + horizon, freq=freq).to_numpy().astype("datetime64[s]")
    dates = np.broadcast_to(dates, (count, len(dates)))
    return Panel(values, dates, seasons, horizon, unit == "h", unit in "hD")


def _series(rng: np.random.Generator, rows: int, seasons: tuple[int, ...]) -> np.ndarray:
    """One: level and trend, seasons, autocorrelated noise; as it is, multiplied, counted, or mostly zero."""
    time = np.arange(rows)
    level = _level(rng, time)
    season = sum((_season(rng, time, length, seasons) for length in seasons), np.zeros(rows))
    noise = _noise(rng, rows) * rng.choice([0.1, 0.3, 1.0, 2.0])
    path = rng.choice([0.0, 0.5, 1.0, 2.0]) * level + rng.choice([0.0, 0.5, 1.5, 3.0]) * season + noise
    form = rng.choice(["plain", "product", "counts", "rare"], p=[0.3, 0.3, 0.2, 0.2])
    if form == "plain":
        return path * 10 ** rng.uniform(-1, 4) + rng.choice([0.0, 1.0]) * 10 ** rng.uniform(0, 5)
    spread = rng.uniform(0.05, 0.5)
    positive = np.exp(np.clip(spread * (path - path.mean()), -6, 6))
    if form == "product":
        return positive * 10 ** rng.uniform(-1, 5)
    if form == "counts":
        return rng.poisson(positive * 10 ** rng.uniform(0, 3)).astype(float)
    asked = rng.random(rows) < np.clip(rng.uniform(0.05, 0.6) * positive, 0, 1)
    return asked * (1.0 + rng.poisson(rng.choice([0.0, 1.0, 4.0, 20.0]) * np.ones(rows)))


def _level(rng: np.random.Generator, time: np.ndarray) -> np.ndarray:
    """What wanders, rises, bends, jumps or returns to its mean, of the size of one or a few."""
    rows = len(time)
    form = rng.integers(5)
    if form == 0:
        level = np.cumsum(rng.standard_normal(rows)) / np.sqrt(rows) * rng.choice([1.0, 3.0, 10.0])
    elif form == 1:
        slopes = np.cumsum(rng.standard_normal(rows)) * rng.choice([0.0, 1.0]) / rows + rng.standard_normal()
        level = np.cumsum(slopes) / rows * rng.choice([1.0, 4.0])
    elif form == 2:
        knots = np.cumsum(rng.standard_normal(rng.integers(3, 9)))
        level = np.interp(time, np.linspace(0, rows, len(knots)), knots)
    elif form == 3:
        level = np.zeros(rows)
    else:
        memory, shocks = rng.uniform(0.9, 0.995), rng.standard_normal(rows)
        level = _recursive(shocks * np.sqrt(1 - memory**2), memory) * 2
    for jump in rng.integers(0, rows, rng.choice([0, 0, 0, 1, 2])):
        level = level + (time >= jump) * rng.standard_normal() * 2
    return level


def _season(rng: np.random.Generator, time: np.ndarray, length: int, seasons: tuple[int, ...]) -> np.ndarray:
    """A pattern that comes again: smooth or of single rows, whose size may change slowly; none for some."""
    if rng.random() < 0.2:
        return np.zeros(len(time))
    waves = rng.integers(1, 5)
    phase = 2 * np.pi * np.arange(length) / length
    pattern = sum(
        (rng.standard_normal() * np.cos(k * phase + rng.uniform(0, 2 * np.pi)) / k for k in range(1, waves + 1)),
        np.zeros(length),
    )
    if rng.random() < 0.4 or (length == 7 and rng.random() < 0.6):
        rough = rng.standard_normal(length) * (rng.random(length) < rng.choice([0.1, 1.0]))
        if length > 2 * seasons[0] and len(seasons) > 1:  # a week of days: other days, not other hours
            days = rng.standard_normal(length // seasons[0]) * (rng.random(length // seasons[0]) < 0.5)
            rough = np.resize(np.repeat(days, seasons[0]), length) if length == 7 * seasons[0] else rough
        pattern = pattern * rng.choice([0.0, 1.0]) + rough
    size = 1 + rng.choice([0.0, 0.5]) * np.sin(2 * np.pi * time / len(time) * rng.uniform(0.2, 2) + rng.uniform(0, 6))
    return pattern[(time + rng.integers(length)) % length] * size


def _noise(rng: np.random.Generator, rows: int) -> np.ndarray:
    """Of variance one: plain or with heavy tails, with memory for some, louder at times for some."""
    shocks = rng.standard_normal(rows) if rng.random() < 0.7 else rng.standard_t(3, rows) / np.sqrt(3)
    if rng.random() < 0.5:
        memory = rng.uniform(-0.3, 0.95)
        shocks = _recursive(shocks * np.sqrt(1 - memory**2), memory)
    if rng.random() < 0.2:
        shocks = shocks * np.exp(np.clip(_recursive(0.1 * rng.standard_normal(rows), 0.98), -2, 2))
    return shocks


def _recursive(shocks: np.ndarray, memory: float) -> np.ndarray:
    """x[t] = memory x[t - 1] + shocks[t]."""
    return np.asarray(lfilter([1.0], [1.0, -memory], shocks))
