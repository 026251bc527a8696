"""What a series is expected to do: it knows nothing of later, finds what repeats itself, and invents nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqlab.data.series.mean_forecast import mean_forecast, seasonal_naive

AHEAD = np.array([1, 5, 12, 30])


def wave(count: int, season: int, noise: float, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.sin(2 * np.pi * np.arange(count) / season) + noise * random.normal(size=count)


def error(path: np.ndarray, changes: np.ndarray, horizon: int) -> float:
    """Mean absolute error over the second half."""
    rows = np.arange(len(path) // 2, len(path) - horizon)
    return float(np.abs(path[rows + horizon] - path[rows] - changes[rows]).mean())


@given(st.integers(2, 30), st.integers(1, 70), st.integers(0, 100))
def test_the_last_season_repeated_is_the_value_of_the_same_place(season, horizon, seed):
    path = np.random.default_rng(seed).normal(size=120)
    change = seasonal_naive(path, season, horizon)
    for row in range(season - 1, 120):
        place = row + horizon
        while place > row:  # step back by whole seasons until it is known
            place -= season
        assert path[row] + change[row] == pytest.approx(path[place])
    assert np.isnan(change[: season - 1]).all()


@given(st.integers(40, 299), st.floats(-100, 100), st.sampled_from([1, 7, 12]))
@settings(max_examples=30, deadline=None)
def test_no_row_knows_what_comes_after_it(day, spike, season):
    path, seasons = np.cumsum(wave(300, 7, 0.3)), (season,) if season > 1 else ()
    later = path.copy()
    later[day + 1 :] += spike
    plain, spiked = (mean_forecast(one, seasons, AHEAD)[: day + 1] for one in (path, later))
    np.testing.assert_allclose(plain, spiked, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(mean_forecast(path[: day + 1], seasons, AHEAD), plain, rtol=1e-9, atol=1e-12)


def test_what_repeats_itself_is_found_and_noise_is_not_repeated():
    """The least error that is possible is the noise's own: sqrt(2/pi) of its deviation."""
    path = wave(2000, 24, noise=0.2)
    changes = mean_forecast(path, (24,), AHEAD)
    for k, horizon in enumerate(AHEAD):
        repeated = error(path, seasonal_naive(path, 24, horizon), horizon)
        assert error(path, changes[:, k], horizon) < 0.9 * repeated
        assert error(path, changes[:, k], horizon) > 0.97 * 0.2 * np.sqrt(2 / np.pi)


def test_growth_is_added_to_a_season_of_few_years():
    """Ten years of months that grow by a tenth a year: a year on is expected to be a tenth more, not the same."""
    path = wave(120, 12, noise=0.01) + 0.1 / 12 * np.arange(120)
    changes = mean_forecast(path, (12,), np.array([12]))
    assert changes[-1, 0] == pytest.approx(0.1, abs=0.03)


def test_a_return_to_the_mean_is_found():
    random = np.random.default_rng(2)
    path = np.zeros(3000)
    for row in range(1, 3000):
        path[row] = 0.8 * path[row - 1] + random.normal()
    changes = mean_forecast(path, (), AHEAD)
    for k, horizon in enumerate(AHEAD):
        truth = (0.8**horizon - 1) * path  # the conditional expectation of an AR(1)
        assert error(path, changes[:, k], horizon) < 1.03 * error(path, truth, horizon)


@pytest.mark.parametrize("season", [1, 5, 12])
def test_of_random_walks_next_to_nothing_is_expected(season):
    paths = [np.cumsum(np.random.default_rng(seed).normal(size=1500)) for seed in range(8)]
    seasons = (season,) if season > 1 else ()
    changes = [mean_forecast(path, seasons, AHEAD) for path in paths]
    for k, horizon in enumerate(AHEAD):
        ours = sum(error(path, one[:, k], horizon) for path, one in zip(paths, changes, strict=True))
        assert ours < 1.03 * sum(error(path, np.zeros(1500), horizon) for path in paths)
