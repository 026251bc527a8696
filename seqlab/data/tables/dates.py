"""Dates as people write them in a column: ISO, 31.12.2024, 01/31/2024, Jan 31, 2024, 2024Q1, a year, unix seconds.

The whole column is read in one way, the one that most of it is written in. Days and months are never guessed.
"""

import re
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from seqlab.errors import DataError

WRITE_ISO = "write dates like 2024-01-31, or 2024-01-31T15:00"
LOOKED_AT = 1000  # entries that tell how the column is written
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_YEAR, _MONTH, _DAY = r"(?P<year>[12]\d{3})", r"(?P<month>0[1-9]|1[0-2])", r"(?P<day>0[1-9]|[12]\d|3[01])"
_NAMED = rf"(?P<name>{'|'.join(MONTHS)})[a-z]*\.?"
_TIME = (
    r"(?:[T,]?\s*(?P<hour>\d{1,2})(?::?(?P<minute>[0-5]\d)(?::?(?P<second>[0-6]\d)(?:[.,]\d+)?)?)?"
    r"\s*(?P<half>[ap]\.?m\.?)?\s*(?P<zone>z|[+-]\d\d(?::?\d\d)?|[a-z][a-z/_]*)?)?"
)
_SHAPES = [  # one is taken for the whole column: of those that fit the most entries the first
    re.compile(rf"\s*{shape}\s*", re.IGNORECASE)
    for shape in (
        rf"{_YEAR}(?P<between>[-/.]?){_MONTH}(?P=between){_DAY}(?:(?=\D|$){_TIME})",
        rf"(?P<first>\d{{1,2}})(?P<between>[-/.])(?P<second_of>\d{{1,2}})(?P=between){_YEAR}(?:(?=\D|$){_TIME})",
        rf"{_NAMED}[- ](?P<day>\d{{1,2}}),?[- ]{_YEAR}(?:(?=\D|$){_TIME})",
        rf"(?P<day>\d{{1,2}})[-. ]+{_NAMED}[- ]{_YEAR}(?:(?=\D|$){_TIME})",
        rf"{_NAMED}[- ]{_YEAR}",
        rf"{_YEAR}[-/.]?m?{_MONTH}",
        rf"{_YEAR}[-/ ]?q(?P<quarter>[1-4])",
        rf"q(?P<quarter>[1-4])[-/ ]?{_YEAR}",
        rf"{_YEAR}",
        rf"(?P<year>(?:19|20)\d\d){_MONTH}{_DAY}(?P<hour>[01]\d|2[0-4])(?P<minute>[0-5]\d)?",
        r"(?P<unix>\d{9,10}|\d{12,13}|\d{15,16}|\d{18,19})",
    )
]
_PLAIN_ISO = re.compile(r"[12]\d{3}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?)?")


@dataclass(frozen=True)
class Dates:
    """What a column holds: `when` (N,), datetime64[s], NaT where an entry is no date; notes on how it was read, and of
    days and months in numbers which is `first`, if its entries show it."""

    when: np.ndarray
    notes: tuple[str, ...] = ()
    first: str = ""


def read_dates(written: pd.Series, where: str, first: str = "", *, most: float = 0.5) -> Dates | None:
    """The dates of a column, or None where no larger share of its entries than `most` are some.

    Times are those on the clock as it is written, whatever its zone; where the zone's offset changes among times
    within the day they become UTC. where: what an error calls the column. first: "day" or "month", for entries like
    01/02/2024. Raises DataError where the column can be read in two ways.
    """
    text = written.astype("string")
    if pd.api.types.is_float_dtype(written):  # a year beside empty rows
        text = text.str.removesuffix(".0")
    known = text.dropna()
    sample = known.iloc[:: len(known) // LOOKED_AT + 1]
    fits = [sum(shape.fullmatch(entry) is not None for entry in sample) for shape in _SHAPES]
    best = int(np.argmax(fits))
    if fits[best] <= most * len(sample):
        return None
    if all(_PLAIN_ISO.fullmatch(entry) for entry in sample):
        try:  # pandas' own reader is much faster
            return Dates(pd.to_datetime(text, format="ISO8601").to_numpy().astype("datetime64[s]"))
        except ValueError:  # not all entries are like that
            pass
    parts = text.str.extract(rf"^{_SHAPES[best].pattern}$", flags=re.IGNORECASE)
    if "unix" in parts:
        return _of_unix(_floats(parts["unix"]))
    if "first" in parts:
        return _in_some_order(text, parts, where, first)
    months = {name: number for number, name in enumerate(MONTHS, 1)}
    if "name" in parts:
        parts["month"] = parts["name"].str.lower().map(months)
    if "quarter" in parts:
        parts["month"] = 3 * _numbers(parts, "quarter", 1) - 2
    days = _days(_floats(parts["year"]), _numbers(parts, "month", 1), _numbers(parts, "day", 1))
    return _on_the_clock(days, parts)


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


def _in_some_order(text: pd.Series, parts: pd.DataFrame, where: str, first: str) -> Dates:
    """Day, month and year, or month, day and year: the order in which every entry is a date."""
    one, two = _numbers(parts, "first", np.nan), _numbers(parts, "second_of", np.nan)
    year = _floats(parts["year"])
    day_first, month_first = _days(year, two, one), _days(year, one, two)
    either = ~np.isnat(day_first) | ~np.isnat(month_first)
    orders = {"day": day_first, "month": month_first}
    possible = [name for name, order in orders.items() if not np.isnat(order[either]).any()]
    if not possible:
        odd = [text[either & np.isnat(order)].iloc[0].strip() for order in orders.values()]
        raise DataError(f"{where} has dates of both orders: '{odd[0]}' and '{odd[1]}'", WRITE_ISO)
    notes: tuple[str, ...] = ()
    differ = (day_first[either] != month_first[either]).any()
    if first in possible and differ:
        return replace(_on_the_clock(orders[first], parts), first=first)
    if len(possible) == 2 and differ:
        at = int(np.flatnonzero(either & (day_first != month_first))[0])
        entry = text.iloc[at].strip()
        if parts["between"].iloc[at] != ".":  # nobody writes the month first and dots
            raise DataError(
                f"{where} can be read in two ways: '{entry}' as {day_first[at]} or as {month_first[at]}", WRITE_ISO
            )
        notes = (f"dates are read as day.month.year: {entry} as {day_first[at]}",)
    shows = bool(notes) or len(possible) == 1
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
