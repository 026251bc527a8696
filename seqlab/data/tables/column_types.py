"""What the columns of a table hold: numbers, booleans, dates or text, by what most of their entries are."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from seqlab.data.tables import missing
from seqlab.data.tables.condense import condensed
from seqlab.data.tables.date_shapes import PLAIN_ISO, may_be_date
from seqlab.data.tables.dates import WRITE_ISO, read_dates
from seqlab.data.tables.entries import Entries
from seqlab.data.tables.numbers import FEW_NUMBERS, MOST, Numbers, like_numbers, read_numbers
from seqlab.errors import DataError

POINT_OR_COMMA = (".", ",")
NUMBER, DATE = "number", "date"  # written in a way that shows neither mark nor order
DATES = (DATE, "day", "month", "year")
WORDS = "words: "  # though there are numbers, and after it the marks of missing entries that are words in this column
WITHOUT = " without "  # and after it, of a column of numbers, those that stand for what is missing
FEW_WORDS = 3  # different ones beside many numbers that say why there is none
_DIGIT = re.compile(r"\d")
_BOOLEANS = {"True": True, "TRUE": True, "true": True, "False": False, "FALSE": False, "false": False}


@dataclass(frozen=True)
class Typed:
    """A column as what it holds, what is to be said of that, how it is written, see `Table`, and the marks that were
    taken as missing, {mark: entries}."""

    values: np.ndarray | pd.Series
    notes: list[str] = field(default_factory=list)
    written: str = ""
    marks: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Columns:
    """The columns of a table, what is to be said of them, how each is written, and the marks of each that were taken as
    missing, {column: {mark: entries}}."""

    frame: pd.DataFrame
    notes: list[str]
    written: dict[str, str]
    marks: dict[str, dict[str, int]]


def mark_of(how: str) -> str:
    """How a column is written, without the numbers in it that stand for what is missing."""
    return how.partition(WITHOUT)[0]


def typed(
    raw: dict[str, np.ndarray | pd.Series], decimal: str, as_text: Collection[str], written: Mapping[str, str]
) -> Columns:
    """Each column as what it holds; `raw` is emptied on the way, so that a large table is never there twice.

    decimal: the mark in numbers that can be read in two ways. as_text: columns whose numbers are names. written: what
    columns hold, and how, whatever most of their entries are, see `Table`.
    """
    columns: dict[str, np.ndarray | pd.Series] = {}
    notes, found, marks = list[str](), dict[str, str](), dict[str, dict[str, int]]()
    names = set(as_text)
    for name in list(raw):
        how = WORDS if name in names else written.get(name, "")
        one = _typed(raw.pop(name), decimal, how, bool(written))
        columns[name] = one.values
        notes += [f"column '{name}': {note}" for note in one.notes]
        if one.written:
            found[name] = one.written
        if one.marks:
            marks[name] = one.marks
    said = [*condensed(notes), *missing.in_words(marks)]
    index = pd.RangeIndex(len(next(iter(columns.values()))))
    for name, values in columns.items():  # pandas would make a type of its own of text
        if values.dtype == object:
            columns[name] = pd.Series(values, index, dtype=object, copy=False)
    return Columns(pd.DataFrame(columns, index, copy=False), said, found, marks)


def _typed(column: np.ndarray | pd.Series, decimal: str, how: str, is_known: bool) -> Typed:
    """how: it is written in a table that it is like; is_known: there is one."""
    if isinstance(column, pd.Series) and column.dtype.kind != "O":
        of_a_type = _of_a_type(column, decimal, how)
        if of_a_type is not None:
            return of_a_type
        column = column.to_numpy(object, na_value=np.nan)
    values = column if isinstance(column, np.ndarray) else column.to_numpy(object)
    if values.dtype.kind in "iuf":  # quickly: there may be thousands
        return _numeric(values, decimal, how)
    if decimal == "." and mark_of(how) in ("", ".", NUMBER):
        plain = _plain(values)
        if plain is not None:
            numbers = _numeric(plain[0], decimal, how)
            return Typed(numbers.values, numbers.notes, numbers.written, plain[1] | numbers.marks)
    return _of_text(Entries.of(values), decimal, how, is_known)


def _numeric(values: np.ndarray, decimal: str, how: str) -> Typed:
    """A column of numbers without infinite ones and those that stand for what is missing: whole ones as they are,
    others float64."""
    sentinels = _sentinels(values, how)
    if sentinels:
        values = np.where(np.isin(values, [*sentinels]), np.nan, values)
    of_this = WITHOUT + " ".join(f"{number:g}" for number in sentinels) if sentinels else ""
    marks = {f"{number:g}": rows for number, rows in sentinels.items() if rows}
    if values.dtype.kind in "iu":
        return Typed(values, [], NUMBER)
    values = values.astype(np.float64, copy=False)
    with np.errstate(invalid="ignore"):
        whole = not (values % 1 > 0).any()
    notes, endless = [], int(np.isinf(values).sum())
    if endless:
        notes = [f"infinite or too large numbers are taken as missing: {endless:,}"]
        values = np.where(np.isinf(values), np.nan, values)
    return Typed(values, notes, (NUMBER if whole else decimal) + of_this, marks)


def _sentinels(values: np.ndarray, how: str) -> dict[float, int]:
    """Those of a table that it is like, or what the numbers show; {number: rows}."""
    if WITHOUT in how:
        known = map(float, how.partition(WITHOUT)[2].split())
        return {number: int((values == number).sum()) for number in known}
    return {} if how else missing.sentinels_in(values)


def _plain(column: np.ndarray) -> tuple[np.ndarray, dict[str, int]] | None:
    """The numbers of a column of text where each entry is one as computers write it or a mark of what is missing, and
    how often each mark is there; None where there are others. Much faster than `read_numbers`."""
    for entry in map(str, column[:3]):  # a look is enough for words
        if entry.strip() and not _is_plain(entry) and not missing.is_mark(entry.strip()):
            return None
    values = np.asarray(pd.to_numeric(column, errors="coerce"), np.float64)
    odd = Entries.of(column[np.isnan(values)])
    if np.isnan(values).all() or not all(map(missing.is_mark, odd.words)):
        return None
    return values, odd.counts


def _of_a_type(column: pd.Series, decimal: str, how: str) -> Typed | None:
    """A column that has a type already, as those of Parquet; None for text and what may be anything."""
    if pd.api.types.is_datetime64_any_dtype(column):
        return Typed(column.dt.tz_localize(None).astype("datetime64[s]"), [], DATE)
    if pd.api.types.is_bool_dtype(column):
        return Typed(column)
    if column.dtype.kind == "m":
        days = _numeric(column.dt.total_seconds().to_numpy(np.float64, na_value=np.nan) / 86_400, decimal, how)
        return replace(days, notes=["lengths of time are read as days", *days.notes])
    if not pd.api.types.is_numeric_dtype(column):
        return None
    whole = column.dtype.kind in "iu" and isinstance(column.dtype, np.dtype)
    return _numeric(column.to_numpy() if whole else column.to_numpy(np.float64, na_value=np.nan), decimal, how)


def _of_text(entries: Entries, decimal: str, how: str, is_known: bool) -> Typed:
    """A column of numbers, booleans, dates or text, as most of its entries are; a few others are missing in it, as are
    marks of missing entries where they are no words."""
    marks = {word: rows for word, rows in entries.counts.items() if missing.is_mark(word)}
    others, notes = entries.without(marks), list[str]()
    if not how.startswith(WORDS) and others.words:
        if _BOOLEANS.keys() >= set(others.words):
            return Typed(_booleans(others), [], "", marks)
        if (days := _iso_dates(others)) is not None and (not how or how in DATES):
            return Typed(days, [], DATE, marks)
        numbers = None if how in DATES else _numbers(others, decimal, how)
        if numbers is not None:
            found = _numeric(numbers.values, decimal, how)
            kind = (numbers.decimal or NUMBER) + "".join(found.written.partition(WITHOUT)[1:])
            return Typed(found.values, [*numbers.notes, *found.notes], kind, marks | found.marks)
        dated, notes, first = _dated(others, how)
        if dated is not None:
            return Typed(dated, notes, first, marks)
    return _words(entries, others, marks, notes, how, is_known)


def _words(
    entries: Entries, others: Entries, marks: dict[str, int], notes: list[str], how: str, is_known: bool
) -> Typed:
    kept = {*how.removeprefix(WORDS).split(" ")} - {""} if how.startswith(WORDS) else set()
    if not is_known and not kept:
        kept = missing.marks_that_are_words(entries.counts)
    kept &= marks.keys()
    words = entries.without(marks.keys() - kept) if kept else others
    left = {mark: rows for mark, rows in marks.items() if mark not in kept}
    if not words.words:
        return Typed(np.full(len(words.codes), np.nan), [], "", left)
    is_written = bool(kept) or how == WORDS
    if not how.startswith(WORDS) and (alike := _numbers_as_words(others)):
        notes, is_written = notes + alike, True  # rows like these may hold what are numbers alone
    notes += [f"'{mark}' is a word, in {marks[mark]:,} of {len(words.codes):,} rows" for mark in sorted(kept)]
    return Typed(words.text(), notes, WORDS + " ".join(sorted(kept)) if is_written else "", left)


def _numbers_as_words(words: Entries) -> list[str]:
    """What is to be said of numbers that are taken as words, since there are others beside them or they differ in what
    stands around them."""
    with_digits = [word for word in words.words if _DIGIT.search(word)]
    plain = {word for word in with_digits if _is_plain(word)}
    if plain:
        rest = next((word for word in words.words if word not in plain), "")
        rows = sum(words.counts[word] for word in plain)
        return [f"holds {rows:,} numbers beside words like '{rest[:30]}': all taken as words"] if rest else []
    alike = like_numbers(with_digits)
    if not alike or 2 * sum(words.counts[word] for word in alike) < words.known:
        return []
    examples = " and ".join(f"'{word[:30]}'" for word in dict.fromkeys((alike[0], alike[-1])))
    return [f"entries like {examples} are taken as words, not as numbers"]


def _is_plain(word: str) -> bool:
    try:
        return float(word) == float(word)
    except ValueError:
        return False


def _booleans(entries: Entries) -> np.ndarray | pd.Series:
    found = entries.spread([_BOOLEANS[word] for word in entries.words], None, object)
    return pd.Series(found, dtype="boolean" if (entries.codes < 0).any() else bool)


def _numbers(entries: Entries, decimal: str, how: str) -> Numbers | None:
    """The numbers of a column of text, None where it holds words: other words than MOST lets pass, but for a few beside
    many different numbers, or one that comes again among few."""
    mark = mark_of(how)
    if mark in (*POINT_OR_COMMA, NUMBER):
        numbers = read_numbers(entries, mark if mark in POINT_OR_COMMA else decimal, most=0.0, is_known=True)
        return None if numbers is None or np.isnan(numbers.values).all() else numbers
    numbers = read_numbers(entries, decimal, most=0.5)
    if numbers is None or not numbers.lost:
        return numbers
    lost = sum(numbers.lost.values()) / entries.known
    different = np.unique(numbers.values[np.isfinite(numbers.values)])
    if len(different) <= FEW_NUMBERS:
        return None if lost > 1 - MOST or max(numbers.lost.values()) >= missing.AGAIN else numbers
    say_why = len(numbers.lost) <= FEW_WORDS and not any(map(_DIGIT.search, numbers.lost)) and lost < 0.5
    return numbers if lost <= 1 - MOST or say_why else None


def _iso_dates(entries: Entries) -> np.ndarray | None:
    """Dates that are all written as computers do; the quick way of `read_dates`."""
    if not all(map(PLAIN_ISO.fullmatch, entries.words)):
        return None
    try:
        days = np.array(entries.words, "datetime64[s]")
    except ValueError:  # a day that does not exist
        return None
    return entries.spread(days, np.datetime64("NaT", "s"), "datetime64[s]")


def _dated(entries: Entries, how: str) -> tuple[np.ndarray | pd.Series | None, list[str], str]:
    """The dates of a column of text, None where it holds none; what is to be said, and which of day and month is
    first."""
    known = how in DATES
    if not known and entries.share(_DIGIT.search) <= 0.5:
        return None, [], ""
    if len(entries.words) <= FEW_NUMBERS and not any(
        map(may_be_date, entries.words)
    ):  # quickly: there may be thousands
        return None, [], ""
    column = pd.Series(entries.text(), dtype=object)
    try:
        found = read_dates(column, "it", how, most=0.0 if known else 0.5)
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
