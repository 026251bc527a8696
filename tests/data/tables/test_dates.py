"""Dates in many writings, against those that were written, and against pandas' own parser of ISO 8601."""

import datetime

import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seqlab.data.tables.dates import are_dates_without_doubt, read_dates
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
    "%Y-%m-%d %H:%M:%S.%f": "us",
    "%Y%m%dT%H%M%S": "s",
    "%Y.%m.%d %H:%M": "m",
    "%b %d, %Y %I:%M %p": "m",
    "%Y-%m-%d %I:%M:%S %p": "s",
    "%Y/%-m/%-d": "D",
    "%Y年%m月%d日": "D",
    "%a %b %d %Y": "D",
    "%A, %d %B %Y %H:%M:%S +0000": "s",
    "%d%b%Y": "D",
    "%Y-%b": "M",
    "%m/%Y": "M",
    "%Y:%m": "M",
    "%Y-%m-%d %I-%p": "h",
    "%Y-%m-%d %H.%M.%S": "s",
    "%a %b %d %Y %H:%M:%S GMT+0100": "s",
    "%a %b %d %Y %H:%M:%S GMT+0100 (Central European Standard Time)": "s",
    "%a %b %d %H:%M:%S %Y": "s",
    "%Y-%m-%d %H:%M:%S UTC": "s",
    "%Y%m%dT%H%M%SZ": "s",
    "%Y%m%d %H%M%S": "s",
    "%Y%m%d-%H%M": "m",
    "%Y-%m-%d_%H:%M:%S": "s",
    "%Y:%m:%d %H:%M:%S": "s",
    "%d%b%Y:%H:%M:%S": "s",
    "[%d/%b/%Y:%H:%M:%S +0000]": "s",
    "%H:%M:%S %Y-%m-%d": "s",
    "%Y-%m-%dT%H:%M/%Y-%m-%dT23:59": "m",
    "%Y-%m-%d %H:%M - %Y-%m-%d 23:59": "m",
    "%Y-%b-%d": "D",
    "%b/%d/%Y": "D",
    "%Y-%m-%d (%a)": "D",
    "%Y %m %d": "D",
    "%Y-%j": "D",
    "%Y%j": "D",
    "%YM%m": "M",
    "%Y_%m": "M",
    "%b/%Y": "M",
    "%b%Y": "M",
    "M%m %Y": "M",
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
    expected = np.array(when, "datetime64[us]").astype(f"datetime64[{kept}]")
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
    assert (read(entries) == expected.to_numpy()).all()


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


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Sydney", "Australia/Lord_Howe"])
def test_times_of_one_place_are_those_of_its_clock_through_summer_time(zone):
    hours = pd.date_range("2023-02-01", "2024-01-30", freq="h", tz=zone)
    clock = hours.tz_localize(None).to_numpy().astype("datetime64[s]")
    for entries in (hours.astype(str), hours[::-1].astype(str)):
        found = read_dates(column(entries), "x")
        assert (np.sort(found.when) == np.sort(clock)).all()
        assert found.notes[0].startswith("times are those of the clock: the zone's offset changes from ")
        assert found.notes[0].endswith(", and 1 more time")
    session = hours[(hours.hour >= 9) & (hours.hour < 16) & (hours.day_of_week < 5)]
    found = read_dates(column(session.astype(str)), "x")
    assert (found.when == session.tz_localize(None).to_numpy().astype("datetime64[s]")).all()


def test_the_day_of_the_change_is_said_and_days_need_no_word():
    new_york = pd.date_range("2023-11-01", "2023-11-10", freq="h", tz="America/New_York")
    (note,) = read_dates(column(new_york.astype(str)), "x").notes
    assert note == "times are those of the clock: the zone's offset changes from -04:00 to -05:00 on 2023-11-05"
    days = pd.date_range("2024-03-01", "2024-11-30", tz="Europe/Berlin")
    found = read_dates(column(days.astype(str)), "x")
    assert (found.when == days.tz_localize(None).to_numpy().astype("datetime64[s]")).all() and found.notes == ()


@pytest.mark.parametrize("places", [("Europe/Berlin", "Asia/Tokyo"), ("Europe/Berlin", "Europe/London")])
def test_offsets_of_several_places_row_by_row_become_utc_and_it_is_said(places):
    utc = pd.date_range("2024-01-01", periods=300, freq="h", tz="UTC")
    entries = [moment.tz_convert(places[row % 2]).isoformat() for row, moment in enumerate(utc)]
    found = read_dates(column(entries), "x")
    assert (found.when == utc.tz_convert(None).to_numpy().astype("datetime64[s]")).all() and "UTC" in found.notes[0]
    moved = [moment.tz_convert("Asia/Tokyo" if row < 150 else "Europe/Berlin") for row, moment in enumerate(utc)]
    assert "UTC" in read_dates(column(moment.isoformat() for moment in moved), "x").notes[0]  # eight hours: no summer


