"""The columns of a file that hold numbers: which one is meant, and what its entries are."""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from seqlab.data.series.series import field_name
from seqlab.data.tables import missing
from seqlab.data.tables.numbers import read_numbers
from seqlab.errors import DataError, did_you_mean

FAULTS = 2  # entries that are faults of a file, or
FEW = 0.01  # this share of them, if that is more, of those that look like numbers, and
FEW_WORDS = 0.1  # this of words
LIMITS = r"[<>]=?\s*(?=\d)"  # as what is too small to be measured is written
NAME_ONE = "name one with --column NAME"
IDENTIFIERS = {"uniqueid", "seriesid", "itemid", "ticker", "symbol", "tscode", "series", "id"}  # of one series of many


def field_of(label: str) -> str:
    """A column's name as one of series.FIELDS where it is one."""
    name = field_name(label)
    return {"close_last": "close"}.get(name, name)  # as Nasdaq calls it


def numbers_of_column(column: pd.Series, decimal: str) -> tuple[np.ndarray, list[str], pd.Series]:
    """The numbers of a column (N,), NaN where there is none, what was repaired, and the entries that are no numbers."""
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(np.float64, na_value=np.nan), [], column[:0]
    text = column.astype("string").str.strip()
    text = text.mask(text == "")
    marked = missing.are_marks(text).fillna(False)
    counts = {str(mark): int(count) for mark, count in text[marked].value_counts().items()}
    text = text.mask(marked)
    limits = text.str.match(LIMITS).fillna(False)
    found = read_numbers(text.str.replace(rf"^{LIMITS}", "", regex=True), decimal, most=0.0)
    values = np.full(len(text), np.nan) if found is None else found.values
    unread = text[text.notna() & np.isnan(values)]
    notes = [] if found is None else [note for note in found.notes if "are no numbers" not in note]
    if limits.any():
        notes.append(f"entries like '{text[limits].iloc[0]}', {int(limits.sum()):,}, are read as the number alone")
    return values, [*notes, *missing.in_words({str(column.name): counts})], unread


def forecast_column(column: pd.Series, decimal: str, where: str) -> tuple[np.ndarray, list[str]]:
    """The numbers of the column that is to be forecast, and what is to be said of them. Raises DataError that names it
    with an example where it holds none, or more than a few entries that cannot be read: they are not missing."""
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
    """The close, adjusted if there is such a one, else the only column of numbers."""
    for field in ("adj_close", "close"):
        closes = [label for label in labels if field_of(label) == field]
        if len(closes) > 1:
            raise DataError(f"{where} has several columns of closes: {_listed(closes)}", NAME_ONE)
        if closes:
            return closes[0]
    numeric, others = [], []
    for label in labels:
        column = table[label]
        if np.isfinite(numbers_of_column(column, decimal)[0]).sum() > len(table) / 2:
            numeric.append(label)
            is_text = not pd.api.types.is_numeric_dtype(column)
            if field_of(label) == "volume" or (is_text and column.astype("string").str.endswith("%").mean() > 0.5):
                others.append(label)
    if len(others) < len(numeric):  # volumes and changes in percent stand beside what they are of
        numeric = [label for label in numeric if label not in others]
    if len(numeric) == 1:
        _refuse_a_volume_beside_prices(table, labels, numeric[0], decimal, where)
        return numeric[0]
    if not numeric:
        raise DataError(f"{where} has no column 'Close', and of columns with numbers none", NAME_ONE)
    raise DataError(
        f"{where} has no column 'Close', and of columns with numbers several ({_listed(numeric)})",
        "name one with --column NAME, or more by repeating it",
    )


def _refuse_a_volume_beside_prices(
    table: pd.DataFrame, labels: Sequence[str], label: str, decimal: str, where: str
) -> None:
    """Raises DataError where the only column of numbers is a volume, and another that is no word cannot be read."""
    if field_of(label) != "volume":
        return
    for other in labels:
        entries = table[other].dropna().astype("string")
        if other != label and len(entries) and entries.str.contains(r"\d", regex=True).mean() > 0.5:
            unread = numbers_of_column(table[other], decimal)[2]
            raise DataError(
                f"column '{other}' of {where} cannot be read as numbers, as '{str(unread.iloc[0])[:30]}', and the only "
                f"other one is {label}",
                f"write it as numbers like 1234.5, or say --column {label}",
            )


def refuse_several_series(table: pd.DataFrame, when: np.ndarray, where: str) -> None:
    """Raises DataError where the rows are of several series: most dates come several times, or a column of
    identifiers has several."""
    for label in map(str, table.columns):
        names = table[label].dropna()
        if table.shape[1] > 1 and _letters(label) in IDENTIFIERS and 1 < names.nunique() <= len(names) / 2:
            some = ", ".join(map(str, names.unique()[:5]))
            raise DataError(
                f"{where} has {names.nunique():,} series in one column: '{label}' names {some}",
                "keep the rows of one, or give each a column of its own",
            )
    rows = np.unique(when[~np.isnat(when)], return_counts=True)[1]
    if len(rows) and np.median(rows) >= 2:
        raise DataError(
            f"{where} has {np.median(rows):.0f} rows for each date: it seems to hold several series",
            "keep the rows of one, or give each a column of its own",
        )


def _letters(label: str) -> str:
    return re.sub(r"[\W_]+", "", label.lower())


def _listed(labels: Sequence[str], most: int = 12) -> str:
    more = f" and {len(labels) - most} more" if len(labels) > most else ""
    return ", ".join(labels[:most]) + more
