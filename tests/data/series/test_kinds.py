"""What a column holds, by what its numbers do; and what forecasts of it may be."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqlab.data.series.frames import load_data
from seqlab.data.series.series import Series
from seqlab.errors import DataError


def read(values: np.ndarray, name: str = "v", frequency: str = "D", **how) -> Series:
    dates = pd.date_range("2019-01-01", periods=len(values), freq=frequency)
    (series,) = load_data(pd.DataFrame({name: values}, dates), **how)
    return series


def calls(count: int, seed: int, noise: float = 0.05) -> np.ndarray:
    """Whole numbers with a pattern of the weekday, Tuesday the 2019-01-01 the first."""
    of_weekday = np.array([420, 400, 380, 300, 500])
    noisy = np.resize(of_weekday, count) * np.exp(np.random.default_rng(seed).normal(0, noise, count))
    return noisy.round()


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.02, 0.1, 0.3]))
def test_counts_from_monday_to_friday_are_no_prices(seed, noise):
    series = read(calls(400, seed, noise), frequency="B")
    assert series.kind == "counts" and series.seasons == (5,) and not series.is_daily_prices


@given(st.integers(0, 2**32 - 1), st.sampled_from([0.002, 0.01, 0.04]), st.booleans())
def test_what_changes_as_a_market_does_is_prices(seed, size, whole):
    walk = 1000 * np.exp(np.random.default_rng(seed).standard_t(4, 500).cumsum() * size)
    series = read((100 * walk).round() if whole else walk, frequency="B")
    assert series.kind == "prices" and series.seasons == () and series.is_daily_prices


def test_every_day_of_the_week_only_closes_are_prices():
    walk = 100 * np.exp(np.random.default_rng(0).normal(0, 0.01, 400).cumsum())
    assert read(walk, "Close").kind == "prices" and read(walk, "visits").kind == "levels"
    assert read(walk, "visits", kind="prices").is_daily_prices


def test_what_is_said_goes_before_what_is_seen():
    counted = calls(100, 1)
    assert read(counted, kind="levels").additive and read(counted, kind="prices", frequency="B").is_daily_prices
    assert read(counted / 7, kind="levels").kind == "levels"
    returns = read(np.random.default_rng(0).normal(0, 0.01, 100), kind="returns")
    assert returns.is_price and returns.adjusted[-1] == pytest.approx(returns.close[-1])
    with pytest.raises(DataError, match="counts are whole"):
        read(counted / 7, kind="counts")
    with pytest.raises(DataError, match="at or below zero, as -3"):
        read(np.append(counted, [-3, -3.5]), kind="prices")


@pytest.mark.parametrize(
    ("values", "lowest"),
    [
        (np.random.default_rng(0).poisson(0.4, 200), 0.0),  # seldom sold
        (np.random.default_rng(0).exponential(2, 200) * (np.arange(200) % 3 > 0), 0.0),  # rain
        (np.random.default_rng(0).normal(0, 2, 200), -np.inf),
    ],
)
def test_nothing_goes_where_nothing_ever_was(values, lowest):
    series = read(values.astype(float))
    changes = np.linspace(-50, 50, 21) * np.ones((1, 3, 1))
    moved = series.moved(series.possible(changes, np.array([len(series) - 1])))
    assert moved.min() == pytest.approx(max(lowest, series.close[-1] - 50)) and moved.max() > 40
    assert (np.diff(moved, axis=2) >= 0).all()


@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_counts_stay_whole_and_what_never_falls_does_not_fall(seed, horizon):
    random = np.random.default_rng(seed)
    for values in (random.poisson(3, 120).cumsum() + 5, random.poisson(0.3, 120), random.poisson(200, 120) + 1):
        series = read(values.astype(float))
        assert series.kind == "counts"
        path = series.path()
        rows = np.arange(60, 120 - horizon)
        changes = np.sort(random.normal(0, np.abs(path).mean(), (len(rows), horizon, 19)))
        possible = series.possible(changes, rows)
        moved = np.stack([series.moved(one, row) for one, row in zip(possible, rows, strict=True)])
        assert (moved == moved.round()).all() and (moved >= 0).all()
        if series.never_falls:
            assert (moved >= series.close[rows, None, None]).all() and (np.diff(moved, axis=1) >= 0).all()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(-1, 9), min_size=40, max_size=80), st.integers(0, 2**32 - 1), st.sampled_from([1, 0.25]))
def test_what_a_past_row_may_become_is_decided_by_the_rows_up_to_it(steps, seed, unit):
    random = np.random.default_rng(seed)
    for values in (np.cumsum([*map(abs, steps[:30]), *steps[30:]]), np.array(steps)):  # rises at first; any
        series = read(unit * values.astype(float), kind="levels")
        rows = np.arange(0, len(series), 7)
        changes = np.sort(random.normal(0, 9, (len(rows), 4, 7)))
        then = [
            series.until(series.dates[row]).possible(changes[place : place + 1], np.array([-1]))[0]
            for place, row in enumerate(rows)
        ]
        np.testing.assert_array_equal(series.possible(changes, rows), then)  # though other rows follow
        end, worst = series.adjusted[rows[-1]], then[-1][:, 0]
        known = series.adjusted[: rows[-1] + 1]
        if (np.diff(known) >= 0).all() and (np.diff(known) > 0).mean() > 0.1:
            assert (then[-1] >= 0).all()
        elif known.min() >= 0:
            np.testing.assert_allclose(worst, np.maximum(changes[-1][:, 0], -end))
        else:
            np.testing.assert_array_equal(worst, changes[-1][:, 0])


def test_a_forecast_of_what_is_counted_up_goes_on_as_it_rose():
    from seqlab.data.series.mean_forecast import mean_forecast

    random = np.random.default_rng(4)
    rate = np.concatenate([np.linspace(2, 200, 80), np.linspace(200, 3, 80), np.full(140, 3.0)])
    path = random.poisson(rate).cumsum().astype(float)
    mean = mean_forecast(path, (7,), np.array([1, 9]), only_rises=True)
    late = mean[-60:-9]
    assert np.abs(late.mean(axis=0) - 3 * np.array([1, 9])).max() < 1.5
    assert (mean >= -1e-9).mean() > 0.95


def test_the_line_that_says_what_was_read():
    whole = calls(300, 3)
    dates = pd.bdate_range("2019-01-01", periods=300)
    keep = np.arange(300) % 40 != 7
    (series,) = load_data(pd.DataFrame({"when": dates, "calls": np.where(keep, whole, np.nan)}))
    from seqlab.data.series.grid import complete

    line = complete(series).about()[0]
    assert "column calls, step day (Mon-Fri), season week, kind counts, 292 rows to 2020-02-24" in line
    assert "left out: 8 without a value" in line and "missing, with their places kept: 8" in line
    assert complete(series).read()["missing"] == 8 and complete(series).read()["left_out"] == ["8 without a value"]
