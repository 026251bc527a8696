"""How the rows of a series follow each other, and the dates it will have next.

Both are read from the dates themselves: their spacing, the weekdays and the times of day among them, and for series of
days whether they leave out New York's holidays. Where it is known, the exchange tells its holidays.
"""

from dataclasses import dataclass

import numpy as np

from seqlab.data.series.exchanges import EXCHANGES, NEW_YORK, keeps_new_yorks_holidays, trading_days

RECENT = 60  # dates at the end of a series that its spacing and weekdays are read from
WEEKS = 4  # at the end of a series within the day, that its times of day are read from
MONTH = 365.2425 / 12  # days
FEW = 10  # dates that are too few to call them irregular
DAY = 24 * 60  # minutes


@dataclass(frozen=True)
class Spacing:
    """What lies between the rows of a series.

    unit: one step in words: day, week, month, quarter, year, hour, 30 minutes; `step` where it is nothing with a name.
    step: the same as a span of months, days or minutes.
    season: rows after which the calendar comes round: a week of days, a year of months, a day or a week of hours. 1 if
    it suggests nothing, or if the series has not three of them.
    weekdays: those that a series of days or within the day has rows on, 0 is Monday; empty for other series.
    rows_per_day: how many a day usually has where there are several, else 1.
    regular: false if no rule tells when the next row comes.
    """

    unit: str
    step: np.timedelta64
    season: int = 1
    weekdays: tuple[int, ...] = ()
    rows_per_day: int = 1
    regular: bool = True


