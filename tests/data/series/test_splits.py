"""Splits that a file tells of: applied where the closes do not know of them."""

import numpy as np
import pandas as pd
import pytest

from seqlab.data.series.frames import load_data
from seqlab.data.series.series import Series
from seqlab.data.series.splits import split_column, split_factors, split_ratios

RETURNS = np.random.default_rng(0).normal(0, 0.01, 400)


def read(close: np.ndarray, told: list, name: str = "Stock Splits", newest_first: bool = False) -> Series:
    frame = pd.DataFrame({"Date": pd.bdate_range("2020-01-01", periods=400), "Close": close, name: told})
    (series,) = load_data(frame[::-1] if newest_first else frame)
    return series


@pytest.mark.parametrize("ratio", [2.0, 4.0, 1.5, 0.1])
@pytest.mark.parametrize("shift", [-1, 0, 1])
@pytest.mark.parametrize("newest_first", [False, True])
def test_a_split_is_no_return(ratio, shift, newest_first):
    adjusted = 100 * np.exp(RETURNS.cumsum())
    raw = adjusted * np.where(np.arange(400) < 300, ratio, 1.0)
    told = np.where(np.arange(400) == 300 + shift, ratio, 0.0)
    series = read(raw, list(told), newest_first=newest_first)
    np.testing.assert_allclose(np.diff(series.path()), RETURNS[1:], atol=1e-9)
    assert series.close[-1] == pytest.approx(raw[-1])
    assert sum("split" in note for note in series.notes) == 1


def test_what_is_adjusted_already_is_left():
    adjusted = 100 * np.exp(RETURNS.cumsum())
    series = read(adjusted, [4.0 if row == 300 else 0.0 for row in range(400)])
    np.testing.assert_allclose(series.adjusted, adjusted)
    assert any("adjusted already" in note for note in series.notes)


@pytest.mark.parametrize(
    ("entries", "ratios"),
    [
        (["", "4:1", "1.0"], [1, 4, 1]),
        ([None, "1/10", "0"], [1, 0.1, 1]),
        (["3 for 2", "2-for-1", ""], [1.5, 2, 1]),
        (["1", "soon", "1"], None),
        (["1", "4:0", "1"], None),
    ],
)
def test_the_writings_of_a_split(entries, ratios):
    found = split_ratios(pd.Series(entries, dtype="string"))
    assert (found is None) if ratios is None else found == pytest.approx(ratios)


def test_the_column_that_tells():
    for name in ("Stock Splits", "stockSplits", "split", "split_factor", "Split Ratio", "split coefficient"):
        assert split_column(["Close", name]) == name
    for name in ("Split Adjusted Close", "splitter", "train_split_id", "Volume"):
        assert split_column(["Close", name]) is None


def test_a_split_on_the_first_row_is_left():
    factors, notes = split_factors(
        np.full(5, 10.0), np.array([4.0, 1, 1, 1, 1]), np.arange("2020-01-01", "2020-01-06", dtype="datetime64[D]"), "s"
    )
    assert (factors == 1).all() and len(notes) == 1
