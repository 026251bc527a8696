"""The columns of a file that hold numbers: which one is meant, and what its entries are."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from seqlab.data.series.column_numbers import numbers_of_column
from seqlab.data.series.column_words import (
    COUNTED,
    LAST_PRICES,
    PLACES,
    VALUES,
    field_of,
    names_rows,
    plain,
    ticker_of_close,
    words,
)
from seqlab.data.series.several_series import columns_of_names
from seqlab.data.tables.dates import are_dates_without_doubt
from seqlab.errors import DataError, did_you_mean

FAULTS = 2  # entries that are faults of a file, or
FEW = 0.01  # this share of them, if that is more, of those that look like numbers, and
FEW_WORDS = 0.1  # this of words
MANY = 10  # rows, of which it is worth saying that all have one value
MOST_COLUMNS = 500  # without a close, among which the one of numbers is looked for
NAME_ONE = "name one with --column NAME"


def forecast_column(column: pd.Series, decimal: str, where: str) -> tuple[np.ndarray, list[str]]:
    """The numbers of the column that is to be forecast, and what is to be said of them. Raises DataError that names it
    with an example where it holds none, or more than a few entries that cannot be read: they are not missing."""
    values, notes = numbers_in(column, decimal, where)
    return values, [*notes, *of_all_rows(values, str(column.name))]


def of_all_rows(values: np.ndarray, label: str) -> list[str]:
    """What is to be said of a column whose values (N,) are one number, or number the rows."""
    known = values[np.isfinite(values)]
    if len(known) >= MANY and np.ptp(known) == 0:
        return [f"column '{label}' is {known[0]:g} in all rows"]
    if len(known) >= MANY and _number_the_rows(values):
        return [f"column '{label}' numbers the rows: {values[0]:g} to {values[-1]:g}"]
    return []


def numbers_in(column: pd.Series, decimal: str, where: str) -> tuple[np.ndarray, list[str]]:
    """`forecast_column`, but for what is said of its rows together."""
    label = str(column.name)
    values, notes, unread = numbers_of_column(column, decimal)
    notes = [note if note.startswith("taken") else f"column '{label}': {note}" for note in notes]
    count, known = len(unread), int(np.isfinite(values).sum())
    if not known:
        example = f": it holds '{str(unread.iloc[0])[:30]}'" if count else ""
        raise DataError(f"column '{label}' of {where} has no numbers{example}", "name another with --column NAME")
    if not count:
        return values, notes
    like_numbers = unread[unread.str.contains(r"\d", regex=True)]
    others = unread[~unread.str.contains(r"\d", regex=True)]
    share = 0.5 if others.nunique() == 1 else FEW_WORDS  # a word that comes again says that there is nothing
    for entries, most in ((like_numbers, FEW), (others, share)):
        if len(entries) > max(FAULTS, most * (known + count)):
            raise DataError(
                f"column '{label}' of {where} has {len(entries):,} entries of {known + count:,} that cannot be read as "
                f"numbers, as '{str(entries.iloc[0])[:30]}'",
                "write them as numbers like 1234.5 or leave them empty, or name another column with --column NAME",
            )
    example = str(unread.iloc[0])[:30]
    notes.append(f"column '{label}': {count:,} of {known + count:,} entries are no numbers: left out, as '{example}'")
    return values, notes


def named_column(column: str, labels: Sequence[str], where: str) -> str:
    """The label that is meant: in these letters, in any case, or but for signs and blanks."""
    for same in (str, str.lower, _letters):
        found = [label for label in labels if same(label) == same(column)]
        if found and (same is not _letters or len(found) == 1):
            return found[0]
    raise DataError(f"{where} has no column '{column}'", did_you_mean(column, labels))


def only_column(table: pd.DataFrame, labels: Sequence[str], decimal: str, where: str) -> str:
    """The close, adjusted if there is such a one, else the only column of numbers that tells of more than the row.

    Raises DataError that names the columns where there are several or none, or the likeliest cannot be read.
    """
    close = close_of(labels, where)
    if close:
        return close
    if len(labels) > MOST_COLUMNS:
        raise DataError(f"{where} has no column 'Close' among {len(labels):,}", NAME_ONE)
    found = {label: numbers_of_column(table[label], decimal) for label in labels}
    read = {label: values for label, (values, _, _) in found.items()}
    known = {label: int(np.isfinite(values).sum()) for label, values in read.items()}
    numeric = [label for label in labels if known[label] > len(table) / 2]
    numeric = numeric or [label for label in labels if known[label] > len(found[label][2])]  # most rows are empty
    measured = [label for label in numeric if not tells_of_rows(table[label], read[label])]
    varied = [label for label in measured if not _is_simple(read[label])] or measured
    others = [label for label in varied if _stands_beside(table[label])]
    if len(others) < len(varied):  # volumes and changes in percent stand beside what they are of
        varied = [label for label in varied if label not in others]
    if len(varied) == 1:
        _refuse_beside_what_is_unread(table, labels, numeric, varied[0], decimal, where)
        return varied[0]
    if len(varied) > 1:
        raise DataError(
            f"{where} has no column 'Close', and of columns with numbers several ({listed_labels(varied)})",
            "name one with --column NAME, or more by repeating it",
        )
    if numeric:
        raise DataError(
            f"{where} has no column 'Close', and its columns with numbers tell of rows, not of a series: "
            f"{listed_labels(numeric)}",
            NAME_ONE,
        )
    unread = [label for label in labels if _looks_numeric(table[label])]
    if unread:
        raise _unread(table, sorted(unread, key=lambda label: plain(label) not in VALUES)[0], decimal, where)
    raise DataError(f"{where} has no column 'Close', and of columns with numbers none", NAME_ONE)


def close_of(labels: Sequence[str], where: str) -> str:
    """The column of closes, adjusted if there is such a one; beside what only quotes have what is called a price;
    empty where there is none. Raises DataError where there are several."""
    fields = {label: field_of(label) for label in labels}
    tickers = [label for label in labels if ticker_of_close(label)]
    for field in ("adj_close", "close"):
        closes = [label for label in labels if fields[label] == field] or (tickers if field == "close" else [])
        if closes:
            found = list(dict.fromkeys([*closes, *tickers]))
            if len(found) > 1:
                raise DataError(f"{where} has several columns of closes: {listed_labels(found)}", NAME_ONE)
            return closes[0]
    last = closes_among(labels)
    return last[0] if len(last) == 1 else ""


def closes_among(labels: Sequence[str]) -> list[str]:
    """The columns that are called as closes are, or as a price among columns that only quotes have: open, high and low,
    or the volume."""
    fields = {label: field_of(label) for label in labels}
    there = set(fields.values())
    are_quotes = {"open", "high", "low"} <= there or "volume" in there
    return [
        label
        for label, field in fields.items()
        if field in ("adj_close", "close") or (are_quotes and "_".join(words(label)) in LAST_PRICES)
    ]


def tells_of_rows(column: pd.Series, values: np.ndarray) -> bool:
    """Whether numbers are called as what tells of a row and not of what was measured, and may be that: whole ones, a
    place, or times."""
    label, known = str(column.name), values[np.isfinite(values)]
    if names_rows(label) and ((known % 1 == 0).all() or plain(label) in PLACES):
        return True
    if plain(label) in COUNTED and _number_the_rows(values):
        return True
    is_time = {"time", "timestamp", "date", "epoch", "unix"} & set(words(label))
    return bool(is_time) and are_dates_without_doubt(column)


def _is_simple(values: np.ndarray) -> bool:
    """Whether numbers are one in all rows, 0 and 1, or those of the rows: beside others they are no series."""
    known = values[np.isfinite(values)]
    return bool(np.isin(known, (0, 1)).all() or (known == known[0]).all() or _number_the_rows(values))


def _number_the_rows(values: np.ndarray) -> bool:
    """Whether they are 0, 1, 2, ... or 1, 2, 3, ..., up or down."""
    up = values if values[0] <= values[-1] else values[::-1]
    return bool(len(up) > 1 and up[0] in (0, 1) and (np.diff(up) == 1).all())


def _stands_beside(column: pd.Series) -> bool:
    is_text = not pd.api.types.is_numeric_dtype(column)
    is_share = is_text and column.astype("string").str.endswith("%").mean() > 0.5
    return field_of(str(column.name)) == "volume" or bool(is_share)


def _looks_numeric(column: pd.Series) -> bool:
    """Whether most entries of a column of text have digits."""
    if pd.api.types.is_numeric_dtype(column):
        return False
    entries = column.dropna().astype("string")
    return bool(len(entries)) and entries.str.contains(r"\d", regex=True).mean() > 0.5


def _refuse_beside_what_is_unread(
    table: pd.DataFrame, labels: Sequence[str], numeric: Sequence[str], label: str, decimal: str, where: str
) -> None:
    """Raises DataError where the only column of numbers is a volume, or not what the name of another says that it is,
    and that other cannot be read."""
    is_volume = field_of(label) == "volume"
    for other in labels:
        likelier = is_volume or (plain(other) in VALUES and plain(label) not in VALUES)
        if other not in numeric and likelier and _looks_numeric(table[other]):
            raise _unread(table, other, decimal, where, f", and the only other one is {label}", f"say --column {label}")


def _unread(
    table: pd.DataFrame, label: str, decimal: str, where: str, beside: str = "", instead: str = ""
) -> DataError:
    unread = numbers_of_column(table[label], decimal)[2]
    return DataError(
        f"column '{label}' of {where} cannot be read as numbers, as '{str(unread.iloc[0])[:30]}'{beside}",
        f"write it as numbers like 1234.5, or {instead or 'name another with --column NAME'}",
    )


def refuse_several_series(table: pd.DataFrame, when: np.ndarray, where: str) -> None:
    """Raises DataError that names the columns where the rows of a table without its dates, which are `when`, are of
    several series."""
    told = columns_of_names(table, when)
    if told:
        names = table[told].dropna().drop_duplicates()
        some = ", ".join(" ".join(map(str, row)) for row in names.iloc[:5].itertuples(index=False))
        of = f"'{told[0]}' names" if len(told) == 1 else f"'{told[0]}' and '{told[1]}' name"
        raise DataError(
            f"{where} has {len(names):,} series in one column: {of} {some}",
            (f"with --id {told[0]} each is a series; or " if len(told) == 1 else "")
            + f"keep the rows of one {' and '.join(told)}, or give each a column of its own",
        )
    refuse_several_rows(when, where)


def refuse_several_rows(when: np.ndarray, where: str) -> None:
    """Raises DataError where most dates of `when` come again."""
    rows = np.unique(when[~np.isnat(when)], return_counts=True)[1]
    if len(rows) and np.median(rows) >= 2:
        raise DataError(
            f"{where} has {np.median(rows):.0f} rows for each date: it seems to hold several series",
            "keep the rows of one, or give each a column of its own",
        )


def _letters(label: str) -> str:
    return re.sub(r"[\W_]+", "", label.lower())


def listed_labels(labels: Sequence[str], most: int = 12) -> str:
    """Names after each other, of many the first."""
    more = f" and {len(labels) - most} more" if len(labels) > most else ""
    return ", ".join(labels[:most]) + more
