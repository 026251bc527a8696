"""Series in a CSV file, as people have them: some date column, one or more columns of numbers, any separator."""

import re
import warnings
from collections.abc import Sequence
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
import pandas as pd

from seqlab.data.series.series import FIELDS, Series, field_name, series_of
from seqlab.data.tables.dates import WRITE_ISO, has_several_a_day, read_dates
from seqlab.errors import DataError, did_you_mean

Kind = Literal["auto", "levels", "returns"]
DATE_NAMES = {"date", "datetime", "time", "timestamp", "day", "month", "quarter", "year", "period", "ds", "unix"}
NEEDS = "it needs a header, and rows with a date and a number"
FAULTS = 2  # closes at or below zero that are faults of the file, or
NO_PRICE = 0.01  # this share of them, if that is more; a column with more of them holds no prices
PERCENT = 0.2  # median size of a return above which it seems to be written in percent


def read_csv(source: Path | BinaryIO, name: str, columns: Sequence[str] = (), kind: Kind = "auto") -> list[Series]:
    """The Series of a CSV, one for each of `columns`: a date column, and open, high, low, close, ... in any case.

    Without `columns` its close, else its only numeric column, is the series. One series is called `name`, several as
    their columns. kind: `levels` are values whose differences are forecast, `returns` are compounded, and `auto` takes
    closes and what is above zero everywhere for prices, the rest for levels. Raises DataError naming what is missing
    or unreadable.
    """
    where = str(source) if isinstance(source, Path) else "standard input"
    table, notes = _read_table(source, where)
    dated, when, said = _dates(table, where)
    notes += said
    _refuse_several_series(when, where)
    rest = [label for label in table.columns if label not in dated]
    taken = list(dict.fromkeys(_named_column(column, rest, where) for column in columns)) or [
        _only_column(table, rest, where)
    ]
    names = [name] if len(taken) == 1 else [re.sub(r"[/\\]+", "-", label) for label in taken]  # folders are named so
    return [
        _series(table, label, rest, when, kind, where, called, notes)
        for label, called in zip(taken, names, strict=True)
    ]


def _series(
    table: pd.DataFrame,
    label: str,
    rest: list[str],
    when: np.ndarray,
    kind: Kind,
    where: str,
    name: str,
    notes: list[str],
) -> Series:
    """The Series of the column `label`; `rest` are all but the dates."""
    numbers = _numbers(table[label])
    finite = numbers[np.isfinite(numbers)]
    if not len(finite):
        raise DataError(f"column '{label}' of {where} has no numbers", "name another with --column NAME")
    # the columns named open, high, ... belong to the closes, not to another column that was asked for
    is_price = field_name(label) in ("adj_close", "close")
    additive, said = _reading(finite, label, kind, is_price)
    known = {field_name(label): label for label in reversed(rest)}
    fields = {field: known[field] for field in FIELDS if is_price and field in known}
    fields["adj_close"] = label
    has_own_close = field_name(label) == "adj_close" and not additive  # differences know no scale
    fields["close"] = fields.get("close", label) if has_own_close else label
    frame = pd.DataFrame({"date": when})
    for field in FIELDS:
        frame[field] = _numbers(table[fields[field]]) if field in fields else np.nan
    series = series_of(name, "file", "", frame, [*notes, *said], additive=additive, within_days=has_several_a_day(when))
    if kind == "returns":
        series = _compounded(series, f"column '{label}' of {where}")
    origin = f"the file's column {label}, which ends on {series.dates[-1]}"
    return replace(series, origin=origin, is_quote=is_price or kind == "returns")


def _reading(values: pd.Series, label: str, kind: Kind, is_price: bool) -> tuple[bool, list[str]]:
    """Whether a column is additive at first, and what is to be said of that."""
    if kind != "auto":
        return True, []  # returns too, until they are compounded
    low = int((values <= 0).sum())
    if is_price and low <= max(FAULTS, NO_PRICE * len(values)):
        return False, []
    if low:
        rows = f"{low:,} {'value' if low == 1 else 'values'} at or below zero"
        return True, [f"column '{label}' has {rows}: its differences are forecast (--returns if it holds returns)"]
    return False, [
        f"column '{label}' is above zero everywhere: its relative changes are forecast (--levels for its differences)"
    ]


