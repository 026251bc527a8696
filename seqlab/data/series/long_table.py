"""Long tables: a row for each series and date, in columns that name the series, the date and the value.

Dates and numbers are read once for the whole table; what makes a series of them is the same as for a file of one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pandas as pd

from seqlab.data.series.column_series import alone, series_of_fields
from seqlab.data.series.column_words import field_of, plain
from seqlab.data.series.file_columns import (
    listed_labels,
    named_column,
    numbers_in,
    of_all_rows,
    refuse_several_rows,
    refuse_several_series,
)
from seqlab.data.series.file_dates import DATE_NAMES, kept_rows
from seqlab.data.series.kinds import Kind, of_one_kind
from seqlab.data.series.series import Series
from seqlab.errors import DataError, UsageError

LONG = ("unique_id", "ds", "y")


@dataclass(frozen=True)
class Long:
    """What the columns of series, dates and values of a long table are called, where it is said: any of them makes a
    table long, and the others are then unique_id, ds and y, else the only one that is called as dates are and the only
    one that is left; a table without a unique_id holds one series."""

    id: str | None = None
    time: str | None = None
    target: str | None = None

    @property
    def is_said(self) -> bool:
        return any(name is not None for name in (self.id, self.time, self.target))

    def options(self) -> list[tuple[str, str]]:
        """Those of a command line that say the same, and their values."""
        said = (("--id", self.id), ("--time", self.time), ("--target", self.target))
        return [(option, name) for option, name in said if name is not None]

    def names_in(self, labels: Sequence[str]) -> list[str]:
        """The column of series among the `labels` of a table, if that is long and has one."""
        if not self.is_said and not set(LONG) <= set(labels):
            return []
        return [label for label in labels if label.lower() == (self.id or LONG[0]).lower()]

    def found_in(self, labels: Sequence[str], columns: Sequence[str], where: str) -> tuple[str, str, str] | None:
        """The columns of series (empty: it is one), dates and values among the `labels` of a table; None for a table
        that is not long. columns: those that were asked for of a wide one. Raises DataError where one is missing, and
        UsageError where both are asked for."""
        if not self.is_said and not set(LONG) <= set(labels):
            return None
        if columns:
            raise UsageError(
                f"{where} is long: its values are in one column",
                f"name that with --target {columns[0]}" if len(columns) == 1 else "leave columns out",
            )
        who = self.id if self.id is not None else LONG[0] if LONG[0] in labels else None
        id = named_column(who, labels, where) if who is not None else ""
        target = named_column(self.target, labels, where) if self.target is not None else ""
        dates = [label for label in labels if label not in (id, target) and plain(label) in DATE_NAMES]
        time = _column(self.time, LONG[1], dates, "--time", labels, where)
        values = [label for label in labels if label not in (id, time)]
        return id, time, target or _column(None, LONG[2], values, "--target", labels, where)


def _column(
    said: str | None, default: str, others: Sequence[str], option: str, labels: Sequence[str], where: str
) -> str:
    """The column that is said, else the one of that name, else the only one that it can be."""
    if said is not None:
        return named_column(said, labels, where)
    if default in labels:
        return default
    if len(others) == 1:
        return others[0]
    raise DataError(f"{where} has no column '{default}'", f"name one of {listed_labels(labels)} with {option} COLUMN")


def series_of_long(
    table: pd.DataFrame,
    when: np.ndarray,
    names: tuple[str, str, str],
    *,
    name: str,
    kind: Kind,
    freq: str | None,
    where: str,
    notes: Sequence[str] = (),
    decimal: str = ".",
) -> list[Series]:
    """The series of a long table with dates `when` (N,), in the order in which they begin in it.

    names: as `Long.found_in` gives them. name: of the table, and of its series where it is one. Rows without a series'
    name and series without a value are left out and noted. Raises DataError where none is left.
    """
    who, time, what = names
    others = [str(label) for label in table.columns if label not in names]
    values, repairs = numbers_in(table[what], decimal, where)
    notes = [*notes, *repairs]
    if not who:
        refuse_several_series(table.drop(columns=time), when, where)
        return [_one_of_them(when, values, label=what, name=name, kind=kind, freq=freq, where=where, notes=notes)]
    ids = names_of_series(table[who])
    codes, uniques = pd.factorize(ids)
    nameless = int((codes < 0).sum())
    if nameless == len(codes):
        raise DataError(f"{where} names no series: {who} is empty in all its rows", f"fill in {who}")
    if nameless:
        rows = f"{nameless:,} {'row' if nameless == 1 else 'rows'}"
        notes.append(f"{rows} of {where} without a {who} {'is' if nameless == 1 else 'are'} left out")
    if others:
        notes.append(f"of {where} only {', '.join(names)} are read, not {listed_labels(others)}")
    usable = np.bincount(codes[(codes >= 0) & np.isfinite(values) & ~np.isnat(when)], minlength=len(uniques)) > 0
    if not usable.any():
        raise DataError(f"no series of {where} has a row with a date and a value in {what}", f"fill in {what}")
    if not usable.all():
        empty = uniques[~usable].tolist()
        said = f"{len(empty):,} series" if len(empty) > 1 else "a series"
        verb = "are" if len(empty) > 1 else "is"
        notes.append(f"{said} of {where} without a value {verb} left out: {listed_labels(empty)}")
    order = np.argsort(codes, kind="stable")
    parts = np.split(order, np.searchsorted(codes[order], np.arange(len(uniques))))[1:]  # the first: without a name
    made = partial(_one_of_them, label=what, kind=kind, freq=freq, notes=notes)
    found = [
        made(when[rows], values[rows], name=one, where=f"series {one} of {where}")
        for one, rows, is_usable in zip(uniques, parts, usable, strict=True)
        if is_usable
    ]
    return [replace(one, panel=name) for one in (of_one_kind(found) if kind == "auto" else found)]


def _one_of_them(
    when: np.ndarray,
    values: np.ndarray,
    *,
    label: str,
    name: str,
    kind: Kind,
    freq: str | None,
    where: str,
    notes: Sequence[str],
) -> Series:
    kept, doubled = kept_rows(when)
    when, values = when[kept], values[kept]
    refuse_several_rows(when, where)
    return series_of_fields(
        when,
        alone(values),
        label,
        name=name,
        kind=kind,
        freq=freq,
        where=where,
        notes=[*notes, *doubled, *of_all_rows(values, label)],
        is_close=field_of(label) in ("open", "high", "low", "close", "adj_close"),
    )


def names_of_series(column: pd.Series) -> pd.Series:
    """The entries as names, missing where they are empty: 7, not 7.0, beside empty cells, and 007 as it is written."""
    text = column.astype("string").str.strip()
    text = text.mask(text == "")
    return text.str.removesuffix(".0") if text.str.fullmatch(r"\d+\.0").fillna(True).all() else text
