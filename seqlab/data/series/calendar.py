"""The dates that a series will have next, by how its rows have followed each other, and those that it lacks.

For series of days it is read from the dates whether they leave out New York's holidays. Where it is known, the exchange
tells its holidays.
"""

import math

import numpy as np

from seqlab.data.series.days import ONE_DAY, seconds_of_day, weekday
from seqlab.data.series.exchanges import EXCHANGES, NEW_YORK, keeps_new_yorks_holidays, trading_days
from seqlab.data.series.spacing import RECENT, Spacing, last_weeks, month_rule, spacing, times_of_week, usual_weekdays

MOST_MISSING = 0.5  # of the rows that a series should have: else they follow no rule
MOST_OFF = 0.05  # of its rows that may be elsewhere


def next_dates(dates: np.ndarray, count: int, *, exchange: str = "") -> np.ndarray:
    """The `count` dates that follow the last of `dates` (datetime64 of days, minutes or seconds, ascending), of their
    own type.

    exchange: Yahoo Finance's code of where the series trades, or empty where that is not known. It counts for series of
    days, and within the day, only.
    """
    found = spacing(dates)
    if found.rows_per_day > 1:
        return _rows_after(dates, count, found, exchange)
    days = np.unique(dates.astype("datetime64[D]"))
    if found.places:
        ahead = days[-1] + np.arange(1, 40 * (count + 1))
        ahead = ahead[found.places.has(ahead)][:count]
    elif found.weeks:
        ahead = days[-1] + 7 * np.cumsum(np.resize(found.weeks, count))
    elif np.datetime_data(found.step)[0] == "M":
        recent = days[-RECENT:]
        months = recent[-1].astype("datetime64[M]") + found.step.astype(int) * np.arange(1, count + 1)
        ahead = month_rule(recent)[0](months)
    elif found.weekdays:
        ahead = _days_after(days, count, exchange)
    else:
        ahead = days[-1] + found.step * np.arange(1, count + 1)
    return _at_the_usual_time(ahead, dates)


def whole_dates(dates: np.ndarray, found: Spacing) -> np.ndarray | None:
    """The dates (M,) that a series should have from its first to its last, those that it has and those that it lacks;
    None where its rows follow no rule, or one of late only.

    found: the spacing of `dates` (N,).
    """
    if not found.regular or len(dates) < 3:
        return None
    if found.weeks:
        return dates
    should = (
        _rows_between(dates, found) if found.rows_per_day > 1 else _at_the_usual_time(_between(dates, found), dates)
    )
    whole = np.union1d(dates, should)
    off = len(whole) - len(np.unique(should))
    if off > MOST_OFF * len(dates) or len(whole) - len(dates) > MOST_MISSING * len(whole):
        return None
    return whole


def _between(dates: np.ndarray, found: Spacing) -> np.ndarray:
    """The days that a series of days, weeks, months, ... should have: those that it has, and the rule's where it has
    none."""
    days = np.unique(dates.astype("datetime64[D]"))
    kind, step = np.datetime_data(found.step)[0], int(found.step.astype(int))
    every = np.arange(days[0], days[-1] + ONE_DAY)
    if found.places:
        return every[found.places.has(every) | np.isin(every, days)]
    if kind == "M":
        months = days.astype("datetime64[M]")
        steps = (months - months[-1]).astype(int) / step
        rule = month_rule(days[-RECENT:])[0]
    elif found.weekdays:
        return every[np.isin(weekday(every), found.weekdays) | np.isin(every, days)]
    else:
        steps = (days - days[-1]).astype(int) / step
    places = np.round(steps).astype(int)
    lacking = np.setdiff1d(np.arange(places[0], 1), places)
    if len(np.unique(places)) < len(places) or (np.abs(steps - places) > 1 / 7).mean() > MOST_OFF:
        return days[:0]
    return np.union1d(days, rule(months[-1] + step * lacking) if kind == "M" else days[-1] + step * lacking)


