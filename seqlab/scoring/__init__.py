"""How good quantile forecasts are, and how certain that is. Arrays in, arrays out; nothing here learns."""

import math

import numpy as np

LEVELS = tuple(round(0.05 * k, 2) for k in range(1, 20))  # 0.05, 0.10 .. 0.95
MEDIAN = LEVELS.index(0.5)
FEWEST, FEWEST_PER_STEP = 100, 10  # forecasts to judge by: at all, and for each step of the horizon


def pinball(quantiles: np.ndarray, outcome: np.ndarray, levels: tuple[float, ...] = LEVELS) -> np.ndarray:
    """Pinball loss: quantiles (..., Q), outcome (...) -> (..., Q) (Koenker and Bassett 1978)."""
    error = outcome[..., None] - quantiles
    return np.maximum(np.array(levels) * error, (np.array(levels) - 1) * error)


def crps(quantiles: np.ndarray, outcome: np.ndarray) -> np.ndarray:
    """What is called CRPS here: an approximation of the continuous ranked probability score by quantiles (..., Q) at
    LEVELS. In the outcome's units; (...).

    1.9 times their mean pinball loss: the score is twice the pinball loss integrated over the level (Gneiting and
    Ranjan 2011), and this sums it over 19 levels from 5 to 95 %. It is blind beyond these.
    """
    return 2 * pinball(quantiles, outcome).sum(-1) * (LEVELS[1] - LEVELS[0])


def inside(quantiles: np.ndarray, outcome: np.ndarray, share: float, slack: float = 0.0) -> np.ndarray:
    """Whether outcomes (...) are in the central interval of quantiles (..., Q) that should hold `share` of them.

    slack: how far outside they may be; where it is negative, they are to be as far inside.
    """
    low, high = LEVELS.index(round((1 - share) / 2, 2)), LEVELS.index(round((1 + share) / 2, 2))
    return (outcome >= quantiles[..., low] - slack) & (outcome <= quantiles[..., high] + slack)


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


def fewest_to_judge(horizon: int) -> int:
    """How many forecasts in order of time, of which `horizon` overlap, `diebold_mariano` is to judge by.

    With as many it claims a difference that is not there about as often as it says, and can find one: tests/scoring/
    test_size.py.
    """
    return max(FEWEST, FEWEST_PER_STEP * horizon)


def cosine_terms(count: int, horizon: int) -> int:
    """How many cosines the variance of the mean of `count` values is estimated by; 0 where they are too few.

    0.4 sqrt(count), and no more than there are horizons in the time. The 0.4 count^(2/3) of Lazarus, Lewis, Stock and
    Watson (2018) are too many for differences of forecasts that err for weeks: on those of tests/scoring/test_size.py a
    test at 5 % claims 12 % in 100 days and 13 in 400, with these 6.5 and 5. A Bartlett kernel over a third of the days
    with its own quantiles (Kiefer and Vogelsang 2005) claims as few, and finds less: 40 of 100 differences where these
    find 58.
    """
    return min(int(0.4 * math.sqrt(count)), count // horizon)


def variance_of_mean(values: np.ndarray, horizon: int) -> float:
    """The variance of the mean of values (N,) in order of time that depend on those before them, and overlap as those
    of `horizon` steps do: a scaled chi-squared with `cosine_terms` degrees of freedom. NaN for too few values.

    The mean square of their projections on the slowest cosines (EWC: Lazarus, Lewis, Stock and Watson 2018, "HAR
    inference: recommendations for practice", equation 10).
    """
    n, terms = len(values), cosine_terms(len(values), horizon)
    if terms == 0:
        return math.nan
    waves = np.cos(np.pi * np.arange(1, terms + 1)[:, None] * (np.arange(n) + 0.5) / n)  # (terms, N)
    projections = math.sqrt(2 / n) * waves @ (values - values.mean())
    return float((projections**2).mean()) / n


def diebold_mariano(loss_difference: np.ndarray, horizon: int) -> float:
    """Two-sided p-value that two forecasts are equally good: loss_difference (N,) in order of time. 1.0 where nothing
    differs, or too few values can tell.

    The test of Diebold and Mariano (1995) with fixed-smoothing asymptotics (Coroneo and Iacone 2020): the variance is
    that of `variance_of_mean`, and as it is estimated by few terms the statistic is Student's t with as many degrees of
    freedom.
    """
    variance = variance_of_mean(loss_difference, horizon)
    if math.isnan(variance) or loss_difference.mean() == 0:
        return 1.0
    if variance == 0:
        return 0.0
    t = loss_difference.mean() / math.sqrt(variance)
    return student_t_two_sided(t, cosine_terms(len(loss_difference), horizon))


def margin(values: np.ndarray, horizon: int, share: float = 0.95) -> float:
    """Half the width of the confidence interval of the mean of values (N,) in order of time.

    It holds zero exactly where `diebold_mariano` gives the values a p above 1 - share. NaN for too few values.
    """
    variance = variance_of_mean(values, horizon)
    if math.isnan(variance):
        return math.nan
    return student_t_quantile(share, cosine_terms(len(values), horizon)) * math.sqrt(variance)


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
