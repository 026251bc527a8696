"""Dates in several columns of a file, against the times that were written, and which rows are kept."""

import io

import numpy as np
import pandas as pd
import pytest

from seqlab.data.series.file_dates import dates_of, kept_rows
from seqlab.data.series.files import read_csv
from seqlab.data.tables.reader import read_untyped
from seqlab.errors import DataError

HOURS = pd.date_range("2023-01-10", periods=24 * 8, freq="h")  # days above 12 among them
DAYS = pd.bdate_range("2022-01-03", periods=60)
MONTHS = pd.date_range("2013-01-01", periods=40, freq="MS")
CLOCKS = "%H:%M %H%M%S %H.%M.%S %Hh%M %H%M %I:%M_%p %H:%M:%S.000 %-H%M%S".split()  # noqa: SIM905


def values(count: int) -> np.ndarray:
    return (100 + 20 * np.sin(np.arange(count) / 4) + np.arange(count) / 10).round(2)


def dates(frame: pd.DataFrame, header: bool = True) -> tuple[list[str], np.ndarray, str]:
    """The columns that hold dates, the dates in the order of the rows, and what is said of them."""
    raw = read_untyped(io.BytesIO(frame.to_csv(index=False, header=header).encode()))
    labels, when, notes = dates_of(pd.DataFrame(raw.columns, copy=False), "the file")
    return labels, when, "; ".join(notes)


def seconds(index: pd.DatetimeIndex) -> np.ndarray:
    return index.to_numpy().astype("datetime64[s]")


# ---- a date and a time


@pytest.mark.parametrize("clock", CLOCKS)
@pytest.mark.parametrize(
    ("date", "time"),
    [("Date", "Time"), ("day", "clock"), ("Datum", "Uhrzeit"), ("Fecha", "Hora"), ("trade_date", "hhmm")],
)
def test_a_time_in_a_column_that_is_called_so(clock, date, time):
    clocks = HOURS.strftime(clock.replace("_", " "))
    frame = pd.DataFrame({date: HOURS.strftime("%Y-%m-%d"), time: clocks, "v": values(len(HOURS))})
    assert dates(frame)[0] == [date, time]
    assert (dates(frame)[1] == seconds(HOURS)).all()
    frame = pd.DataFrame({time: clocks, "v": values(len(HOURS)), date: HOURS.strftime("%d/%m/%Y")})
    assert (dates(frame)[1] == seconds(HOURS)).all()


@pytest.mark.parametrize("clock", ["%H:%M", "%H%M%S", "%H.%M.%S", "%H%M", "%I:%M %p"])
def test_a_time_beside_a_date_where_there_is_no_header(clock):
    frame = pd.DataFrame({"a": HOURS.strftime("%Y%m%d"), "b": HOURS.strftime(clock), "c": values(len(HOURS))})
    labels, when, _ = dates(frame, header=False)
    assert labels == ["column_1", "column_2"] and (when == seconds(HOURS)).all()


def test_numbers_beside_a_date_are_no_times_where_nothing_says_so():
    frame = pd.DataFrame({"a": HOURS.strftime("%Y%m%d"), "b": 1000 + np.arange(len(HOURS)), "c": values(len(HOURS))})
    assert dates(frame, header=False)[0] == ["column_1"]
    frame = pd.DataFrame({"date": np.tile(DAYS.astype(str), 24), "stop": np.repeat(np.arange(24), 60), "v": 1.5})
    assert dates(frame)[0] == ["date"]


def test_parts_of_a_day_as_excel_has_them_and_hours_with_decimals_are_times():
    frame = pd.DataFrame({"Date": HOURS.strftime("%Y-%m-%d"), "v": values(len(HOURS))})
    _, when, said = dates(frame.assign(Time=(HOURS.hour / 24).to_numpy().round(6)))
    assert (when == seconds(HOURS)).all() and "parts of a day" in said
    quarters = pd.date_range("2023-01-10", periods=96 * 4, freq="15min")
    frame = pd.DataFrame({"Date": quarters.strftime("%Y-%m-%d"), "v": values(len(quarters))})
    for per_hour, shown in ((60, "0.15 is 00:15"), (100, "0.25 is 00:15")):
        clock = quarters.hour + quarters.minute / 60 * per_hour / 100
        _, when, said = dates(frame.assign(time=np.round(clock, 2)))
        assert (when == seconds(quarters)).all() and shown in said
    with pytest.raises(DataError, match="96 rows for each date"):  # 9.1 may be six past nine, or ten
        odd = frame.assign(time=(quarters.hour + quarters.minute / 150).to_numpy().round(2))
        read_csv(io.BytesIO(odd.to_csv(index=False).encode()), "given")


