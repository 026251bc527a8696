"""The forecasts to beat: against closed forms, processes with known parameters, and what they must not know."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqlab import scoring
from seqlab.data.series.features import features_of
from seqlab.data.series.quotes import snapshot
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


def test_har_on_absolute_returns_is_the_regression_of_statsmodels():
    regression = pytest.importorskip("statsmodels.api")
    random = np.random.default_rng(11)
    returns = np.concatenate([[0.0], 0.01 * np.exp(0.5 * np.sin(np.arange(999) / 30)) * random.normal(size=999)])
    path, size, row = np.cumsum(returns), np.abs(returns), 900
    means = np.stack([np.convolve(size, np.ones(span) / span)[: len(size)] for span in (1, 5, 22)], axis=1)
    for h in (1, 5, 20):
        origins = np.arange(22, row - h + 1)  # of whose outcomes all are known, and which have a month behind them
        outcome = np.abs(path[origins + h] - path[origins]) / np.sqrt(h)
        fitted = regression.OLS(outcome, regression.add_constant(means[origins])).fit()
        absolute = fitted.predict(np.concatenate([[1.0], means[row]])[None])[0]
        quantiles = baselines.har(returns, np.full(1000, np.nan), np.array([row]), np.array([h]), LEVELS)
        deviation = quantiles[0, 0, LEVELS.index(0.9)] / 1.2815516 / np.sqrt(h)
        assert deviation == pytest.approx(absolute * 1.2533141, rel=1e-5)  # E|X| is sqrt(2 / pi) of it


def test_har_of_a_volatility_that_is_known_is_that_volatility():
    returns, rows = steps(20_000, 12), np.arange(15_000, 19_900)
    quantiles = baselines.har(returns, np.full(20_000, np.nan), rows, HORIZONS, LEVELS)
    deviation = quantiles[..., LEVELS.index(0.9)].mean(0) / 1.2815516 / np.sqrt(HORIZONS)
    np.testing.assert_allclose(deviation, 0.01, rtol=0.04)


def test_the_ewma_volatility_is_that_of_risk_metrics():
    """sigma^2 = .94 sigma^2 + .06 r^2 (RiskMetrics 1996), of whose beginning nothing is left after years."""
    series = snapshot("KO")
    returns = np.diff(np.log(series.adjusted), prepend=np.log(series.adjusted[0]))
    variance = returns[1:21].var()
    for one in returns[1:]:
        variance = 0.94 * variance + 0.06 * one**2
    assert features_of(series).ewma[-1] == pytest.approx(np.sqrt(variance), rel=1e-6)


def test_one_outcome_moves_the_width_by_a_step_of_online_gradient():
    """The pinball loss of the 80 % quantile: a hundredth of .8 wider where one fell outside, of .2 narrower where none
    did, and by the root of the horizon less at longer ones; half of both where one of two series fell outside."""
    horizons = np.array([1, 4, 25])
    for excess, step in (([2.0], 0.008), ([0.5], -0.002), ([2.0, 0.5], 0.003)):
        known = np.repeat(np.array(excess)[None, :, None], 3, axis=2)
        np.testing.assert_allclose(calibration.log_factors(known, horizons)[0], step / np.array([1, 2, 5]), rtol=1e-12)


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


def test_the_season_repeated_errs_by_normal_steps_as_large_as_its_errors_were():
    """Row by row: at an origin it has seen the errors of those origins whose outcome is known there, and no others."""
    random = np.random.default_rng(12)
    returns, horizons = steps(120, 13, size=1.0), np.array([1, 4])
    path, repeated = np.cumsum(returns), random.normal(size=(120, 2))
    repeated[:12] = np.nan  # nothing to repeat yet
    rows = np.array([40, 41, 119])
    found = baselines.seasonal(repeated, returns, rows, horizons, LEVELS)
    for o, row in enumerate(rows):
        for k, h in enumerate(horizons):
            errors = [path[origin + h] - path[origin] - repeated[origin, k] for origin in range(12, row - h + 1)]
            expected = NormalDist(repeated[row, k], np.sqrt(np.mean(np.square(errors))))
            np.testing.assert_allclose(found[o, k], [expected.inv_cdf(level) for level in LEVELS])
    assert not baselines.seasonal(repeated, returns, np.array([5]), horizons, LEVELS).any()  # the last value, no width


def test_widths_that_are_wrong_by_a_factor_are_mended_by_it() -> None:
    random = np.random.default_rng(0)
    size = np.abs(random.normal(0, 1, (40, 60, 12))) / 1.2816  # in units of the right half width
    for factor in (0.6, 1.0, 1.7):
        np.testing.assert_allclose(calibration.width_factors(factor * size, 12), factor, rtol=0.05)
    nothing = np.full((0, 3, 5), np.nan)
    np.testing.assert_array_equal(calibration.width_factors(nothing, 5), 1.0)
    one = calibration.width_factors(1.7 * size[:1, :1], 12)
    assert (np.abs(np.log(one)) < 0.1).all()  # one forecast says little
    near, far = calibration.width_factors(1.7 * size[:, :1], 1)[[0, 11]]  # from row to row those far ahead overlap
    assert near > far > 1


def test_widths_by_few_outcomes_hold_the_next_one_as_often_as_asked() -> None:
    """One horizon, so many outcomes alike: their width is the smallest of these that is above 80 % of n + 1."""
    random = np.random.default_rng(1)
    held = []
    for _ in range(4000):
        size = np.abs(random.normal(size=25))
        whole = calibration.width_factors(size[:24, None, None], 1)[0] ** ((24 + calibration.PRIOR) / 24)
        held.append(size[24] <= whole)
    assert np.mean(held) == pytest.approx(0.8, abs=0.015)
