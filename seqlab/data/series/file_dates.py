"""The dates of a file's rows: in a column of any name, or in several beside each other, as a year and a week."""

import re

import numpy as np
import pandas as pd

from seqlab.data.tables.dates import WRITE_ISO, Dates, are_dates_without_doubt, has_several_a_day, read_dates
from seqlab.errors import DataError

DATE_NAMES = {"date", "datetime", "time", "timestamp", "day", "month", "quarter", "year", "period", "ds", "unix"}
PERIODS = (24, 48, 96)  # of a day, which has up to two hours more where the clocks go back
CLOCKS = {  # names of columns beside a date -> what most of their entries look like
    "time": r"\d{1,2}[:.]\d\d.*|\d{6}|\d{4}",
    "hour": r"\d{1,2}(?::\d\d.*)?",
}


def dates_of(table: pd.DataFrame, where: str) -> tuple[list[str], np.ndarray, tuple[str, ...]]:
    """The column named date, time, ..., else the first of text that holds dates, else one of numbers that can be
    nothing else: its label, dates (N,) and notes.

    Where its dates come again and the rest of them is in columns beside it, those are read with it and named too.
    Raises DataError where there are none, or they can be read in two ways.
    """
    labels = [str(label) for label in table.columns]
    texts = [label for label in labels if not pd.api.types.is_numeric_dtype(table[label])]
    named = [label for label in labels if plain(label) in DATE_NAMES]
    if labels[0] == "column_1" and "column_1" not in texts:  # there is no header
        named.append("column_1")
    others = [label for label in labels if label not in texts]
    for label in [*sorted(named, key=lambda label: label not in texts), *texts, *others]:  # numbers may count seconds
        is_named = label in named or "date" in words(label) or "week" in plain(label)
        if label in others and not is_named and not are_dates_without_doubt(table[label]):
            continue
        if _is_clock(table[label], label):
            continue
        called = f"column '{label}' of {where}"
        found = read_dates(_of_weeks(table[label], label), called, serials=is_named)
        if found is not None and np.isnat(found.when).all():
            found = None
        parts, together = [label], table[label]
        if found is None or len(np.unique(found.when)) < len(table):
            parts, together = _with_parts(table, label, found)
        if len(parts) > 1:
            whole = read_dates(together, f"columns {', '.join(parts)} of {where}")
            if whole is not None:
                return parts, whole.when, whole.notes
        if found is None:
            continue
        if label == "row_name" and named:
            raise DataError(f"the rows of {where} have one cell more than its header", "give each column a name")
        periods, by_period = _by_period(table, label, found)
        return [label, *periods], by_period.when, by_period.notes
    if named:
        first = table[named[0]].iloc[0]
        raise DataError(f"column '{named[0]}' of {where} holds no dates that can be read: '{first}'", WRITE_ISO)
    raise DataError(
        f"{where} has no column with dates (it has {', '.join(labels[:8])})",
        "add one named Date, with entries like 2024-01-31",
    )


def last_of_each_minute(when: np.ndarray) -> np.ndarray:
    """Which rows (N,) are left where times that are finer than minutes are kept by the minute; all where they are not.

    Rows of one and the same time are all left, for it is no matter of fineness that there are several.
    """
    minutes = when.astype("datetime64[m]")
    if (np.isnat(when) | (when == minutes)).all():
        return np.ones(len(when), bool)
    times = np.unique(when)
    if len(times) < 1.5 * len(np.unique(minutes)) or not has_several_a_day(when):
        return np.ones(len(when), bool)
    last = pd.Series(when).groupby(minutes).transform("max").to_numpy()
    return np.isnat(when) | (when == last)


def plain(label: str) -> str:
    """A label's letters: `date` for <DATE>."""
    return re.sub(r"[^a-z]", "", label.lower())


def words(label: str) -> list[str]:
    """A label's words: trade, date for trade_date and tradeDate."""
    return re.sub(r"[^a-z]+", " ", re.sub(r"([a-z])([A-Z])", r"\1 \2", label).lower()).split()


