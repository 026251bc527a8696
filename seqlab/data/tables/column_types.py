"""What the columns of a table hold: numbers, booleans, dates or text, by what most of their entries are."""

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from seqlab.data.tables.convert import text_of
from seqlab.data.tables.dates import WRITE_ISO, read_dates
from seqlab.data.tables.numbers import MOST, read_numbers
from seqlab.errors import DataError

MARKS = (".", ",")
NUMBER, DATE = "number", "date"  # written in a way that shows neither mark nor order
DATES = (DATE, "day", "month")


def typed(
    raw: dict[str, pd.Series], decimal: str, as_text: Collection[str], written: Mapping[str, str]
) -> tuple[pd.DataFrame, list[str], dict[str, str]]:
    """Each column as what it holds, what is to be said of that, and how it is written; `raw` is emptied on the way, so
    that a large table is never there twice.

    decimal: the mark in numbers that can be read in two ways. as_text: columns whose numbers are names. written: what
    columns hold, and how, whatever most of their entries are, see `Table`.
    """
    columns, notes, found = {}, [], {}
    for name in list(raw):
        column = raw.pop(name)
        if name in as_text:
            columns[name], said = pd.Series(text_of(column), dtype=object), list[str]()
        else:
            columns[name], said, found[name] = _held(column, decimal, written.get(name, ""))
        notes += [f"column '{name}': {note}" for note in said]
    return pd.DataFrame(columns, copy=False), notes, {name: how for name, how in found.items() if how}


def _held(column: pd.Series, decimal: str, written: str) -> tuple[pd.Series, list[str], str]:
    """A column of numbers, booleans, dates or text, as most of its entries are; a few others are missing in it."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return column.dt.tz_localize(None).astype("datetime64[s]"), [], DATE
    if pd.api.types.is_bool_dtype(column):
        return column, [], ""
    if pd.api.types.is_numeric_dtype(column):
        whole = column.dtype.kind in "iu" or not (column % 1 > 0).any()
        return *_finite(column), NUMBER if whole else decimal
    if column.isna().all():
        return pd.Series(np.full(len(column), np.nan)), [], ""
    if pd.api.types.infer_dtype(column, skipna=True) == "boolean":
        return column.astype("boolean" if column.isna().any() else bool), [], ""
    text = pd.Series(text_of(column), dtype=object)
    known = 0.0 if written in (*MARKS, NUMBER) else MOST
    numbers = None if written in DATES else read_numbers(text, written if written in MARKS else decimal, most=known)
    if numbers is not None and not np.isnan(numbers.values).all():  # 1999 too, as where no word is beside it
        finite, said = _finite(pd.Series(numbers.values))
        return finite, [*numbers.notes, *said], numbers.decimal or NUMBER
    dated, notes, first = _dated(text, written)
    if dated is not None:
        return dated, notes, first
    are_numbers = pd.to_numeric(text, errors="coerce").notna()
    if are_numbers.any():
        word = text[text.notna() & ~are_numbers].iloc[0]
        notes.append(f"holds {int(are_numbers.sum()):,} numbers beside words like '{word[:30]}': all taken as words")
    return text, notes, ""


def _finite(column: pd.Series) -> tuple[pd.Series, list[str]]:
    """A column of numbers without infinite ones: whole ones as they are, where none is missing, else float64."""
    if column.dtype.kind in "iu" and not column.isna().any():
        return column, []
    values = column.to_numpy(np.float64, na_value=np.nan)
    endless = int(np.isinf(values).sum())
    if not endless:
        return pd.Series(values, copy=False), []
    notes = [f"infinite or too large numbers are taken as missing: {endless:,}"]
    return pd.Series(np.where(np.isinf(values), np.nan, values)), notes


def _dated(column: pd.Series, written: str) -> tuple[pd.Series | None, list[str], str]:
    """The dates of a column of text, None where it holds none; what is to be said, and which of day and month is
    first."""
    known = written in DATES
    try:
        found = read_dates(column, "it", written, most=0.0 if known else 0.5)
    except DataError as problem:
        return None, [f"{problem.message}: left as text; {WRITE_ISO}"], ""
    there = column.notna().to_numpy()
    dated = 0.0 if found is None else (~np.isnat(found.when[there])).mean()
    if found is None or not dated or (dated < MOST and not known):
        return None, [], ""
    lost = int(np.isnat(found.when[there]).sum())
    notes = [*found.notes]
    if lost:
        notes.append(f"{lost:,} of {int(there.sum()):,} entries are no dates and taken as missing")
    return pd.Series(found.when), notes, found.first or DATE
