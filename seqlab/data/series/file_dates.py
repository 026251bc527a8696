"""The dates of a file's rows: in a column of any name, or in several beside each other, as a year and a week."""

import numpy as np
import pandas as pd

from seqlab.data.series.column_words import MOST_LOOKED_IN, is_clock_name, part_of, plain, words
from seqlab.data.series.date_parts import as_written, times_of_day, whole_dates, with_clock
from seqlab.data.tables.dates import WRITE_ISO, Dates, are_dates_without_doubt, read_dates
from seqlab.errors import DataError

_NAMES = (
    "date datetime time timestamp day month quarter year period ds unix epoch week jahr monat tag datum zeit quartal "
    "woche kw an annee mois jour heure trimestre semaine ano anio mes dia fecha hora semana yearmonth yyyymm yyyymmdd"
)
DATE_NAMES = set(_NAMES.split())
TIME_WORDS = {"time", "timestamp", "epoch", "unix", "ts", "dt", "datum", "fecha"}  # in names of several words
OF_DATES = {"date", "datum", "fecha", "dates"}
CHANGES = (2, 3, 4, 5, 9, 10, 11)  # months in which summer time ends somewhere
NIGHT = 4  # hours that a day has when clocks change


def dates_of(table: pd.DataFrame, where: str) -> tuple[list[str], np.ndarray, tuple[str, ...]]:
    """The column named date, time, ..., else the first of text that holds dates, else one of numbers that can be
    nothing else: its label, dates (N,) and notes.

    Where its dates come again and the rest of them is in columns beside it, those are read with it and named too.
    Raises DataError where there are none, or they can be read in two ways.
    """
    labels, named = [str(label) for label in table.columns], _named(table)
    fallback: tuple[list[str], Dates] | None = None
    for label in _in_order(table, named):
        found = _read_column(table, label, label in named, where)
        if found is None:
            continue
        if label == "row_name" and named:
            raise DataError(f"the rows of {where} have one cell more than its header", "give each column a name")
        is_part = part_of(label) not in ("", "day") or _are_years(found.when)
        dated, found = _with_others(table, label, found, where)
        fallback = fallback or (dated, found)
        if len(dated) == 1 and is_part and len(np.unique(found.when)) < len(found.when):
            continue  # a part of a date, which may be whole in another column
        return dated, found.when, found.notes
    if fallback is not None:
        return fallback[0], fallback[1].when, fallback[1].notes
    if named:
        first = table[named[0]].iloc[0]
        raise DataError(f"column '{named[0]}' of {where} holds no dates that can be read: '{first}'", WRITE_ISO)
    raise DataError(
        f"{where} has no column with dates (it has {', '.join(labels[:8])})",
        "add one named Date, with entries like 2024-01-31",
    )


def dates_of_column(table: pd.DataFrame, label: str, where: str) -> tuple[list[str], np.ndarray, tuple[str, ...]]:
    """The dates of the column that is said to hold them, as `dates_of` gives those. Raises DataError where it holds
    none."""
    found = _read_column(table, label, True, where)
    if found is None:
        raise DataError(
            f"column '{label}' of {where} holds no dates that can be read: '{table[label].iloc[0]}'", WRITE_ISO
        )
    return [label], found.when, found.notes


