"""The scores of a backtest counted by hand, one forecast after the other; what is pooled, and what is written down."""

import json
import math
from dataclasses import asdict, replace

import numpy as np
import pytest
from sklearn.metrics import mean_absolute_error, mean_pinball_loss

from seqlab import scoring
from seqlab.errors import DataError
from seqlab.scoring.backtest import Backtest, pool, steps, summary

DAYS, HORIZONS = 60, (1, 5)


def some(seed: int = 0, days: int = DAYS) -> Backtest:
    """Outcomes of both signs and some that are zero, medians too; nothing is like anything else."""
    random = np.random.default_rng(seed)
    outcomes = np.round(random.normal(0.01, 0.03, size=(days, 2)), 2)
    spread = np.sort(random.normal(0, 0.03, size=(2, days, 2, 19)), axis=-1)
    quantiles = {name: spread[k] for k, name in enumerate(("model", "random_walk"))}
    quantiles["model"][::4] -= quantiles["model"][::4, :, 9:10]
    return Backtest(
        HORIZONS,
        np.datetime64("2020-01-01") + np.arange(days),
        outcomes,
        quantiles,
        naive_error=random.uniform(0.01, 0.02, size=(days, 2)),
    )


@pytest.mark.parametrize(("in_percent", "factor"), [(True, 100), (False, 1)])
def test_each_score_is_what_its_definition_counts(in_percent: bool, factor: int) -> None:
    backtest = replace(some(), in_percent=in_percent)
    scores = backtest.scores("model")
    for k in range(len(HORIZONS)):
        truth, quantiles = backtest.outcomes[:, k], backtest.quantiles["model"][:, k]
        at = {level: quantiles[:, round(20 * level) - 1] for level in scoring.LEVELS}
        losses = [mean_pinball_loss(truth, at[level], alpha=level) for level in scoring.LEVELS]
        assert scores.pinball[k] == pytest.approx(factor * np.mean(losses))
        assert scores.crps[k] == pytest.approx(factor * 1.9 * np.mean(losses))
        assert scores.mae[k] == pytest.approx(factor * mean_absolute_error(truth, at[0.5]))
        assert backtest.naive_error is not None and scores.mase is not None
        assert scores.mase[k] == pytest.approx(np.mean(np.abs(truth - at[0.5]) / backtest.naive_error[:, k]))
        for share, held, wide in (
            (0.5, "coverage50", "width50"),
            (0.8, "coverage80", "width80"),
            (0.9, "coverage90", "width90"),
        ):
            low, high = at[round((1 - share) / 2, 2)], at[round((1 + share) / 2, 2)]
            assert getattr(scores, held)[k] == sum(a <= x <= b for a, x, b in zip(low, truth, high, strict=True)) / DAYS
            assert getattr(scores, wide)[k] == pytest.approx(factor * (high.mean() - low.mean()))
        tenths = [sum(x > at[round(0.1 * d, 1)][o] for d in range(1, 10)) for o, x in enumerate(truth)]
        assert scores.pit[k] == pytest.approx([tenths.count(tenth) / DAYS for tenth in range(10)])
        guessed = [0.5 if x == 0 or m == 0 else float((x > 0) == (m > 0)) for x, m in zip(truth, at[0.5], strict=True)]
        assert 0 < guessed.count(0.5) < DAYS and scores.direction[k] == pytest.approx(np.mean(guessed))
    assert replace(backtest, naive_error=None).scores("model").mase is None


def test_skill_is_how_much_of_the_walks_loss_is_saved() -> None:
    backtest = some()
    ours, theirs = (np.array(backtest.scores(name).crps) for name in ("model", "random_walk"))
    assert backtest.skill() == pytest.approx((100 * (theirs - ours) / theirs).tolist())
    assert backtest.skill("random_walk", against="model") == pytest.approx((100 * (ours - theirs) / ours).tolist())
    centred = backtest.quantiles["model"] - backtest.quantiles["model"][..., 9:10]
    moved = replace(backtest, quantiles={**backtest.quantiles, "model": centred})
    assert backtest.skill(at_last_price=True) == pytest.approx(moved.skill())
    assert backtest.p_values(at_last_price=True) == pytest.approx(moved.p_values())
    exact = np.repeat(backtest.outcomes[..., None], 19, axis=2)
    known = replace(backtest, quantiles={"model": exact, "random_walk": exact})
    assert np.isnan(known.skill()).all()


