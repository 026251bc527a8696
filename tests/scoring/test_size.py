"""How often the Diebold-Mariano test claims a difference: where there is none, as often as it says; where there is one.

On losses as those of volatility forecasts are: persistent, of wandering size, overlapping at long horizons.
"""

import math

import numpy as np
import pytest
import torch

from seqlab import scoring

RUNS = 2000  # the share of claims at 5 % is then known to half a percent point


def normal_crps(outcome: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Gneiting and Raftery (2007), equation 21, for mean zero."""
    z = outcome / sigma
    below = torch.special.ndtr(torch.from_numpy(z)).numpy()
    density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    return sigma * (z * (2 * below - 1) + 2 * density - 1 / math.sqrt(math.pi))


def wandering(days: int, persistence: float, size: float, random: np.random.Generator) -> np.ndarray:
    """Autoregressions of order one with standard deviation `size`: (RUNS, days)."""
    noise = math.sqrt(1 - persistence**2) * size * random.normal(size=(days, RUNS))
    noise[0] /= math.sqrt(1 - persistence**2)
    for day in range(1, days):
        noise[day] += persistence * noise[day - 1]
    return noise.T


def over(values: np.ndarray, horizon: int) -> np.ndarray:
    """The sums of values (RUNS, N) over the next `horizon` columns, (RUNS, N - horizon)."""
    path = np.cumsum(np.pad(values, ((0, 0), (1, 0))), axis=1)
    return (path[:, horizon:] - path[:, :-horizon])[:, 1:]


def models(days: int, horizon: int, seed: int, gap: float = 0.0) -> np.ndarray:
    """Loss differences of two forecasts of returns whose volatility wanders by 60 % over months. Both err in it for two
    months, by 30 % and independently, so that they are equally good; by `gap` more, and the first is worse.

    Their autocorrelation is .04 after 20 days and .01 after 60; EWMA's against HAR's on 22 shares over decades has .02
    and .00, against a walk's with a year's volatility, which is not equal to it, .06 and .03.
    """
    random = np.random.default_rng(seed)
    log_size = wandering(days + horizon, 0.99, 0.6, random)
    outcomes = over(np.exp(log_size) * random.normal(size=log_size.shape), horizon)
    scale = math.sqrt(horizon) * np.exp(log_size[:, :days])
    first, second = (wandering(days, 0.98, 0.3 * (1 + more), random) for more in (gap, 0.0))
    return normal_crps(outcomes, scale * np.exp(first)) - normal_crps(outcomes, scale * np.exp(second))


def windows(days: int, length: int, seed: int) -> np.ndarray:
    """Loss differences of two random walks on independent normal returns: the volatility of the last `length` days
    against that of as many before them. Neither knows more, and each is wrong for as long as its window is."""
    random = np.random.default_rng(seed)
    returns = random.normal(size=(RUNS, 2 * length + days))
    squares = np.cumsum(np.pad(returns**2, ((0, 0), (1, 0))), axis=1)
    now = np.arange(2 * length, 2 * length + days)
    newer, older = (np.sqrt((squares[:, end] - squares[:, end - length]) / length) for end in (now, now - length))
    return normal_crps(returns[:, now], newer) - normal_crps(returns[:, now], older)


def claims(differences: np.ndarray, horizon: int) -> float:
    return float(np.mean([scoring.diebold_mariano(one, horizon) < 0.05 for one in differences]))


@pytest.mark.parametrize("horizon", [1, 5, 20, 60])
def test_equal_forecasts_are_called_unequal_as_often_as_it_says(horizon):
    fewest = scoring.fewest_to_judge(horizon)
    assert 0.03 < claims(models(fewest, horizon, seed=horizon), horizon) < 0.07
    assert 0.03 < claims(models(2 * fewest, horizon, seed=100 + horizon), horizon) < 0.07


@pytest.mark.parametrize("days", [250, 1000])
def test_two_windows_of_equal_truth(days):
    assert 0.03 < claims(windows(days, 126, seed=days), 1) < 0.07


def test_a_difference_is_found():
    """A forecast that errs by 60 % against one that errs by 30 %, in four years, and one of another kind in two."""
    assert claims(models(1000, 1, seed=1, gap=1.0), 1) > 0.5
    assert claims(np.random.default_rng(3).normal(0.2, 1, size=(RUNS, 500)), 1) > 0.9  # 4.5 standard errors


@pytest.mark.parametrize(("days", "horizon"), [(30, 1), (30, 20), (250, 1), (250, 20)])
def test_of_independent_normal_differences_p_is_uniform(days, horizon):
    """Exactly: the projections on cosines are then independent of each other and of the mean."""
    draws = np.random.default_rng(days + horizon).normal(size=(RUNS, days))
    p_values = np.array([scoring.diebold_mariano(one, horizon) for one in draws])
    for level in (0.02, 0.05, 0.2, 0.5, 0.8):
        assert (p_values < level).mean() == pytest.approx(level, abs=4 * math.sqrt(level * (1 - level) / RUNS))
