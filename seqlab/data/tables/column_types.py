"""What the columns of a table hold: numbers, booleans, dates or text, by what most of their entries are."""

from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from seqlab.data.tables import missing
from seqlab.data.tables.convert import text_of
from seqlab.data.tables.dates import WRITE_ISO, read_dates
from seqlab.data.tables.numbers import MOST, Numbers, read_numbers
from seqlab.errors import DataError

POINT_OR_COMMA = (".", ",")
NUMBER, DATE = "number", "date"  # written in a way that shows neither mark nor order
DATES = (DATE, "day", "month", "year")
WORDS = "words: "  # and after it the marks of missing entries that are words in this column
FEW_NUMBERS = 20  # different ones: a word that comes again among them is a value
AGAIN = 3  # times that it does
_BOOLEANS = {"True": True, "TRUE": True, "true": True, "False": False, "FALSE": False, "false": False}


def typed(
    raw: dict[str, np.ndarray | pd.Series], decimal: str, as_text: Collection[str], written: Mapping[str, str]
) -> tuple[pd.DataFrame, list[str], dict[str, str]]:
    """Each column as what it holds, what is to be said of that, and how it is written; `raw` is emptied on the way, so
    that a large table is never there twice.

    decimal: the mark in numbers that can be read in two ways. as_text: columns whose numbers are names. written: what
    columns hold, and how, whatever most of their entries are, see `Table`.
    """
    columns: dict[str, np.ndarray | pd.Series] = {}
    notes, found, marks = list[str](), dict[str, str](), dict[str, dict[str, int]]()
    for name in list(raw):
        column = raw.pop(name)
        if isinstance(column, np.ndarray) and column.dtype.kind in "iuf":  # quickly: there may be thousands
            columns[name], said, found[name] = _numeric(column, decimal)
        elif decimal == "." and name not in as_text and (plain := _plain(column, written.get(name, ""))) is not None:
            columns[name], said, found[name] = _numeric(plain[0], decimal)
            marks[name] = plain[1]
        elif (of_a_type := _of_a_type(pd.Series(column), decimal)) is not None:
            columns[name], said, found[name] = of_a_type
        else:
            text = pd.Series(text_of(pd.Series(column, dtype=object)), dtype=object)
            how = WORDS if name in as_text else written.get(name, "")
            columns[name], said, found[name], marks[name] = _of_text(text, decimal, how, bool(written))
        notes += [f"column '{name}': {note}" for note in said]
    notes += missing.in_words(marks)
    return pd.DataFrame(columns, copy=False), notes, {name: how for name, how in found.items() if how}


def _numeric(values: np.ndarray, decimal: str) -> tuple[np.ndarray, list[str], str]:
    """A column of numbers without infinite ones: whole ones as they are, others float64."""
    if values.dtype.kind in "iu":
        return values, [], NUMBER
    values = values.astype(np.float64, copy=False)
    with np.errstate(invalid="ignore"):
        whole = not (values % 1 > 0).any()
    endless = int(np.isinf(values).sum())
    if not endless:
        return values, [], NUMBER if whole else decimal
    notes = [f"infinite or too large numbers are taken as missing: {endless:,}"]
    return np.where(np.isinf(values), np.nan, values), notes, NUMBER if whole else decimal


def _plain(column: np.ndarray | pd.Series, how: str) -> tuple[np.ndarray, dict[str, int]] | None:
    """The numbers of a column of text where each entry is one as computers write it or a mark of what is missing, and
    how often each mark is there; None where there are others. Much faster than `read_numbers`."""
    if not isinstance(column, np.ndarray) or column.dtype != object or how not in ("", ".", NUMBER):
        return None
    text = pd.Series(column, dtype=object)
    values = pd.to_numeric(text, errors="coerce").to_numpy(np.float64, na_value=np.nan)
    odd = text[np.isnan(values)].dropna().str.strip()
    if len(odd) == text.notna().sum() or not (missing.are_marks(odd) | (odd == "")).all():
        return None
    return values, {str(mark): int(count) for mark, count in odd[odd != ""].value_counts().items()}


def _of_a_type(column: pd.Series, decimal: str) -> tuple[np.ndarray | pd.Series, list[str], str] | None:
    """A column that has a type already, as those of Parquet; None for text and what may be anything."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return column.dt.tz_localize(None).astype("datetime64[s]"), [], DATE
    if pd.api.types.is_bool_dtype(column):
        return column, [], ""
    if pd.api.types.is_numeric_dtype(column):
        if column.isna().any() or column.dtype.kind not in "iu":
            return _numeric(column.to_numpy(np.float64, na_value=np.nan), decimal)
        return column, [], NUMBER
    return None


def _of_text(
    text: pd.Series, decimal: str, how: str, is_known: bool
) -> tuple[np.ndarray | pd.Series, list[str], str, dict[str, int]]:
    """A column of numbers, booleans, dates or text, as most of its entries are; a few others are missing in it, as are
    marks of missing entries where they are no words: what is to be said, how it is written, and how often each mark.

    text: without blanks around it. how: how it is written in a table that it is like; is_known: there is one.
    """
    marked = missing.are_marks(text)
    others = text.mask(marked | (text == ""))
    marks = {str(mark): int(count) for mark, count in text[marked].value_counts().items()}
    if not how.startswith(WORDS):
        known = others.dropna()
        if known.isin(_BOOLEANS).all() and len(known):
            found = others.map(_BOOLEANS)
            return found.astype("boolean" if found.isna().any() else bool), [], "", marks
        numbers = None if how in DATES else _numbers(others, decimal, how)
        if numbers is not None:
            values, said, _ = _numeric(numbers.values, decimal)
            return values, [*numbers.notes, *said], numbers.decimal or NUMBER, marks
        dated, notes, first = _dated(others, how)
        if dated is not None:
            return dated, notes, first, marks
    else:
        notes = []
    kept = set(how.removeprefix(WORDS).split(" ")) if how.startswith(WORDS) else set()
    if not is_known and not kept - {""}:
        kept = missing.marks_that_are_words(text.mask(text == ""), marked)
    words = others.where(~text.isin(kept), text)
    if words.isna().all():
        return np.full(len(text), np.nan), [], "", marks
    are_numbers = pd.to_numeric(words, errors="coerce").notna()
    if are_numbers.any() and not how.startswith(WORDS):
        word = words[words.notna() & ~are_numbers].iloc[0]
        notes.append(f"holds {int(are_numbers.sum()):,} numbers beside words like '{word[:30]}': all taken as words")
    there = sorted(kept & set(marks))
    notes += [f"'{mark}' is a word, in {marks[mark]:,} of {len(text):,} rows" for mark in there]
    left = {mark: count for mark, count in marks.items() if mark not in kept}
    return words, notes, WORDS + " ".join(there) if there else "", left


def _numbers(text: pd.Series, decimal: str, how: str) -> Numbers | None:
    """The numbers of a column of text, None where it holds words."""
    is_known = how in (*POINT_OR_COMMA, NUMBER)
    numbers = read_numbers(text, how if how in POINT_OR_COMMA else decimal, most=0.0 if is_known else MOST)
    if numbers is None or np.isnan(numbers.values).all():
        return None
    lost = text[text.notna() & np.isnan(numbers.values)]
    if not is_known and len(lost) and lost.value_counts().iloc[0] >= AGAIN:
        different = np.unique(numbers.values[np.isfinite(numbers.values)])
        if len(different) <= FEW_NUMBERS:
            return None
    return numbers


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
    return pd.Series(found.when.astype("datetime64[s]")), notes, found.first or DATE