def _with_parts(table: pd.DataFrame, label: str, found: Dates | None) -> tuple[list[str], pd.Series]:
    """A year with the columns Month and Day, Quarter or Week, a date with Time or Hour: their labels, and what they say
    together."""
    beside = {plain(str(other)): str(other) for other in reversed(table.columns) if other != label}
    written, labels = _as_written(table[label]), [label]
    if plain(label) == "year":
        for part, mark in (("month", "-"), ("day", "-"), ("week", "-W"), ("quarter", "Q")):
            if part in beside and (part != "day" or "month" in beside):
                wide = 1 if part == "quarter" else 2
                entries = _as_written(table[beside[part]]).str.upper().str.lstrip("QW").str.zfill(wide)
                written, labels = written + mark + entries, [*labels, beside[part]]
                if part not in ("month", "day"):
                    break
            elif part == "day" and "month" in beside:
                break
    for part, looks in CLOCKS.items():
        if part in beside:
            clock = _as_written(table[beside[part]])
            if part == "time" and pd.api.types.is_numeric_dtype(table[beside[part]]):
                clock = clock.str.zfill(6 if clock.str.len().max() > 4 else 4)  # 93000 is half past nine
            if clock.str.fullmatch(looks).fillna(False).mean() > 0.5:
                return [*labels, beside[part]], written + " " + clock
    place = list(table.columns).index(label) + 1
    if len(labels) == 1 and found is not None and place < len(table.columns):  # whatever it is called
        clock = _as_written(table.iloc[:, place])
        if clock.str.fullmatch(r"[0-2]?\d:\d\d(?::\d\d.*)?").fillna(False).mean() > 0.5:
            return [label, str(table.columns[place])], written + " " + clock
    return labels, written


def _by_period(table: pd.DataFrame, label: str, found: Dates) -> tuple[list[str], Dates]:
    """Days with a column beside them that numbers the periods of each: its label, and the times at which they begin."""
    for other in map(str, table.columns):
        name = words(other)
        if other == label or not name or name[-1] not in ("period", "interval"):
            continue
        numbers = pd.to_numeric(table[other], errors="coerce").to_numpy(np.float64)
        most = np.nanmax(numbers, initial=0)
        count = next((count for count in PERIODS if most <= count * 25 / 24), 0)
        days = found.when.astype("datetime64[D]").astype("datetime64[s]")
        if not count or np.nanmin(numbers, initial=1) != 1 or len(np.unique(days)) == len(days) or most < count - 4:
            continue
        minutes = 24 * 60 // count
        span = (np.nan_to_num(numbers - 1) * minutes * 60).astype("timedelta64[s]")
        note = f"column '{other}' numbers {count} periods of {minutes} minutes a day"
        return [other], Dates(np.where(np.isfinite(numbers), days + span, np.datetime64("NaT")), (*found.notes, note))
    return [], found


def _of_weeks(values: pd.Series, label: str) -> pd.Series:
    """201502 as 2015-W02 in a column that is called a week; others as they are."""
    if "week" not in plain(label):
        return values
    return _as_written(values).str.replace(r"^([12]\d{3})(\d\d)$", r"\1-W\2", regex=True)


def _is_clock(values: pd.Series, label: str) -> bool:
    """Whether a column holds times of day alone: 09:30, or 09.30.00 where it is called so."""
    marks = ":." if plain(label) == "time" else ":"
    looks = rf"[0-2]?\d[{marks}][0-5]\d(?:[{marks}][0-5]\d)?(?:\.\d+)?(?:\s*[ap]\.?m\.?)?"
    known = values.dropna().iloc[:1000].astype("string").str.strip()
    return bool(len(known)) and known.str.fullmatch(looks, case=False).mean() > 0.5


def _as_written(values: pd.Series) -> pd.Series:
    return values.astype("string").str.strip().str.replace(r"\.0$", "", regex=True)  # a whole number beside empty rows
