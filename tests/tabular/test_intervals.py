"""Intervals of numbers hold what they promise, of few rows too, and are as wide as the noise."""

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import mean_pinball_loss

from seqlab.data.tables.reader import Table
from seqlab.tabular.batched import pinball
from seqlab.tabular.intervals import (
    LEVELS,
    QUANTILES,
    Intervals,
    Scale,
    conformal,
    coverage,
    covering,
    crossed,
    edges_of,
)
from seqlab.tabular.table_model import TableModel
from tests.tabular.helpers import FP32, trained

EXACT = {level: Fraction(str(level)) for level in LEVELS}
SCALE = Scale(0.0, 1.0)


@given(count=st.integers(1, 2000), level=st.sampled_from(LEVELS))
def test_the_rank_is_the_lowest_that_covers_one_more_row_often_enough(count: int, level: float) -> None:
    """Of count + 1 exchangeable scores the last is any of them alike: it is not above the k-th smallest of the others
    with probability k / (count + 1)."""
    found = covering(np.arange(1.0, count + 1), level)
    enough = [rank for rank in range(1, count + 1) if Fraction(rank, count + 1) >= EXACT[level]]
    assert found == (enough[0] if enough else np.inf)


@pytest.mark.parametrize("count", [9, 10, 19, 25, 60])
def test_of_few_rows_too_a_new_one_is_covered_as_often_as_promised(count: int) -> None:
    """The quantiles are useless; the promise does not hang on them."""
    random, draws = np.random.default_rng(count), 3000
    hits = dict.fromkeys(LEVELS, 0)
    for _ in range(draws):
        x = random.normal(size=count + 1)
        truth, quantiles = x * random.normal(size=count + 1), np.sort(random.normal(size=(count + 1, len(QUANTILES))))
        found = conformal(SCALE, (), x[:-1], quantiles[:-1], truth[:-1])
        middle = quantiles[-1:, [3, 4]].mean(1)
        for level, (low, high) in found.ends(middle, quantiles[-1:]).items():
            hits[level] += int(low[0] <= truth[-1] <= high[0])
    possible = [level for level in LEVELS if EXACT[level] * (count + 1) <= count]
    assert [level for level in LEVELS if hits[level]] == possible
    for level in possible:
        rare = 3 * np.sqrt(level * (1 - level) / draws)
        assert hits[level] / draws >= level - rare
        if level == possible[0]:  # the others are made wider where a narrower one reaches farther
            assert hits[level] / draws <= level + 1 / (count + 1) + rare


def test_each_group_of_the_prediction_is_covered_as_promised() -> None:
    """Noise that grows a hundredfold with the prediction, and a net that knows nothing of it."""
    random = np.random.default_rng(0)
    x = random.uniform(0, 2, 21_000)
    truth, quantiles = x + 10**x * random.normal(size=len(x)), np.tile(np.linspace(-1, 1, len(QUANTILES)), (len(x), 1))
    made, new = slice(0, 1000), slice(1000, None)
    edges = edges_of(x[new], 1000)
    assert edges == pytest.approx([0.4, 0.8, 1.2, 1.6], abs=0.05)
    found = conformal(SCALE, edges, x[made], quantiles[made], truth[made])
    covered = coverage(found.ends(x[new], quantiles[new]), x[new], truth[new])
    for level in LEVELS:
        assert covered["coverage_by_fifth"][str(level)] == pytest.approx([level] * 5, abs=0.07)
    one = conformal(SCALE, (), x[made], quantiles[made], truth[made])
    alike = coverage(one.ends(x[new], quantiles[new]), x[new], truth[new])
    assert alike["coverage"]["0.9"] == pytest.approx(0.9, abs=0.03)
    assert alike["coverage_by_fifth"]["0.9"][4] < 0.65


def test_groups_are_as_many_as_the_rows_held_out_give_work_to() -> None:
    assert [len(edges_of(np.arange(9000.0), rows)) + 1 for rows in (10, 399, 400, 999, 1000, 99_999)] == [
        1,
        1,
        2,
        4,
        5,
        5,
    ]
    assert edges_of(np.ones(100), 1000) == [1.0]
    x = np.ones(1000)  # all in one group, and the other has none
    found = conformal(SCALE, [1.0], x, np.zeros((1000, len(QUANTILES))), np.arange(1000.0))
    assert found.edges == () and list(found.moves) == list(LEVELS)


@given(
    quantiles=st.lists(st.floats(-50, 50), min_size=len(QUANTILES), max_size=len(QUANTILES)),
    moves=st.lists(st.floats(-9, 9), min_size=len(LEVELS), max_size=len(LEVELS)),
    log=st.booleans(),
)
def test_intervals_are_nested_around_the_prediction_and_those_of_positive_numbers_are_positive(
    quantiles: list[float], moves: list[float], log: bool
) -> None:
    scale = Scale(1.0, 2.0, log, 0.0)
    made = Intervals(scale, (), {level: (move,) for level, move in zip(LEVELS, moves, strict=True)})
    ends = made.ends(np.full(1, 0.5), np.sort([quantiles]))
    inner = None
    for level in LEVELS:
        low, high = ends[level][0][0], ends[level][1][0]
        assert (low > 0 if log else low >= 0) and low <= 0.5 <= high < np.inf
        assert inner is None or (low <= inner[0] and inner[1] <= high)
        inner = low, high


