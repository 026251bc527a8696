"""The next dates, against the days on which New York really traded and the ranges of pandas."""

import datetime
import functools
import subprocess
import sys

import exchange_calendars
import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from seqlab.data.series.calendar import next_dates
from seqlab.data.series.exchanges import EXCHANGES, NewYorkExchange
from seqlab.data.series.quotes import load_series
from seqlab.data.series.spacing import spacing

# closed for reasons no rule knows: 2001-09-11, Reagan, Ford, Sandy, the elder Bush
UNFORESEEN = {
    np.datetime64(day)
    for day in (
        *("2001-09-11", "2001-09-12", "2001-09-13", "2001-09-14", "2004-06-11", "2007-01-02"),
        *("2012-10-29", "2012-10-30", "2018-12-05"),
    )
}


def test_next_days_are_those_on_which_apple_traded():
    dates = load_series("AAPL", offline=True).dates
    dates = dates[dates >= np.datetime64("1999-01-01")]
    wrong = set()
    for start in range(60, len(dates) - 25, 20):
        expected = set(next_dates(dates[: start + 1], 25, exchange="NYQ")) - UNFORESEEN
        real = set(dates[start + 1 : start + 26])
        wrong |= {day for day in expected - real if day <= max(real)} | {
            day for day in real - expected if day <= max(expected)
        }
    assert wrong == set()


def test_a_series_with_weekends_goes_on_every_day():
    dates = np.arange(np.datetime64("2024-01-01"), np.datetime64("2024-12-01"))
    assert (next_dates(dates, 10) == np.arange(np.datetime64("2024-12-01"), np.datetime64("2024-12-11"))).all()


def test_a_series_of_elsewhere_goes_on_from_monday_to_friday():
    days = np.arange(np.datetime64("2024-06-01"), np.datetime64("2024-12-24"))
    dates = days[np.is_busday(days)]
    ahead = next_dates(dates, 3)
    assert [str(day) for day in ahead] == ["2024-12-24", "2024-12-25", "2024-12-26"]
    assert [str(day) for day in next_dates(dates, 3, exchange="NYQ")] == ["2024-12-24", "2024-12-26", "2024-12-27"]


# ---- what the dates say themselves


def days(*written: str) -> np.ndarray:
    return np.array(written, "datetime64[D]")


def said(dates: np.ndarray, count: int, **where) -> list[str]:
    return [str(day) for day in next_dates(dates, count, **where)]


def test_a_file_that_leaves_out_new_yorks_holidays_goes_on_without_them():
    dates = load_series("AAPL", offline=True).dates
    dates = dates[dates <= np.datetime64("2021-12-22")]
    assert said(dates, 3) == ["2021-12-23", "2021-12-27", "2021-12-28"]
    # the same span with all its weekdays, and one that leaves out other days
    weekdays = np.arange(dates[-700], dates[-1] + 1)
    weekdays = weekdays[np.is_busday(weekdays)]
    assert said(weekdays, 2) == ["2021-12-23", "2021-12-24"]
    assert said(weekdays[np.arange(len(weekdays)) % 25 != 3], 2) == ["2021-12-23", "2021-12-24"]


@pytest.mark.parametrize(
    ("dates", "expected"),
    [
        (days("2024-01-05", "2024-01-12", "2024-01-19"), ["2024-01-26", "2024-02-02", "2024-02-09"]),  # weekly
        (days("2024-01-01", "2024-02-01", "2024-03-01"), ["2024-04-01", "2024-05-01", "2024-06-01"]),
        (days("2023-11-30", "2023-12-31", "2024-01-31"), ["2024-02-29", "2024-03-31", "2024-04-30"]),  # last days
        (days("2024-01-15", "2024-02-15", "2024-03-15"), ["2024-04-15", "2024-05-15", "2024-06-15"]),
        # the last days from Monday to Friday: 2024-06-30 is a Sunday, 2024-08-31 a Saturday
        (days("2024-03-29", "2024-04-30", "2024-05-31", "2024-06-28", "2024-07-31"), ["2024-08-30", "2024-09-30"]),
        # and the first: 2024-06-01 is a Saturday, 2024-09-01 a Sunday
        (days("2024-05-01", "2024-06-03", "2024-07-01", "2024-08-01"), ["2024-09-02", "2024-10-01"]),
        (days("2023-03-31", "2023-06-30", "2023-09-30", "2023-12-31"), ["2024-03-31", "2024-06-30"]),  # quarters
        (days("2020-12-31", "2021-12-31", "2022-12-31"), ["2023-12-31", "2024-12-31"]),
        (days("2024-01-05"), ["2024-01-08", "2024-01-09"]),
    ],
)
def test_the_spacing_is_read_from_the_dates(dates, expected):
    assert said(dates, len(expected)) == expected


