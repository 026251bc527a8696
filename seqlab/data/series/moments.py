"""Days and times that somebody names: of the past from which a forecast is made, of a cut, of what a note tells."""

import re
from datetime import date, datetime

import numpy as np
import pandas as pd

from seqlab.data.series.days import ONE_DAY, unit_of
from seqlab.data.tables.date_shapes import MONTHS
from seqlab.data.tables.dates import read_dates
from seqlab.errors import DataError, UsageError

WRITE = "write it like 2022-12-28, 2022-12-28T15:00, or 2022-12 for the end of that month"
QUARTER = re.compile(r"(?P<year>\d{4})[- ]?q(?P<of>[1-4])|q(?P<of_>[1-4])[- ]?(?P<year_>\d{4})", re.IGNORECASE)


def moment_of(written: str | date | np.datetime64) -> np.datetime64:
    """A date as datetime64[D], or a date with a time, 2022-12-28T15:00, as datetime64[s], the time as it is written.

    It may also be written as in files, 28.12.2022 or Dec 28, 2022, where it can be read in one way only. A month, a
    quarter or a year, 2022-12, Dec 2022, 2022Q4 or 2022, is its last day. Raises UsageError if it is none of these.
    """
    text = str(written)
    try:
        moment = datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError as problem:
        found = _as_in_files(text)
        if found is None:
            raise UsageError(f"'{written}' is no date", WRITE) from problem
        return found
    return np.datetime64(moment).astype(f"datetime64[{'s' if len(text) > len('2022-12-28') else 'D'}]")


def _as_in_files(text: str) -> np.datetime64 | None:
    """The moment of an entry that names its year, its month and its day, or the last day of a year, a quarter or a
    month; None where it is no such."""
    if quarter := QUARTER.fullmatch(text.strip()):
        year, of = quarter["year"] or quarter["year_"], int(quarter["of"] or quarter["of_"])
        return _last_day(np.datetime64(f"{year}-{3 * of:02}", "M"))
    try:
        found = read_dates(pd.Series([text]), "the date")
    except DataError as problem:
        raise UsageError(problem.message, WRITE) from problem
    if found is None or np.isnat(found.when[0]):
        return None
    when = found.when[0].astype("datetime64[s]")
    day, words = when.astype(datetime), re.findall(r"\d+|[^\W\d_]+", text.lower())
    numbers = sorted(int(word) for word in words[:3] if word.isdecimal())
    month = [] if any(word in MONTHS for word in words[:3]) else [day.month]
    if numbers == sorted([day.year, *month, day.day]):
        return when if ":" in text else when.astype("datetime64[D]")
    if numbers == sorted([day.year, *month]):
        return _last_day(when.astype("datetime64[M]"))
    return _last_day(when.astype("datetime64[Y]")) if numbers == [day.year] and day.month == 1 else None


def _last_day(of: np.datetime64) -> np.datetime64:
    """The last day of a month or a year."""
    return (of + unit_of(of)).astype("datetime64[D]") - ONE_DAY


def last_moment(of: np.datetime64, kind: np.dtype) -> np.datetime64:
    """The same in the unit of dates of type `kind`: a day ends with its last moment; days know no times."""
    if of.dtype == kind:
        return of
    if of.dtype != np.dtype("datetime64[D]"):
        return of.astype(kind)
    next_day = (of + ONE_DAY).astype(kind)
    return next_day - unit_of(next_day)


def is_of_days_after(note: str, end: np.datetime64) -> bool:
    """Whether all the dates that a note names are later: whoever looks back does not know of them yet."""
    days = re.findall(r"\d{4}-\d\d-\d\d(?:T\d\d:\d\d)?", note)
    return bool(days) and min(days) > str(end)
