"""AutoETS and Theta: against the packages that define them, processes with known parameters, and the future."""

import numpy as np
import pytest

from seqlab import scoring
from seqlab.scoring import classical

LEVELS = scoring.LEVELS
HORIZONS = np.array([1, 4, 12])


def months(count: int, seed: int, noise: float = 0.1) -> np.ndarray:
    random, t = np.random.default_rng(seed), np.arange(count)
    return (
        0.01 * t
        + np.sin(2 * np.pi * t / 12)
        + np.cumsum(0.05 * random.normal(size=count))
        + noise * random.normal(size=count)
    )


@pytest.mark.parametrize(("season", "count"), [(12, 150), (7, 100), (4, 61)])
def test_the_season_is_that_of_statsmodels(season, count):
    decompose = pytest.importorskip("statsmodels.tsa.seasonal").seasonal_decompose
    values = np.sin(2 * np.pi * np.arange(count) / season) + 0.3 * np.random.default_rng(1).normal(size=count)
    found = classical.season_of(values, season)
    np.testing.assert_allclose(found, decompose(values, period=season).seasonal[:season], atol=1e-12)


def test_of_noise_there_is_mostly_no_season():
    """Its test is of 90 %, so one in ten is taken for one."""
    found = [classical.season_of(np.random.default_rng(seed).normal(size=200), 12).any() for seed in range(300)]
    assert np.mean(found) == pytest.approx(0.1, abs=0.05)
    assert not classical.season_of(np.zeros(50), 12).any()
    assert not classical.season_of(np.arange(20.0), 12).any()  # seen once


def test_auto_ets_is_the_packages_own_at_an_origin_that_is_fitted_to():
    models = pytest.importorskip("statsforecast.models")
    path, rows = months(180, 2), np.array([140, 150])
    path -= path[0]
    quantiles = classical.auto_ets(path, (12,), rows, HORIZONS, LEVELS)
    for row, found in zip(rows, quantiles, strict=True):
        own = models.AutoETS(season_length=12, model="AZZ").forecast(y=path[: row + 1], h=12, level=[50, 90])
        for name, level in (("mean", 0.5), ("lo-50", 0.25), ("hi-50", 0.75), ("lo-90", 0.05), ("hi-90", 0.95)):
            np.testing.assert_allclose(
                found[:, LEVELS.index(level)], own[name][HORIZONS - 1] - path[row], rtol=1e-3, atol=1e-3
            )


def test_theta_expects_what_that_of_statsmodels_does():
    pytest.importorskip("statsforecast")
    from statsmodels.tsa.forecasting.theta import ThetaModel

    path = 0.02 * np.arange(200) + np.cumsum(np.random.default_rng(3).normal(size=200))
    quantiles = classical.theta(path, (), np.array([199]), HORIZONS, LEVELS)
    other = ThetaModel(path, period=1, deseasonalize=False).fit().forecast(12).to_numpy()[HORIZONS - 1] - path[-1]
    np.testing.assert_allclose(quantiles[0, :, scoring.MEDIAN], other, atol=0.1)  # steps are of size one


@pytest.mark.parametrize("name", ["auto_ets", "theta"])
def test_of_a_level_that_moves_a_known_part_of_its_errors_four_fifths_fall_inside(name):
    """Simple exponential smoothing with alpha .4 is the truth: l' = l + .4 e."""
    pytest.importorskip("statsforecast")
    errors = np.random.default_rng(4).normal(size=1400)
    path = np.concatenate([[0.0], 0.4 * np.cumsum(errors)[:-1]]) + errors
    rows = np.arange(300, 1380)
    quantiles = getattr(classical, name)(path, (), rows, HORIZONS, LEVELS)
    outcomes = np.stack([path[rows + h] - path[rows] for h in HORIZONS], 1)
    true = 2 * 1.2816 * np.sqrt(1 + (HORIZONS - 1) * 0.4**2)
    np.testing.assert_allclose(scoring.width(quantiles, 0.8).mean(0), true, rtol=0.05)
    assert scoring.coverage(quantiles[:, 0], outcomes[:, 0], 0.8) == pytest.approx(0.8, abs=0.04)


