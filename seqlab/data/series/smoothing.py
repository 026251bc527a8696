"""Exponential smoothing with a damped trend and a season, of one series, computed forwards."""

from itertools import product

import numpy as np

LEVEL = (0.05, 0.1, 0.2, 0.4, 0.7, 1.0)
TREND = ((0.0, 0.9), (0.1, 0.9), (0.1, 0.98), (0.3, 0.9))  # share of the level's step, and what stays of the trend
SEASON = (0.05, 0.2, 0.5)


def damped_trend(path: np.ndarray, season: int, horizons: np.ndarray, filled: np.ndarray | None = None) -> np.ndarray:
    """The change of `path` (N,) over the next h rows that additive smoothing with a damped trend expects: (N, H).

    Gardner and McKenzie (1985), in its error-correction form, with a season of `season` rows (1: none). Several sets of
    weights run side by side; a row takes those whose one-step errors so far are least in the mean square. NaN in the
    first two seasons, and in the first few rows. filled (N,): rows that were not observed, and correct nothing.
    """
    count, start = len(path), max(season, 4)
    grid = [(a, *trend, g) for a, trend, g in product(LEVEL, TREND, SEASON if season > 1 else (0.0,))]
    alpha, beta, phi, gamma = np.array(grid).T
    result = np.full((count, len(horizons)), np.nan)
    if count <= start:
        return result
    observed = np.ones(count, bool) if filled is None else ~filled
    gamma = gamma * (1 - alpha)
    beta = alpha * beta
    damping = np.cumsum(phi ** np.arange(1, horizons.max() + 1)[:, None], axis=0)[horizons - 1]  # (H, G)
    level, trend, lost = np.full(len(grid), path[:start].mean()), np.zeros(len(grid)), np.zeros(len(grid))
    places = np.zeros((season, len(grid)))  # (m, G)
    if season > 1:
        places += (path[:season] - path[:season].mean())[:, None]
    for row in range(start, count):
        place, going = row % season, phi * trend
        if observed[row]:
            error = path[row] - level - going - places[place]
            lost += error**2
            level, trend = level + going + alpha * error, going + beta * error
            places[place] += gamma * error
        else:
            level, trend = level + going, going
        if row >= 2 * start:
            best = lost.argmin()
            ahead = places[(row + horizons) % season, best]
            result[row] = level[best] + damping[:, best] * trend[best] + ahead - path[row]
    return result
