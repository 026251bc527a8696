"""Scores against closed forms, and the Diebold-Mariano test and intervals against Student's table and many draws."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqlab import scoring
from seqlab.scoring.backtest import Backtest, pool

CURVE = np.array([NormalDist().inv_cdf(level) for level in scoring.LEVELS])


def normal_crps(outcome: float, sigma: float) -> float:
    """Gneiting and Raftery (2007), equation 21, for mean zero."""
    z = outcome / sigma
    n = NormalDist()
    return sigma * (z * (2 * n.cdf(z) - 1) + 2 * n.pdf(z) - 1 / math.sqrt(math.pi))


def test_crps_of_a_normal_forecast_is_the_closed_form_on_average():
    random = np.random.default_rng(0)
    outcomes = random.normal(0, 2.0, 20_000)
    ours = scoring.crps(np.tile(2.0 * CURVE, (len(outcomes), 1)), outcomes).mean()
    exact = np.mean([normal_crps(x, 2.0) for x in outcomes])
    assert ours == pytest.approx(exact, rel=0.02)  # nineteen levels leave out the outer twentieths


@given(st.floats(-5, 5), st.floats(0.1, 10), st.floats(0.1, 10))
def test_crps_scales_with_its_units(outcome, sigma, factor):
    once = scoring.crps(sigma * CURVE[None], np.array([outcome]))
    scaled = scoring.crps(factor * sigma * CURVE[None], np.array([factor * outcome]))
    assert scaled == pytest.approx(factor * once)


def test_pinball_is_least_at_the_true_quantile():
    outcomes = np.random.default_rng(1).normal(size=50_000)
    for k, level in enumerate(scoring.LEVELS):
        guesses = CURVE[k] + np.array([-0.2, 0.0, 0.2])
        losses = [scoring.pinball(np.full((len(outcomes), 1), g), outcomes, (level,)).mean() for g in guesses]
        assert losses[1] == min(losses)


def test_coverage_counts_the_central_interval():
    outcomes = np.random.default_rng(2).normal(size=40_000)
    quantiles = np.tile(CURVE, (len(outcomes), 1))
    for share in (0.5, 0.8, 0.9):
        assert scoring.coverage(quantiles, outcomes, share) == pytest.approx(share, abs=0.01)


def test_the_pit_of_a_true_forecast_is_flat_and_of_a_wide_one_is_not():
    outcomes = np.random.default_rng(3).normal(size=40_000)
    assert scoring.pit_histogram(np.tile(CURVE, (len(outcomes), 1)), outcomes) == pytest.approx(0.1, abs=0.006)
    wide = scoring.pit_histogram(np.tile(2 * CURVE, (len(outcomes), 1)), outcomes)
    assert wide.sum() == pytest.approx(1) and wide[0] < 0.02 < 0.15 < wide[4]
    assert scoring.width(CURVE, 0.8) == pytest.approx(2 * 1.28155, abs=1e-4)


@pytest.mark.parametrize(
    ("t", "degrees", "p"), [(2.228, 10, 0.05), (3.169, 10, 0.01), (1.984, 100, 0.05), (0.0, 5, 1.0)]
)
def test_student_t_against_the_table(t, degrees, p):
    assert scoring.student_t_two_sided(t, degrees) == pytest.approx(p, abs=2e-4)
    assert scoring.student_t_two_sided(-t, degrees) == pytest.approx(p, abs=2e-4)


def test_where_nothing_differs_or_nothing_can_be_told_p_is_one():
    assert scoring.diebold_mariano(np.zeros(250), 1) == 1.0
    for values in (np.zeros(0), np.ones(1), np.arange(6.0), np.arange(19.0)):
        assert scoring.diebold_mariano(values, 20) == 1.0 and math.isnan(scoring.margin(values, 20))
    assert scoring.diebold_mariano(np.full(250, 0.1), 1) < 1e-6  # the same every day


@pytest.mark.parametrize(("days", "horizon", "terms"), [(100, 1, 4), (625, 1, 10), (625, 100, 6), (100, 50, 2)])
def test_the_variance_of_a_mean_is_that_of_the_slowest_cosines(days, horizon, terms):
    """Of one cosine, orthogonal to the others, it is its share of the sum of squares; of one too quick it is none."""
    assert scoring.cosine_terms(days, horizon) == terms
    for wave in range(1, terms + 3):
        values = 3 + np.cos(np.pi * wave * (np.arange(days) + 0.5) / days)
        seen = days / 2 / terms / days if wave <= terms else 0.0
        assert scoring.variance_of_mean(values, horizon) == pytest.approx(seen, abs=1e-12)


@pytest.mark.parametrize(
    ("share", "degrees", "t"), [(0.95, 10, 2.228), (0.99, 10, 3.169), (0.95, 100, 1.984), (0.5, 2, 0.8165)]
)
def test_student_quantiles_against_the_table(share, degrees, t):
    assert scoring.student_t_quantile(share, degrees) == pytest.approx(t, abs=1e-3)


@given(st.integers(0, 2**32 - 1), st.integers(3, 80), st.integers(1, 20), st.floats(-1, 1))
def test_an_interval_holds_zero_exactly_where_the_test_does_not_reject(seed, n, horizon, mean):
    values = mean + np.random.default_rng(seed).normal(size=n + horizon)
    p = scoring.diebold_mariano(values, horizon)
    margin = scoring.margin(values, horizon)
    assert math.isnan(margin) == (n + horizon < 7)
    if abs(p - 0.05) > 1e-6 and not math.isnan(margin):  # the bisection ends there
        assert (abs(values.mean()) <= margin) == (p > 0.05)


def clustered(days: int, horizon: int, seed: int) -> Backtest:
    """A model that knows a volatility that comes in clusters, beside a walk that knows its mean alone; overlapping."""
    random = np.random.default_rng(seed)
    level = np.zeros(days + horizon)
    for t in range(1, len(level)):
        level[t] = 0.8 * level[t - 1] + 0.3 * random.normal()
    size = 0.01 * np.exp(level)
    total = np.concatenate([[0], np.cumsum(size * random.normal(size=len(size)))])
    outcomes = (total[horizon:] - total[:-horizon])[:days, None]
    curve = math.sqrt(horizon) * CURVE
    return Backtest(
        (horizon,),
        np.arange(days),
        outcomes,
        {"model": size[:days, None, None] * curve, "random_walk": np.tile(0.0115 * curve, (days, 1, 1))},
    )


@pytest.mark.parametrize("horizon", [1, 5])
def test_the_interval_of_a_skill_holds_the_skill_of_many_days_nearly_as_often_as_it_says(horizon):
    true = clustered(100_000, horizon, seed=0).skill()[0]
    held = [low <= true <= high for k in range(300) for low, high in clustered(250, horizon, 1 + k).skill_intervals()]
    assert 0.92 < np.mean(held) < 0.98


@pytest.mark.parametrize("share", [0.5, 0.95])
def test_the_mean_square_of_a_margin_is_students_t_times_the_variance_of_a_mean(share):
    random = np.random.default_rng(9)
    margins = [scoring.margin(random.normal(0, 3, size=400), 1, share) for _ in range(400)]
    t = scoring.student_t_quantile(share, scoring.cosine_terms(400, 1))
    assert math.sqrt(np.mean(np.square(margins))) == pytest.approx(t * 3 / math.sqrt(400), rel=0.06)


@pytest.mark.parametrize("horizon", [1, 20])
def test_the_interval_of_a_skill_holds_zero_exactly_where_its_test_does_not_reject(horizon):
    once = [clustered(250, horizon, 1 + k) for k in range(100)]
    held = [low <= 0 <= high for one in once for low, high in one.skill_intervals()]
    assert held == [p >= 0.05 for one in once for p in one.p_values()]
    assert 10 < sum(held) < 90


def test_the_interval_of_a_skill_against_a_block_bootstrap_of_it():
    """Of the whole ratio, so that leaving out how uncertain the walk's own loss is shows where it matters."""
    backtest = clustered(1000, 5, seed=1)
    ours, theirs = (scoring.crps(q, backtest.outcomes)[:, 0] for q in backtest.quantiles.values())
    random = np.random.default_rng(2)
    starts = random.integers(0, 1000, size=(3000, 50, 1))
    days = ((starts + np.arange(20)) % 1000).reshape(3000, -1)  # 50 blocks of 20 days
    skills = 100 * (1 - ours[days].sum(1) / theirs[days].sum(1))
    ((low, high),) = backtest.skill_intervals()
    assert high - low == pytest.approx(np.subtract(*np.quantile(skills, [0.975, 0.025])), rel=0.2)
    assert (low + high) / 2 == pytest.approx(backtest.skill()[0])


def test_the_same_series_twice_makes_no_interval_narrower():
    once = clustered(100, 1, seed=3)
    assert pool([once] * 4).skill_intervals() == [pytest.approx(one) for one in once.skill_intervals()]
    few = Backtest((1,), once.origins[:2], once.outcomes[:2], {k: q[:2] for k, q in once.quantiles.items()})
    assert np.isnan(few.skill_intervals()).all()
