"""Rolling conformal calibration: widths that follow how often outcomes lately fell outside. Arrays in, arrays out."""

import numpy as np

RATE = 0.01  # per day at a horizon of one; a small one, for one that follows every run of luck costs more than it gives
INSIDE = 0.8
PRIOR, MOST = 10, 2.0  # forecasts that speak for widths as they are; what they are multiplied or divided by at most


def excess(quantiles: np.ndarray, outcomes: np.ndarray, levels: tuple[float, ...]) -> np.ndarray:
    """How far an outcome (...) lay from the median of quantiles (..., Q), in units of the half of the 80 % interval on
    its side: above 1 it is outside. NaN where the outcome is."""
    low, middle, high = (levels.index(level) for level in (0.1, 0.5, 0.9))
    error = outcomes - quantiles[..., middle]
    above, below = quantiles[..., high] - quantiles[..., middle], quantiles[..., middle] - quantiles[..., low]
    return np.abs(error) / np.where(error > 0, above, below)


def log_factors(known: np.ndarray, horizons: np.ndarray) -> np.ndarray:
    """What to add to the log of the width of forecasts made on a day, per horizon: (D, K).

    known (D, S, K): the excess of those forecasts of S series whose outcome became known on each day, NaN where none
    did; horizons (K,). Online gradient steps on the pinball loss of the 80 % quantile of the excess (Gibbs and Candes
    2021; Angelopoulos, Candes and Tibshirani 2023), all series together, slower at long horizons, whose outcomes
    overlap. An entry uses that day's row of `known` and those above it.
    """
    rates = RATE / np.sqrt(horizons)
    count = np.isfinite(known).sum(axis=1)  # (D, K)
    current, result = np.zeros(len(horizons)), np.zeros((len(known), len(horizons)))
    for day in range(len(known)):
        outside = (known[day] > np.exp(current)).sum(axis=0) / np.maximum(count[day], 1)
        current = current + rates * np.where(count[day] > 0, outside - (1 - INSIDE), 0.0)
        result[day] = current
    return result


def width_factors(known: np.ndarray, apart: int) -> np.ndarray:
    """By what the half widths of forecasts are to be multiplied at each horizon, (H,), so that 80 % of outcomes would
    have been inside: split conformal prediction (Papadopoulos et al. 2002; Romano, Patterson and Candes 2019).

    known (O, S, H): the excess of earlier forecasts of S series, so many rows `apart`, NaN where nothing is known. Each
    horizon is judged with those from a half to twice as long; few forecasts change little, and of those that overlap
    only as many count as do not.
    """
    horizon = known.shape[-1]
    factors = np.ones(horizon)
    counts = np.isfinite(known).sum((0, 1)) * np.minimum(1.0, apart / np.arange(1, horizon + 1))
    for h in np.flatnonzero(counts):
        near = np.sort(known[..., (h + 1) // 2 : 2 * h + 2], None)  # NaN last
        share = min(1.0, INSIDE * (1 + 1 / counts[h]))  # the next one is as likely above all as between two of them
        place = share * (np.isfinite(near).sum() - 1)
        low, high = near[int(np.floor(place))], near[int(np.ceil(place))]
        size = low + (place % 1) * (high - low) if high > low else low
        factors[h] = min(max(size, 1 / MOST), MOST) ** (counts[h] / (counts[h] + PRIOR))
    return factors
