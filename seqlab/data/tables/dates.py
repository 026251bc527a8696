"""Dates as people write them in a column: ISO, 31.12.2024, 01/31/2024, Jan 31, 2024, 2024Q1, a year, unix seconds.

The whole column is read in one way, the one that most of it is written in. Days and months are never guessed.
"""

import re
from dataclasses import replace

import numpy as np
import pandas as pd

from seqlab.data.tables.date_shapes import (
    EXACT_NUMBER,
    LONGEST_DATE,
    MONTHS,
    PLAIN_ISO,
    SERIAL,
    SHAPES,
    SPAN,
    TIME_FIRST,
)
from seqlab.data.tables.date_values import (
    NEVER,
    Dates,
    days_of,
    in_seconds,
    of_days_of_year,
    of_decimal_years,
    of_serials,
    of_unix,
    of_weeks,
)
from seqlab.errors import DataError

WRITE_ISO = "write dates like 2024-01-31, or 2024-01-31T15:00"
LOOKED_AT = 1000  # entries that tell how the column is written
PIVOT = 69  # years of two digits from here on are of the last century, as computers have it
CHANGE = 120  # minutes that a zone's offset changes by at most as summer time comes and goes, and
APART = np.timedelta64(20, "D")  # how long it stays at least: Morocco's changes for a month


def read_dates(
    written: pd.Series, where: str, first: str = "", *, most: float = 0.5, serials: bool = False
) -> Dates | None:
    """The dates of a column, or None where no larger share of its entries than `most` are some.

    Times are those on the clock as it is written, whatever its zone; where the offsets of times within the day are
    those of different places they become UTC. where: what an error calls the column. first: "day", "month" or "year",
    for entries like 01/02/2024. serials: five digits are days as Excel counts them. Raises DataError where the column
    can be read in two ways.
    """
    text = written.astype("string")
    if pd.api.types.is_float_dtype(written):  # a year beside empty rows
        text = text.str.removesuffix(".0")
    text = text.mask(text.str.len() > LONGEST_DATE, "")  # no date: a shape may take the square of its length
    sample = _sample(text)
    if not any(map(str.isdecimal, "".join(sample))):
        return None
    text, said = _rearranged(text, sample)
    sample = _sample(text)
    shapes = [*SHAPES, SERIAL] if serials else SHAPES
    fits = [sum(shape.fullmatch(entry) is not None for entry in sample) for shape in shapes]
    best = int(np.argmax(fits))
    if fits[best] <= most * len(sample):
        return None
    if all(PLAIN_ISO.fullmatch(entry) for entry in sample):
        try:  # pandas' own reader is much faster
            return Dates(in_seconds(pd.to_datetime(text, format="ISO8601").to_numpy()), said)
        except ValueError:  # not all entries are like that
            pass
    parts = text.str.extract(rf"^{shapes[best].pattern}$", flags=re.IGNORECASE)
    found = _in_some_order(text, parts, where, first) if "first" in parts else _of_parts(text, parts)
    return None if found is None else replace(found, notes=(*said, *found.notes))


def _of_parts(text: pd.Series, parts: pd.DataFrame) -> Dates | None:
    """The dates of the parts that a shape has, where there is no doubt which is which."""
    if "unix" in parts:
        return of_unix(_floats(parts["unix"]))
    if "serial" in parts:
        return of_serials(_floats(parts["serial"].str.replace(",", ".")))
    if "fraction" in parts and parts["fraction"].notna().any():
        return of_decimal_years(_floats(parts["year"]), _floats("." + parts["fraction"], 0))
    if "week" in parts:
        return of_weeks(_floats(parts["year"]), _floats(parts["week"]), _numbers(parts, "weekday", 1))
    notes: tuple[str, ...] = ()
    if "name" in parts:
        parts["month"] = parts["name"].str.lower().map(MONTHS)
    for name, length in (("quarter", 3), ("six", 6)):
        if name in parts:
            parts["month"] = length * (_numbers(parts, name, 1) - 1) + 1
    year = _of_century(_floats(parts["short"])) if "short" in parts else _floats(parts["year"])
    if "yearday" in parts:
        return _on_the_clock(*of_days_of_year(year, _floats(parts["yearday"])), parts)
    days = days_of(year, _numbers(parts, "month", 1), _numbers(parts, "day", 1))
    if "short" in parts:
        if "name" in parts and "day" not in parts and not _go_by_months(days, year, parts.columns[0] == "short"):
            return None  # Jan 20, Jan 21 and 20 Jan, 21 Jan may be days of a year that is not said
        notes = _short_years(text, days)
    elif "month" in parts and not {"name", "day", "quarter", "six"} & set(parts) and _are_quarters(year, days):
        days = days_of(year, 3 * _numbers(parts, "month", 1) - 2, np.ones(len(year)))
        at = int(np.argmax(parts["month"].astype("string").str.lstrip("0").eq("2").fillna(False)))
        notes = (f"months go from 1 to 4 in every year and are read as quarters: {text.iloc[at]} is {days[at]}",)
    return _on_the_clock(days, notes, parts)


