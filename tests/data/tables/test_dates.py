"""Dates in many writings, against those that were written, and against pandas' own parser of ISO 8601."""

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seqlab.data.tables.dates import read_dates
from seqlab.errors import DataError

moments = st.datetimes(datetime.datetime(1900, 1, 1), datetime.datetime(2100, 1, 1))
several = st.lists(moments, min_size=1, max_size=30)

WRITINGS = {  # -> what of a moment is lost
    "%Y-%m-%d": "D",
    "%Y/%m/%d": "D",
    "%Y.%m.%d": "D",
    "%Y%m%d": "D",
    "%b %d, %Y": "D",
    "%B %d, %Y": "D",
    "%d %b %Y": "D",
    "%d-%b-%Y": "D",
    "%Y-%m": "M",
    "%Y/%m": "M",
    "%Ym%m": "M",
    "%Y%m": "M",
    "%b %Y": "M",
    "%Y": "Y",
    "%Y-%m-%dT%H:%M": "m",
    "%Y-%m-%d %H:%M:%S": "s",
    "%Y-%m-%d %H:%M:%S.%f": "s",
    "%Y%m%dT%H%M%S": "s",
    "%Y.%m.%d %H:%M": "m",
    "%b %d, %Y %I:%M %p": "m",
    "%Y-%m-%d %I:%M:%S %p": "s",
}


def column(entries) -> pd.Series:
    return pd.Series(list(entries), dtype=str)


def read(entries) -> np.ndarray:
    found = read_dates(column(entries), "column 'Date' of x.csv")
    assert found is not None
    return found.when


@pytest.mark.parametrize(("writing", "kept"), WRITINGS.items())
@given(several)
def test_what_was_written_is_read(writing, kept, when):
    expected = np.array(when, "datetime64[s]").astype(f"datetime64[{kept}]").astype("datetime64[s]")
    assert (read(moment.strftime(writing) for moment in when) == expected).all()


@pytest.mark.parametrize("between", ["/", ".", "-"])
@pytest.mark.parametrize("order", ["%d{0}%m{0}%Y", "%m{0}%d{0}%Y"])
@given(several)
@example([datetime.datetime(2024, day, day) for day in range(1, 13)])
@example([datetime.datetime(2024, 1, day) for day in range(1, 13)])
def test_an_order_of_day_and_month_is_never_guessed(order, between, when):
    """Either it can be told from the column and is right, or it is refused; with dots the day is first, and said."""
    writing = order.format(between)
    entries = [moment.strftime(writing) for moment in when]
    expected = np.array([moment.date() for moment in when], "datetime64[s]")
    can_be_both = all(moment.day <= 12 for moment in when) and any(moment.day != moment.month for moment in when)
    if not can_be_both:
        assert (read(entries) == expected).all()
    elif between == ".":
        found = read_dates(column(entries), "x")
        days = np.array([datetime.datetime.strptime(entry, "%d.%m.%Y") for entry in entries], "datetime64[s]")
        assert (found.when == days).all() and "day.month.year" in found.notes[0]
    else:
        with pytest.raises(DataError, match=r"column 'Date' of x\.csv can be read in two ways") as raised:
            read(entries)
        assert "2024-01-31" in raised.value.hint


def test_orders_that_contradict_are_refused_and_a_day_that_is_none_is_no_order():
    with pytest.raises(DataError, match=r"both orders: '.*' and '.*'"):
        read(["31/01/2024", "01/31/2024"])
    assert np.isnat(read(["31/01/2024", "31/02/2024", "30/01/2024"])).tolist() == [False, True, False]


@given(several, st.sampled_from(["", "Z", "+00:00", "-05:00", "+0930", "+05"]), st.sampled_from(["T", " "]))
def test_iso_times_are_those_of_pandas(when, zone, between):
    entries = [moment.isoformat(between, "milliseconds") + zone for moment in when]
    expected = pd.to_datetime(pd.Series(entries), format="ISO8601").dt.tz_localize(None)  # the clock's time stays
    assert (read(entries) == expected.to_numpy().astype("datetime64[s]")).all()


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_unix_time_by_its_length(unit):
    when = pd.date_range("1990-01-01", "2100-01-01", freq="997h").astype("datetime64[ns]")
    entries = when.astype(f"datetime64[{unit}]").astype("int64").astype(str)
    assert (read(entries) == when.to_numpy().astype("datetime64[s]")).all()


def test_a_quarter_begins_with_its_first_day():
    expected = pd.period_range("1999Q1", periods=20, freq="Q").start_time.to_numpy().astype("datetime64[s]")
    for writing in ("{0.year}Q{0.quarter}", "{0.year}-Q{0.quarter}", "Q{0.quarter} {0.year}"):
        entries = [writing.format(one) for one in pd.period_range("1999Q1", periods=20, freq="Q")]
        assert (read(entries) == expected).all()


def test_summer_time_within_days_becomes_utc_and_on_days_stays():
    berlin = pd.date_range("2024-03-01", "2024-11-30", freq="h", tz="Europe/Berlin")
    found = read_dates(column(berlin.astype(str)), "x")
    assert (found.when == berlin.tz_convert(None).to_numpy().astype("datetime64[s]")).all()
    assert "UTC" in found.notes[0]
    days = berlin[berlin.hour == 0]
    found = read_dates(column(days.astype(str)), "x")
    assert (found.when == days.tz_localize(None).to_numpy().astype("datetime64[s]")).all() and found.notes == ()


def test_what_is_no_date_is_none():
    for entries in (["a", "b"], ["1.5", "2.5"], ["12", "13"], ["-5"], ["2024-01-31x"], ["3000"], ["2024-13-01"], [""]):
        assert read_dates(column(entries), "x") is None
    assert np.isnat(
        read(["2024-01-30", "soon", "2024-02-30", "2024-01-31 25:00", "2024-01-31", "2024-02-01"])
    ).tolist() == ([False, True, True, True, False, False])
    assert str(read(["2024-01-31 24:00"])[0]) == "2024-02-01T00:00:00"  # as the last hour of a day may be written
    years = read_dates(pd.Series([1990, np.nan, 1992]), "x")
    assert years.when.astype("datetime64[Y]").astype(str).tolist() == ["1990", "NaT", "1992"]