def test_a_week_from_sunday_to_thursday_and_one_session_on_a_saturday():
    all_days = np.arange(np.datetime64("2024-06-01"), np.datetime64("2024-12-05"))
    riyadh = all_days[~np.isin((all_days.astype(int) + 3) % 7, [4, 5])]
    assert said(riyadh, 3) == ["2024-12-05", "2024-12-08", "2024-12-09"]
    weekdays = all_days[np.is_busday(all_days)]
    budget = np.sort(np.append(weekdays, np.datetime64("2024-11-30")))  # as in Mumbai, on the day of the budget
    assert said(budget, 3) == ["2024-12-05", "2024-12-06", "2024-12-09"]


# ---- exchanges


@pytest.mark.parametrize(
    ("exchange", "start", "closed"),
    [  # full holidays as the exchanges announced them
        ("GER", "2024-12-20", {"2024-12-24", "2024-12-25", "2024-12-26", "2024-12-31", "2025-01-01"}),
        ("LSE", "2024-12-20", {"2024-12-25", "2024-12-26", "2025-01-01"}),
        ("JPX", "2024-12-27", {"2024-12-31", "2025-01-01", "2025-01-02", "2025-01-03", "2025-01-13"}),
        ("TOR", "2024-06-20", {"2024-07-01"}),
        ("NMS", "2024-06-17", {"2024-06-19", "2024-07-04"}),
        ("PAR", "2024-03-27", {"2024-03-29", "2024-04-01"}),
    ],
)
def test_the_holidays_of_exchanges(exchange, start, closed):
    past = np.arange(np.datetime64("2024-01-02"), np.datetime64(start) + 1)
    ahead = next_dates(past[np.is_busday(past)], 12, exchange=exchange)
    spanned = np.arange(np.datetime64(start) + 1, ahead[-1] + 1)
    missing = {str(day) for day in spanned[np.is_busday(spanned)]} - {str(day) for day in ahead}
    assert missing == closed and np.is_busday(ahead).all()


@pytest.mark.parametrize("exchange", sorted(EXCHANGES))
def test_every_exchange_is_one_of_the_library(exchange):
    assert EXCHANGES[exchange] in exchange_calendars.get_calendar_names(include_aliases=False)


def test_new_yorks_rules_are_those_of_the_library():
    span = np.datetime64("2023-01-01"), np.datetime64("2029-12-31")
    sessions = exchange_calendars.get_calendar("XNYS", start=str(span[0]), end=str(span[1])).sessions
    every = np.arange(span[0], span[1] + 1)
    closed = set(every[np.is_busday(every)]) - set(sessions.to_numpy().astype("datetime64[D]"))
    holidays = NewYorkExchange().holidays(str(span[0]), str(span[1])).to_numpy().astype("datetime64[D]")
    assert closed - set(holidays) == {np.datetime64("2025-01-09")}  # the mourning for Carter
    assert set(holidays[np.is_busday(holidays)]) <= closed


def test_a_date_beyond_what_the_library_knows_is_a_weekday():
    past = np.arange(np.datetime64("2090-01-02"), np.datetime64("2090-06-01"))
    past = past[np.is_busday(past)]
    for exchange in ("SHH", "HKG", "KSC"):
        ahead = next_dates(past, 60, exchange=exchange)
        assert len(ahead) == 60 and np.is_busday(ahead).all()
    assert len(next_dates(past, 60, exchange="NOWHERE")) == 60


@pytest.mark.parametrize("exchange", ["NSI", "SHH"])  # whose holidays are announced a year at a time
def test_what_is_known_of_the_year_counts_though_the_next_is_not_known(exchange):
    calendar = exchange_calendars.get_calendar(EXCHANGES[exchange])
    last = calendar.bound_max().to_datetime64().astype("datetime64[D]")
    sessions = calendar.sessions.to_numpy().astype("datetime64[D]")
    past = sessions[sessions < last - 80]
    ahead = next_dates(past, 60, exchange=exchange)
    assert (ahead[ahead <= last] == sessions[sessions > past[-1]]).all() and ahead[-1] > last