def are_dates_without_doubt(written: pd.Series) -> bool:
    """Whether all numbers of a column are dates like 20240131, or seconds or thousandths of a second since 1970 that go
    up or down, or years or twelfths or quarters of years one after the other, whatever it is called."""
    text = written.dropna().astype("string").str.removesuffix(".0")
    if len(text) < 2:
        return False
    if text.str.fullmatch(EXACT_NUMBER.pattern).all():
        steps = np.diff(pd.to_numeric(text, errors="coerce").to_numpy(float, na_value=np.nan))
        return len(text.iloc[0]) == 8 or bool((steps > 0).all() or (steps < 0).all())
    if not text.str.fullmatch(r"\d{4}(?:\.\d+)?|[2-9]\d{8}").all():
        return False
    values = pd.to_numeric(text, errors="coerce").to_numpy(float, na_value=np.nan)
    steps = np.diff(values)
    if values.min() >= 1e8:  # before 2001
        return bool((values % 3600 == 0).all() and ((steps > 0).all() or (steps < 0).all()))
    is_regular = any(
        (np.abs(np.abs(steps) - step) < within).all() for step, within in ((1, 1e-6), (1 / 12, 2e-3), (0.25, 1e-6))
    )
    one_way = (steps > 0).all() or (steps < 0).all()
    return bool(len(values) >= 5 and is_regular and one_way and values.min() >= 1500 and values.max() < 2200)