def kept_rows(when: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Which rows (N,) of these dates are left where a series has one for each second, and what is to be said of that.

    Of rows finer than a second the last is kept, and of an hour that the clock shows twice, as summer time ends, the
    second. Other rows of one and the same time are all left.
    """
    seconds = when.astype("datetime64[s]")
    if not np.isnat(when).any() and (seconds[1:] > seconds[:-1]).all():
        return np.ones(len(when), bool), []  # in order, each second once
    kept, notes = ~_shown_twice(when), list[str]()
    if not kept.all():
        count = int((~kept).sum())
        rows = f"{count:,} {'row' if count == 1 else 'rows'}"
        notes.append(f"{rows} of an hour that the clock shows twice {'is' if count == 1 else 'are'} left out")
    seconds = when.astype("datetime64[s]")
    last = pd.Series(when).groupby(seconds).transform("max").to_numpy()
    finer = kept & ~np.isnat(when) & (when != last)
    if finer.any():
        notes.append(f"rows are finer than a second: the last of each is kept, {int(finer.sum()):,} are left out")
    return kept & ~finer, notes


def _shown_twice(when: np.ndarray) -> np.ndarray:
    """Which rows (N,) are those of the first time that the clock shows an hour, as it does in one night of a year: a
    Sunday's, before four o'clock, all rows of the hour."""
    times = pd.Series(when)
    comes_again = times.notna() & times.duplicated(keep="first" if times.iloc[0] > times.iloc[-1] else "last")
    again = np.unique(when[comes_again.to_numpy()])
    days = np.unique(again.astype("datetime64[D]"))
    is_night = (
        len(again) > 0
        and comes_again.sum() == len(again)  # no row three times
        and (np.diff(days) > np.timedelta64(100, "D")).all()
        and ((days.astype(int) + 3) % 7 == 6).all()
        and np.isin(days.astype("datetime64[M]").astype(int) % 12 + 1, CHANGES).all()
        and len(np.unique(again.astype("datetime64[h]"))) == len(days)
        and (again - again.astype("datetime64[D]") < np.timedelta64(NIGHT, "h")).all()
        and np.isin(np.unique(when[np.isin(when.astype("datetime64[h]"), again.astype("datetime64[h]"))]), again).all()
    )
    return comes_again.to_numpy() if is_night else np.zeros(len(when), bool)


def _named(table: pd.DataFrame) -> list[str]:
    """The columns that are called as dates are; the first of numbers where there is no header."""
    labels = [str(label) for label in table.columns]
    named = [label for label in labels if plain(label) in DATE_NAMES or part_of(label) == "year"]
    if labels[0] == "column_1" and pd.api.types.is_numeric_dtype(table["column_1"]):
        named.append("column_1")
    return named


def _in_order(table: pd.DataFrame, named: list[str]) -> list[str]:
    """The columns in which dates are looked for, in the order of how likely they hold some."""
    labels = [str(label) for label in table.columns]
    texts = [label for label in labels if not pd.api.types.is_numeric_dtype(table[label])]
    first = sorted(named, key=lambda label: (is_clock_name(label) and part_of(label) == "", label not in texts))
    return list(dict.fromkeys([*first, *texts, *labels]))[:MOST_LOOKED_IN]


def _read_column(table: pd.DataFrame, label: str, is_named: bool, where: str) -> Dates | None:
    """The dates of a column, None where it holds none, or numbers that may be something else."""
    column = table[label]
    said = set(words(label))
    is_date = is_named or bool(said & OF_DATES) or "week" in plain(label)
    text = as_written(column.dropna().iloc[:1000])
    are_digits = bool(len(text)) and text.str.fullmatch(r"\d+(\.\d+)?").all()
    if are_digits and not is_date:
        is_time = (
            bool(said & TIME_WORDS)
            and text.str.fullmatch(r"[12]\d{9}(\.\d+)?|[12]\d{12}|[12]\d{15}|[12]\d{18}|(19|20)\d{6}").all()
        )
        if not is_time and not are_dates_without_doubt(column):
            return None
    if (is_clock_name(label) or not is_date) and _is_clock(column, label):
        return None
    found = read_dates(_of_parts(column, label), f"column '{label}' of {where}", serials=is_date)
    if found is None or np.isnat(found.when).all():
        return None
    if are_digits and not is_date and not found.notes:
        at = int(np.argmax(~np.isnat(found.when)))
        shown = str(found.when[at].astype("datetime64[s]")).removesuffix("T00:00:00")
        return Dates(found.when, (f"column '{label}' is read as dates: {as_written(column).iloc[at]} is {shown}",))
    return found


def _with_others(table: pd.DataFrame, label: str, found: Dates, where: str) -> tuple[list[str], Dates]:
    """A column's dates with what columns beside it say of them, where they come again: labels and dates."""
    dated = [label]
    if len(np.unique(found.when)) == len(table):
        return dated, found
    parts = whole_dates(table, label)
    if parts is not None:
        whole = read_dates(parts[1], f"columns {', '.join(parts[0])} of {where}")
        if whole is not None:
            dated, found = parts[0], whole
    if len(np.unique(found.when)) < len(table) and (found.when == found.when.astype("datetime64[D]")).any():
        clock, found = with_clock(table, dated, found)
        dated = [*dated, *clock]
    return dated, found


def _of_parts(values: pd.Series, label: str) -> pd.Series:
    """201502, 2015/02 and 02/2015 as 2015-W02 in a column that is called a week, 2015/2 as 2015Q2 in one that is called
    a quarter; others as they are."""
    said = words(label)
    for part, mark, most in (("week", "-W", r"\d{1,2}"), ("quarter", "Q", "0?[1-4]")):
        if any(part_of(word) == part for word in [plain(label), *said]):
            text = as_written(values).str.replace(rf"^([12]\d{{3}})[-/.: ]?({most})$", rf"\1{mark}\2", regex=True)
            text = text.str.replace(rf"^({most})[-/.: ]([12]\d{{3}})$", rf"\2{mark}\1", regex=True)
            return text.str.replace(r"Q0(?=\d$)", "Q", regex=True) if part == "quarter" else text
    return values


def _is_clock(values: pd.Series, label: str) -> bool:
    """Whether a column holds times of day alone: 09:30, or 09.30.00 and 0930 where it is called so."""
    known = as_written(values.dropna().iloc[:1000])
    is_named = is_clock_name(label)
    if times_of_day(known, is_named) is not None and (is_named or known.str.contains(":").mean() > 0.5):
        return True
    return is_named and bool(known.str.fullmatch(r"\d{1,6}").all() and known.str.match(r"0|\d{1,3}$").any())


def _are_years(when: np.ndarray) -> bool:
    known = when[~np.isnat(when)]
    return bool((known == known.astype("datetime64[Y]")).all())