def _rows_between(dates: np.ndarray, found: Spacing) -> np.ndarray:
    """The times that a series within the day should have: every step where it rests neither by night nor at weekends,
    else its usual times of the week."""
    if _goes_on(dates, found):
        return np.arange(dates[0], dates[-1] + found.step, found.step)[: 4 * len(dates)]
    times = times_of_week(dates)
    if times is None:
        return dates[:0]
    every = np.arange(dates[0].astype("datetime64[D]"), dates[-1].astype("datetime64[D]") + ONE_DAY)
    every = every[np.isin(weekday(every), found.weekdays)]
    place, time = np.nonzero(times.usual[weekday(every)])
    rows = (every[place].astype("datetime64[s]") + times.clock[time]).astype(dates.dtype)
    return rows[(rows >= dates[0]) & (rows <= dates[-1])]


def _goes_on(dates: np.ndarray, found: Spacing) -> bool:
    """Whether rows come step by step, by day and night, though here and there one may be missing lately."""
    recent = last_weeks(dates)
    gaps = np.diff(recent)
    if (gaps == found.step).all() or dates[-1] - dates[0] < np.timedelta64(1, "D"):
        return True
    if gaps.max() >= np.timedelta64(1, "D"):
        return False
    if np.timedelta64(1, "D") % found.step:  # never at the same times: a night's rest is a gap of every day
        return bool((gaps > np.timedelta64(3, "h")).sum() < (recent[-1] - recent[0]) / np.timedelta64(2, "D"))
    return _no_time_rests(recent, np.arange(recent[0], recent[-1] + found.step, found.step))


def _no_time_rests(recent: np.ndarray, steps: np.ndarray) -> bool:
    """Whether no more times of the day lack most of their rows than do by chance, where some of all are missing."""
    clock, place, times = np.unique(seconds_of_day(steps), return_inverse=True, return_counts=True)
    seen = np.bincount(place[np.isin(steps, recent)], minlength=len(clock))
    missing = 1 - seen.sum() / times[seen > 0].sum()
    most = times * 3 // 5 + 1  # of them missing, which leaves less than 0.4
    by_chance = sum(math.comb(int(n), int(k)) * missing**k for n, k in zip(times, most, strict=True))
    return bool((times - seen >= most).sum() <= 3 * by_chance)


def _at_the_usual_time(days: np.ndarray, dates: np.ndarray) -> np.ndarray:
    """Days as dates of the type of `dates`: those that these have as they are, others at their usual time."""
    if dates.dtype == days.dtype:
        return days
    times, seen = np.unique(seconds_of_day(dates[-RECENT:]), return_counts=True)
    there = dates.astype("datetime64[D]")
    place = np.minimum(np.searchsorted(there, days, side="right") - 1, len(there) - 1)
    at = (days.astype("datetime64[s]") + times[seen.argmax()]).astype(dates.dtype)
    return np.where((place >= 0) & (there[place] == days), dates[place], at)


def _days_after(days: np.ndarray, count: int, exchange: str) -> np.ndarray:
    """The next days that a series of `days` has rows on."""
    code = EXCHANGES.get(exchange, "")
    if not code and keeps_new_yorks_holidays(days):
        code = NEW_YORK
    usual = usual_weekdays(days[-RECENT:])
    if code == NEW_YORK and usual[5:].any():  # a series with weekends is not of there, whatever it is called
        code = ""
    span = 8 * count // int(usual.sum()) + 60  # holidays come on top, of less than four weeks each
    ahead = days[-1] + np.arange(1, span)
    return ahead[trading_days(code, ahead, usual[weekday(ahead)])][:count]


def _rows_after(dates: np.ndarray, count: int, found: Spacing, exchange: str) -> np.ndarray:
    """What follows within the day: the next steps of a grid without gaps, else the usual times of the next days."""
    steps = dates[-1] + found.step * np.arange(1, count + 1)
    times = None if _goes_on(dates, found) else times_of_week(dates)
    if times is None:
        return steps
    days = np.unique(dates.astype("datetime64[D]"))
    ahead = np.append(days[-1], _days_after(days, count, exchange))
    place, time = np.nonzero(times.usual[weekday(ahead)])
    rows = (ahead[place].astype("datetime64[s]") + times.clock[time]).astype(dates.dtype)
    return rows[rows > dates[-1]][:count]
