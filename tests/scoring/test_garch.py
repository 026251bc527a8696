"""GARCH and GJR: against processes with known parameters and the forecasts of `arch` itself."""

from collections.abc import Callable

import numpy as np
import pytest

from seqlab import scoring
from seqlab.scoring.garch import garch

LEVELS = scoring.LEVELS
HORIZONS = np.array([1, 5, 20])

pytest.importorskip("arch")


def process(days: int, seed: int, leverage: float) -> tuple[np.ndarray, np.ndarray]:
    """Returns of a GJR process with Student-t steps of 6 degrees, and the variance of each day: that of the day after
    the last too."""
    random = np.random.default_rng(seed)
    returns, variance = np.zeros(days), np.full(days + 1, 1e-4)
    for t in range(1, days):
        returns[t] = np.sqrt(variance[t]) * random.standard_t(6) * np.sqrt(4 / 6)
        alpha = 0.04 + leverage * (returns[t] < 0)
        variance[t + 1] = 6e-6 + alpha * returns[t] ** 2 + (0.9 - leverage / 2) * variance[t]
    return returns, variance


def test_it_recovers_a_process_that_is_one():
    returns, variance = process(3000, 8, 0.0)
    rows = np.arange(2600, 2950)
    quantiles = garch(returns, rows, HORIZONS, LEVELS, asymmetric=False)
    width = scoring.width(quantiles, 0.8)[:, 0]
    true = 2 * 1.4398 * np.sqrt(4 / 6) * np.sqrt(variance[rows + 1])  # Student's t with 6 degrees at 0.9
    assert np.abs(np.log(width / true)).mean() < 0.08
    changed = returns.copy()
    changed[rows[100] + 1 :] = 0.05
    spiked = garch(changed, rows[:101], HORIZONS, LEVELS, asymmetric=False)
    np.testing.assert_allclose(spiked[:64], quantiles[:64])  # a group ends where the next fit begins


@pytest.mark.parametrize(("asymmetric", "leverage"), [(False, 0.0), (True, 0.2)])
def test_its_quantiles_are_those_that_arch_simulates_from_calm_and_from_turbulent_days(asymmetric, leverage):
    from arch import arch_model

    returns = process(2700, 5, leverage)[0]
    rows = np.arange(2600, 2660)  # of one fit, to the ten years before the first
    calm, wild = 2629, 2640
    returns[2601:2630] *= 0.1
    returns[wild] = -0.06
    quantiles = garch(returns, rows, HORIZONS, LEVELS, asymmetric=asymmetric, paths=20_000)
    percent, begin = 100 * returns, rows[0] - 2520
    given = {"mean": "Constant", "vol": "GARCH", "o": int(asymmetric), "dist": "t", "rescale": False}
    fitted = arch_model(percent[begin : rows[0] + 1], **given).fit(disp="off").params
    for row in (calm, wild):
        known = arch_model(percent[begin : row + 1], **given).fix(fitted)
        step = draws(fitted["nu"])
        ahead = known.forecast(horizon=20, method="simulation", simulations=20_000, rng=step)
        total = ahead.simulations.values[-1].cumsum(axis=1)  # (paths, 20)
        for k, h in enumerate(HORIZONS):
            own = quantiles[row - rows[0], k]
            for level in (0.1, 0.25, 0.75, 0.9):
                expected = np.quantile(total[:, h - 1], level) / 100
                assert own[LEVELS.index(level)] == pytest.approx(expected, rel=0.06, abs=0.0005), (row, h, level)
    widths = scoring.width(quantiles, 0.8)[[calm - rows[0], wild - rows[0]]] / np.sqrt(HORIZONS)
    assert widths[0, 2] > 1.1 * widths[0, 0] and widths[1, 2] < 0.97 * widths[1, 0]  # both return to the mean


def draws(degrees: float) -> Callable[[tuple[int, ...]], np.ndarray]:
    """Student-t steps of variance 1, the same ones each time."""
    random = np.random.default_rng(0)
    return lambda size: random.standard_t(degrees, size=size) * np.sqrt((degrees - 2) / degrees)


def test_a_fall_widens_the_forecast_of_gjr_and_a_rise_as_large_does_less():
    """Two histories that differ in the sign of their last return alone."""
    returns = process(2700, 5, 0.2)[0]
    row, day = np.arange(2600, 2651), np.array([1])
    widths = []
    for last in (-0.04, 0.04):
        returns[2650] = last
        widths.append(scoring.width(garch(returns, row, day, LEVELS, asymmetric=True), 0.8)[-1, 0])
    fall, rise = widths
    assert fall > 1.2 * rise


def of_a_day(returns: np.ndarray, row: int) -> np.ndarray:
    """The quantiles of the day after a row, by a fit to that row: exact but for slices, whatever their order."""
    return garch(returns, np.array([row]), HORIZONS[:1], LEVELS, asymmetric=False)[0, 0]


def test_a_fit_is_to_its_first_day_too_and_is_that_of_arch():
    from arch import arch_model
    from scipy import stats

    returns = process(900, 6, 0.0)[0]
    returns[900 - 1] = -0.12  # moves the fit, so that leaving it out shows
    percent = 100 * returns[1:]
    result = arch_model(percent, mean="Constant", vol="GARCH", dist="t", rescale=False).fit(disp="off")
    size = np.sqrt(result.forecast(horizon=1).variance.to_numpy()[-1, 0])
    degrees = result.params["nu"]
    curve = stats.t.ppf(LEVELS, degrees) * np.sqrt((degrees - 2) / degrees)
    np.testing.assert_allclose(of_a_day(returns, 899), (result.params["mu"] + size * curve) / 100, rtol=2e-3, atol=1e-6)


def test_it_is_fitted_again_after_63_days():
    returns, rows = process(700, 7, 0.0)[0], 600 + np.arange(64)
    found = garch(returns, rows, HORIZONS[:1], LEVELS, asymmetric=False)[:, 0]
    np.testing.assert_allclose(found[0], of_a_day(returns, 600), rtol=1e-9)
    np.testing.assert_allclose(found[63], of_a_day(returns, 663), rtol=1e-9)
    assert not np.allclose(found[62], of_a_day(returns, 662), rtol=1e-4)  # still by the first fit


def test_a_return_beyond_a_quarter_counts_as_one():
    returns = process(700, 9, 0.0)[0]
    for sign in (1, -1):
        found = []
        for size in (0.5, 0.25, 0.24):
            returns[650] = sign * size
            found.append(of_a_day(returns, 660))
        np.testing.assert_array_equal(found[0], found[1])
        assert not np.allclose(found[1], found[2], rtol=1e-4)