def _compounded(returns: Series, where: str) -> Series:
    """The index that a series of returns makes, which is 100 before the first of them."""
    rates = returns.close
    if (rates <= -1).any():
        at = int(np.flatnonzero(rates <= -1)[0])
        raise DataError(
            f"{where} loses everything in the row of {returns.dates[at]}: a return of {rates[at]:g}",
            "write returns as fractions, -0.01 for a loss of 1 %, or use --levels",
        )
    with np.errstate(over="ignore", under="ignore"):
        index = 100 * np.exp(np.cumsum(np.log1p(rates)))
    if not (np.isfinite(index) & (index > 0)).all():
        raise DataError(f"{where} compounds to nothing or past all bounds", "write returns as fractions, 0.01 for 1 %")
    notes = [*returns.notes, "its returns are compounded to an index that is 100 before the first row"]
    usual = float(np.median(np.abs(rates)))
    if usual > PERCENT:
        notes.append(f"half of the returns are larger than {usual:.3g}: are they in percent? Here 1 % is 0.01")
    return replace(returns, close=index, adjusted=index.copy(), additive=False, notes=tuple(notes))


def _read_table(source: Path | BinaryIO, where: str) -> tuple[pd.DataFrame, list[str]]:
    """The table as it is written, and what is to be said of it."""
    try:
        data = source.read_bytes() if isinstance(source, Path) else source.read()
        text = data.decode("utf-8-sig")
    except FileNotFoundError as problem:
        raise DataError(f"there is no file {where}", "check the path") from problem
    except OSError as problem:
        raise DataError(f"{where} cannot be read: {problem.strerror}", "check the path") from problem
    except UnicodeDecodeError as problem:
        raise DataError(f"{where} is no text in UTF-8 (byte {problem.start})", "name a CSV file") from problem
    if not text.strip():
        raise DataError(f"{where} is empty", NEEDS)
    first = text.lstrip().partition("\n")[0]
    separator = max(",;\t", key=first.count)  # the comma where there is none
    decimal = _decimal(text, separator)
    labels = _labels_of_none([cell.replace(decimal, ".") for cell in first.split(separator)])
    try:
        with warnings.catch_warnings():  # rows longer than the header would be cut, with a warning only
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table = pd.read_csv(
                StringIO(text),
                sep=separator,
                decimal=decimal,
                skipinitialspace=True,
                index_col=False,
                low_memory=False,
                names=labels,
            )
    except (pd.errors.ParserError, pd.errors.ParserWarning, ValueError) as problem:
        said = str(problem).strip().splitlines()[0]
        raise DataError(f"{where} is no CSV: {said}", "name a CSV file with a header") from problem
    table.columns = [str(label).strip() for label in table.columns]
    if not len(table):
        raise DataError(f"{where} has a header and no rows", NEEDS)
    notes = [] if labels is None else [f"the file has no header: its columns are called {', '.join(labels)}"]
    return table.loc[:, ~table.columns.duplicated()], notes


def _decimal(text: str, separator: str) -> str:
    """The comma if numbers are written with it, as where German or French is spoken; else the point."""
    points, commas = (
        re.search(rf"[{separator}]\s*-?\d+{mark}\d+\s*([{separator}\n]|$)", text) for mark in (r"\.", ",")
    )
    return "," if separator != "," and commas and not points else "."


def _labels_of_none(first: list[str]) -> list[str] | None:
    """Names for the columns of a file whose first row is no header but a date with numbers; None if it is a header."""
    cells = pd.Series([cell.strip().strip('"') for cell in first], dtype=str)
    numbers = _numbers(cells).notna()
    if not numbers.any() or read_dates(cells[:1], "") is None or (cells[1:][~numbers[1:]] != "").any():
        return None
    return ["date", *(f"column{place}" for place in range(2, len(cells) + 1))]