@pytest.mark.parametrize("name", ["auto_ets", "theta"])
def test_none_knows_what_comes_after_its_origin_and_all_know_what_came_before(name):
    pytest.importorskip("statsforecast")
    method, path, rows = getattr(classical, name), months(400, 5), np.arange(200, 380)
    later = path.copy()
    later[300:] += 3.0
    plain, spiked = (method(one, (12,), rows, HORIZONS, LEVELS) for one in (path, later))
    np.testing.assert_array_equal(plain[rows < 300], spiked[rows < 300])
    level = spiked[rows == 310, 0, scoring.MEDIAN] + later[310]
    assert abs(level[0] - later[311]) < 1  # between two fits it follows the rows


def test_of_hours_that_have_a_day_and_a_week_ets_has_the_day():
    pytest.importorskip("statsforecast")
    hours = np.arange(24 * 7 * 4)
    path = np.sin(2 * np.pi * hours / 24) + 0.05 * np.random.default_rng(6).normal(size=len(hours))
    rows, ahead = np.array([24 * 7 * 3]), np.arange(1, 25)
    quantiles = classical.auto_ets(path, (24, 168), rows, ahead, LEVELS)
    medians = quantiles[0, :, scoring.MEDIAN] + path[rows[0]]
    assert np.abs(medians - path[rows[0] + ahead]).mean() < 0.1
    np.testing.assert_array_equal(quantiles, classical.auto_ets(path, (24,), rows, ahead, LEVELS))


@pytest.mark.parametrize("name", ["auto_ets", "theta"])
def test_what_does_not_move_is_forecast_to_stay(name):
    pytest.importorskip("statsforecast")
    quantiles = getattr(classical, name)(np.zeros(80), (7,), np.array([60, 70]), HORIZONS, LEVELS)
    np.testing.assert_allclose(quantiles, 0.0, atol=1e-9)


@pytest.mark.filterwarnings("ignore:acf currently returns")
@pytest.mark.parametrize("seed", range(40))
def test_a_season_is_one_where_bartletts_band_of_90_percent_is_left(seed):
    """Of noise that has a memory, so that the correlations before count; the band of statsmodels."""
    acf = pytest.importorskip("statsmodels.tsa.stattools").acf
    random = np.random.default_rng(seed)
    values = np.zeros(90)
    for t in range(1, 90):
        values[t] = 0.8 * values[t - 1] + random.normal()
    values += 0.7 * np.sin(2 * np.pi * np.arange(90) / 6)
    _, band = acf(values, nlags=6, alpha=0.1, bartlett_confint=True)
    assert classical.season_of(values, 6).any() == (not band[6, 0] <= 0 <= band[6, 1])


@pytest.mark.parametrize(("count", "fits"), [(1, 1), (7, 7), (12, 12), (13, 12), (100, 12), (600, 12)])
def test_origins_are_fitted_to_evenly_and_twelve_times_at_most(count, fits):
    rows = 50 + 3 * np.arange(count)
    found = classical._fits(rows)
    assert len(found) == fits and np.concatenate([part for _, part in found]).tolist() == list(range(count))
    assert all(first == rows[part].min() for first, part in found)  # a fit knows nothing after its first origin
    sizes = [len(part) for _, part in found]
    assert max(sizes) - min(sizes) <= 1
    assert classical._fits(rows[:0]) == []


def test_theta_repeats_a_season_that_was_seen_twice_and_is_the_packages_own_without_one():
    models = pytest.importorskip("statsforecast.models")
    ahead, t = np.arange(1, 13), np.arange(60)
    path = np.array([0, 3, 1, -2, 5, 4, -1, -6, 2, 0, -4, -2])[t % 12] + 0.05 * t
    medians = classical.theta(path, (12,), np.array([47]), ahead, LEVELS)[0, :, scoring.MEDIAN]
    np.testing.assert_allclose(medians + path[47], path[48:60], atol=0.5)
    errors = np.random.default_rng(7).normal(size=81)
    walk = np.concatenate([[0.0], 0.4 * np.cumsum(errors)[:-1]]) + errors
    walk[80] += 5.0  # moves the weights, so that leaving the last row out shows
    own = models.Theta(season_length=1).forecast(y=walk, h=12)["mean"]
    medians = classical.theta(walk, (), np.array([80]), ahead, LEVELS)[0, :, scoring.MEDIAN]
    np.testing.assert_allclose(medians + walk[80], own, rtol=1e-6)
