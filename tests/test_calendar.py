"""The next trading days against the days on which New York really traded."""

import subprocess
import sys

import exchange_calendars
import numpy as np
import pytest

from seqlab.data.calendar import EXCHANGES, NewYorkExchange, next_days
from seqlab.data.quotes import load_series

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
        expected = set(next_days(dates[: start + 1], 25, exchange="NYQ")) - UNFORESEEN
        real = set(dates[start + 1 : start + 26])
        wrong |= {day for day in expected - real if day <= max(real)} | {
            day for day in real - expected if day <= max(expected)
        }
    assert wrong == set()


def test_a_series_with_weekends_goes_on_every_day():
    dates = np.arange(np.datetime64("2024-01-01"), np.datetime64("2024-12-01"))
    assert (next_days(dates, 10) == np.arange(np.datetime64("2024-12-01"), np.datetime64("2024-12-11"))).all()


def test_a_series_of_elsewhere_goes_on_from_monday_to_friday():
    days = np.arange(np.datetime64("2024-06-01"), np.datetime64("2024-12-24"))
    dates = days[np.is_busday(days)]
    ahead = next_days(dates, 3)
    assert [str(day) for day in ahead] == ["2024-12-24", "2024-12-25", "2024-12-26"]
    assert [str(day) for day in next_days(dates, 3, exchange="NYQ")] == ["2024-12-24", "2024-12-26", "2024-12-27"]


# ---- what the dates say themselves


def days(*written: str) -> np.ndarray:
    return np.array(written, "datetime64[D]")


def said(dates: np.ndarray, count: int, **where) -> list[str]:
    return [str(day) for day in next_days(dates, count, **where)]


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
    ahead = next_days(past[np.is_busday(past)], 12, exchange=exchange)
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
        ahead = next_days(past, 60, exchange=exchange)
        assert len(ahead) == 60 and np.is_busday(ahead).all()
    assert len(next_days(past, 60, exchange="NOWHERE")) == 60


@pytest.mark.parametrize("exchange", ["NSI", "SHH"])  # whose holidays are announced a year at a time
def test_what_is_known_of_the_year_counts_though_the_next_is_not_known(exchange):
    calendar = exchange_calendars.get_calendar(EXCHANGES[exchange])
    last = calendar.bound_max().to_datetime64().astype("datetime64[D]")
    sessions = calendar.sessions.to_numpy().astype("datetime64[D]")
    past = sessions[sessions < last - 80]
    ahead = next_days(past, 60, exchange=exchange)
    assert (ahead[ahead <= last] == sessions[sessions > past[-1]]).all() and ahead[-1] > last


@pytest.mark.parametrize("exchange", ["NMS", "GER", "JPX", "LSE"])
@pytest.mark.parametrize("turn", ["2025-12-31", "2026-12-31"])
def test_the_turn_of_the_year_is_that_of_the_library(exchange, turn):
    around = np.datetime64(turn) + np.array([-60, 120])
    calendar = exchange_calendars.get_calendar(EXCHANGES[exchange], start=str(around[0]), end=str(around[1]))
    sessions = calendar.sessions.to_numpy().astype("datetime64[D]")
    for start in np.datetime64(turn) + np.array([-11, 0, 6]):
        past = sessions[sessions <= start]
        assert (next_days(past, 25, exchange=exchange) == sessions[len(past) : len(past) + 25]).all()


def test_new_york_needs_no_library():
    code = (
        "import sys, numpy as np; from seqlab.data.calendar import next_days\n"
        "next_days(np.array(['2024-01-04', '2024-01-05'], 'datetime64[D]'), 60, exchange='NMS')\n"
        "assert 'exchange_calendars' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
