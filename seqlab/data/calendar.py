"""The dates a series will have next: an exchange's days, five or seven a week, or one a week, month or year.

New York's holidays are rules of our own: read in a hundredth of a second, and on the days of quotes checked against a
quarter of a century. Those of the other exchanges come from exchange_calendars, which takes a third of a second.
"""

import numpy as np
import pandas as pd
from pandas.tseries.holiday import (
    AbstractHolidayCalendar,
    GoodFriday,
    Holiday,
    USLaborDay,
    USMartinLutherKingJr,
    USMemorialDay,
    USPresidentsDay,
    USThanksgivingDay,
    nearest_workday,
    sunday_to_monday,
)

NEW_YORK = "XNYS"
RECENT = 60  # dates at the end of a series that its spacing and weekdays are read from
MONTH = 365.2425 / 12  # days

# Yahoo Finance's codes of exchanges -> their ISO codes (MIC), as exchange_calendars calls them. CMES are futures.
EXCHANGES = {
    **dict.fromkeys(["NMS", "NYQ", "NGM", "NCM", "NAS", "NIM", "PCX", "ASE", "BTS", "CBO", "NYS"], NEW_YORK),
    **dict.fromkeys(["SNP", "DJI", "WCB", "PNK", "OQB", "OQX", "OEM"], NEW_YORK),
    **dict.fromkeys(["CME", "CBT", "CMX", "NYM"], "CMES"),
    **{"TOR": "XTSE", "VAN": "XTSE", "NEO": "XTSE", "CNQ": "XTSE", "MEX": "XMEX", "SAO": "BVMF", "BUE": "XBUE"},
    **{"SGO": "XSGO", "LSE": "XLON", "IOB": "XLON", "FGI": "XLON", "GER": "XETR", "FRA": "XFRA", "STU": "XSTU"},
    **{"DUS": "XDUS", "HAM": "XHAM", "PAR": "XPAR", "AMS": "XAMS", "BRU": "XBRU", "LIS": "XLIS", "ISE": "XDUB"},
    **{"MIL": "XMIL", "MCE": "XMAD", "EBS": "XSWX", "VIE": "XWBO", "STO": "XSTO", "CPH": "XCSE", "HEL": "XHEL"},
    **{"OSL": "XOSL", "ICE": "XICE", "WSE": "XWAR", "PRA": "XPRA", "BUD": "XBUD", "ATH": "ASEX", "IST": "XIST"},
    **{"TLV": "XTAE", "SAU": "XSAU", "JNB": "XJSE", "JPX": "XTKS", "OSA": "XTKS", "HKG": "XHKG", "SHH": "XSHG"},
    **{"SHZ": "XSHG", "KSC": "XKRX", "KOE": "XKRX", "TAI": "XTAI", "TWO": "XTAI", "NSI": "XBOM", "BSE": "XBOM"},
    **{"SES": "XSES", "JKT": "XIDX", "KLS": "XKLS", "SET": "XBKK", "ASX": "XASX", "NZE": "XNZE"},
}


class NewYorkExchange(AbstractHolidayCalendar):
    """Full holidays of the New York Stock Exchange since 1998, by its rule 7.2; days of mourning cannot be known."""

    rules = [
        Holiday("New Year", month=1, day=1, observance=sunday_to_monday),  # on a Saturday it is not made up for
        USMartinLutherKingJr,
        USPresidentsDay,
        GoodFriday,
        USMemorialDay,
        Holiday("Juneteenth", month=6, day=19, start_date="2022-06-19", observance=nearest_workday),
        Holiday("Independence Day", month=7, day=4, observance=nearest_workday),
        USLaborDay,
        USThanksgivingDay,
        Holiday("Christmas", month=12, day=25, observance=nearest_workday),
    ]