def _sample(text: pd.Series) -> list[str]:
    known = text.dropna()
    return list(known.iloc[:: len(known) // LOOKED_AT + 1])


def _rearranged(text: pd.Series, sample: list[str]) -> tuple[pd.Series, tuple[str, ...]]:
    """Entries with the date before the time, and of those from one time to another the first; what is to be said."""
    if 2 * sum(TIME_FIRST.match(entry) is not None for entry in sample) > len(sample):
        return text.str.replace(TIME_FIRST, r"\2 \1", regex=True), ()
    spans = [entry for entry in sample if SPAN.match(entry)]
    if 2 * len(spans) <= len(sample):
        return text, ()
    said = f"times from one to another are read as the first: '{spans[0].strip()}'"
    return text.str.replace(SPAN, r"\1", regex=True), (said,)


def _numbers(parts: pd.DataFrame, name: str, missing: float) -> np.ndarray:
    if name not in parts:
        return np.full(len(parts), missing)
    return _floats(parts[name], missing)


def _floats(values: pd.Series, missing: float = np.nan) -> np.ndarray:
    return pd.to_numeric(values, errors="coerce").to_numpy(float, na_value=missing)  # \d has more digits than ASCII


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


def _go_by_months(days: np.ndarray, year: np.ndarray, year_first: bool) -> bool:
    """Whether they go up or down by one, two, three or six months; where the year is first, through more than one."""
    steps = np.diff(days[~np.isnat(days)].astype("datetime64[M]")).astype(int)
    if len(steps) < 2 or not ((steps > 0).all() or (steps < 0).all()):
        return False
    usual = np.median(np.abs(steps))
    several = not year_first or len(np.unique(year[np.isfinite(year)])) > 1
    return bool(usual in (1, 2, 3, 6) and (np.abs(steps) == usual).mean() >= 0.8 and several)


def _are_quarters(year: np.ndarray, days: np.ndarray) -> bool:
    """Whether months are 1 to 4 in each of three years or more, and no others in any: those of quarters."""
    there = ~np.isnat(days)
    month = days[there].astype("datetime64[M]").astype(int) % 12 + 1
    if not len(month) or month.max() != 4 or len(np.unique(month)) < 4:
        return False
    counts = np.unique(year[there], return_counts=True)[1]
    return bool((counts[1:-1] % 4 == 0).all() and len(counts) >= 3)


def _is_sorted(days: np.ndarray) -> bool:
    gaps = np.diff(days[~np.isnat(days)]).astype(int)
    return bool((gaps >= 0).all() or (gaps <= 0).all())


def _short_years(text: pd.Series, days: np.ndarray) -> tuple[str, ...]:
    there = ~np.isnat(days)
    if not there.any():
        return ()
    at = int(np.argmax(there))
    return (f"years of two digits are those from 19{PIVOT} to 20{PIVOT - 1}: {text.iloc[at].strip()} is {days[at]}",)


def _in_some_order(text: pd.Series, parts: pd.DataFrame, where: str, first: str) -> Dates:
    """Day, month and year, or month, day and year: the order in which every entry is a date. Years of two digits come
    last, but between dashes they may be first, as 24-01-31."""
    one, two = _numbers(parts, "first", np.nan), _numbers(parts, "second_of", np.nan)
    year = _of_century(_floats(parts["short"])) if "short" in parts else _floats(parts["year"])
    orders = {"day": days_of(year, two, one), "month": days_of(year, one, two)}
    if "short" in parts:
        orders = _with_year_first(orders, days_of(_of_century(one), two, _floats(parts["short"])), parts["between"])
    either = ~np.all([np.isnat(order) for order in orders.values()], axis=0)
    possible = [name for name, order in orders.items() if not np.isnat(order[either]).any()]
    if not possible:
        odd = [text[either & np.isnat(order)].iloc[0].strip() for order in orders.values()]
        raise DataError(f"{where} has dates of both orders: '{odd[0]}' and '{odd[1]}'", WRITE_ISO)
    notes: tuple[str, ...] = ()
    others = [name for name in possible[1:] if (orders[name][either] != orders[possible[0]][either]).any()]
    if first in possible and others:
        return replace(_on_the_clock(orders[first], (), parts), first=first)
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
    return replace(_on_the_clock(orders[possible[0]], notes, parts), first=possible[0] if shows else first)


def _on_the_clock(days: np.ndarray, notes: tuple[str, ...], parts: pd.DataFrame) -> Dates:
    """The days with their times, where some have any."""
    when = days.astype("datetime64[s]")
    if "hour" not in parts or parts["hour"].isna().all():
        return Dates(when, notes)
    hours = _numbers(parts, "hour", 0)
    if "half" in parts:
        half = parts["half"].fillna("").str.lower().str[:1].to_numpy(str)
        hours = np.where(half != "", hours % 12 + 12 * (half == "p"), hours)
    seconds = 3600 * hours + 60 * _numbers(parts, "minute", 0) + _numbers(parts, "second", 0)
    when = np.where(seconds <= 24 * 3600, when + seconds.astype("timedelta64[s]"), NEVER)
    if "part" in parts and parts["part"].notna().any():
        finer = _floats(parts["part"].str.replace(",", "."), 0)
        when = in_seconds(when + np.round(finer * 1e6).astype("timedelta64[us]"))
    if "zone" not in parts or parts["zone"].isna().all():
        return Dates(when, notes)
    offsets = parts["zone"].str.extract(r"(?P<sign>[+-])(?P<hour>\d\d):?(?P<minute>\d\d)?$")
    ahead = 60 * _numbers(offsets, "hour", 0) + _numbers(offsets, "minute", 0)
    ahead = np.where((offsets["sign"] == "-").to_numpy(bool, na_value=False), -ahead, ahead)
    there = ~np.isnat(when)
    if (ahead[there] == ahead[there][:1]).all() or not has_several_a_day(when):
        return Dates(when, notes)
    said = _change_of_the_clock(when[there], ahead[there].astype(int))
    if said:
        return Dates(when, (*notes, said))
    when = when - (60 * ahead).astype("timedelta64[s]")
    return Dates(when, (*notes, "the zone's offset changes within the file: all times are now UTC"))


def _change_of_the_clock(when: np.ndarray, ahead: np.ndarray) -> str:
    """What is to be said where the offset of times (N,), minutes ahead of UTC, changes as in one place where summer
    time comes and goes; empty where it changes otherwise."""
    order = np.argsort(when - ahead.astype("timedelta64[m]"), kind="stable")
    when, ahead = when[order], ahead[order]
    at = np.flatnonzero(np.diff(ahead)) + 1
    if (np.abs(np.diff(ahead)) > CHANGE).any() or (np.diff(when[at]) < APART).any():
        return ""
    first = at[0]
    same_day = when[first].astype("datetime64[D]") == when[first - 1].astype("datetime64[D]")
    before, after = (
        f"{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
        for minutes in ahead[[first - 1, first]]
    )
    more = "" if len(at) == 1 else f", and {len(at) - 1} more {'time' if len(at) == 2 else 'times'}"
    day = f"{'on' if same_day else 'before'} {when[first].astype('datetime64[D]')}"
    return f"times are those of the clock: the zone's offset changes from {before} to {after} {day}{more}"


def has_several_a_day(when: np.ndarray) -> bool:
    """Whether the rows of these dates are of times within the day: not so if only a few days have several times."""
    times = np.unique(when[~np.isnat(when)].astype("datetime64[s]"))
    rows = np.unique(times.astype("datetime64[D]"), return_counts=True)[1]
    return bool(len(rows)) and bool((rows > 1).mean() > 0.25)