@pytest.mark.parametrize("count", [24, 48, 96])
@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("writing", ["{}", "{:02d}", "H{}", "HE {:02d}", "Hour {}"])
def test_periods_of_a_day_are_numbered(count, first, writing):
    times = pd.date_range("2023-01-10", periods=8 * count, freq=f"{1440 // count}min")
    numbers = np.tile(np.arange(count), 8) + first
    for label in ("Hour Ending", "interval", "SP"):
        frame = pd.DataFrame({"Date": times.strftime("%m/%d/%Y"), label: [writing.format(one) for one in numbers]})
        labels, when, said = dates(frame.assign(v=values(len(times))))
        assert labels == ["Date", label] and (when == seconds(times)).all()
        assert first == 0 or f"numbers {count} periods of {1440 // count} minutes a day: 1 begins at 00:00" in said


def test_a_day_with_an_hour_more_or_less_ends_at_midnight():
    days = {"2023-03-25": 24, "2023-03-26": 23, "2023-03-27": 24, "2023-10-29": 25, "2023-10-30": 24}
    frame = pd.DataFrame([(day, hour) for day, count in days.items() for hour in range(1, count + 1)])
    _, when, _ = dates(frame.set_axis(["Date", "Hour"], axis=1).assign(v=values(len(frame))))
    for day in days:
        of_day = when[when.astype("datetime64[D]") == np.datetime64(day)]
        assert str(of_day[0]).endswith("T00:00:00") and str(of_day[-1]).endswith("T23:00:00")
    assert kept_rows(when)[0].sum() == len(when) - 1  # an hour of the night of October is there twice


# ---- parts of a date


PARTS = {
    "Year,Month,Day,Hour,Minute": (HOURS, "%Y,%m,%d,%H,%M"),
    "#YY,MM,DD,hh,mm": (HOURS, "%Y,%m,%d,%H,%M"),
    "YEAR,MO,DY,HR": (HOURS, "%Y,%m,%d,%H"),
    "Jahr,Monat,Tag": (DAYS, "%Y,%m,%d"),
    "Month,Year": (MONTHS, "%B,%Y"),
    "year,period": (MONTHS, "%Y,M%m"),
    "year,doy": (DAYS, "%Y,%j"),
    "iso_year,iso_week": (pd.date_range("2015-01-05", periods=80, freq="W-MON"), "%G,%V"),
    "Jahr,KW": (pd.date_range("2015-01-05", periods=80, freq="W-MON"), "%G,KW%V"),
}


@pytest.mark.parametrize("header", PARTS)
def test_a_date_in_parts(header):
    index, writing = PARTS[header]
    text = f"{header},value\n" + "".join(
        f"{moment.strftime(writing)},{value}\n" for moment, value in zip(index, values(len(index)), strict=True)
    )
    (series,) = read_csv(io.BytesIO(text.encode()), "given")
    assert (series.dates == index.to_numpy().astype(series.dates.dtype)).all()
    np.testing.assert_allclose(series.close, values(len(index)))


@pytest.mark.parametrize("label", ["week", "Year-Week", "KW", "isoweek"])
@pytest.mark.parametrize("writing", ["%G%V", "%G/%V", "%G-%V", "%V/%G", "KW %V/%G"])
def test_what_is_called_a_week_is_one(label, writing):
    mondays = pd.date_range("2015-01-05", periods=80, freq="W-MON")
    _, when, said = dates(pd.DataFrame({label: mondays.strftime(writing), "v": values(80)}))
    assert (when == seconds(mondays)).all() and "ISO 8601" in said


def test_what_is_called_a_quarter_is_one():
    quarters = pd.date_range("2003-01-01", periods=12, freq="QS")
    for writing in ("{0.year}/{0.quarter}", "{0.year}-0{0.quarter}", "0{0.quarter}/{0.year}"):
        frame = pd.DataFrame({"Quarter": [writing.format(day) for day in quarters], "v": values(12)})
        assert (dates(frame)[1] == seconds(quarters)).all()


