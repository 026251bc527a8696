"""Series out of pandas objects of every kind."""

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from seqlab.data.series.frames import load_data
from seqlab.errors import DataError

DAYS = pd.date_range("2024-01-01", periods=40, freq="B")


@pytest.mark.parametrize("name", [None, "id", "Symbol"])
def test_a_series_of_counts_is_not_taken_for_names_of_series(name: str | None) -> None:
    (series,) = load_data(pd.Series(np.arange(40) % 4, DAYS, name=name))
    assert series.close.tolist() == [float(day % 4) for day in range(40)]


@pytest.mark.parametrize("kind", [str, Decimal, object])
def test_numbers_of_any_type_are_the_values_of_a_series(kind: Any) -> None:
    values = pd.Series([number + 0.5 for number in range(40)], DAYS)
    given = values.astype(object) if kind is object else values.map(str).map(kind)
    before = given.copy(deep=True)
    (series,) = load_data(given)
    assert series.close.tolist() == values.tolist()
    pd.testing.assert_series_equal(given, before)


def test_a_column_of_several_levels_is_a_series_by_their_names() -> None:
    frame = pd.DataFrame({("Close", "AAA"): np.arange(1.0, 41.0)}, DAYS)
    (series,) = load_data(frame[("Close", "AAA")])
    assert series.name == "Close AAA"


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (pd.DataFrame(), "no rows or no columns"),
        (pd.DataFrame(np.ones((40, 2)), DAYS, columns=["a", "a"]), "several columns called 'a'"),
        (pd.DataFrame(np.ones((40, 2)), DAYS, columns=[1, "1"]), "several columns called '1'"),
    ],
)
def test_frames_that_cannot_be_read_are_refused_in_words(frame: pd.DataFrame, said: str) -> None:
    with pytest.raises(DataError, match=said):
        list(load_data(frame))
