"""How good quantile forecasts are, and how sure that is. Arrays in, arrays out; nothing here learns."""

import math

import numpy as np

LEVELS = tuple(round(0.05 * k, 2) for k in range(1, 20))  # 0.05, 0.10 .. 0.95
MEDIAN = LEVELS.index(0.5)


def pinball(quantiles: np.ndarray, outcome: np.ndarray, levels: tuple[float, ...] = LEVELS) -> np.ndarray:
    """Pinball loss: quantiles (..., Q), outcome (...) -> (..., Q) (Koenker and Bassett 1978)."""
    error = outcome[..., None] - quantiles
    return np.maximum(np.array(levels) * error, (np.array(levels) - 1) * error)


def crps(quantiles: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """Continuous ranked probability score of quantiles (..., Q) at LEVELS: twice the pinball loss integrated over the
    level by the trapezoidal rule (Gneiting and Ranjan 2011). In the outcome's units; (...)."""
    return 2 * pinball(quantiles, outcome).sum(-1) * (LEVELS[1] - LEVELS[0])


def coverage(quantiles: np.ndarray, outcome: np.ndarray, share: float) -> float:
    """The share of outcomes inside the central interval that should hold `share` of them."""
    low, high = LEVELS.index(round((1 - share) / 2, 2)), LEVELS.index(round((1 + share) / 2, 2))
    inside = (outcome >= quantiles[..., low]) & (outcome <= quantiles[..., high])
    return float(inside.mean())


def pit_histogram(quantiles: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """The share of outcomes (...) in each tenth of their forecast, (10,): all 0.1 where forecasts are calibrated.

    quantiles (..., Q). The probability integral transform (Dawid 1984), seen through the deciles.
    """
    deciles = quantiles[..., [LEVELS.index(round(0.1 * k, 2)) for k in range(1, 10)]]
    tenth = (outcome[..., None] > deciles).sum(-1)
    return np.bincount(tenth.ravel(), minlength=10) / max(1, tenth.size)


def width(quantiles: np.ndarray, share: float) -> np.ndarray:
    """The width of the central interval that should hold `share` of the outcomes: (..., Q) -> (...)."""
    low, high = LEVELS.index(round((1 - share) / 2, 2)), LEVELS.index(round((1 + share) / 2, 2))
    return quantiles[..., high] - quantiles[..., low]


def diebold_mariano(loss_difference: np.ndarray, horizon: int) -> float:
    """Two-sided p-value that two forecasts are equally good: loss_difference (N,) in order of time.

    Diebold and Mariano (1995) with Bartlett weights over max(20, 2 * horizon) lags, which keeps the variance positive,
    and the small-sample correction and t distribution of Harvey, Leybourne and Newbold (1997). 1.0 where nothing
    differs.
    """
    n = len(loss_difference)
    if n < 3:
        return 1.0
    d = loss_difference - loss_difference.mean()
    lags = min(max(20, 2 * horizon), n - 2)
    variance = d @ d / n
    for lag in range(1, lags + 1):
        variance += 2 * (1 - lag / (lags + 1)) * (d[lag:] @ d[:-lag]) / n
    if variance <= 0:
        return 1.0
    correction = math.sqrt(max(1e-9, (n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n))
    return student_t_two_sided(correction * loss_difference.mean() / math.sqrt(variance / n), n - 1)


def student_t_two_sided(t: float, degrees: int) -> float:
    """P(|T| > |t|) for Student's t: the density integrated over the angle atan(t / sqrt(degrees))."""
    angle = math.atan(abs(t) / math.sqrt(degrees))
    grid = np.linspace(angle, math.pi / 2, 2001)
    density = np.cos(grid) ** (degrees - 1)
    log_norm = math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2) - 0.5 * math.log(math.pi)
    return float(min(1.0, 2 * math.exp(log_norm) * np.trapezoid(density, grid)))