LANGUAGES = {
    "de": "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "de short": "Jan Feb Mär Apr Mai Jun Jul Aug Sep Okt Nov Dez",
    "fr": "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
    "fr short": "janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "es short": "ene feb mar abr may jun jul ago sep oct nov dic",
    "it": "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre",
    "en short": "Jan. Feb. Mar. Apr. May June July Aug. Sept. Oct. Nov. Dec.",
}


@pytest.mark.parametrize(
    "writing", ["{d}. {n} {y}", "{d} {n} {y}", "{d:02d}-{n}-{s:02d}", "{d} de {n} de {y}", "{n} {y}"]
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_months_have_names_in_several_languages(language, writing):
    days = pd.date_range("2021-01-01", "2022-12-31", freq="D" if "{d" in writing else "MS")
    names = LANGUAGES[language].split()
    entries = [writing.format(d=day.day, n=names[day.month - 1], y=day.year, s=day.year % 100) for day in days]
    assert (read(entries) == days.to_numpy().astype("datetime64[s]")).all()


def test_words_that_begin_like_months_are_none():
    for entries in (["Maya 2012", "Marley 2013"], ["Decker 12", "Augsburg 13"], ["Maria 5, 2020"]):
        assert read_dates(column(entries), "x") is None


def test_months_of_years_in_two_digits_are_read_where_they_go_on_by_months():
    for first in ("2013-01-01", "2001-03-01", "1998-01-01"):
        months = pd.date_range(first, periods=30, freq="MS")
        for writing in ("%b-%y", "%y-%b", "%b'%y"):
            found = read_dates(column(months.strftime(writing)), "x")
            assert (found.when == months.to_numpy().astype("datetime64[s]")).all() and "two digits" in found.notes[0]
    excel = [f"{month.year % 100}-{month:%b}" for month in pd.date_range("2001-01-01", periods=30, freq="MS")]
    assert str(read(excel)[-1]) == "2003-06-01T00:00:00"
    days = pd.date_range("2023-01-05", periods=20)
    for writing in ("%d-%b", "%b %d"):  # of a year that is not said
        assert read_dates(column(days.strftime(writing)), "x") is None
    assert read_dates(column(pd.date_range("2023-01-01", periods=12, freq="MS").strftime("%-d-%b")), "x") is None


@pytest.mark.parametrize(
    "writing", ["{y}Q{q}", "{q}Q{s:02d}", "{y}.Q{q}", "{q}. Quartal {y}", "T{q} {y}", "{y}-0{q}", "{y}:{q}"]
)
def test_quarters_in_more_writings(writing):
    quarters = pd.date_range("1999-01-01", periods=40, freq="QS")
    entries = [writing.format(y=day.year, q=day.quarter, s=day.year % 100) for day in quarters]
    found = read_dates(column(entries), "x")
    assert (found.when == quarters.to_numpy().astype("datetime64[s]")).all()
    assert ("quarters" in " ".join(found.notes)) == (writing in ("{y}-0{q}", "{y}:{q}"))
    numbers = read_dates(pd.Series([day.year + day.quarter / 10 for day in quarters]), "x")
    assert (numbers.when == quarters.to_numpy().astype("datetime64[s]")).all()


def test_four_months_of_a_year_or_two_are_no_quarters():
    months = pd.date_range("2023-01-01", periods=4, freq="MS")
    assert (read(months.strftime("%Y-%m")) == months.to_numpy().astype("datetime64[s]")).all()


@pytest.mark.parametrize("writing", ["%G-W%V", "W%V-%G", "%G-KW%V", "KW%V %G", "Week %V %G", "%GW%V1"])
def test_weeks_in_more_writings(writing):
    mondays = pd.date_range("2014-12-01", "2021-02-01", freq="W-MON")
    found = read_dates(column(mondays.strftime(writing)), "x")
    assert (found.when == mondays.to_numpy().astype("datetime64[s]")).all() and "ISO 8601" in found.notes[0]


def test_times_finer_than_a_second_are_kept():
    ticks = pd.date_range("2024-01-02 09:30", periods=50, freq="137ms")
    for entries in (ticks.astype(str), ticks.strftime("%d %b %Y %H:%M:%S.%f"), ticks.astype("int64") // 10**3):
        assert (read(map(str, entries)) == ticks.to_numpy()).all()


@pytest.mark.parametrize(
    "writing", ["%m/%d/%y", "%d/%m/%y", "%d.%m.%y", "%y-%m-%d", "%d-%m-%y", "%d-%b-%y", "%y/%m/%d"]
)
def test_two_digits_of_a_year_are_read_where_a_day_above_twelve_shows_the_order(writing):
    days = pd.date_range("1998-11-05", periods=900)
    found = read_dates(column(days.strftime(writing)), "x")
    assert (found.when == days.to_numpy().astype("datetime64[s]")).all()
    assert any("two digits" in note for note in found.notes)


def test_two_digits_of_a_year_are_never_guessed():
    months = pd.date_range("2005-01-01", periods=40, freq="MS")
    for writing in ("%d/%m/%y", "%m/%d/%y"):
        with pytest.raises(DataError, match="two ways"):
            read(months.strftime(writing))
    with pytest.raises(DataError, match="two ways"):
        read(["22-01-13"])  # of 2022, or the 22nd
    assert str(read(["6/16/14", "11/2/99"])[1]) == "1999-11-02T00:00:00"


def test_weeks_of_iso_and_where_they_cannot_be_of_the_cdc():
    mondays = pd.date_range("2014-12-01", "2021-02-01", freq="W-MON")
    written = mondays.strftime("%G-W%V")
    assert (read(written) == mondays.to_numpy().astype("datetime64[s]")).all()
    assert read(["2015-W01-3", "2015W02"]).astype("datetime64[D]").astype(str).tolist() == ["2014-12-31", "2015-01-05"]
    found = read_dates(column(["2014-W52", "2014-W53", "2015-W01"]), "x")  # 2014 has 52 by ISO
    assert found.when.astype("datetime64[D]").astype(str).tolist() == ["2014-12-21", "2014-12-28", "2015-01-04"]
    assert "CDC" in found.notes[0]


@pytest.mark.parametrize("digits", [2, 3, 4, 6])
@pytest.mark.parametrize("within", [0, 0.5])
def test_parts_of_years_that_are_months_are_months(digits, within):
    months = pd.date_range("1958-03-01", periods=300, freq="MS")
    values = pd.Series((months.year + (months.month - 1 + within) / 12).to_numpy().round(digits))
    found = read_dates(values, "x")
    assert (found.when == months.to_numpy().astype("datetime64[s]")).all() and "parts of years" in found.notes[0]


def test_parts_of_years_that_are_days_are_days():
    days = pd.date_range("2020-01-01", periods=500)
    values = pd.Series(days.year + (days.day_of_year - 1) / np.where(days.is_leap_year, 366, 365))
    assert (read_dates(values, "x").when == days.to_numpy().astype("datetime64[s]")).all()
    months = read_dates(pd.Series([2005.01, 2005.09, 2005.1, 2005.11]), "x").when
    assert months.astype("datetime64[M]").astype(str).tolist() == ["2005-01", "2005-09", "2005-10", "2005-11"]


def test_days_as_excel_counts_them_are_read_where_they_are_asked_for():
    days = pd.Series([44564, 44565.5])
    assert read_dates(days, "x") is None
    found = read_dates(days, "x", serials=True)
    assert found.when.astype(str).tolist() == ["2022-01-03T00:00:00", "2022-01-04T12:00:00"]
    assert "Excel" in found.notes[0]


def test_numbers_that_can_only_be_dates():
    days = pd.date_range("2022-01-03", periods=50)
    assert are_dates_without_doubt(pd.Series(days.strftime("%Y%m%d").astype(int)))
    assert are_dates_without_doubt(pd.Series(1.6e9 + 60 * np.arange(50.0)))
    assert are_dates_without_doubt(pd.Series(range(1980, 2020)))
    assert are_dates_without_doubt(pd.Series((1990 + np.arange(60) / 12).round(3)))
    for other in (
        [20220103, 37152124],
        [1.6e9, 1.7e9, 1.65e9],
        [44564, 44565],
        [2001, 2002],
        [20220103],
        [1, 2, 3, 4, 5],
    ):
        assert not are_dates_without_doubt(pd.Series(other))


def test_what_is_no_date_is_none():
    for entries in (
        ["a", "b"],
        ["1.5", "2.5"],
        ["12", "13"],
        ["-5"],
        ["2024-01-31x"],
        ["3000"],
        ["2024-13-01"],
        [""],
        ["2023001x"],
    ):
        assert read_dates(column(entries), "x") is None
    assert np.isnat(
        read(["2024-01-30", "soon", "2024-02-30", "2024-01-31 25:00", "2024-01-31", "2024-02-01"])
    ).tolist() == ([False, True, True, True, False, False])
    assert str(read(["2024-01-31 24:00"])[0]) == "2024-02-01T00:00:00"  # as the last hour of a day may be written
    years = read_dates(pd.Series([1990, np.nan, 1992]), "x")
    assert years.when.astype("datetime64[Y]").astype(str).tolist() == ["1990", "NaT", "1992"]
