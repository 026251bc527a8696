"""Series out of pandas objects of every kind."""

from datetime import datetime, time
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


HALF_HOURS = pd.date_range("2023-10-20", "2023-11-10", freq="30min", tz="Europe/Berlin")


def _with_dates(how: str) -> pd.DataFrame:
    """A frame whose dates are those of HALF_HOURS, in one of the ways that people have them."""
    frame = pd.DataFrame({"load": np.arange(len(HALF_HOURS)) + 0.5})
    moments = [moment.to_pydatetime() for moment in HALF_HOURS]
    texts = [moment.isoformat() for moment in HALF_HOURS]
    if how == "index":
        return frame.set_axis(HALF_HOURS)
    if how == "index of objects":
        return frame.set_axis(pd.Index(moments, dtype=object))
    if how == "index of text":
        return frame.set_axis(texts)
    entries = {"column": HALF_HOURS, "objects": pd.Series(moments, dtype=object), "text": texts}
    entries["objects of offsets"] = pd.Series([datetime.fromisoformat(text) for text in texts], dtype=object)
    return frame.assign(when=entries[how])


@pytest.mark.parametrize(
    "how", ["index", "index of objects", "index of text", "column", "objects", "objects of offsets", "text"]
)
def test_times_are_those_of_the_clock_and_of_an_hour_shown_twice_the_second_is_kept(how: str) -> None:
    (series,) = load_data(_with_dates(how), kind="levels")
    clock = HALF_HOURS.tz_localize(None)
    last = ~clock.duplicated(keep="last")
    assert (series.dates == clock[last].to_numpy().astype(series.dates.dtype)).all()
    assert series.close.tolist() == (np.arange(len(clock))[last] + 0.5).tolist()
    assert "2 rows of an hour that the clock shows twice are left out" in series.notes
    assert not any("sorted" in note or "comes again" in note for note in series.notes)


def test_several_closes_are_an_error_and_one_that_is_named_is_taken() -> None:
    frame = pd.DataFrame({"Close": np.arange(1.0, 41.0), "AAPL Close": np.arange(2.0, 42.0)}, DAYS)
    with pytest.raises(DataError, match="several columns of closes: Close, AAPL Close") as raised:
        list(load_data(frame))
    assert "columns=[...]" in raised.value.hint
    (series,) = load_data(frame, columns=["aapl close"])
    assert series.close[0] == 2


@pytest.mark.parametrize("names", [("Price", "Ticker"), (None, None)])
@pytest.mark.parametrize("turned", [False, True])
def test_prices_above_tickers_have_names_that_tell_them_apart(names: Any, turned: bool) -> None:
    labels = [(price, ticker) for price in ("Close", "Volume") for ticker in ("AAA", "BBB")]
    if turned:
        labels, names = [label[::-1] for label in labels], names[::-1]
    values = np.outer(np.arange(1.0, 41.0), [1, 2, 3, 4])
    frame = pd.DataFrame(values, DAYS, columns=pd.MultiIndex.from_tuples(labels, names=names))
    with pytest.raises(DataError, match="AAA Close, BBB Close"):
        list(load_data(frame))
    (series,) = load_data(frame, columns=["BBB Close"])
    np.testing.assert_array_equal(series.close, values[:, 1])
    (single,) = load_data(frame.iloc[:, [0, 2]])
    assert single.name == "Close" and single.volume[0] == 3 and "2 levels" in single.notes[0]


def test_columns_that_are_no_series_are_left_out_of_all_and_it_is_said() -> None:
    numbers = np.arange(40.0) % 7
    frame = pd.DataFrame(
        {"id": 7, "year": DAYS.year, "a": numbers, "text": [f"{one + 0.5}" for one in numbers], "same": 3.0}, DAYS
    ).assign(word="x", holiday=np.arange(40) == 5, b=numbers + 1, latitude=52.5)
    found = list(load_data(frame))
    assert [series.name for series in found] == ["a", "text", "b"] and found[1].close[-1] == numbers[-1] + 0.5
    note = "columns that hold no series are left out: id, year, same, word, holiday, latitude"
    assert all(note in series.notes for series in found)
    (year,) = load_data(frame, columns=["year"])
    assert set(year.close) == {2024}
    with pytest.raises(DataError, match="no column of numbers that tell of more than their row, but id, year"):
        list(load_data(frame[["id", "year", "word"]]))


def test_rows_of_a_long_frame_without_a_name_are_said() -> None:
    long = pd.DataFrame({"unique_id": ["A"] * 40 + ["B"] * 40, "ds": [*DAYS, *DAYS], "y": np.arange(80.0), "x": 1.0})
    long.loc[3:5, "unique_id"] = None
    first, second = load_data(long)
    assert (len(first), len(second)) == (37, 40)
    assert "3 rows of the DataFrame without a unique_id are left out" in first.notes
    assert "of the DataFrame only unique_id, ds, y are read, not x" in first.notes
    with pytest.raises(DataError, match="unique_id is empty in all its rows"):
        list(load_data(long.assign(unique_id=None)))


def test_dates_in_an_index_of_text_or_of_names_and_dates_are_read() -> None:
    values = np.arange(1.0, 41.0)
    for index in (DAYS.astype(str), [day.date() for day in DAYS]):
        (series,) = load_data(pd.DataFrame({"v": values}, index))
        assert (series.dates == DAYS.to_numpy().astype("datetime64[D]")).all()
    both = pd.MultiIndex.from_product([["A", "B"], DAYS], names=["id", "date"])
    with pytest.raises(DataError, match="2 series in one column: 'id' names A, B"):
        list(load_data(pd.DataFrame({"v": np.r_[values, values]}, both)))
    (series,) = load_data(pd.DataFrame({"v": values}, both[:40]))
    assert series.close.tolist() == values.tolist()


def test_days_and_hours_in_columns_are_times() -> None:
    frame = pd.DataFrame({"date": np.repeat(DAYS, 24), "hour": np.tile(np.arange(24), 40), "v": np.arange(960) + 0.5})
    for given in (frame, frame.assign(hour=[time(hour) for hour in frame["hour"]])):
        (series,) = load_data(given.assign(created=pd.Timestamp("2025-01-01")), kind="levels")
        assert series.dates[1] - series.dates[0] == np.timedelta64(1, "h") and len(series) == 960
