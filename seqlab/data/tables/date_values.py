"""Numbers that are dates: days of a year and a month, seconds since 1970, the days that Excel counts, parts of years,
weeks and days of a year."""

from dataclasses import dataclass

import numpy as np

EXCEL_ZERO = np.datetime64("1899-12-30", "s")
NEVER = np.datetime64("NaT", "s")
QUARTERS = (0.1, 0.2, 0.3, 0.4)  # as fractions of 2003.1 to 2003.4


@dataclass(frozen=True)
class Dates:
    """What a column holds: `when` (N,), datetime64[s], or [us] where it is finer, NaT where an entry is no date; notes
    on how it was read, and of days and months in numbers which is `first`, if its entries show it."""

    when: np.ndarray
    notes: tuple[str, ...] = ()
    first: str = ""


def in_seconds(when: np.ndarray) -> np.ndarray:
    """datetime64[s] where all are whole seconds, else [us]."""
    seconds = when.astype("datetime64[s]")
    return seconds if (np.isnat(when) | (seconds == when)).all() else when.astype("datetime64[us]")


def days_of(year: np.ndarray, month: np.ndarray, day: np.ndarray) -> np.ndarray:
    """datetime64[D], NaT where there is no such day."""
    exist = np.isfinite(year + month + day) & (month >= 1) & (month <= 12) & (day >= 1)
    year, month, day = (np.where(exist, values, 1).astype(int) for values in (year, month, day))
    first = (12 * (year - 1970) + month - 1).astype("datetime64[M]")
    found = first.astype("datetime64[D]") + (day - 1)
    return np.where(exist & (found.astype("datetime64[M]") == first), found, np.datetime64("NaT", "D"))


def of_unix(seconds: np.ndarray) -> Dates:
    """Seconds since 1970, or thousandths, millionths or billionths, as their length tells; UTC."""
    for digits in (18, 15, 12):
        seconds = np.where(seconds >= 10.0 ** (digits - 1), seconds / 1000, seconds)
    there = np.isfinite(seconds)
    whole = np.round(np.where(there, seconds, 0) * 1e6).astype("datetime64[us]")
    return Dates(in_seconds(np.where(there, whole, np.datetime64("NaT", "us"))))


def of_serials(days: np.ndarray) -> Dates:
    """Excel's days, with their fractions as times."""
    there = np.isfinite(days)
    seconds = np.round(np.where(there, days, 0) * 86400).astype("timedelta64[s]")
    when = np.where(there, EXCEL_ZERO + seconds, NEVER)
    at = int(np.argmax(there))
    said = str(when[at]).removesuffix("T00:00:00")
    return Dates(when, (f"dates are read as the days that Excel counts: {days[at]:.10g} is {said}",))


def of_decimal_years(year: np.ndarray, fraction: np.ndarray) -> Dates:
    """2005.0833 is the second month of 2005, where there is at most one a month, else the day; 2005.02 is so too, and
    2005.2 the second quarter where there are no others than four."""
    there, one = np.isfinite(year), np.ones(len(year))
    hundredths, months = 100 * fraction[there], 12 * fraction[there] + 0.05
    if set(fraction[there].round(6)) == set(QUARTERS):
        when = days_of(year, np.round(30 * fraction) - 2, one)
    elif (np.abs(hundredths - hundredths.round()) < 1e-6).all() and hundredths.min() >= 0.5 and hundredths.max() < 12.5:
        when = days_of(year, np.round(100 * fraction), one)
    elif len(np.unique(12 * year[there] + np.floor(months))) == there.sum() and np.ptp(months % 1) < 0.3:
        when = days_of(year, np.floor(12 * fraction + 0.05) + 1, one)
    else:
        first, after = (days_of(year + more, one, one) for more in (0, 1))
        length = np.where(there, (after - first) / np.timedelta64(1, "D"), 0)
        when = first + np.round(np.where(there, fraction * length, 0)).astype("timedelta64[D]")
    at = int(np.argmax(there & (fraction > 0)))
    note = f"dates are parts of years: {year[at] + fraction[at]:.8g} is {when[at]}"
    return Dates(when.astype("datetime64[s]"), (note,))


def of_weeks(year: np.ndarray, week: np.ndarray, weekday: np.ndarray) -> Dates:
    """Days of the weeks of ISO 8601, which begin on Mondays, the first with four days of its year or more; where some
    week is in no such year, of those that begin on Sundays, as health offices of the USA count."""
    one = np.ones(len(year))
    start, after = (days_of(year + more, one, 4 * one) for more in (0, 1))  # of January are always in the first

    def counted(begins: int) -> tuple[np.ndarray, np.ndarray]:
        first, last = (days - (days.astype(int) + begins) % 7 for days in (start, after))
        when = first + np.nan_to_num(7 * (week - 1) + weekday - 1).astype("timedelta64[D]")
        return when, (when < last) | np.isnat(when)

    how, (when, exist) = "ISO 8601 counts", counted(3)  # 1970 began on a Thursday
    if not exist.all() and counted(4)[1].all():
        how, (when, exist) = "the CDC counts, from Sunday", counted(4)
    at = int(np.argmax(~np.isnat(when)))
    notes = (f"weeks are those that {how}: week {week[at]:g} of {year[at]:g} begins on {when[at]}",)
    return Dates(np.where(exist, when, np.datetime64("NaT", "D")).astype("datetime64[s]"), notes)


def of_days_of_year(year: np.ndarray, yearday: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """datetime64[D] of days that are counted from the first of January, and what is to be said of that."""
    one = np.ones(len(year))
    when = days_of(year, one, one) + np.nan_to_num(yearday - 1).astype("timedelta64[D]")
    when = np.where((when < days_of(year + 1, one, one)) & (yearday > 0), when, np.datetime64("NaT", "D"))
    at = int(np.argmax(~np.isnat(when)))
    return when, (f"days are counted within their year: day {yearday[at]:g} of {year[at]:g} is {when[at]}",)
