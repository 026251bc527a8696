"""How the rows of a series follow each other: their step, their weekdays and times of day, and after how many of them
the calendar comes round. All is read from the dates themselves, as they were lately.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from seqlab.data.series.days import ONE_DAY, seconds_of_day, unit_of, weekday
from seqlab.data.series.places import Places, places_of

RECENT = 60  # dates at the end of a series that its spacing and weekdays are read from
WEEKS = 4  # at the end of a series within the day, that its times of day are read from
MONTH = 365.2425 / 12  # days
FEW = 10  # dates that are too few to call them irregular
DAY = 24 * 60 * 60  # seconds
ODD_DAYS = 12  # of the month, among which the rows of a series by the month may be
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True)
class Spacing:
    """What lies between the rows of a series.

    unit: one step in words: day, week, month, quarter, year, hour, 30 minutes; `step` where it is nothing with a name.
    step: the same as a span of months, days or seconds.
    seasons: rows after which the calendar comes round, the shorter first: a week of days, a year of months, a day and a
    week of hours. None that the series has not three of.
    weekdays: those that a series of days or within the day has rows on, 0 is Monday; empty for other series.
    rows_per_day: how many a day usually has where there are several, else 1.
    regular: false if no rule tells when the next row comes.
    places: of the month or the year, for rows that are always there, as on the 1st, 11th and 21st; else None.
    weeks: of each month of a quarter, the first row's first, where months are so many weeks, as 4, 4 and 5; else empty.
    """

    unit: str
    step: np.timedelta64
    seasons: tuple[int, ...] = ()
    weekdays: tuple[int, ...] = ()
    rows_per_day: int = 1
    regular: bool = True
    weeks: tuple[int, ...] = ()
    places: Places | None = None

    @property
    def season(self) -> int:
        """The longest of the seasons, 1 where there is none."""
        return self.seasons[-1] if self.seasons else 1

    def name_of(self, season: int) -> str:
        """A season of so many rows by its name: day, week or year; empty where it is none."""
        if season <= 1:
            return ""
        if self.rows_per_day > 1 and season == self.rows_per_day:
            return "day"
        return "week" if self.weekdays else "year"

    @property
    def in_words(self) -> str:
        """The step, and on which days of the week it is taken where these are not all."""
        if self.places:
            return self.places.in_words
        if not self.weekdays or len(self.weekdays) == 7 or (self.rows_per_day > 1 and len(self.seasons) < 2):
            return self.unit  # of less than a few weeks nobody knows the days
        first, last = self.weekdays[0], self.weekdays[-1]
        if len(self.weekdays) > 2 and last - first == len(self.weekdays) - 1:
            return f"{self.unit} ({WEEKDAYS[first]}-{WEEKDAYS[last]})"
        return f"{self.unit} ({', '.join(WEEKDAYS[day] for day in self.weekdays)})"


@dataclass(frozen=True)
class Times:
    """The times of the week at which a series within the day has rows: clock (U,), seconds of the day, ascending;
    usual (7, U), on which weekdays a row is there then."""

    clock: np.ndarray
    usual: np.ndarray


def spacing(dates: np.ndarray) -> Spacing:
    """The Spacing of dates (datetime64 of days, minutes or seconds, ascending) as it was lately."""
    return _spacing(dates.tobytes(), dates.dtype.str)


@lru_cache(64)  # many series have the same dates, and each is asked often
def _spacing(content: bytes, kind: str) -> Spacing:
    dates = np.frombuffer(content, kind)
    within = last_weeks(dates)
    per_day = np.unique(within.astype("datetime64[D]"), return_counts=True)[1]
    whole = per_day[1:-1] if len(per_day) > 2 else per_day  # the first and the last day may be cut
    rows_per_day = int(np.median(whole)) if len(whole) else 1
    if rows_per_day > 1:
        return _within_days(dates, rows_per_day)
    recent = np.unique(dates.astype("datetime64[D]"))[-RECENT:]
    gaps = np.diff(recent).astype(int)
    gap = float(np.median(gaps)) if len(gaps) else 1.0
    steady = len(gaps) >= 3 and bool((gaps == gap).all())  # no three months are equally long one after the other
    places = places_of(np.unique(dates.astype("datetime64[D]")))
    found = None
    if places:
        unit = _counted(places.every, "day") if places.every else "part of a month"
        return Spacing(unit, np.timedelta64(round(gap), "D"), _seasons(len(dates), places.per_year), places=places)
    if gap >= 28 and not (steady and gap % 7 == 0):
        found = _of_months(recent, len(dates))
    elif gap < 7 and not (steady and gap > 1):
        found = _of_weekdays(recent, gap, len(dates))
    return found or _of_days(gaps, round(gap), len(dates))


def _of_months(recent: np.ndarray, count: int) -> Spacing | None:
    """Months, quarters or years, some of which may be missing; None where the dates keep no rule of the month."""
    gaps = np.diff(recent).astype(int)
    weeks = _weeks_of_months(gaps)
    if weeks:
        return Spacing("month", np.timedelta64(1, "M"), _seasons(count, 12), weeks=weeks)
    apart = np.diff(recent.astype("datetime64[M]")).astype(int)
    usual = max(round(float(np.median(gaps)) / MONTH), 1)
    months = next((m for m in (usual, usual // 2) if m and _is_step(apart, m, 0)), 0)
    of_month = (recent - recent.astype("datetime64[M]").astype("datetime64[D]")).astype(int)
    if not months or (month_rule(recent)[1] < 0.8 and np.ptp(of_month) > ODD_DAYS and len(recent) >= FEW):
        return None
    return Spacing(_months_in_words(months), np.timedelta64(months, "M"), _seasons(count, 12 / months))


def _weeks_of_months(gaps: np.ndarray) -> tuple[int, ...]:
    """The weeks from the last row on of the three months of a quarter, where they are 4, 4 and 5 in some order; none
    where they are not."""
    weeks = gaps // 7
    if len(gaps) < 6 or (gaps % 7).any() or not set(weeks.tolist()) <= {4, 5, 6}:  # 6: a year of 53 weeks
        return ()
    pattern = [int(np.median(weeks[place::3])) for place in range(3)]
    if sorted(pattern) != [4, 4, 5] or (weeks == np.resize(pattern, len(weeks))).mean() < 0.8:
        return ()
    return tuple(np.roll(pattern, -len(weeks) % 3).tolist())


def month_rule(dates: np.ndarray) -> tuple[Callable[[np.ndarray], np.ndarray], float]:
    """On which day of a month (datetime64[M]) the rows of a series by the month are, and the share of them for which
    that holds: its last or first day, that from Monday to Friday, the last or n-th of a weekday, or the same day."""
    months = dates.astype("datetime64[M]")
    of_month = (dates - months.astype("datetime64[D]")).astype(int)
    latest, same, nth = int(of_month.max()), int(weekday(dates[-1:])[0]), int(of_month[-1]) // 7

    def first_day(of: np.ndarray) -> np.ndarray:
        return of.astype("datetime64[D]")

    def last_day(of: np.ndarray) -> np.ndarray:
        return (of + unit_of(of)).astype("datetime64[D]") - ONE_DAY

    rules: tuple[Callable[[np.ndarray], np.ndarray], ...] = (
        last_day,
        first_day,
        lambda of: np.busday_offset(last_day(of), 0, roll="backward"),
        lambda of: np.busday_offset(first_day(of), 0, roll="forward"),
        lambda of: np.minimum(first_day(of) + latest * ONE_DAY, last_day(of)),
        lambda of: last_day(of) - (weekday(last_day(of)) - same) % 7 * ONE_DAY,
        lambda of: first_day(of) + ((same - weekday(first_day(of))) % 7 + 7 * nth) * ONE_DAY,
    )
    kept = [float((rule(months) == dates).mean()) for rule in rules]
    best = kept.index(max(kept))
    return (rules[best], kept[best]) if kept[best] >= 0.8 else (rules[4], kept[4])


def _of_weekdays(recent: np.ndarray, gap: float, count: int) -> Spacing | None:
    """Days of the week, some of which may be missing; None where they are no days that come again."""
    usual = usual_weekdays(recent)
    places = np.cumsum(usual[weekday(np.arange(recent[0], recent[-1] + ONE_DAY))])  # among the usual days
    steps = np.diff(places[(recent - recent[0]).astype(int)])
    regular = len(recent) < FEW or bool((steps > 1).mean() < 0.5)
    if usual.sum() > 3 and np.median(steps) == 1:  # beside weekends a few missing days make the usual gap larger
        gap = 1.0
    if not regular and (gap > 2 or (gap > 1 and usual.all())):
        return None
    weekdays = tuple(np.flatnonzero(usual).tolist())
    seasons = _seasons(count, len(weekdays)) if regular else ()
    unit = "day" if gap == 1 else "step"
    return Spacing(unit, np.timedelta64(round(gap), "D"), seasons, weekdays, regular=regular)


def _of_days(gaps: np.ndarray, gap: int, count: int) -> Spacing:
    """So many days or weeks from row to row, some of which may be missing."""
    regular = len(gaps) < FEW - 1 or _is_step(gaps, gap, gap / 7)  # a holiday moves a week's date
    weeks, rest = divmod(gap, 7)
    unit = _counted(weeks, "week") if not rest else _counted(gap, "day")
    seasons = _seasons(count, 52 / weeks) if regular and not rest else ()
    return Spacing(unit if regular else "step", np.timedelta64(gap, "D"), seasons, regular=regular)


def _is_step(gaps: np.ndarray, step: int, loose: float) -> bool:
    """Whether rows are a step apart, here and there several where some are missing. loose: by how much a gap that is so
    many steps may differ from them."""
    times = np.maximum(np.round(gaps / step), 1)
    near = np.abs(gaps - times * step) <= loose
    return bool(near.mean() >= 0.8 and (near & (times == 1)).mean() >= 0.5)


def _within_days(dates: np.ndarray, rows_per_day: int) -> Spacing:
    recent, count = last_weeks(dates), len(dates)
    days = recent.astype("datetime64[D]")
    gaps = np.diff(recent).astype("timedelta64[s]").astype(int)[days[1:] == days[:-1]]
    step = max(int(np.median(gaps)), 1)  # 0 where rows come again
    found = times_of_week(dates)
    same_times = found is not None and found.usual.any(axis=0).sum() < 1.5 * rows_per_day  # whatever lies between them
    is_step = _is_step(gaps, step, step / 7)
    regular = len(recent) < FEW or is_step or same_times
    usual = usual_weekdays(np.unique(days))
    seasons: tuple[int, ...] = ()
    if regular and (DAY % step == 0 or same_times):
        per_day = found.usual.sum(axis=1)[usual] if found else np.full(usual.sum(), rows_per_day)
        rows_per_day = int(np.median(per_day))
        seasons = _seasons(count, rows_per_day)
        if seasons and usual.sum() > 1 and dates[-1] - dates[0] >= np.timedelta64(7 * WEEKS * DAY - step, "s"):
            seasons = (*seasons, int(per_day.sum()))
    weekdays = tuple(np.flatnonzero(usual).tolist())
    unit = _span_in_words(step) if regular and (is_step or not same_times) else "step"
    return Spacing(unit, _span(step, dates.dtype), seasons, weekdays, rows_per_day, regular)


def times_of_week(dates: np.ndarray) -> Times | None:
    """At which times of the week rows of a series within the day usually are, by its last weeks; None where there are
    no times that come again. A weekday without rows gets the times that most days have."""
    recent = last_weeks(dates)
    days = recent.astype("datetime64[D]")
    every = np.unique(days)
    first = 1 if len(recent) == len(dates) and len(every) > 3 else 0
    whole = every[first : max(len(every) - 1, 1)]  # the ends may be cut
    clock, place = np.unique(seconds_of_day(recent), return_inverse=True)
    weekdays, counted = weekday(days), np.isin(days, whole)
    seen = np.zeros((7, len(clock)), int)
    np.add.at(seen, (weekdays[counted], place[counted]), 1)
    of_weekday = np.bincount(weekday(whole), minlength=7)
    per_day = seen.sum(axis=1) / np.maximum(of_weekday, 1)
    busy = per_day >= 0.5 * per_day.max()
    often = seen[busy].sum(axis=0) >= 0.5 * of_weekday[busy].sum()
    usual = seen >= np.maximum(of_weekday / 2, 0.5)[:, None]
    usual |= (seen > 0) & often  # here and there a row is missing
    missing = 1 - (seen * usual).sum() / max((usual * of_weekday[:, None]).sum(), 1)
    by_chance = usual.sum() * missing ** np.maximum(of_weekday, 1) > 0.001  # that a time of it was never seen
    within = np.maximum.accumulate(usual, axis=1) & np.maximum.accumulate(usual[:, ::-1], axis=1)[:, ::-1]
    usual |= within & often & by_chance[:, None]
    usual[~usual.any(axis=1)] = seen.sum(axis=0) >= len(whole) / 2  # a weekday that has not been, or never alike
    if usual[weekdays, place].mean() < 0.8 or not usual.any(axis=1).all():
        return None
    return Times(clock, usual)


def last_weeks(dates: np.ndarray) -> np.ndarray:
    """The rows of the last days, as many as WEEKS have; all of a day or none."""
    first = dates[-1].astype("datetime64[D]") - (7 * WEEKS - 1) * ONE_DAY
    return dates[np.searchsorted(dates, first) :]


def usual_weekdays(days: np.ndarray) -> np.ndarray:
    """Which weekdays (7,) a series of days has rows on."""
    weekdays = weekday(days)
    often = np.bincount(weekdays, minlength=7) > 0.25 * len(weekdays) / 7  # one session on a Saturday is none
    if len(weekdays) < 15:  # too few to have had every day of a week
        often[:5] = True
    return often


def _span(seconds: int, kind: np.dtype) -> np.timedelta64:
    """So many seconds in the unit of dates."""
    return np.timedelta64(seconds, "s").astype(f"timedelta64[{np.datetime_data(kind)[0]}]")


def _seasons(count: int, rows: float) -> tuple[int, ...]:
    """`rows`, if so many are a season of which `count` rows have three."""
    return (int(rows),) if rows == int(rows) and 1 < rows <= count / 3 else ()


def _span_in_words(seconds: int) -> str:
    for unit, length in (("hour", 3600), ("minute", 60)):
        if seconds % length == 0:
            return _counted(seconds // length, unit)
    return _counted(seconds, "second")


def _months_in_words(months: int) -> str:
    if months % 12 == 0:
        return _counted(months // 12, "year")
    return "quarter" if months == 3 else _counted(months, "month")


def _counted(count: int, unit: str) -> str:
    return unit if count == 1 else f"{count} {unit}s"
