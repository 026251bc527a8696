"""The forecasts to beat: against closed forms, processes with known parameters, and what they must not know."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqlab import scoring
from seqlab.scoring import baselines, calibration

LEVELS = scoring.LEVELS
HORIZONS = np.array([1, 5, 20])


def steps(days: int, seed: int, size: float = 0.01, mean: float = 0.0) -> np.ndarray:
    return np.concatenate([[0.0], np.random.default_rng(seed).normal(mean, size, days - 1)])


def all_cheap(returns: np.ndarray, day_range: np.ndarray, rows: np.ndarray) -> dict[str, np.ndarray]:
    return {
        "random_walk": baselines.normal(baselines.volatility(returns)[rows], HORIZONS, LEVELS),
        "drift": baselines.drift(returns, rows, HORIZONS, LEVELS),
        "empirical": baselines.empirical(returns, rows, HORIZONS, LEVELS),
        "har": baselines.har(returns, day_range, rows, HORIZONS, LEVELS),
    }


def test_the_walks_volatility_is_the_rms_of_the_last_year():
    returns = steps(601, 3)
    size = baselines.volatility(returns)
    for day in (252, 400, 600):
        assert size[day] == pytest.approx(np.sqrt(np.mean(returns[day - 251 : day + 1] ** 2)))
    assert size[100] == pytest.approx(np.sqrt(np.mean(returns[1:101] ** 2)))
    quantiles = baselines.normal(size[-1:], np.array([1, 4]), LEVELS)
    assert quantiles[0, 1] == pytest.approx(2 * quantiles[0, 0])


@given(st.integers(320, 1080), st.floats(-0.5, 0.5), st.booleans())
@settings(max_examples=15, deadline=None)
def test_none_knows_what_comes_after_its_origin(day, spike, with_range):
    returns = steps(1200, 1)
    day_range = np.abs(steps(1200, 2)) if with_range else np.full(1200, np.nan)
    rows = np.array([day - 30, day])
    changed, changed_range = returns.copy(), day_range.copy()
    changed[day + 1 :] += spike
    changed_range[day + 1 :] += abs(spike)
    one, other = all_cheap(returns, day_range, rows), all_cheap(changed, changed_range, rows)
    for name, quantiles in one.items():
        np.testing.assert_array_equal(quantiles, other[name], err_msg=name)


def test_on_independent_normal_returns_all_say_about_the_truth():
    returns, rows = steps(20_000, 4), np.arange(19_000, 19_900)
    truth = baselines.normal(np.full(len(rows), 0.01), HORIZONS, LEVELS)
    for name, quantiles in all_cheap(returns, np.full(len(returns), np.nan), rows).items():
        tolerance = 0.35 if name == "empirical" else 0.15
        distance = np.abs(quantiles - truth).mean((0, 2)) / truth[0, :, -1]
        assert (distance < tolerance).all(), (name, distance)


def test_drift_is_the_mean_of_all_returns():
    returns = steps(800, 5, mean=0.002)
    quantiles = baselines.drift(returns, np.array([700]), HORIZONS, LEVELS)
    np.testing.assert_allclose(quantiles[0, :, scoring.MEDIAN], returns[1:701].mean() * HORIZONS)


@pytest.mark.parametrize("days", [900, 500])
def test_empirical_quantiles_are_those_of_the_overlapping_returns(days):
    returns = steps(days, 6)
    path = np.cumsum(returns)
    known = (path[5:] - path[:-5])[: days - 10 - 5 + 1][-756:]
    quantiles = baselines.empirical(returns, np.array([days - 10]), np.array([5]), LEVELS)
    np.testing.assert_allclose(quantiles[0, 0], np.quantile(known, LEVELS), rtol=1e-9)


def test_har_finds_the_volatility_that_wavers():
    """A day's size is known from its range; tomorrow's follows it, so HAR must beat the year's average clearly."""
    random = np.random.default_rng(7)
    level = np.zeros(4000)
    for t in range(1, len(level)):
        level[t] = 0.97 * level[t - 1] + 0.2 * random.normal()
    size = 0.01 * np.exp(level)
    returns = size * random.normal(size=len(size))
    rows = np.arange(2000, 3990)
    outcome = returns[rows + 1][:, None]
    one = np.array([1])
    walk = scoring.crps(baselines.normal(baselines.volatility(returns)[rows], one, LEVELS), outcome).mean()
    truth = scoring.crps(baselines.normal(size[rows], one, LEVELS), outcome).mean()
    on_range = scoring.crps(baselines.har(returns, size, rows, one, LEVELS), outcome).mean()
    on_closes = scoring.crps(baselines.har(returns, np.full(len(size), np.nan), rows, one, LEVELS), outcome).mean()
    assert on_range < truth + 0.2 * (walk - truth)
    assert truth < on_range < on_closes < walk


def test_garch_recovers_a_process_that_is_one():
    pytest.importorskip("arch")
    random = np.random.default_rng(8)
    returns, variance = np.zeros(3000), np.full(3001, 1e-4)
    for t in range(1, 3000):
        returns[t] = np.sqrt(variance[t]) * random.standard_t(6) * np.sqrt(4 / 6)
        variance[t + 1] = 2e-6 + 0.08 * returns[t] ** 2 + 0.9 * variance[t]
    rows = np.arange(2600, 2950)
    quantiles = baselines.garch(returns, rows, HORIZONS, LEVELS, asymmetric=False)
    width = scoring.width(quantiles, 0.8)[:, 0]
    true = 2 * 1.4398 * np.sqrt(4 / 6) * np.sqrt(variance[rows + 1])  # Student's t with 6 degrees at 0.9
    assert np.abs(np.log(width / true)).mean() < 0.08
    changed = returns.copy()
    changed[rows[100] + 1 :] = 0.05
    spiked = baselines.garch(changed, rows[:101], HORIZONS, LEVELS, asymmetric=False)
    np.testing.assert_allclose(spiked[:64], quantiles[:64])  # a group ends where the next fit begins


def test_calibration_learns_a_width_that_was_wrong():
    """Forecasts half as wide as they should be: the correction tends to log 2, and a third as wide again to log 3."""
    random = np.random.default_rng(9)
    true = np.abs(random.normal(size=(6000, 5, 1))) / 1.2816
    factors = calibration.log_factors(2 * true, np.array([1]))
    assert factors[2000:].mean() == pytest.approx(np.log(2), abs=0.05)
    assert calibration.log_factors(np.full((10, 2, 3), np.nan), HORIZONS).tolist() == np.zeros((10, 3)).tolist()


@given(st.integers(0, 299), st.floats(0, 100))
@settings(max_examples=15, deadline=None)
def test_calibration_does_not_know_the_future(day, spike):
    known = np.abs(np.random.default_rng(10).normal(size=(300, 2, 3)))
    changed = known.copy()
    changed[day + 1 :] = spike
    plain, spiked = (calibration.log_factors(values, HORIZONS)[: day + 1] for values in (known, changed))
    np.testing.assert_array_equal(plain, spiked)


def test_excess_is_one_at_the_edges_of_the_interval():
    quantiles = np.linspace(-0.9, 2.7, len(LEVELS))[None]
    low, high = quantiles[0, LEVELS.index(0.1)], quantiles[0, LEVELS.index(0.9)]
    for outcome, expected in ((low, 1.0), (high, 1.0), (quantiles[0, 9], 0.0)):
        assert calibration.excess(quantiles, np.array([outcome]), LEVELS) == pytest.approx(expected)