# ---- numbers that are dates


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("label", ["foo", "Open time", "ts"])
def test_seconds_since_1970_in_a_column_of_any_name(unit, label):
    epoch = HOURS.astype(f"datetime64[{unit}]").astype("int64")
    labels, when, said = dates(pd.DataFrame({label: epoch, "v": values(len(HOURS))}))
    assert labels == [label] and (when == seconds(HOURS)).all() and f"column '{label}' is read as dates" in said
    order = np.random.default_rng(0).permutation(len(HOURS))
    shuffled = pd.DataFrame({label: epoch, "v": values(len(HOURS))}).iloc[order]
    if label != "foo":
        assert (dates(shuffled)[1] == seconds(HOURS[order])).all()
    else:
        with pytest.raises(DataError, match="no column with dates"):
            dates(shuffled)


@pytest.mark.parametrize("label", ["Datum", "trade_date", "fecha", "Week"])
def test_excels_days_in_a_column_that_is_called_a_date(label):
    serial = (DAYS - pd.Timestamp("1899-12-30")).days
    _, when, said = dates(pd.DataFrame({label: serial, "v": values(60)}))
    assert (when == seconds(DAYS)).all() and "Excel" in said


def test_years_and_their_parts_one_after_the_other_are_dates_by_any_name():
    for index, numbers in (
        (pd.date_range("1980-01-01", periods=40, freq="YS"), np.arange(1980, 2020)),
        (MONTHS, (2013 + np.arange(40) / 12).round(4)),
    ):
        _, when, said = dates(pd.DataFrame({"x": numbers, "v": values(40)}))
        assert (when == seconds(index)).all() and said
    with pytest.raises(DataError, match="no column with dates"):
        dates(pd.DataFrame({"x": np.arange(40), "v": values(40)}))


# ---- rows that are kept


def test_ticks_are_kept_by_the_second_and_it_is_said():
    ticks = pd.date_range("2024-01-02 09:30", periods=1000, freq="100ms")
    _, when, _ = dates(pd.DataFrame({"t": ticks.astype(str), "v": values(1000)}))
    kept, notes = kept_rows(when)
    assert (np.flatnonzero(kept) == np.arange(9, 1000, 10)).all()
    assert notes == ["rows are finer than a second: the last of each is kept, 900 are left out"]
    seldom = when[np.arange(0, 1000, 10)]
    assert kept_rows(seldom) == (pytest.approx(np.ones(100, bool)), [])
    ten = pd.date_range("2023-01-02", periods=600, freq="10s").to_numpy()
    assert kept_rows(ten)[0].all() and kept_rows(ten)[1] == []


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Sydney"])
@pytest.mark.parametrize("frequency", ["h", "30min", "15min"])
@pytest.mark.parametrize("offset", [True, False])
def test_of_an_hour_that_the_clock_shows_twice_the_second_is_kept(zone, frequency, offset):
    times = pd.date_range("2023-01-20", "2024-12-20", freq=frequency, tz=zone)
    clock = times.tz_localize(None)
    frame = pd.DataFrame({"t": (times if offset else clock).astype(str), "v": np.arange(len(times)) + 0.5})
    last = ~clock.duplicated(keep="last")
    for rows in (frame, frame[::-1]):
        (series,) = read_csv(io.BytesIO(rows.to_csv(index=False).encode()), "given", kind="levels")
        assert (series.dates == clock[last].to_numpy().astype(series.dates.dtype)).all()
        assert (series.close == frame["v"][last]).all()
        said = "; ".join(series.notes)
        assert f"{(~last).sum()} rows of an hour that the clock shows twice are left out" in said
        assert "comes again" not in said and ("sorted" in said) == (rows is not frame)


def test_other_rows_that_come_again_are_not_called_an_hour_shown_twice():
    hours = pd.date_range("2023-05-01", "2023-12-01", freq="h").to_numpy()
    for moment in ("2023-10-24T02", "2023-10-29T14", "2023-07-02T02"):  # no Sunday, no night, no autumn
        again = np.sort(np.append(hours, np.datetime64(moment)))
        assert kept_rows(again)[0].all()
    assert not kept_rows(np.sort(np.append(hours, np.datetime64("2023-10-29T02"))))[0].all()
