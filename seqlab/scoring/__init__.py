"""How good quantile forecasts are, and how certain that is. Arrays in, arrays out; nothing here learns."""

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


def inside(quantiles: np.ndarray, outcome: np.ndarray, share: float) -> np.ndarray:
    """Whether outcomes (...) are in the central interval of quantiles (..., Q) that should hold `share` of them."""
    low, high = LEVELS.index(round((1 - share) / 2, 2)), LEVELS.index(round((1 + share) / 2, 2))
    return (outcome >= quantiles[..., low]) & (outcome <= quantiles[..., high])


def coverage(quantiles: np.ndarray, outcome: np.ndarray, share: float) -> float:
    """The share of outcomes inside the central interval that should hold `share` of them."""
    return float(inside(quantiles, outcome, share).mean())


def pit_tenths(quantiles: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """The tenth of its forecast (..., Q) that each outcome (...) fell in, 0 to 9: the probability integral transform
    (Dawid 1984), by the deciles."""
    deciles = quantiles[..., [LEVELS.index(round(0.1 * k, 2)) for k in range(1, 10)]]
    return (outcome[..., None] > deciles).sum(-1)


def pit_histogram(quantiles: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """The share of outcomes (...) in each tenth of their forecast, (10,): all 0.1 where forecasts are calibrated."""
    tenths = pit_tenths(quantiles, outcome)
    return np.bincount(tenths.ravel(), minlength=10) / max(1, tenths.size)


def width(quantiles: np.ndarray, share: float) -> np.ndarray:
    """The width of the central interval that should hold `share` of the outcomes: (..., Q) -> (...)."""
    low, high = LEVELS.index(round((1 - share) / 2, 2)), LEVELS.index(round((1 + share) / 2, 2))
    return quantiles[..., high] - quantiles[..., low]


def variance_of_mean(values: np.ndarray, horizon: int) -> float:
    """The variance of the mean of values (N,) in order of time that overlap, as those of `horizon` steps do.

    Bartlett weights over max(20, 2 * horizon) lags, which keep it positive (Newey and West 1987), and the small-sample
    correction of Harvey, Leybourne and Newbold (1997). NaN for fewer than three values, or than a horizon has steps.
    """
    n = len(values)
    if n < max(3, horizon + 1):
        return math.nan
    d = values - values.mean()
    lags = min(max(20, 2 * horizon), n - 2)
    variance = d @ d / n
    for lag in range(1, lags + 1):
        variance += 2 * (1 - lag / (lags + 1)) * (d[lag:] @ d[:-lag]) / n
    correction = max(1e-9, (n + 1 - 2 * horizon + horizon * (horizon - 1) / n) / n)
    return max(0.0, float(variance)) / n / correction


def diebold_mariano(loss_difference: np.ndarray, horizon: int) -> float:
    """Two-sided p-value that two forecasts are equally good: loss_difference (N,) in order of time.

    Diebold and Mariano (1995) with the variance of `variance_of_mean` and the t distribution of Harvey, Leybourne and
    Newbold (1997). 1.0 where nothing differs.
    """
    variance = variance_of_mean(loss_difference, horizon)
    if not variance > 0:
        return 1.0
    return student_t_two_sided(loss_difference.mean() / math.sqrt(variance), len(loss_difference) - 1)


def margin(values: np.ndarray, horizon: int, share: float = 0.95) -> float:
    """Half the width of the confidence interval of the mean of values (N,) in order of time.

    It holds zero exactly where `diebold_mariano` gives the values a p above 1 - share. NaN for fewer than three values.
    """
    variance = variance_of_mean(values, horizon)
    return math.nan if math.isnan(variance) else student_t_quantile(share, len(values) - 1) * math.sqrt(variance)


def student_t_two_sided(t: float, degrees: int) -> float:
    """P(|T| > |t|) for Student's t: the density integrated over the angle atan(t / sqrt(degrees))."""
    angle = math.atan(abs(t) / math.sqrt(degrees))
    grid = np.linspace(angle, math.pi / 2, 2001)
    density = np.cos(grid) ** (degrees - 1)
    log_norm = math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2) - 0.5 * math.log(math.pi)
    return float(min(1.0, 2 * math.exp(log_norm) * np.trapezoid(density, grid)))


def student_t_quantile(share: float, degrees: int) -> float:
    """The t with P(|T| <= t) = share for Student's t: `student_t_two_sided` inverted by bisection over the angle."""
    low, high = 0.0, math.pi / 2
    for _ in range(40):
        angle = (low + high) / 2
        if student_t_two_sided(math.tan(angle) * math.sqrt(degrees), degrees) > 1 - share:
            low = angle
        else:
            high = angle
    return math.tan(low) * math.sqrt(degrees)