def next_days(dates: np.ndarray, count: int, *, exchange: str = "") -> np.ndarray:
    """The `count` dates that follow the last of `dates` (datetime64[D], ascending), as datetime64[D].

    exchange: Yahoo Finance's code of where the series trades, or empty where that is not known. It counts for series of
    days only. The rest is read from the dates: their spacing, the weekdays among them, and
    whether they leave out New York's holidays.
    """
    dates = dates.astype("datetime64[D]")
    gap = float(np.median(np.diff(dates[-RECENT:]).astype(int))) if len(dates) > 1 else 1.0
    if gap >= 28:
        return _months_after(dates, count, max(round(gap / MONTH), 1))
    if gap > 4:
        return dates[-1] + round(gap) * np.arange(1, count + 1)
    code = EXCHANGES.get(exchange, "")
    if not code and keeps_new_yorks_holidays(dates):
        code = NEW_YORK
    ahead = dates[-1] + np.arange(1, 3 * count + 30)  # no exchange is closed for four weeks
    return ahead[_open(code, dates, ahead)][:count]


def _open(code: str, dates: np.ndarray, ahead: np.ndarray) -> np.ndarray:
    """Which of the days `ahead` a series of days will have: a mask."""
    weekdays = _weekday(dates[-RECENT:])
    often = np.bincount(weekdays, minlength=7) > 0.25 * len(weekdays) / 7  # one session on a Saturday is none
    if len(weekdays) < 15:  # too few to have had every day of a week
        often[:5] = True
    usual = often[_weekday(ahead)]
    if code == NEW_YORK:  # a series with weekends is not of there, whatever it is called
        return usual if often[5:].any() else usual & ~np.isin(ahead, _new_yorks_holidays(ahead[0], ahead[-1]))
    return usual if not code else _sessions(code, ahead, usual)


def _sessions(code: str, ahead: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """The mask of an exchange's own days by exchange_calendars; `usual` from where on that knows no more."""
    import exchange_calendars  # here, since it takes a fifth of a second

    start = pd.Timestamp(ahead[0])
    for end in (pd.Timestamp(ahead[-1]), None):  # None: as far as it knows, as Mumbai's to the end of the year
        try:
            calendar = exchange_calendars.get_calendar(code, start=start, end=end)
        except (ValueError, exchange_calendars.errors.CalendarError):  # not known so far ahead, or not at all
            continue
        known = ahead <= np.datetime64(calendar.last_session, "D") if end is None else True
        return np.where(known, np.isin(ahead, calendar.sessions.to_numpy().astype("datetime64[D]")), usual)
    return usual


def _months_after(dates: np.ndarray, count: int, months: int) -> np.ndarray:
    """Every `months` months on: the last or first day, that from Monday to Friday, or the same day of the month."""
    recent = dates[-RECENT:]
    first = recent.astype("datetime64[M]")
    ahead = first[-1] + months * np.arange(1, count + 1)

    def last_day(of: np.ndarray) -> np.ndarray:
        return (of + 1).astype("datetime64[D]") - 1

    for rule in (
        last_day,
        lambda of: of.astype("datetime64[D]"),
        lambda of: np.busday_offset(last_day(of), 0, roll="backward"),
        lambda of: np.busday_offset(of.astype("datetime64[D]"), 0, roll="forward"),
    ):
        if (rule(first) == recent).mean() >= 0.8:
            return rule(ahead)
    day = int((recent - first.astype("datetime64[D]")).astype(int).max())
    return np.minimum(ahead.astype("datetime64[D]") + day, last_day(ahead))


def keeps_new_yorks_holidays(dates: np.ndarray) -> bool:
    """Whether the days of the last two years are those from Monday to Friday without New York's holidays."""
    recent = dates[dates > dates[-1] - 730]
    if len(recent) < 250:  # holidays of a year are needed to tell
        return False
    days = np.arange(recent[0], recent[-1] + 1)
    missing = days[np.is_busday(days) & ~np.isin(days, recent)]
    holidays = _new_yorks_holidays(days[0], days[-1])
    both = len(np.intersect1d(missing, holidays))
    return bool(np.is_busday(recent).all() and both >= 0.9 * max(len(missing), len(holidays)))


def _new_yorks_holidays(first: np.datetime64, last: np.datetime64) -> np.ndarray:
    holidays = NewYorkExchange().holidays(pd.Timestamp(first), pd.Timestamp(last))
    return holidays.to_numpy().astype("datetime64[D]")


def _weekday(days: np.ndarray) -> np.ndarray:
    """0 is Monday: 1970-01-01 was a Thursday."""
    return (days.astype(int) + 3) % 7