@pytest.mark.parametrize(("horizon", "stride", "overlap"), [(1, 1, 1), (5, 1, 5), (20, 5, 4), (21, 5, 5), (1, 5, 1)])
def test_a_horizon_spans_the_origins_in_it(horizon: int, stride: int, overlap: int) -> None:
    """As many as the origins, the first among them, whose outcomes have a step in common with the first one's."""
    together = [first for first in range(0, 100, stride) if first < horizon]
    assert replace(some(), stride=stride).overlap(horizon) == len(together) == overlap


def test_a_day_of_several_series_is_its_mean_and_days_are_in_order() -> None:
    backtest = replace(some(days=5), origins=np.array([30, 10, 30, 20, 10]))
    values = np.array([[1.0, 10.0], [2.0, 20.0], [5.0, 50.0], [7.0, 70.0], [4.0, 40.0]])
    assert backtest.by_day(values).tolist() == [[3.0, 30.0], [7.0, 70.0], [3.0, 30.0]]
    assert backtest.days == 3


def test_a_pool_has_the_forecasts_of_all_and_the_methods_that_all_have() -> None:
    one, other = some(0), some(1, days=20)
    more = replace(one, quantiles={**one.quantiles, "har": one.quantiles["model"]})
    both = pool([more, other])
    assert list(both.quantiles) == ["model", "random_walk"]
    for name in both.quantiles:
        weighted = (DAYS * np.array(one.scores(name).crps) + 20 * np.array(other.scores(name).crps)) / (DAYS + 20)
        assert both.scores(name).crps == pytest.approx(weighted.tolist())
    assert len(both.origins) == DAYS + 20 and both.days == DAYS and both.scores("model").mase is not None
    assert pool([one, replace(other, naive_error=None)]).scores("model").mase is None
    hindsight = (np.datetime64("2020-01-01"), np.datetime64("2021-01-01"))
    assert pool([one, replace(other, hindsight=hindsight)]).hindsight == hindsight and both.hindsight is None
    assert [pool([one, replace(other, only_width=wide)]).only_width for wide in (True, False)] == [True, False]
    apart = [replace(some(), of_prices=prices) for prices in (True, False)]
    assert [pool(list(pair)).of_prices for pair in (apart, apart[::-1], apart[1:])] == [True, True, False]
    for unlike in ({"step": "hour"}, {"in_percent": False}):
        with pytest.raises(DataError, match="not of one kind"):
            pool([one, replace(other, **unlike)])


def test_the_summary_is_json_and_says_what_the_backtest_does() -> None:
    backtest = some()
    found = summary(backtest)
    json.dumps(found)
    assert (found["origins"], found["first"], found["last"]) == (DAYS, "2020-01-01", "2020-02-29")
    assert found["model"] == asdict(backtest.scores("model"))
    assert found["baselines"] == {"random_walk": asdict(backtest.scores("random_walk"))}
    assert found["skill_vs_random_walk"] == backtest.skill()
    assert found["skill_at_last_price"] == backtest.skill(at_last_price=True) != backtest.skill()
    assert found["dm_p_value"] == backtest.p_values() == found["dm_p_value_against"]["random_walk"]
    assert found["dm_p_value_at_last_price"] == backtest.p_values(at_last_price=True) != backtest.p_values()
    assert found["always_up"] == [sum(x > 0 for x in column) / DAYS for column in backtest.outcomes.T]
    none = {name: values[:0] for name, values in backtest.quantiles.items()}
    empty = summary(replace(backtest, origins=backtest.origins[:0], outcomes=backtest.outcomes[:0], quantiles=none))
    assert empty["origins"] == 0 and empty["model"] is empty["first"] is empty["skill_vs_random_walk"] is None


@pytest.mark.parametrize(
    ("horizon", "step", "said"),
    [
        (1, "day", "1 day"),
        (5, "day", "5 days"),
        ("1 and 5", "hour", "1 and 5 hours"),
        (3, "30 minutes", "3 x 30 minutes"),
    ],
)
def test_a_number_of_steps_in_words(horizon: int | str, step: str, said: str) -> None:
    assert steps(horizon, step) == said


def test_no_interval_of_no_forecast() -> None:
    none = {name: values[:0] for name, values in some().quantiles.items()}
    empty = replace(some(), origins=some().origins[:0], outcomes=some().outcomes[:0], quantiles=none)
    assert all(math.isnan(end) for interval in empty.skill_intervals() for end in interval)
