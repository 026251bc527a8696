"""Dates in several columns of a file: a year and a month, a week or a quarter, a date and a time, numbered periods."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd

from seqlab.data.series.column_words import HOURS, MOST_LOOKED_IN, is_clock_name, part_of, plain, words
from seqlab.data.tables.date_values import Dates

PERIODS = (24, 48, 96)  # of a day, which has an hour more or less where the clocks change
FRACTIONS = {(0.0, 15.0, 30.0, 45.0): 60, (0.0, 25.0, 50.0, 75.0): 100}  # of hours like 9.30, and like 9.5
_CLOCK = (
    r"(?P<hour>[0-2]?\d)(?:(?P<mark>[:.h])(?P<minute>[0-5]\d)(?:(?:(?P=mark)|m)(?P<second>[0-5]\d)(?:[.,]\d+)?s?)?"
    r"|(?=\s*[ap]\.?m|h$))h?(?:\s*(?P<half>[ap])\.?m\.?)?(?:\s*(?:-|–|to|bis)\s*\d.*)?"
)
_TIMES = {True: re.compile(_CLOCK, re.IGNORECASE), False: re.compile(rf"(?!\d+(?:\.\d+|h\d*)$){_CLOCK}", re.IGNORECASE)}
_BEFORE_NUMBER = r"^(?:he|h|hour|hr|hour ending|period|p|sp|stunde|hora|q|qh|interval)[ .:-]?(?=\d+$)"


def whole_dates(table: pd.DataFrame, label: str) -> tuple[list[str], pd.Series] | None:
    """A year and the columns beside it that say the rest of the date: their labels, and what they say together."""
    if part_of(label) != "year":
        return None
    beside: dict[str, str] = {}
    for other in map(str, table.columns):  # MM is the month where mm is the minute
        part = part_of(other)
        if other != label and (part not in beside or other.isupper()):
            beside[part] = other
    written = as_written(table[label])
    if "month" in beside:
        taken = [beside["month"], *([beside["day"]] if "day" in beside else [])]
        for other in taken:
            written = written + "-" + as_written(table[other]).str.replace(r"^[mM](?=\d)", "", regex=True).str.zfill(2)
        return [label, *taken], written
    for part, mark, wide in (("yearday", "-", 3), ("week", "-W", 2), ("quarter", "Q", 1)):
        if part in beside:
            entries = as_written(table[beside[part]]).str.upper().str.extract(r"(\d+)$")[0].str.zfill(wide)
            return [label, beside[part]], written + mark + entries
    for other in map(str, table.columns[:MOST_LOOKED_IN]):  # M01 or Q1, as offices of statistics have it
        entries = as_written(table[other]).str.upper()
        if other != label and entries.str.fullmatch("M[01]?[0-9]|Q0?[1-4]").fillna(False).mean() > 0.9:
            return [label, other], written + entries.str.replace("Q0", "Q")
    return None


def with_clock(table: pd.DataFrame, dated: list[str], found: Dates) -> tuple[list[str], Dates]:
    """Days that come again and the column beside them that says the time of day: its labels, and the times.

    It may have any name where its entries can be nothing else, as 09:30; 93000, 9.3 or 0.396 are times in a column that
    is called so, and periods are numbered in one that is called hour, period, ...
    """
    rest = [str(label) for label in table.columns if label not in dated]
    place = max(list(table.columns).index(label) for label in dated)
    after = [str(table.columns[place + 1])] if place + 1 < table.shape[1] else []
    order = dict.fromkeys([*filter(is_clock_name, rest), *(one for one in after if one in rest), *rest])
    for label in [*order][:MOST_LOOKED_IN]:
        seconds = times_of_day(table[label], is_clock_name(label))
        said: tuple[str, ...] = ()
        is_unnamed = label in after and label.startswith("column_")
        if seconds is None and (is_clock_name(label) or is_unnamed):
            seconds, said = _numbered(table[label], found.when, is_clock_name(label))
        if seconds is None or not (is_clock_name(label) or label in after or _is_daily(seconds, found.when)):
            continue
        days = found.when.astype("datetime64[D]").astype("datetime64[s]")
        there = np.isfinite(seconds)
        when = np.where(there, days + np.where(there, seconds, 0).astype("timedelta64[s]"), np.datetime64("NaT", "s"))
        if len(np.unique(when)) < 1.5 * len(np.unique(days)):
            continue
        more = _minutes(table, label, when) if part_of(label) == "hour" else []
        for _, span in more:
            when = when + span
        return [label, *(other for other, _ in more)], replace(found, when=when, notes=(*found.notes, *said))
    return [], found


def times_of_day(column: pd.Series, is_named: bool) -> np.ndarray | None:
    """Seconds since midnight (N,), NaN where there are none, of a column of times like 09:30; None for another.
    is_named: it is called so, and 9.30 and 9h30 are times, too."""
    if pd.api.types.is_numeric_dtype(column):
        return None
    text = as_written(column)
    sample = text.dropna().iloc[:1000]
    if not len(sample) or sum(_TIMES[is_named].fullmatch(entry) is not None for entry in sample) <= len(sample) / 2:
        return None
    parts = text.str.extract(rf"^{_TIMES[is_named].pattern}$", flags=re.IGNORECASE)
    hour, minute, second = (
        pd.to_numeric(parts[name], errors="coerce").to_numpy(float, na_value=np.nan)
        for name in ("hour", "minute", "second")
    )
    half = parts["half"].fillna("").str.lower().to_numpy(str)
    hour = np.where(half != "", hour % 12 + 12 * (half == "p"), hour)
    return np.where(hour <= 24, 3600 * hour + 60 * np.nan_to_num(minute) + np.nan_to_num(second), np.nan)


def as_written(values: pd.Series) -> pd.Series:
    """Entries as text, whole numbers without a point behind them."""
    return values.astype("string").str.strip().str.replace(r"\.0$", "", regex=True)


def _numbered(column: pd.Series, when: np.ndarray, is_named: bool) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Seconds since midnight (N,) of numbers like 93000, 930, 9 or 0.396, or of numbers of the periods of a day; what
    is to be said. None where they are no times. is_named: the column is called so; else all digits must be there, and
    the same times on all days."""
    text = as_written(column).str.replace(_BEFORE_NUMBER, "", regex=True, case=False)
    values = pd.to_numeric(text, errors="coerce").to_numpy(float, na_value=np.nan)
    known = values[np.isfinite(values)]
    if len(known) <= len(values) / 2 or known.min() < 0:
        return None, ()
    if not is_named:
        seconds = _of_digits(values) if text.dropna().str.fullmatch(r"\d{4}|\d{6}").all() else None
        return (seconds if seconds is not None and _is_daily(seconds, when) else None), ()
    if (known % 1 > 0).any():
        return _of_fractions(values, known)
    if HOURS & set(words(str(column.name))) and known.max() < 24 and (known.min() == 0 or known.max() < 23):
        return 3600 * values, ()
    seconds, said = _of_periods(values, when, str(column.name))
    return (_of_digits(values) if seconds is None else seconds), said


