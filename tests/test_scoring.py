"""Scores against closed forms, and the Diebold-Mariano test against Student's table and its own size."""

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seqlab import scoring

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


def test_diebold_mariano_rejects_equals_about_as_often_as_it_says():
    random = np.random.default_rng(4)
    p_values = np.array([scoring.diebold_mariano(random.normal(size=250), 1) for _ in range(2000)])
    assert 0.04 < (p_values < 0.05).mean() < 0.09  # twenty lags of 250 days make it a little too eager
    assert scoring.diebold_mariano(random.normal(0.5, 1, 250), 1) < 1e-6
    assert scoring.diebold_mariano(np.zeros(250), 1) == 1.0


def test_diebold_mariano_allows_for_overlapping_horizons():
    """Differences over h = 20 days share 19 of them: a test that took them for independent would shout."""
    random = np.random.default_rng(5)
    steps = random.normal(size=(400, 519))
    overlapping = np.stack([np.convolve(row, np.ones(20), "valid") for row in steps])  # (400, 500)
    p_values = np.array([scoring.diebold_mariano(row, 20) for row in overlapping])
    assert (p_values < 0.05).mean() < 0.15
