"""When the 80 % interval of a backtest is called badly calibrated, and when what was outside may be chance."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from seqlab import scoring
from seqlab.scoring.backtest import Backtest
from seqlab.scoring.verdict import findings, verdict
from tests.scoring.test_verdict import CURVE, made


def counts(share_of_zeros: float, days: int = 400) -> Backtest:
    random = np.random.default_rng(5)
    outcomes = np.where(random.random((days, 1)) < share_of_zeros, 0.0, 1.0)
    model = np.tile((np.array(scoring.LEVELS) > share_of_zeros).astype(float), (days, 1, 1))
    return Backtest((1,), np.arange(days), outcomes, {"model": model, "random_walk": model + 1.0})


def test_calibration_is_a_matter_of_how_many_forecasts_and_of_either_side():
    narrow = made(("narrow",))
    assert narrow.miscalibrated() == [True]
    wide = replace(narrow, quantiles={name: 40 * values for name, values in narrow.quantiles.items()})
    assert wide.miscalibrated() == [True] and wide.scores("model").coverage80[0] > 0.95
    assert made(("even",)).miscalibrated() == [False]
    assert "was badly calibrated (its 80 % interval held" in verdict(made(("narrow",), 20))  # a few are enough for that
    assert replace(narrow, horizons=(100,)).miscalibrated() == [False]  # four independent ones say nothing
    assert replace(wide, horizons=(40,)).miscalibrated() == [False]  # ten are all inside now and then
    assert [counts(share).miscalibrated() for share in (0.5, 0.97)] == [[False], [False]]  # all of them on its edge


def test_a_coverage_that_is_off_by_a_little_is_no_bad_one_however_many_days_say_so():
    """An interval of 77 % in 20,000 days: no chance, and no matter."""
    outcomes = np.random.default_rng(7).normal(size=(20_000, 1))
    model = np.tile(1.2 / 1.2816 * CURVE, (20_000, 1, 1))
    backtest = Backtest((1,), np.arange(20_000), outcomes, {"model": model})
    assert backtest.scores("model").coverage80[0] == pytest.approx(0.77, abs=0.01)
    assert backtest.miscalibrated() == [False]
    assert replace(backtest, quantiles={"model": 0.8 * model}).miscalibrated() == [True]


def test_calibrated_forecasts_are_called_badly_calibrated_no_more_often_than_said():
    random = np.random.default_rng(6)
    found = []
    for _ in range(400):
        steps_of = random.normal(size=309)
        outcomes = np.convolve(steps_of, np.ones(10), "valid")[:, None]
        model = np.tile(np.sqrt(10) * CURVE, (300, 1, 1))
        found += Backtest((10,), np.arange(300), outcomes, {"model": model}).miscalibrated()
    assert np.mean(found) < 0.07


@pytest.mark.parametrize("days", [40, 60, 99])
def test_a_coverage_of_a_few_independent_days_is_held_against_the_normal_margin_of_a_share(days):
    """Of both sides together: z sqrt(p (1 - p) / n), as in a textbook; at longer horizons of fewer of them."""
    model = np.tile(CURVE, (days, 1, 1))
    for horizon, share in ((1, 0.05), (1, 0.2), (4, 0.05)):
        z = stats.norm.ppf(1 - share / 2)
        bound = max(0.05, z * math.sqrt(0.8 * 0.2 / (days / horizon)))
        for outside in range(days + 1):
            outcomes = np.where(np.arange(days) < outside, 9.0, 0.1)[:, None]
            backtest = Backtest((horizon,), np.arange(days), outcomes, {"model": model})
            off = abs((days - outside) / days - 0.8)
            if abs(off - bound) > 1e-9:
                assert backtest.miscalibrated(share) == [off > bound], (horizon, share, outside)


def test_misses_that_come_together_are_chance_where_there_are_days_enough_to_tell():
    """Thirty days of a hundred outside are too many for independent ones, but not where they are one stretch of bad
    luck; of 99 days that cannot be told."""
    for days, is_bad in ((99, True), (100, False), (101, False)):
        outcomes = np.where(np.arange(days) < 30, 9.0, 0.1)[:, None]
        assert Backtest((1,), np.arange(days), outcomes, {"model": np.tile(CURVE, (days, 1, 1))}).miscalibrated() == [
            is_bad
        ]


def test_one_coverage_of_three_has_to_be_off_by_more_than_the_only_one():
    """Bonferroni: 19 misses of 60 are less likely than 5 %, and likelier than a third of that."""
    outcomes = np.where(np.arange(60) < 19, 9.0, 0.1)[:, None]
    one = Backtest(
        (1,), np.arange(60), outcomes, {name: np.tile(CURVE, (60, 1, 1)) for name in ("model", "random_walk")}
    )
    three = replace(
        one,
        horizons=(1, 2, 3),
        stride=3,  # none overlaps
        outcomes=np.repeat(outcomes, 3, 1),
        quantiles={name: np.repeat(values, 3, 1) for name, values in one.quantiles.items()},
    )
    assert 0.05 / 3 < 2 * stats.norm.sf((19 / 60 - 0.2) / math.sqrt(0.2 * 0.8 / 60)) < 0.05
    assert [[found.is_miscalibrated for found in findings(each, "random_walk")] for each in (one, three)] == [
        [True],
        [False, False, False],
    ]