def _with_parts(table: pd.DataFrame, label: str) -> tuple[list[str], pd.Series]:
    """A year with the columns Month and Day, a date with Time or Hour: their labels, and what they say together."""
    beside = {_plain(other): other for other in reversed(table.columns) if other != label}
    written, labels = _as_written(table[label]), [label]
    if _plain(label) == "year" and "month" in beside:
        for part in ("month", "day"):
            if part in beside:
                written, labels = written + "-" + _as_written(table[beside[part]]).str.zfill(2), [*labels, beside[part]]
    for part, looks in (("time", r"\d{1,2}:\d\d.*"), ("hour", r"\d{1,2}(?::\d\d.*)?")):
        if part in beside:
            clock = _as_written(table[beside[part]])
            if clock.str.fullmatch(looks).fillna(False).mean() > 0.5:
                return [*labels, beside[part]], written + " " + clock
    return labels, written


def _plain(label: str) -> str:
    return re.sub(r"[^a-z]", "", label.lower())


def _as_written(values: pd.Series) -> pd.Series:
    return values.astype("string").str.strip().str.replace(r"\.0$", "", regex=True)  # a whole number beside empty rows


def _numbers(values: pd.Series) -> pd.Series:
    return pd.to_numeric(values, errors="coerce").astype(np.float64)


def _named_column(column: str, labels: list[str], where: str) -> str:
    for same in (str, str.lower):
        for label in labels:
            if same(label) == same(column):
                return label
    raise DataError(f"{where} has no column '{column}'", did_you_mean(column, labels))


def _listed(labels: list[str], most: int = 12) -> str:
    more = f" and {len(labels) - most} more" if len(labels) > most else ""
    return ", ".join(labels[:most]) + more


def _only_column(table: pd.DataFrame, labels: list[str], where: str) -> str:
    """The close, adjusted if there is such a one, else the only column of numbers."""
    known = {field_name(label): label for label in reversed(labels)}
    for field in ("adj_close", "close"):
        if field in known:
            return known[field]
    numeric = [label for label in labels if _numbers(table[label]).notna().sum() > len(table) / 2]
    if len(numeric) == 1:
        return numeric[0]
    if not numeric:
        raise DataError(
            f"{where} has no column 'Close', and of columns with numbers none", "name one with --column NAME"
        )
    raise DataError(
        f"{where} has no column 'Close', and of columns with numbers several ({_listed(numeric)})",
        "name one with --column NAME, or more by repeating it",
    )


def _refuse_several_series(when: np.ndarray, where: str) -> None:
    """Raises DataError where most dates come several times: the rows are of several series."""
    rows = np.unique(when[~np.isnat(when)], return_counts=True)[1]
    if len(rows) and np.median(rows) >= 2:
        raise DataError(
            f"{where} has {np.median(rows):.0f} rows for each date: it seems to hold several series",
            "keep the rows of one, or give each a column of its own",
        )


def _dates(table: pd.DataFrame, where: str) -> tuple[list[str], np.ndarray, tuple[str, ...]]:
    """The column named date, time, ..., else the first of text that holds dates: its label, dates (N,) and notes.

    Where its dates come again and the rest of them is in columns beside it, those are read with it and named too.
    """
    labels = list(table.columns)
    texts = [label for label in labels if not pd.api.types.is_numeric_dtype(table[label])]
    named = [label for label in labels if _plain(label) in DATE_NAMES]
    for label in sorted(named, key=lambda label: label not in texts) + texts:  # numbers may be a count of seconds
        found = read_dates(table[label], f"column '{label}' of {where}")
        if found is None:
            continue
        parts, written = _with_parts(table, label)
        if len(parts) > 1 and len(np.unique(found.when)) < len(table):
            whole = read_dates(written, f"columns {', '.join(parts)} of {where}")
            if whole is not None:
                return parts, whole.when, whole.notes
        return [label], found.when, found.notes
    if named:
        first = table[named[0]].iloc[0]
        raise DataError(f"column '{named[0]}' of {where} holds no dates that can be read: '{first}'", WRITE_ISO)
    raise DataError(
        f"{where} has no column with dates (it has {', '.join(labels[:8])})",
        "add one named Date, with entries like 2024-01-31",
    )
