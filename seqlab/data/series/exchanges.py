"""The days on which exchanges trade.

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

from seqlab.data.series.days import ONE_DAY

NEW_YORK = "XNYS"

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


def trading_days(code: str, days: np.ndarray, usual: np.ndarray) -> np.ndarray:
    """On which of `days` (datetime64[D], ascending) the exchange `code` (MIC) trades: a mask, `usual` if unknown."""
    if code == NEW_YORK:
        return usual & ~np.isin(days, new_yorks_holidays(days[0], days[-1]))
    return usual if not code else _sessions(code, days, usual)


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


def keeps_new_yorks_holidays(dates: np.ndarray) -> bool:
    """Whether the days of the last two years are those from Monday to Friday without New York's holidays."""
    recent = dates[dates > dates[-1] - 730 * ONE_DAY]
    if len(recent) < 250:  # holidays of a year are needed to tell
        return False
    days = np.arange(recent[0], recent[-1] + ONE_DAY)
    missing = days[np.is_busday(days) & ~np.isin(days, recent)]
    holidays = new_yorks_holidays(days[0], days[-1])
    both = len(np.intersect1d(missing, holidays))
    return bool(np.is_busday(recent).all() and both >= 0.9 * max(len(missing), len(holidays)))


def new_yorks_holidays(first: np.datetime64, last: np.datetime64) -> np.ndarray:
    holidays = NewYorkExchange().holidays(pd.Timestamp(first), pd.Timestamp(last))
    return holidays.to_numpy().astype("datetime64[D]")
