"""Simple rules of forecasting, of many series and from many origins at once: what is last, what comes again, smoothing.

Values are (S, N): S series that end together, oldest row first, NaN before a series begins. A rule gives what it
expects on each of `horizon` rows after each origin, by the rows before it alone: (O, S, horizon), NaN where it does not
know. An origin is the number of rows that were known.
"""

import warnings
from collections.abc import Sequence
from itertools import product

import numpy as np

NAMES = (
    "last",
    "mean",
    "drift",
    "smoothing",
    "log smoothing",
    *(f"{rule} of the {season} season" for season in ("short", "long") for rule in (
        "last", "mean", "last moved", "smoothing", "log smoothing",
    )),
)  # fmt: skip
RULES = len(NAMES)
TREND = 0.9  # by which a drift is damped from row to row
DISCOUNT = 0.999  # of squared errors that choose the weights of a smoothing, from row to row
MOST_GROWTH = 5.0  # times the largest value so far, above which smoothed logarithms have exploded
# alpha, beta / alpha, phi, gamma / (1 - alpha) of Holt-Winters smoothing with a damped trend
WEIGHTS = tuple(
    (level, *trend, season)
    for level, trend, season in product(
        (0.05, 0.1, 0.2, 0.4, 0.7, 1.0), ((0.0, 0.9), (0.1, 0.9), (0.1, 0.98), (0.3, 0.9)), (0.05, 0.2, 0.5)
    )
)


def forecasts(values: np.ndarray, seasons: Sequence[int], origins: Sequence[int], horizon: int) -> np.ndarray:
    """What each of NAMES expects, (O, S, RULES, horizon), NaN where it does not know.

    seasons: at most two lengths in rows, the shorter first.
    """
    short = seasons[0] if seasons else 1
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Mean of empty slice")  # of a series that has not begun
        found = [
            np.stack([np.repeat(values[:, origin - 1, None], horizon, 1) for origin in origins]),
            np.stack([_mean(values, origin, horizon, max(short, 3)) for origin in origins]),
            np.stack([_drift(values, origin, horizon, max(2 * short, 6)) for origin in origins]),
            smoothed(values, 1, origins, horizon),
            _smoothed_logs(values, 1, origins, horizon),
        ]
        for place in range(2):
            if place < len(seasons):
                found += _seasonal(values, seasons[place], origins, horizon)
            else:
                found += 5 * [np.full((len(origins), len(values), horizon), np.nan)]
    return np.stack(found, 2)


def smoothed(values: np.ndarray, season: int, origins: Sequence[int], horizon: int) -> np.ndarray:
    """Additive Holt-Winters smoothing with a damped trend (Gardner and McKenzie 1985), without a season where it is 1.

    All WEIGHTS run side by side through the rows; at each origin those are taken that have erred least so far.
    """
    alpha, beta, phi, gamma = np.array([one for one in WEIGHTS if season > 1 or one[3] == WEIGHTS[0][3]]).T
    beta, gamma = alpha * beta, gamma * (1 - alpha) * (season > 1)
    count, length = values.shape
    begin = np.isnan(values).sum(1) + max(season, 4)
    damping = np.cumsum(phi ** np.arange(1, horizon + 1)[:, None], 0)
    level, trend, lost = (np.zeros((count, len(alpha))) for _ in range(3))
    places, on, each = np.zeros((season, count, len(alpha))), begin < 0, np.arange(count)
    wanted, found = set(origins), {}
    for row in range(max(wanted) + 1):
        for s in np.flatnonzero(begin == row):
            known = values[s, row - max(season, 4) : row]
            level[s], on[s] = known.mean(), True
            if season > 1:
                places[np.arange(row - season, row) % season, s] = (known - known.mean())[:, None]
        if row in wanted:
            best = lost.argmin(1)
            ahead = np.stack([places[(row + h) % season, each, best] for h in range(horizon)], 1)
            found[row] = level[each, best, None] + damping[:, best].T * trend[each, best, None] + ahead
            found[row][~on] = np.nan
        if row < length and on.any():
            going, place, here = phi * trend, places[row % season], on[:, None]
            error = np.where(here, values[:, row, None] - level - going - place, 0.0)
            lost = DISCOUNT * lost + error**2
            level = np.where(here, level + going + alpha * error, level)
            trend, places[row % season] = np.where(here, going + beta * error, trend), place + gamma * error
    return np.stack([found[origin] for origin in origins])


def _smoothed_logs(values: np.ndarray, season: int, origins: Sequence[int], horizon: int) -> np.ndarray:
    """The same of logarithms; NaN where a series is not above zero, or where it would explode."""
    found = np.full((len(origins), len(values), horizon), np.nan)
    above = np.nanmin(values, 1) > 0
    if above.any():
        ahead = np.exp(np.clip(smoothed(np.log(values[above]), season, origins, horizon), -50, 50))
        largest = np.fmax.accumulate(values[above], 1)[:, np.array(origins) - 1].T[..., None]
        found[:, above] = np.where(ahead < MOST_GROWTH * largest, ahead, np.nan)
    return found


def _mean(values: np.ndarray, origin: int, horizon: int, rows: int) -> np.ndarray:
    return np.repeat(np.nanmean(values[:, max(0, origin - rows) : origin], 1)[:, None], horizon, 1)


def _drift(values: np.ndarray, origin: int, horizon: int, rows: int) -> np.ndarray:
    """The last value, and what it rose by lately, damped."""
    if origin <= rows:
        return np.full((len(values), horizon), np.nan)
    slope = (values[:, origin - 1] - values[:, origin - 1 - rows]) / rows
    return values[:, origin - 1, None] + np.cumsum(TREND ** np.arange(1, horizon + 1)) * slope[:, None]


def _seasonal(values: np.ndarray, season: int, origins: Sequence[int], horizon: int) -> list[np.ndarray]:
    """The last season again; the mean of three; the last moved by what has risen since; and smoothing, of values and of
    logarithms."""
    last, mean, moved = [], [], []
    recent = min(max(season // 2, 2), 28)
    for origin in origins:
        before = np.stack([_repeated(values, origin, horizon, season, ago) for ago in range(3)])
        last.append(before[0])
        mean.append(np.nanmean(before, 0))
        rise = np.full(len(values), np.nan)
        if origin >= season + recent:
            now, then = (values[:, end - recent : end].mean(1) for end in (origin, origin - season))
            rise = now - then
        moved.append(before[0] + rise[:, None])
    return [
        *(np.stack(one) for one in (last, mean, moved)),
        smoothed(values, season, origins, horizon),
        _smoothed_logs(values, season, origins, horizon),
    ]


def _repeated(values: np.ndarray, origin: int, horizon: int, season: int, ago: int) -> np.ndarray:
    """The last season, or the one `ago` seasons before it: (S, horizon)."""
    steps = np.arange(horizon)
    rows = origin + steps - season * (steps // season + 1 + ago)
    return np.where(rows >= 0, values[:, np.maximum(rows, 0)], np.nan)
