"""Effects of covariates on made series, whose truth is known."""

import numpy as np
import pytest

from seqlab.forecasting.effects import FEWEST, _innovations, estimated

WEEK = np.log(np.array([10, 12, 11, 13, 20, 35, 30]) / 15)
TRUTH = np.array([np.log(1.4), -0.5, np.log(1 / 3)])  # of a promotion, of one more of the price, of a holiday


def covariates(rows: int, random: np.random.Generator) -> np.ndarray:
    holidays = np.arange(rows) % 61 == 20
    return np.column_stack([random.random(rows) < 0.15, 3 + 0.4 * random.normal(size=rows), holidays]).astype(float)


def logs(rows: int, random: np.random.Generator, wander: float = 0.02, noise: float = 0.08) -> np.ndarray:
    level = np.cumsum(wander * random.normal(size=rows))
    return 5 + level + WEEK[np.arange(rows) % 7] + noise * random.normal(size=rows)


@pytest.mark.parametrize(("wander", "noise"), [(0.02, 0.08), (0.1, 0.05), (0.0, 0.1)])
def test_effects_are_found_whether_the_level_wanders_or_not(wander: float, noise: float) -> None:
    found = []
    for seed in range(8):
        random = np.random.default_rng(seed)
        beside = covariates(300, random)
        effects = estimated(
            np.exp(logs(300, random, wander, noise) + beside @ TRUTH), beside, (7, 364), np.ones(300, bool)
        )
        assert effects is not None and effects.in_logs
        found.append(effects.sizes)
    np.testing.assert_allclose(np.mean(found, 0), TRUTH, atol=0.03)
    np.testing.assert_allclose(found, np.tile(TRUTH, (8, 1)), atol=0.15)
    np.testing.assert_allclose(effects.in_units, 100 * np.expm1(TRUTH), atol=15)


def test_effects_on_what_may_be_zero_are_added() -> None:
    random = np.random.default_rng(3)
    beside = covariates(400, random)
    values = np.maximum(3 + np.array([0, 1, 0, 2, 3, 4, 5])[np.arange(400) % 7] + 0.5 * random.normal(size=400), 0)
    values[random.random(400) < 0.02] = 0
    effects = estimated(values + beside @ [6.0, 0.0, -2.0], beside, (7,), np.ones(400, bool))
    assert effects is not None and not effects.in_logs
    np.testing.assert_allclose(effects.in_units, [6, 0, -2], atol=0.5)


def test_noise_is_seldom_believed_and_then_little() -> None:
    believed, size = 0, []
    for seed in range(30):
        random = np.random.default_rng(100 + seed)
        effects = estimated(np.exp(logs(200, random)), covariates(200, random), (7,), np.ones(200, bool))
        assert effects is not None
        believed += bool(effects.sizes.any())
        size.append(np.std(covariates(200, random) @ effects.sizes) / 0.08)
    assert believed <= 6 and np.mean(size) < 0.05  # of the noise of a row


def test_what_is_taken_out_is_put_back() -> None:
    random = np.random.default_rng(5)
    for kind in (np.exp, lambda values: values - 5):
        beside = covariates(200, random)
        values = kind(logs(200, random) + beside @ TRUTH)
        effects = estimated(values, beside, (7,), np.ones(200, bool))
        assert effects is not None and effects.sizes.any()
        without = effects.without(values, beside)
        assert np.std(np.diff(without)) < 0.9 * np.std(np.diff(values))
        np.testing.assert_allclose(effects.put_back(without[:, None], beside)[:, 0], values)


def test_rows_that_were_not_observed_tell_nothing_and_few_rows_nothing_either() -> None:
    random = np.random.default_rng(6)
    beside = covariates(200, random)
    known = beside[:, 2] == 0
    values = np.exp(logs(200, random) + beside[:, :2] @ TRUTH[:2])
    effects = estimated(values, beside, (7,), known)
    assert effects is not None and effects.sizes[2] == 0
    np.testing.assert_allclose(effects.sizes[:2], TRUTH[:2], atol=0.1)
    few = slice(FEWEST - 1)
    assert estimated(values[few], beside[few], (7,), np.ones(FEWEST - 1, bool)) is None
    constant = estimated(values, 0 * beside + 7, (7,), known)
    assert constant is not None and not constant.sizes.any()


@pytest.mark.parametrize("weight", [0.1, 0.7, 1.0])
def test_innovations_are_those_of_exponential_smoothing(weight: float) -> None:
    values = np.random.default_rng(7).normal(size=50)
    level, expected = 0.0, []
    for value in values:
        expected.append(value - level)
        level += weight * (value - level)
    np.testing.assert_allclose(_innovations(values[:, None], weight)[:, 0], expected, atol=1e-12)
