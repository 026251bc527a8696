"""The simple rules beside their equations, and that none knows what came later."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqlab.forecasting import rules

RULE = rules.NAMES.index


def made(rows: int = 90, count: int = 3, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return 50 + random.normal(0, 1, (count, rows)).cumsum(1) + 5 * np.sin(2 * np.pi * np.arange(rows) / 7)


def test_what_is_last_what_comes_again_and_what_rises() -> None:
    values = made()
    found = rules.forecasts(values, (7, 28), [70], 9)[0]  # (S, R, H)
    np.testing.assert_allclose(found[:, RULE("last")], np.repeat(values[:, 69:70], 9, 1))
    np.testing.assert_allclose(found[:, RULE("mean")], np.repeat(values[:, 63:70].mean(1)[:, None], 9, 1))
    weeks = np.concatenate([values[:, 63:70], values[:, 63:65]], 1)
    np.testing.assert_allclose(found[:, RULE("last of the short season")], weeks)
    before = [np.concatenate([values[:, k : k + 7], values[:, k : k + 2]], 1) for k in (63, 56, 49)]
    np.testing.assert_allclose(found[:, RULE("mean of the short season")], np.mean(before, 0))
    rise = values[:, 67:70].mean(1) - values[:, 60:63].mean(1)  # over half a season
    np.testing.assert_allclose(found[:, RULE("last moved of the short season")], weeks + rise[:, None])
    np.testing.assert_allclose(found[:, RULE("last of the long season")], values[:, 42:51])
    slope = (values[:, 69] - values[:, 55]) / 14
    np.testing.assert_allclose(
        found[:, RULE("drift")], values[:, 69:70] + np.cumsum(0.9 ** np.arange(1, 10)) * slope[:, None]
    )


def smoothed_by_hand(values: np.ndarray, season: int, horizon: int) -> np.ndarray:
    """Holt-Winters with a damped trend, as it stands in textbooks, for all weights; those that erred least."""
    best, least = np.zeros(horizon), np.inf
    first = max(season, 4)
    for alpha, share, phi, rest in rules.WEIGHTS:
        if season == 1 and rest != rules.WEIGHTS[0][3]:
            continue
        beta, gamma = alpha * share, rest * (1 - alpha) if season > 1 else 0.0
        level, trend, lost = values[:first].mean(), 0.0, 0.0
        places = list(values[first - season : first] - level) if season > 1 else [0.0]
        places = [places[(k - first) % season] for k in range(season)]
        for row in range(first, len(values)):
            expected = level + phi * trend + places[row % season]
            error = values[row] - expected
            lost = rules.DISCOUNT * lost + error**2
            level, trend = level + phi * trend + alpha * error, phi * trend + beta * error
            places[row % season] += gamma * error
        if lost < least:
            damped = np.cumsum(phi ** np.arange(1, horizon + 1))
            ahead = [places[(len(values) + h) % season] for h in range(horizon)]
            best, least = level + damped * trend + np.array(ahead), lost
    return best


@pytest.mark.parametrize("season", [1, 7])
def test_smoothing_is_that_of_holt_and_winters(season: int) -> None:
    values = made(60, 2)
    found = rules.smoothed(values, season, [60], 10)[0]
    expected = [smoothed_by_hand(one, season, 10) for one in values]
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    logs = rules.forecasts(values, (season,) if season > 1 else (), [60], 10)[0]
    name = "log smoothing of the short season" if season > 1 else "log smoothing"
    np.testing.assert_allclose(
        logs[:, RULE(name)], np.exp([smoothed_by_hand(np.log(one), season, 10) for one in values]), rtol=1e-9
    )


@given(origin=st.integers(12, 80), seed=st.integers(0, 99))
@settings(max_examples=15, deadline=None)
def test_no_rule_knows_what_comes_after_its_origin(origin: int, seed: int) -> None:
    values, other = made(seed=seed), made(seed=seed)
    other[:, origin:] *= -3.0
    one, two = (rules.forecasts(each, (7, 28), [origin], 5) for each in (values, np.abs(other)))
    np.testing.assert_array_equal(one, two)


@given(lacking=st.integers(1, 50), seed=st.integers(0, 99))
@settings(max_examples=15, deadline=None)
def test_a_series_that_begins_later_is_as_it_is_alone(lacking: int, seed: int) -> None:
    values = made(seed=seed)
    values[1, :lacking] = np.nan
    together = rules.forecasts(values, (7, 28), [80, 90], 6)[:, 1]
    alone = rules.forecasts(values[1:2, lacking:], (7, 28), [80 - lacking, 90 - lacking], 6)[:, 0]
    known = np.isfinite(alone)
    np.testing.assert_allclose(together[known], alone[known], rtol=1e-9)
    assert known[:, RULE("last")].all()


def test_what_is_not_above_zero_has_no_logarithm_and_what_explodes_is_left_out() -> None:
    values = np.stack([made(40, 1)[0], made(40, 1)[0] - 60, np.exp(np.arange(40.0))])
    found = rules.forecasts(values, (), [40], 30)[0, :, RULE("log smoothing")]
    assert np.isfinite(found[0]).all() and np.isnan(found[1]).all() and np.isnan(found[2, -1])