@pytest.mark.parametrize("exchange", ["NMS", "GER", "JPX", "LSE"])
@pytest.mark.parametrize("turn", ["2025-12-31", "2026-12-31"])
def test_the_turn_of_the_year_is_that_of_the_library(exchange, turn):
    around = np.datetime64(turn) + np.array([-60, 120])
    calendar = exchange_calendars.get_calendar(EXCHANGES[exchange], start=str(around[0]), end=str(around[1]))
    sessions = calendar.sessions.to_numpy().astype("datetime64[D]")
    for start in np.datetime64(turn) + np.array([-11, 0, 6]):
        past = sessions[sessions <= start]
        assert (next_dates(past, 25, exchange=exchange) == sessions[len(past) : len(past) + 25]).all()


def test_new_york_needs_no_library():
    code = (
        "import sys, numpy as np; from seqlab.data.series.calendar import next_dates\n"
        "next_dates(np.array(['2024-01-04', '2024-01-05'], 'datetime64[D]'), 60, exchange='NMS')\n"
        "assert 'exchange_calendars' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# ---- any spacing, against pandas' own ranges

starts = st.datetimes(datetime.datetime(1960, 1, 1), datetime.datetime(2060, 1, 1)).map(lambda moment: moment.date())
SPACINGS = {  # pandas' frequency -> unit, season
    "D": ("day", 7),
    "B": ("day", 5),
    "W-MON": ("week", 52),
    "W-FRI": ("week", 52),
    "2W-SUN": ("2 weeks", 26),
    "4W-SUN": ("4 weeks", 13),
    "3D": ("3 days", 1),
    "10D": ("10 days", 1),
    "MS": ("month", 12),
    "ME": ("month", 12),
    "BMS": ("month", 12),
    "BME": ("month", 12),
    "2MS": ("2 months", 6),
    "QS": ("quarter", 4),
    "QE": ("quarter", 4),
    "BQE": ("quarter", 4),
    "6ME": ("6 months", 2),
    "YS": ("year", 1),
    "YE": ("year", 1),
    "YS-JUL": ("year", 1),
    "5YE": ("5 years", 1),
}


@pytest.mark.parametrize("frequency", SPACINGS)
@given(starts, st.integers(30, 200), st.integers(1, 20))
def test_a_range_of_pandas_goes_on_as_pandas_does(frequency, start, known, count):
    # at its end the longest range is far from the end of pandas' time
    whole = pd.date_range(start, periods=known + count, freq=frequency, unit="s").to_numpy().astype("datetime64[D]")
    assert (next_dates(whole[:known], count) == whole[known:]).all()
    unit, season = SPACINGS[frequency]
    found = spacing(whole[:known])
    assert found.unit == unit and found.regular and found.rows_per_day == 1
    assert found.season == (season if known >= 3 * season else 1)


@pytest.mark.parametrize("minutes", [1, 5, 15, 30, 60, 90, 120, 240, 360, 420, 720])
@given(starts, st.integers(0, 24 * 60 - 1), st.integers(3, 40), st.integers(1, 200))
def test_a_grid_without_gaps_goes_on_by_its_step(minutes, start, first, days, count):
    begin = np.datetime64(start).astype("datetime64[m]") + first
    known = begin + minutes * np.arange(days * 24 * 60 // minutes)
    ahead = next_dates(known, count)
    assert ahead.dtype == known.dtype and (ahead == known[-1] + minutes * np.arange(1, count + 1)).all()
    found = spacing(known)
    assert found.regular and found.step == np.timedelta64(minutes, "m")
    if 24 * 60 % minutes == 0:
        a_day = 24 * 60 // minutes
        assert found.rows_per_day == a_day and found.season == (7 * a_day if days >= 28 else a_day)
    else:
        assert found.season == 1


@given(st.integers(0, 2**32 - 1), st.sampled_from([15, 30, 60]), st.integers(1, 60))
def test_hours_that_are_missing_here_and_there_change_nothing(seed, minutes, count):
    random = np.random.default_rng(seed)
    grid = np.datetime64("2023-05-01T00:00", "m") + minutes * np.arange(35 * 24 * 60 // minutes)
    known = grid[(random.random(len(grid)) > 0.02) | (np.arange(len(grid)) == len(grid) - 1)]
    assert (next_dates(known, count) == grid[-1] + minutes * np.arange(1, count + 1)).all()
    assert spacing(known).regular


@functools.cache
def bars_of_new_york(minutes: int) -> tuple[np.ndarray, np.ndarray]:
    """The bars of two and a half years on New York's clock, as they begin, and the days that closed early."""
    calendar = exchange_calendars.get_calendar("XNYS", start="2022-01-03", end="2024-06-28")
    bars = []
    for opened, closed in zip(calendar.opens, calendar.closes, strict=True):
        day = pd.date_range(opened, closed, freq=f"{minutes}min", inclusive="left")
        bars.append(day.tz_convert("America/New_York").tz_localize(None))
    early = calendar.early_closes.to_numpy().astype("datetime64[D]")
    return np.concatenate([day.to_numpy().astype("datetime64[m]") for day in bars]), early


@pytest.mark.parametrize("minutes", [30, 60])
@given(st.data(), st.booleans())
@settings(max_examples=60)
def test_bars_of_an_exchange_go_on_in_its_sessions(minutes, data, all_are_known):
    bars, early = bars_of_new_york(minutes)
    cut = data.draw(st.integers(13 * 22, len(bars) - 60))
    count = data.draw(st.integers(1, 60))
    real = bars[cut : cut + count]
    window = bars[cut - 1 : cut + count].astype("datetime64[D]")
    assume(not np.isin(early, window).any())  # an early close cannot be seen ahead
    # either the exchange is told, or its holidays are read from more than a year of its days
    known = bars[:cut] if all_are_known and cut > len(bars) // 2 else bars[max(0, cut - 13 * 22) : cut]
    exchange = "" if len(known) > 13 * 260 // (minutes // 30) else "NMS"
    assert (next_dates(known, count, exchange=exchange) == real).all()
    found = spacing(known)
    assert found.regular and found.rows_per_day == (13 if minutes == 30 else 7)
    assert found.seasons in ((found.rows_per_day,), (found.rows_per_day, 5 * found.rows_per_day))
    assert found.unit == ("30 minutes" if minutes == 30 else "hour") and found.weekdays == (0, 1, 2, 3, 4)


@given(st.integers(0, 500), st.integers(1, 60))
def test_currencies_rest_from_friday_to_sunday_evening(cut, count):
    hours = pd.date_range("2024-01-01", "2024-07-01", freq="h", unit="s")
    day, hour = hours.day_of_week, hours.hour
    hours = hours[~((day == 5) | ((day == 4) & (hour >= 22)) | ((day == 6) & (hour < 22)))]
    hours = hours.to_numpy().astype("datetime64[m]")
    known, real = hours[: 1000 + cut], hours[1000 + cut : 1000 + cut + count]
    assert (next_dates(known, count) == real).all()
    assert spacing(known).seasons == (24, 120)


def test_a_day_cut_short_and_a_short_file_go_on_within_the_session():
    day = np.datetime64("2024-05-06T09:30", "m") + 30 * np.arange(13)
    two_and_a_half = np.concatenate([day, day + 24 * 60, (day + 2 * 24 * 60)[:5]])
    expected = [*(day + 2 * 24 * 60)[5:], *(day + 3 * 24 * 60), *(day + 4 * 24 * 60), *(day + 7 * 24 * 60)]
    assert next_dates(two_and_a_half, len(expected)).tolist() == [one.item() for one in expected]


@given(st.integers(0, 2**32 - 1), st.sampled_from(["days", "months", "minutes"]))
def test_dates_without_a_rule_go_on_by_their_median(seed, kind):
    random = np.random.default_rng(seed)
    gaps = {"days": (2, 40), "months": (20, 200), "minutes": (30, 290)}[kind]
    unit = "m" if kind == "minutes" else "D"
    known = np.datetime64("2020-01-01", unit) + np.cumsum(random.integers(*gaps, size=600))
    found = spacing(known)
    assert not found.regular and found.season == 1 and found.unit == "step"
    ahead = next_dates(known, 5)
    assert (np.diff(ahead, prepend=known[-1]) == found.step).all()
    inner = np.diff(known[-60:]).astype(int)
    assert np.quantile(inner, 0.2) <= found.step.astype(int) <= np.quantile(inner, 0.8)


@given(
    st.lists(st.integers(0, 40_000), min_size=1, max_size=80, unique=True), st.sampled_from("Dm"), st.integers(1, 60)
)
def test_whatever_the_dates_the_next_ones_follow(places, unit, count):
    known = np.datetime64("2000-01-01", unit) + np.sort(places)
    ahead = next_dates(known, count)
    assert ahead.dtype == known.dtype and len(ahead) == count
    assert (np.diff(ahead, prepend=known[-1]) > np.timedelta64(0)).all()
    assert 1 <= spacing(known).season <= max(len(known) // 3, 1)


def test_three_days_of_a_week_go_on():
    grid = np.arange(np.datetime64("2024-01-01"), np.datetime64("2024-12-31"))
    lessons = grid[np.isin((grid.astype(int) + 3) % 7, [0, 2, 4])]
    assert (next_dates(lessons[:100], 20) == lessons[100:120]).all()
    assert spacing(lessons).season == 3
