"""Exponential smoothing with a damped trend: against statsmodels, and what it must not read."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqlab.data.series import smoothing
from seqlab.data.series.smoothing import damped_trend

AHEAD = np.array([1, 3, 10, 30])  # statsmodels repeats a season too old at whole seasons ahead


def a_series(count: int, season: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    wave = np.sin(2 * np.pi * np.arange(count) / season) if season > 1 else 0.0
    return wave + 0.02 * np.arange(count) + np.cumsum(0.1 * random.normal(size=count)) + 0.2 * random.normal(size=count)


@pytest.mark.parametrize(("season", "seed"), [(1, 0), (1, 1), (4, 2), (12, 3)])
def test_it_is_the_best_of_what_statsmodels_computes_with_the_same_weights(season, seed):
    from statsmodels.tsa.holtwinters import ExponentialSmoothing

    path, start = a_series(90, season, seed), max(season, 4)
    seasonal = {"seasonal": "add", "seasonal_periods": season} if season > 1 else {}
    first = path[:season] - path[:season].mean()
    known = {"initial_seasonal": np.roll(first, -start % season)} if season > 1 else {}
    model = ExponentialSmoothing(
        path[start:],
        trend="add",
        damped_trend=True,
        initialization_method="known",
        initial_level=path[:start].mean(),
        initial_trend=0.0,
        **seasonal,
        **known,
    )
    shares = smoothing.SEASON if season > 1 else (None,)
    fits = []
    for level, (trend, damping), share in itertools.product(smoothing.LEVEL, smoothing.TREND, shares):
        given = {} if share is None else {"smoothing_seasonal": share * (1 - level)}
        fits.append(
            model.fit(smoothing_level=level, smoothing_trend=trend, damping_trend=damping, optimized=False, **given)
        )
    best = min(fits, key=lambda one: one.sse)
    expected = best.forecast(30)[AHEAD - 1] - path[-1]
    np.testing.assert_allclose(damped_trend(path, season, AHEAD)[-1], expected, rtol=1e-8, atol=1e-10)


@given(st.integers(30, 119), st.floats(-100, 100), st.sampled_from([1, 7]))
@settings(max_examples=20, deadline=None)
def test_no_row_knows_what_comes_after_it(row, spike, season):
    path = a_series(120, season, 4)
    later = path.copy()
    later[row + 1 :] += spike
    plain, spiked = (damped_trend(one, season, AHEAD)[: row + 1] for one in (path, later))
    np.testing.assert_array_equal(plain, spiked)
    np.testing.assert_array_equal(plain, damped_trend(path[: row + 1], season, AHEAD))


@given(st.floats(-100, 100), st.sampled_from([1, 7]))
@settings(max_examples=10, deadline=None)
def test_rows_that_were_not_observed_decide_nothing(value, season):
    path, filled = a_series(120, season, 5), np.arange(120) % 11 == 10
    expected = damped_trend(path, season, AHEAD, filled) + path[:, None]
    other = np.where(filled & (np.arange(120) > 7), value, path)
    found = damped_trend(other, season, AHEAD, filled) + other[:, None]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_the_first_two_seasons_are_not_forecast_from():
    assert np.isnan(damped_trend(a_series(100, 12, 6), 12, AHEAD)[:24]).all()
    assert np.isfinite(damped_trend(a_series(100, 12, 6), 12, AHEAD)[24:]).all()
    assert np.isnan(damped_trend(np.arange(5.0), 12, AHEAD)).all()