def spacing(dates: np.ndarray) -> Spacing:
    """The Spacing of dates (datetime64[D] or [m], ascending) as it was lately."""
    days = dates.astype("datetime64[D]")
    within = _last_weeks(dates)
    per_day = np.unique(within.astype("datetime64[D]"), return_counts=True)[1]
    whole = per_day[1:-1] if len(per_day) > 2 else per_day  # the first and the last day may be cut
    rows_per_day = int(np.median(whole)) if len(whole) else 1
    if rows_per_day > 1:
        return _spacing_within_days(within, rows_per_day, len(dates))
    recent = np.unique(days)[-RECENT:]
    gaps = np.diff(recent).astype(int)
    gap = float(np.median(gaps)) if len(gaps) else 1.0
    steady = len(gaps) >= 3 and bool((gaps == gap).all())  # no three months are equally long one after the other
    if gap >= 28 and not (steady and gap % 7 == 0):
        months = max(round(gap / MONTH), 1)
        if (np.diff(recent.astype("datetime64[M]")).astype(int) == months).mean() >= 0.7:
            season = 12 // months if 12 % months == 0 else 1
            return Spacing(_months_in_words(months), np.timedelta64(months, "M"), _season(len(dates), season))
    if gap <= 4 and not (steady and gap > 1):
        usual = _usual_weekdays(recent)
        places = np.cumsum(usual[_weekday(np.arange(recent[0], recent[-1] + 1))])  # among the usual days
        skipped = np.diff(places[(recent - recent[0]).astype(int)]) > 1
        regular = len(recent) < FEW or bool(skipped.mean() <= 0.2)
        if gap == 1 or regular:
            season = _season(len(dates), int(usual.sum())) if regular else 1
            weekdays = tuple(np.flatnonzero(usual).tolist())
            unit = "day" if gap == 1 else "step"
            return Spacing(unit, np.timedelta64(round(gap), "D"), season, weekdays, regular=regular)
    regular = len(recent) < FEW or bool((np.abs(gaps - gap) <= gap / 7).mean() >= 0.8)  # a holiday moves a week's date
    weeks, rest = divmod(round(gap), 7)
    unit = _counted(weeks, "week") if not rest else _counted(round(gap), "day")
    season = _season(len(dates), 52 // weeks) if regular and not rest and 52 % weeks == 0 else 1
    return Spacing(unit if regular else "step", np.timedelta64(round(gap), "D"), season, regular=regular)


def _spacing_within_days(recent: np.ndarray, rows_per_day: int, count: int) -> Spacing:
    days = recent.astype("datetime64[D]")
    gaps = np.diff(recent).astype(int)[days[1:] == days[:-1]]  # minutes
    minutes = int(np.median(gaps))
    regular = len(recent) < FEW or bool((np.abs(gaps - minutes) <= minutes / 7).mean() >= 0.8)
    usual = _usual_weekdays(np.unique(days))
    season = _season(count, rows_per_day)
    if usual.all() and count >= WEEKS * 7 * rows_per_day:
        season = 7 * rows_per_day
    if not regular or DAY % minutes:  # what is not there at the same time every day
        season = 1
    unit = _counted(minutes // 60, "hour") if minutes % 60 == 0 else _counted(minutes, "minute")
    weekdays = tuple(np.flatnonzero(usual).tolist())
    return Spacing(unit if regular else "step", np.timedelta64(minutes, "m"), season, weekdays, rows_per_day, regular)


def _season(count: int, rows: int) -> int:
    """`rows`, if so many are a season of which `count` rows have three."""
    return rows if count >= 3 * rows else 1


def _counted(count: int, unit: str) -> str:
    return unit if count == 1 else f"{count} {unit}s"


def _months_in_words(months: int) -> str:
    if months % 12 == 0:
        return _counted(months // 12, "year")
    return "quarter" if months == 3 else _counted(months, "month")


def next_dates(dates: np.ndarray, count: int, *, exchange: str = "") -> np.ndarray:
    """The `count` dates that follow the last of `dates` (datetime64[D] or [m], ascending), of their own type.

    exchange: Yahoo Finance's code of where the series trades, or empty where that is not known. It counts for series of
    days, and within the day, only.
    """
    found = spacing(dates)
    if found.rows_per_day > 1:
        return _rows_after(dates, count, found, exchange)
    days = np.unique(dates.astype("datetime64[D]"))
    if np.datetime_data(found.step)[0] == "M":
        ahead = _months_after(days, count, int(found.step.astype(int)))
    elif found.weekdays:
        ahead = _days_after(days, count, exchange)
    else:
        ahead = days[-1] + found.step * np.arange(1, count + 1)
    if dates.dtype == days.dtype:
        return ahead
    times, seen = np.unique(_clock(dates[-RECENT:]), return_counts=True)
    return ahead.astype("datetime64[m]") + times[seen.argmax()]


def _days_after(days: np.ndarray, count: int, exchange: str) -> np.ndarray:
    """The next days that a series of `days` has rows on."""
    code = EXCHANGES.get(exchange, "")
    if not code and keeps_new_yorks_holidays(days):
        code = NEW_YORK
    usual = _usual_weekdays(days[-RECENT:])
    if code == NEW_YORK and usual[5:].any():  # a series with weekends is not of there, whatever it is called
        code = ""
    span = 8 * count // int(usual.sum()) + 60  # holidays come on top, of less than four weeks each
    ahead = days[-1] + np.arange(1, span)
    return ahead[trading_days(code, ahead, usual[_weekday(ahead)])][:count]


def _usual_weekdays(days: np.ndarray) -> np.ndarray:
    """Which weekdays (7,) a series of days has rows on."""
    weekdays = _weekday(days)
    often = np.bincount(weekdays, minlength=7) > 0.25 * len(weekdays) / 7  # one session on a Saturday is none
    if len(weekdays) < 15:  # too few to have had every day of a week
        often[:5] = True
    return often


def _rows_after(dates: np.ndarray, count: int, found: Spacing, exchange: str) -> np.ndarray:
    """What follows within the day: the next steps of a grid without gaps, else the usual times of the next days."""
    recent = _last_weeks(dates)
    steps = dates[-1] + found.step * np.arange(1, count + 1)
    if (np.diff(recent) == found.step).all():
        return steps
    days = recent.astype("datetime64[D]")
    every = np.unique(days)
    first = 1 if len(recent) == len(dates) and len(every) > 3 else 0
    whole = every[first : max(len(every) - 1, 1)]  # the ends may be cut
    counted = np.isin(days, whole)
    clock, weekday = _clock(recent).astype(int), _weekday(days)
    seen = np.zeros((7, DAY), int)
    np.add.at(seen, (weekday[counted], clock[counted]), 1)
    of_weekday = np.bincount(_weekday(whole), minlength=7)
    usual = seen >= np.maximum(of_weekday / 2, 0.5)[:, None]  # (7, DAY)
    usual |= (seen > 0) & (seen.sum(axis=0) >= 0.8 * len(whole))  # here and there a row is missing
    usual[~usual.any(axis=1)] = seen.sum(axis=0) >= len(whole) / 2  # a weekday that has not been, or never alike
    if usual[weekday, clock].mean() < 0.8 or not usual.any(axis=1).all():  # no times of day that come again
        return steps
    ahead = np.append(every[-1], _days_after(np.unique(dates.astype("datetime64[D]")), count, exchange))
    place, minute = np.nonzero(usual[_weekday(ahead)])
    rows = ahead[place].astype("datetime64[m]") + minute
    return rows[rows > dates[-1]][:count]


def _last_weeks(dates: np.ndarray) -> np.ndarray:
    """The rows of the last days, as many as WEEKS have; all of a day or none."""
    first = dates[-1].astype("datetime64[D]") - 7 * WEEKS + 1
    return dates[np.searchsorted(dates, first) :]


def _months_after(dates: np.ndarray, count: int, months: int) -> np.ndarray:
    """Every `months` months on: the last or first day, that from Monday to Friday, or the same day of the month."""
    recent = dates[-RECENT:]
    first = recent.astype("datetime64[M]")
    ahead = first[-1] + months * np.arange(1, count + 1)

    def last_day(of: np.ndarray) -> np.ndarray:
        return (of + 1).astype("datetime64[D]") - 1

    rules = (
        last_day,
        lambda of: of.astype("datetime64[D]"),
        lambda of: np.busday_offset(last_day(of), 0, roll="backward"),
        lambda of: np.busday_offset(of.astype("datetime64[D]"), 0, roll="forward"),
    )
    kept = [(rule(first) == recent).mean() for rule in rules]
    if max(kept) >= 0.8:
        return rules[kept.index(max(kept))](ahead)
    day = int((recent - first.astype("datetime64[D]")).astype(int).max())
    return np.minimum(ahead.astype("datetime64[D]") + day, last_day(ahead))


def _weekday(days: np.ndarray) -> np.ndarray:
    """0 is Monday: 1970-01-01 was a Thursday."""
    return (days.astype(int) + 3) % 7


def _clock(dates: np.ndarray) -> np.ndarray:
    """The time of day, timedelta64[m]."""
    return dates.astype("datetime64[m]") - dates.astype("datetime64[D]")