def _is_daily(seconds: np.ndarray, when: np.ndarray) -> bool:
    """Whether the times of day are much the same on all days."""
    return len(np.unique(seconds)) * len(np.unique(when.astype("datetime64[D]"))) <= 2 * len(seconds)


def _of_digits(values: np.ndarray) -> np.ndarray | None:
    """Seconds since midnight of 93000, or of 930 where there are no seconds; None where some are no times."""
    high = np.nanmax(values)
    rest, second = (values // 100, values % 100) if high > 2400 else (values, 0 * values)
    hour, minute = rest // 100, rest % 100
    are_times = np.isnan(values) | ((hour <= 24) & (minute < 60) & (second < 60))
    return 3600 * hour + 60 * minute + second if high > 24 and are_times.all() else None


def _of_fractions(values: np.ndarray, known: np.ndarray) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """Of parts of a day as Excel has them, or of hours like 9.30 or like 9.5."""
    at = int(np.argmax(np.nan_to_num(values % 1) > 0))
    if known.max() < 1:
        minutes = 1440 * known
        step = 60 if (np.abs(minutes - minutes.round()) < 0.01).all() else 1
        seconds = step * np.round(values * 86400 / step)
        return seconds, (f"times are parts of a day, as Excel has them: {values[at]:.6g} is {_clock(seconds[at])}",)
    parts = set((100 * (known % 1)).round(4))
    for fractions, hour in FRACTIONS.items():
        if known.max() <= 24 and parts <= set(fractions) and len(parts) > 1:
            seconds = 3600 * np.floor(values) + np.round(100 * (values % 1)) * 3600 / hour
            return seconds, (f"times are read as hours: {values[at]:g} is {_clock(seconds[at])}",)
    return None, ()


def _of_periods(values: np.ndarray, when: np.ndarray, label: str) -> tuple[np.ndarray | None, tuple[str, ...]]:
    """When the periods of a day begin that a column numbers from 1 or from 0. A day with an hour more or less, as where
    the clocks change, is counted from its end after two o'clock."""
    known = np.isfinite(values)
    low, high = values[known].min(), values[known].max()
    count = next((count for count in PERIODS if high - low < count * 25 / 24), 0)
    if not count or low not in (0, 1) or high - low < count - 4:
        return None, ()
    by_day = pd.Series(values).groupby(when.astype("datetime64[D]"))
    rows = by_day.transform("count").to_numpy()
    seconds = (values - low) * (86400 // count)
    changed = (by_day.transform("max").to_numpy() == rows + low - 1) & (np.abs(rows - count) == count // 24)
    seconds = np.where(changed & (seconds >= 7200), seconds + (count - rows) * (86400 // count), seconds)
    said = f"column '{label}' numbers {count} periods of {1440 // count} minutes a day: {low:g} begins at 00:00"
    return seconds, (said,)


def _minutes(table: pd.DataFrame, hour: str, when: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """The columns of minutes and seconds beside one of hours: their labels, and spans. `min` and `mm` may be something
    else where hours do not come again."""
    found = []
    labels = [str(label) for label in table.columns if label != hour]
    for part, unit in (("minute", "m"), ("second", "s")):
        for label in labels:
            is_part = part_of(label) == part or (label == "mm" and part == "minute" and "MM" in labels)
            sure = len(np.unique(when)) < len(when) or plain(label) in ("minute", "second")
            if not is_part or not pd.api.types.is_numeric_dtype(table[label]):
                continue
            values = table[label].to_numpy(float, na_value=np.nan)
            if (sure or not values.any()) and ((values >= 0) & (values < 60) & (values % 1 == 0)).all():
                found.append((label, values.astype(f"timedelta64[{unit}]")))
                break
    return found


def _clock(seconds: float) -> str:
    return f"{int(seconds // 3600):02d}:{int(seconds % 3600 // 60):02d}"