@given(st.lists(st.floats(1e-3, 1e6), min_size=3, max_size=20))
def test_a_scale_goes_there_and_back(values: list[float]) -> None:
    known = np.array(values)
    scale = Scale.of(known)
    np.testing.assert_allclose(scale.in_units(scale.scaled(known)), known, rtol=1e-6, atol=1e-9 * known.max())
    assert Scale.of(-known).floor is None and not Scale.of(-known).log
    assert scale.scaled(np.array([-1.0]))[0] == -np.inf


def test_numbers_are_learned_by_their_logarithm_where_that_is_less_skewed() -> None:
    random = np.random.default_rng(0)
    normal = random.normal(size=2000)
    assert Scale.of(np.exp(normal)).log and not Scale.of(100 + 10 * normal - np.exp(normal)).log
    assert not Scale.of(np.r_[0.0, np.exp(normal)]).log and Scale.of(np.r_[0.0, np.exp(normal)]).floor == 0.0


def test_no_interval_of_logarithms_is_of_any_size_far_from_all_training() -> None:
    known = np.exp(np.random.default_rng(0).normal(size=500))
    scale, wild = Scale.of(known), np.tile(np.linspace(-300.0, 300.0, len(QUANTILES)), (2, 1))
    made = Intervals(scale, (), {0.9: (0.0,)})
    assert Intervals.from_dict(json.loads(json.dumps(made.to_dict()))) == made
    ((low, high),) = made.ends(np.ones(2), wild).values()
    beyond = np.exp(np.log(known).std())
    assert high == pytest.approx(known.max() * beyond) and low == pytest.approx(known.min() / beyond)


def test_what_is_below_all_of_training_counts_as_missed() -> None:
    """One of nineteen rows is negative: no interval above zero covers it, so that 95 % cannot be promised."""
    truth = np.r_[-1.0, np.linspace(1, 2, 18)]
    quantiles = np.tile(np.linspace(1, 2, len(QUANTILES)), (19, 1))
    found = conformal(Scale(0.0, 1.0, False, 0.0), (), truth, quantiles, truth)
    assert list(found.moves) == [0.5, 0.8, 0.9]


def test_the_pinball_loss_is_scikit_learns_and_the_quantile_has_the_lowest() -> None:
    y = torch.randn(400, 1, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    guesses = torch.linspace(-2, 2, len(QUANTILES), dtype=torch.float64)
    each = [mean_pinball_loss(y[:, 0], [float(one)] * 400, alpha=q) for one, q in zip(guesses, QUANTILES, strict=True)]
    assert pinball(guesses.expand(400, -1), y).mean().item() == pytest.approx(sum(each))
    best = torch.from_numpy(np.quantile(y[:, 0], QUANTILES, method="inverted_cdf"))
    lowest = pinball(best.expand(400, -1), y).mean()
    for place in range(len(QUANTILES)):
        for step in (-0.05, 0.05):
            moved = best.clone()
            moved[place] += step
            assert pinball(moved.expand(400, -1), y).mean() >= lowest


def test_rows_that_made_the_intervals_are_covered_by_those_of_the_others() -> None:
    """Scores of 20 rows, one far away: it is not covered by what the others say."""
    truth = np.r_[np.linspace(-1, 1, 19), 99.0]
    quantiles = np.zeros((20, len(QUANTILES)))
    made = conformal(SCALE, (), truth, quantiles, truth)
    assert coverage(made.ends(truth, quantiles), truth, truth)["coverage"]["0.95"] == 1.0
    covered = crossed(made, np.zeros(20), quantiles, truth, np.arange(20))["coverage"]
    assert covered["0.95"] == 0.95 and covered["0.9"] <= 0.95


def spreading(rows: int, seed: int) -> pd.DataFrame:
    """Positive; the noise of its logarithm depends on what the mean does not."""
    random = np.random.default_rng(seed)
    frame = pd.DataFrame(random.normal(size=(rows, 3)), columns=["level", "noise", "idle"])
    frame["target"] = np.exp(0.5 * frame["level"] + np.where(frame["noise"] > 0, 0.6, 0.1) * random.normal(size=rows))
    return frame


@pytest.mark.parametrize("folds", [None, 3])
def test_intervals_of_a_net_are_as_wide_as_the_noise_and_hold_for_new_rows(tmp_path: Path, folds: int | None) -> None:
    data = Table("made", spreading(1500, 0), "a" * 64, ())
    model = TableModel.of(trained(data, tmp_path / "made", max_steps=400, folds=folds), FP32)
    assert model.intervals.scale.log
    new = spreading(4000, 1)
    found = model.predict_frame(new).to_frame()
    assert (found["low"] > 0).all()
    inside = (found["low"] <= new["target"]) & (new["target"] <= found["high"])
    loud = new["noise"] > 0
    widths = np.log(found["high"] / found["low"])
    assert 0.84 < inside.mean() < 0.96 and 0.75 < inside[loud].mean() < 0.98
    assert widths[loud].median() / (2 * 1.645 * 0.6) == pytest.approx(1, abs=0.4)
    assert widths[~loud].median() < 0.5 * widths[loud].median()
    said = model.evaluate(new)
    assert said["coverage"]["0.9"] == pytest.approx(inside.mean())
    fifths = inside[found["prediction"].sort_values().index].to_numpy().reshape(5, -1).mean(1)
    assert said["coverage_by_fifth"]["0.9"] == pytest.approx(fifths) and (abs(fifths - 0.9) < 0.08).all()
    metrics = model.checkpoint.config["metrics"]
    assert metrics["coverage"]["0.9"] == pytest.approx(0.9, abs=0.06)
    json.dumps(metrics)
