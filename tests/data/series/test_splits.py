"""Splits that a file tells of: read in any writing, applied where the prices jump by them, else said."""

import numpy as np
import pandas as pd
import pytest

from seqlab.data.series.frames import load_data
from seqlab.data.series.splits import apply_splits, split_column, split_ratios

DATES = np.datetime64("2022-01-03") + np.arange(500)
TRUE = 40 * np.exp(np.cumsum(np.random.default_rng(0).normal(0, 0.015, 500)))  # on the scale of the last row


def told(**days: float) -> np.ndarray:
    ratios = np.ones(500)
    for day, ratio in days.items():
        ratios[int(day[1:])] = ratio
    return ratios


def unadjusted(ratios: np.ndarray, late: int = 0) -> np.ndarray:
    """Prices as they were paid: before each split (or `late` rows after its day) times its ratio."""
    paid = TRUE.copy()
    for row in np.flatnonzero(ratios != 1):
        paid[: row + late] *= ratios[row]
    return paid


@pytest.mark.parametrize(
    "label",
    ["Stock Splits", "stockSplits", "Split Ratio", "split_factor", "Split", "SPLITS", "8. split coefficient"],
)
def test_the_column_is_known_by_its_name(label):
    assert split_column(["Date", "Close", label]) == label


def test_other_columns_are_none():
    assert split_column(["Date", "Close", "Dividends", "train split", "Splitting", "Adj Factor"]) is None


@pytest.mark.parametrize(
    ("entry", "ratio"),
    [
        ("4:1", 4),
        ("4/1", 4),
        ("1:10", 0.1),
        ("4 for 1", 4),
        ("3-for-2", 1.5),
        ("1 for 8", 0.125),
        ("7 to 1", 7),
        ("4.0", 4),
        ("0,5", 0.5),
        (" 2 : 1 ", 2),
        (20.0, 20),
        ("0.0", 1),
        ("-", 1),
        (None, 1),
        ("1:1", 1),
    ],
)
def test_entries_are_read_in_any_writing(entry, ratio):
    ratios = split_ratios(pd.Series(["", None, entry, "0"], dtype=object))
    np.testing.assert_allclose(ratios, [1, 1, ratio, 1])


@pytest.mark.parametrize(
    "entries",
    [["train", "test", "test"], ["4:0", "", ""], ["-4", "", ""], ["inf", "", ""], [28.0, 28, 28, 7, 7, 7, 1, 1]],
)
def test_what_tells_of_no_splits_is_refused(entries):
    assert split_ratios(pd.Series(entries, dtype=object)) is None


@pytest.mark.parametrize("late", [-1, 0, 1])
@pytest.mark.parametrize("ratio", [2, 3, 4, 7, 20, 1.5, 0.1, 0.05])
def test_prices_before_a_split_are_put_on_the_scale_after_it(ratio, late):
    ratios = told(r300=ratio)
    factor, (note,) = apply_splits(unadjusted(ratios, late), ratios, DATES, "Stock Splits")
    np.testing.assert_allclose(unadjusted(ratios, late) * factor, TRUE)
    assert note.startswith("its column Stock Splits tells of ") and "on 2022-10-30: the prices before are" in note


def test_it_is_said_as_a_person_would():
    ratios = told(r100=4.0, r300=0.1, r400=1.5)
    factor, notes = apply_splits(unadjusted(ratios), ratios, DATES, "Splits")
    np.testing.assert_allclose(unadjusted(ratios) * factor, TRUE)
    assert notes == [
        "its column Splits tells of 4 for 1 on 2022-04-13: the prices before are divided by 4",
        "its column Splits tells of 1 for 10 on 2022-10-30: the prices before are multiplied by 10",
        "its column Splits tells of 3 for 2 on 2023-02-07: the prices before are divided by 1.5",
    ]


@pytest.mark.parametrize("ratio", [2, 4, 0.1, 1.5, 1.05])
def test_prices_that_do_not_jump_are_adjusted_already(ratio):
    ratios = told(r300=ratio)
    factor, (note,) = apply_splits(TRUE, ratios, DATES, "Stock Splits")
    assert (factor == 1).all() and note.endswith("on 2022-10-30: the prices are adjusted for it already")


def test_a_ratio_of_old_for_new_is_turned_by_the_prices():
    ratios = told(r300=4.0)
    factor, (note,) = apply_splits(unadjusted(ratios), 1 / ratios, DATES, "Split Ratio")
    np.testing.assert_allclose(unadjusted(ratios) * factor, TRUE)
    assert "4 for 1" in note


def test_a_stock_dividend_too_small_to_be_seen_follows_the_large_splits():
    ratios = told(r100=1.02, r200=2.0, r400=3.0)
    factor, _ = apply_splits(unadjusted(ratios), ratios, DATES, "Splits")
    np.testing.assert_allclose(unadjusted(ratios) * factor, TRUE)
    factor, _ = apply_splits(TRUE, ratios, DATES, "Splits")
    assert (factor == 1).all()


def test_a_day_without_a_price_and_splits_outside_of_the_prices():
    ratios = told(r0=2.0, r300=4.0)
    close = unadjusted(told(r300=4.0))
    close[[299, 300, 301]] = np.nan
    factor, notes = apply_splits(close, ratios, DATES, "Splits")
    np.testing.assert_allclose((close * factor)[~np.isnan(close)], TRUE[~np.isnan(close)])
    assert len(notes) == 1  # nothing lies before the first row
    assert apply_splits(np.full(500, np.nan), ratios, DATES, "Splits")[1] == []


@pytest.mark.parametrize("ratio", [2.0, 4.0, 1.5, 0.1])
@pytest.mark.parametrize("shift", [-1, 0, 1])
@pytest.mark.parametrize("newest_first", [False, True])
def test_a_split_in_a_table_is_no_return(ratio, shift, newest_first):
    returns = np.random.default_rng(0).normal(0, 0.01, 400)
    raw = 100 * np.exp(returns.cumsum()) * np.where(np.arange(400) < 300, ratio, 1.0)
    told_on = np.where(np.arange(400) == 300 + shift, ratio, 0.0)
    days = pd.bdate_range("2020-01-01", periods=400)
    frame = pd.DataFrame({"Date": days, "Close": raw, "Stock Splits": told_on})
    (series,) = load_data(frame[::-1] if newest_first else frame)
    np.testing.assert_allclose(np.diff(series.path()), returns[1:], atol=1e-9)
    assert series.close[-1] == pytest.approx(raw[-1])
    assert sum("tells of" in note for note in series.notes) == 1
