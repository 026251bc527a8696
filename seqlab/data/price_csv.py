"""Prices in a CSV file, as people have them: some date column, some price column, any separator."""

import warnings
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd

from seqlab.data.series import FIELDS, Series, field_name, series_of
from seqlab.errors import DataError, did_you_mean

DATE_NAMES = {"date", "datetime", "time", "timestamp", "day", "month", "ds"}
NEEDS = "it needs a header, and rows with a date and a price"
ISO_DATE = r"^\s*(\d{4})[-/]?(\d{2})(?:[-/]?(\d{2}))?(?!\d)"


def read_csv(source: Path | BinaryIO, name: str, column: str | None = None) -> Series:
    """The Series of a CSV: a date column, and open, high, low, close, adj close, volume in any case.

    Without a close, its only numeric column, or the one called `column`, is the series. Dates are ISO, the
    day as written, whatever its zone. Raises DataError naming what is missing or unreadable.
    """
    where = str(source) if isinstance(source, Path) else "standard input"
    table = _read_table(source, where)
    dated = _date_column(table, where)
    days = _dates(table[dated])
    _refuse_several_a_day(table[dated], days, where)
    rest = [label for label in table.columns if label != dated]
    known = {field_name(label): label for label in reversed(rest)}
    if column is not None:
        taken = _named_column(column, rest, where)
    elif "adj_close" in known or "close" in known:
        taken = known.get("adj_close", known.get("close", ""))
    else:
        numeric = [label for label in rest if _numbers(table[label]).notna().sum() > len(table) / 2]
        if len(numeric) != 1:
            found = f"several ({', '.join(numeric)})" if numeric else "none"
            raise DataError(
                f"{where} has no column 'Close', and of columns with numbers {found}",
                "name one with --column NAME",
            )
        taken = numeric[0]
    if not _numbers(table[taken]).notna().any():
        raise DataError(f"column '{taken}' of {where} has no numbers", "name another with --column NAME")
    # the columns named open, high, ... belong to the closes, not to another column that was asked for
    is_price = field_name(taken) in ("adj_close", "close")
    fields = {field: known[field] for field in FIELDS if is_price and field in known}
    fields["adj_close"] = taken
    fields["close"] = fields.get("close", taken) if field_name(taken) == "adj_close" else taken
    frame = pd.DataFrame({"date": days})
    for field in FIELDS:
        frame[field] = _numbers(table[fields[field]]) if field in fields else np.nan
    series = series_of(name, "file", "", frame, [])
    return replace(series, origin=f"the file's column {taken}, which ends on {series.dates[-1]}")


def _read_table(source: Path | BinaryIO, where: str) -> pd.DataFrame:
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
    header = text.lstrip().partition("\n")[0]
    separator = max(",;\t", key=header.count)  # the comma where there is none
    try:
        with warnings.catch_warnings():  # rows longer than the header would be cut, with a warning only
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table = pd.read_csv(StringIO(text), sep=separator, skipinitialspace=True, index_col=False, low_memory=False)
    except (pd.errors.ParserError, pd.errors.ParserWarning, ValueError) as problem:
        said = str(problem).strip().splitlines()[0]
        raise DataError(f"{where} is no CSV: {said}", "name a CSV file with a header") from problem
    table.columns = [str(label).strip() for label in table.columns]
    if not len(table):
        raise DataError(f"{where} has a header and no rows", NEEDS)
    return table.loc[:, ~table.columns.duplicated()]


def _numbers(values: pd.Series) -> pd.Series:
    return pd.to_numeric(values, errors="coerce").astype(np.float64)


def _named_column(column: str, labels: list[str], where: str) -> str:
    for same in (str, str.lower):
        for label in labels:
            if same(label) == same(column):
                return label
    raise DataError(f"{where} has no column '{column}'", did_you_mean(column, labels))


def _dates(values: pd.Series) -> pd.Series:
    """The day each entry begins with, as it is written there (whatever its zone); NaT where there is none."""
    parts = values.astype("string").str.extract(ISO_DATE)
    written = parts[0] + "-" + parts[1] + "-" + parts[2].fillna("01")
    return pd.to_datetime(written, errors="coerce", format="%Y-%m-%d")


def _refuse_several_a_day(written: pd.Series, days: pd.Series, where: str) -> None:
    """Raises DataError where most days have several rows: of those no one is the day's price."""
    rows = days.value_counts()
    if not len(rows) or rows.median() < 2:
        return
    clock = written.astype("string").str.extract(r"[T ](\d{1,2}:\d{2})")[0]
    if clock.nunique() > 1:
        raise DataError(
            f"{where} has {rows.median():.0f} rows a day: series within the day are not supported",
            "keep one row a day, its last",
        )
    raise DataError(
        f"{where} has {rows.median():.0f} rows for each date: it seems to hold several series",
        "keep the rows of one, or give each a column of its own",
    )


def _date_column(table: pd.DataFrame, where: str) -> str:
    """The column named date, time, ..., else the first of text that holds dates."""
    labels = list(table.columns)
    named = [label for label in labels if label.lower() in DATE_NAMES]
    texts = [label for label in labels if not pd.api.types.is_numeric_dtype(table[label])]
    for label in (*named, *texts):
        if _dates(table[label]).notna().mean() > 0.5:
            return label
    if named:
        raise DataError(
            f"column '{named[0]}' of {where} holds no ISO dates: '{table[named[0]].iloc[0]}'",
            "write dates like 2024-01-31",
        )
    raise DataError(
        f"{where} has no column with dates (it has {', '.join(labels[:8])})",
        "add one named Date, with entries like 2024-01-31",
    )
