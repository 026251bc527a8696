"""Dates as people write them in a column: ISO, 31.12.2024, 01/31/2024, Jan 31, 2024, 2024Q1, a year, unix seconds.

The whole column is read in one way, the one that most of it is written in. Days and months are never guessed.
"""

import re
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from seqlab.data.tables.date_shapes import EXACT_NUMBER, MONTHS, PLAIN_ISO, SERIAL, SHAPES
from seqlab.errors import DataError

WRITE_ISO = "write dates like 2024-01-31, or 2024-01-31T15:00"
LOOKED_AT = 1000  # entries that tell how the column is written
PIVOT = 69  # years of two digits from here on are of the last century, as computers have it
EXCEL_ZERO = np.datetime64("1899-12-30", "s")


@dataclass(frozen=True)
class Dates:
    """What a column holds: `when` (N,), datetime64[s], NaT where an entry is no date; notes on how it was read, and of
    days and months in numbers which is `first`, if its entries show it."""

    when: np.ndarray
    notes: tuple[str, ...] = ()
    first: str = ""


def read_dates(
    written: pd.Series, where: str, first: str = "", *, most: float = 0.5, serials: bool = False
) -> Dates | None:
    """The dates of a column, or None where no larger share of its entries than `most` are some.

    Times are those on the clock as it is written, whatever its zone; where the zone's offset changes among times
    within the day they become UTC. where: what an error calls the column. first: "day", "month" or "year", for entries
    like 01/02/2024. serials: five digits are days as Excel counts them. Raises DataError where the column can be read
    in two ways.
    """
    text = written.astype("string")
    if pd.api.types.is_float_dtype(written):  # a year beside empty rows
        text = text.str.removesuffix(".0")
    known = text.dropna()
    sample = known.iloc[:: len(known) // LOOKED_AT + 1]
    shapes = [*SHAPES, SERIAL] if serials else SHAPES
    fits = [sum(shape.fullmatch(entry) is not None for entry in sample) for shape in shapes]
    best = int(np.argmax(fits))
    if fits[best] <= most * len(sample):
        return None
    if all(PLAIN_ISO.fullmatch(entry) for entry in sample):
        try:  # pandas' own reader is much faster
            return Dates(pd.to_datetime(text, format="ISO8601").to_numpy().astype("datetime64[s]"))
        except ValueError:  # not all entries are like that
            pass
    parts = text.str.extract(rf"^{shapes[best].pattern}$", flags=re.IGNORECASE)
    if "unix" in parts:
        return _of_unix(_floats(parts["unix"]))
    if "serial" in parts:
        return _of_serials(_floats(parts["serial"]))
    if "first" in parts:
        return _in_some_order(text, parts, where, first)
    if "fraction" in parts and parts["fraction"].notna().any():
        return _of_decimal_years(_floats(parts["year"]), _numbers(parts, "fraction", 0))
    if "week" in parts:
        return _of_weeks(_floats(parts["year"]), _floats(parts["week"]), _numbers(parts, "weekday", 1))
    notes: tuple[str, ...] = ()
    if "name" in parts:
        parts["month"] = parts["name"].str.lower().map({name: number for number, name in enumerate(MONTHS, 1)})
    if "quarter" in parts:
        parts["month"] = 3 * _numbers(parts, "quarter", 1) - 2
    year = _of_century(_floats(parts["short"])) if "short" in parts else _floats(parts["year"])
    days = _days(year, _numbers(parts, "month", 1), _numbers(parts, "day", 1))
    if "short" in parts:
        if not {"day", "quarter"} & set(parts) and not _go_by_months(days):
            return None  # Jan 20, Jan 21 may be days of a year that is not said
        notes = _short_years(text, days)
    return _on_the_clock(days, parts, notes)


def are_dates_without_doubt(written: pd.Series) -> bool:
    """Whether all numbers of a column are dates like 20240131, or seconds or thousandths of a second since 1970 that go
    up or down, whatever it is called."""
    text = written.dropna().astype("string").str.removesuffix(".0")
    if len(text) < 2 or not text.str.fullmatch(EXACT_NUMBER.pattern).all():
        return False
    values = pd.to_numeric(text).to_numpy(float)
    return len(text.iloc[0]) == 8 or bool((np.diff(values) > 0).all() or (np.diff(values) < 0).all())


def _numbers(parts: pd.DataFrame, name: str, missing: float) -> np.ndarray:
    if name not in parts:
        return np.full(len(parts), missing)
    return _floats(parts[name], missing)


def _floats(values: pd.Series, missing: float = np.nan) -> np.ndarray:
    return pd.to_numeric(values).to_numpy(float, na_value=missing)


def _days(year: np.ndarray, month: np.ndarray, day: np.ndarray) -> np.ndarray:
    """datetime64[D], NaT where there is no such day."""
    exist = np.isfinite(year + month + day) & (month >= 1) & (month <= 12) & (day >= 1)
    year, month, day = (np.where(exist, values, 1).astype(int) for values in (year, month, day))
    first = (12 * (year - 1970) + month - 1).astype("datetime64[M]")
    found = first.astype("datetime64[D]") + (day - 1)
    return np.where(exist & (found.astype("datetime64[M]") == first), found, np.datetime64("NaT", "D"))


def _of_unix(seconds: np.ndarray) -> Dates:
    """Seconds since 1970, or thousandths, millionths or billionths, as their length tells; UTC."""
    for digits in (18, 15, 12):
        seconds = np.where(seconds >= 10.0 ** (digits - 1), seconds / 1000, seconds)
    whole = np.where(np.isfinite(seconds), seconds, 0).astype("datetime64[s]")
    return Dates(np.where(np.isfinite(seconds), whole, np.datetime64("NaT", "s")))


def _of_serials(days: np.ndarray) -> Dates:
    """Excel's days, with their fractions as times."""
    there = np.isfinite(days)
    seconds = np.round(np.where(there, days, 0) * 86400).astype("timedelta64[s]")
    when = np.where(there, EXCEL_ZERO + seconds, np.datetime64("NaT", "s"))
    at = int(np.argmax(there))
    return Dates(when, (f"dates are read as the days that Excel counts: {days[at]:g} is {_said(when[at])}",))


def _of_decimal_years(year: np.ndarray, fraction: np.ndarray) -> Dates:
    """2005.0833 is the second month of 2005, where there is at most one a month, else the day; 2005.02 is so too."""
    there = np.isfinite(year)
    hundredths, months = 100 * fraction[there], 12 * fraction[there] + 0.05
    if (np.abs(hundredths - hundredths.round()) < 1e-6).all() and hundredths.min() >= 0.5 and hundredths.max() < 12.5:
        when = _days(year, np.round(100 * fraction), np.ones(len(year)))
    elif len(np.unique(12 * year[there] + np.floor(months))) == there.sum() and np.ptp(months % 1) < 0.3:
        when = _days(year, np.floor(12 * fraction + 0.05) + 1, np.ones(len(year)))
    else:
        first, after = (_days(year + more, np.ones(len(year)), np.ones(len(year))) for more in (0, 1))
        length = np.where(there, (after - first) / np.timedelta64(1, "D"), 0)
        when = first + np.round(fraction * length).astype("timedelta64[D]")
    at = int(np.argmax(there & (fraction > 0)))
    note = f"dates are parts of years: {year[at] + fraction[at]:.8g} is {when[at]}"
    return Dates(when.astype("datetime64[s]"), (note,))


def _of_weeks(year: np.ndarray, week: np.ndarray, weekday: np.ndarray) -> Dates:
    """Days of the weeks of ISO 8601, which begin on Mondays, the first with four days of its year or more; where some
    week is in no such year, of those that begin on Sundays, as health offices of the USA count."""
    one = np.ones(len(year))
    start, after = (_days(year + more, one, 4 * one) for more in (0, 1))  # of January are always in the first

    def counted(begins: int) -> tuple[np.ndarray, np.ndarray]:
        first, last = (days - (days.astype(int) + begins) % 7 for days in (start, after))
        when = first + (7 * (week - 1) + weekday - 1).astype("timedelta64[D]")
        return when, (when < last) | np.isnat(when)

    how, (when, exist) = "ISO 8601 counts", counted(3)  # 1970 began on a Thursday
    if not exist.all() and counted(4)[1].all():
        how, (when, exist) = "the CDC counts, from Sunday", counted(4)
    at = int(np.argmax(~np.isnat(when)))
    notes = (f"weeks are those that {how}: week {week[at]:g} of {year[at]:g} begins on {when[at]}",)
    return Dates(np.where(exist, when, np.datetime64("NaT", "D")).astype("datetime64[s]"), notes)


def _of_century(short: np.ndarray) -> np.ndarray:
    """The year that two digits are."""
    return short + np.where(short >= PIVOT, 1900, 2000)


def _with_year_first(orders: dict[str, np.ndarray], year: np.ndarray, between: pd.Series) -> dict[str, np.ndarray]:
    """The orders that are possible where years of two digits may be first: where both ways are, the one in which the
    rows go up or down; where neither or both do, between dashes both, else the year is last."""
    there = between.notna().to_numpy(bool)
    possible = {name: days for name, days in orders.items() if not np.isnat(days[there]).any()}
    if np.isnat(year[there]).any():
        return orders
    if not possible:
        return {"year": year}
    last_goes_on = any(map(_is_sorted, possible.values()))
    if last_goes_on == _is_sorted(year):
        return {**orders, "year": year} if between.eq("-").any() else orders
    return orders if last_goes_on else {"year": year}


def _go_by_months(days: np.ndarray) -> bool:
    """Whether each is the month after the one before, or before it."""
    steps = np.diff(days[~np.isnat(days)].astype("datetime64[M]")).astype(int)
    return len(steps) > 1 and bool((steps == 1).all() or (steps == -1).all())


def _is_sorted(days: np.ndarray) -> bool:
    gaps = np.diff(days[~np.isnat(days)]).astype(int)
    return bool((gaps >= 0).all() or (gaps <= 0).all())


def _short_years(text: pd.Series, days: np.ndarray) -> tuple[str, ...]:
    there = ~np.isnat(days)
    if not there.any():
        return ()
    at = int(np.argmax(there))
    return (f"years of two digits are those from 19{PIVOT} to 20{PIVOT - 1}: {text.iloc[at].strip()} is {days[at]}",)


def _said(when: np.datetime64) -> str:
    return str(when).removesuffix("T00:00:00")


def _in_some_order(text: pd.Series, parts: pd.DataFrame, where: str, first: str) -> Dates:
    """Day, month and year, or month, day and year: the order in which every entry is a date. Years of two digits come
    last, but between dashes they may be first, as 24-01-31."""
    one, two = _numbers(parts, "first", np.nan), _numbers(parts, "second_of", np.nan)
    year = _of_century(_floats(parts["short"])) if "short" in parts else _floats(parts["year"])
    orders = {"day": _days(year, two, one), "month": _days(year, one, two)}
    if "short" in parts:
        orders = _with_year_first(orders, _days(_of_century(one), two, _floats(parts["short"])), parts["between"])
    either = ~np.all([np.isnat(order) for order in orders.values()], axis=0)
    possible = [name for name, order in orders.items() if not np.isnat(order[either]).any()]
    if not possible:
        odd = [text[either & np.isnat(order)].iloc[0].strip() for order in orders.values()]
        raise DataError(f"{where} has dates of both orders: '{odd[0]}' and '{odd[1]}'", WRITE_ISO)
    notes: tuple[str, ...] = ()
    others = [name for name in possible[1:] if (orders[name][either] != orders[possible[0]][either]).any()]
    if first in possible and others:
        return replace(_on_the_clock(orders[first], parts), first=first)
    if others:
        days, other = orders[possible[0]], orders[others[0]]
        at = int(np.flatnonzero(either & (days != other))[0])
        entry = text.iloc[at].strip()
        if parts["between"].iloc[at] != ".":  # nobody writes the month first and dots
            raise DataError(f"{where} can be read in two ways: '{entry}' as {days[at]} or as {other[at]}", WRITE_ISO)
        notes = (f"dates are read as day.month.year: {entry} as {days[at]}",)
    if "short" in parts:
        notes += _short_years(text, orders[possible[0]])
    shows = bool(others) or len(possible) == 1
    return replace(_on_the_clock(orders[possible[0]], parts, notes), first=possible[0] if shows else first)


def _on_the_clock(days: np.ndarray, parts: pd.DataFrame, notes: tuple[str, ...] = ()) -> Dates:
    """The days with their times, where some have any."""
    when = days.astype("datetime64[s]")
    if "hour" not in parts or parts["hour"].isna().all():
        return Dates(when, notes)
    hours = _numbers(parts, "hour", 0)
    if "half" in parts:
        half = parts["half"].fillna("").str.lower().str[:1].to_numpy(str)
        hours = np.where(half != "", hours % 12 + 12 * (half == "p"), hours)
    seconds = 3600 * hours + 60 * _numbers(parts, "minute", 0) + _numbers(parts, "second", 0)
    when = np.where(seconds <= 24 * 3600, when + seconds.astype("timedelta64[s]"), np.datetime64("NaT", "s"))
    if "zone" not in parts:
        return Dates(when, notes)
    offsets = parts["zone"].str.extract(r"^(?P<sign>[+-])(?P<hour>\d\d):?(?P<minute>\d\d)?$")
    ahead = 60 * _numbers(offsets, "hour", 0) + _numbers(offsets, "minute", 0)
    ahead = np.where((offsets["sign"] == "-").to_numpy(bool, na_value=False), -ahead, ahead)
    there = ~np.isnat(when)
    if (ahead[there] != ahead[there][:1]).any() and has_several_a_day(when):
        when = when - (60 * ahead).astype("timedelta64[s]")
        notes = (*notes, "the zone's offset changes within the file: all times are now UTC")
    return Dates(when, notes)


def has_several_a_day(when: np.ndarray) -> bool:
    """Whether the rows of these dates are of times within the day: not so if only a few days have several times."""
    times = np.unique(when[~np.isnat(when)].astype("datetime64[m]"))
    rows = np.unique(times.astype("datetime64[D]"), return_counts=True)[1]
    return bool(len(rows)) and bool((rows > 1).mean() > 0.25)
