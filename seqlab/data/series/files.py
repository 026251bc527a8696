"""Series in a file, as people have them: some date column, one or more columns of numbers, in any writing.

Files are read by the reader of tables; here it is decided which columns are dates and which is the series.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pandas as pd

from seqlab.data.series.column_series import series_of_column
from seqlab.data.series.covariate_columns import taken_out
from seqlab.data.series.covariates import CovariateNames
from seqlab.data.series.file_columns import named_column, only_column, refuse_several_series
from seqlab.data.series.file_dates import dates_of, dates_of_column, kept_rows
from seqlab.data.series.kinds import Kind
from seqlab.data.series.known import numbers_again, table_until
from seqlab.data.series.long_table import Long, series_of_long
from seqlab.data.series.series import Series
from seqlab.data.tables.header import UNNAMED
from seqlab.data.tables.reader import read_untyped


def read_csv(
    source: Path | BinaryIO,
    name: str,
    columns: Sequence[str] = (),
    kind: Kind = "auto",
    freq: str | None = None,
    as_of: np.datetime64 | None = None,
    long: Long = Long(),
    covariates: CovariateNames = CovariateNames(),
) -> list[Series]:
    """The Series of a file that `read_table` reads, one for each of `columns`: a date column, and open, high, low,
    close, ... in any case.

    Without `columns` its close, else its only numeric column, is the series. One series is called `name`, several as
    their columns. kind: what they hold, see `kinds`; `levels` are values whose differences are forecast, `returns` are
    compounded. freq: how often there is a row, see `frequency`. as_of: the day or the time up to which it is read,
    as if nothing had followed, see `known`. long: the columns of a table that is long, whose series are called as they
    are there, see `long_table`. covariates: columns that are no series, see `covariate_columns`.
    Raises DataError naming what is missing or unreadable.
    """
    raw = read_untyped(source, names=long.names_in)
    table = pd.DataFrame(raw.columns, copy=False)
    found = long.found_in(list(table.columns), columns, raw.where)
    read = dates_of if found is None else lambda part, where: dates_of_column(part, found[1], where)
    who, values = ("", columns) if found is None else (found[0], [found[2]])
    table, beside = taken_out(table, covariates, raw.where, read=read, values=values, who=who, decimal=raw.decimal)
    joined = (lambda one: one) if beside is None else beside.joined
    table, (dated, when, said) = table_until(
        table, raw.where, as_of, read=read, retyped=partial(numbers_again, raw=raw)
    )
    if found is not None:
        notes = [*raw.notes, *said]
        made = partial(series_of_long, name=name, kind=kind, freq=freq, where=raw.where, decimal=raw.decimal)
        return [joined(one) for one in made(table, when, found, notes=notes)]
    of_index = UNNAMED + ", ".join(dated)  # pandas writes the dates of an index without a name
    notes = [*(note for note in raw.notes if note != of_index), *said]
    refuse_several_series(table.drop(columns=dated), when, raw.where)
    kept, doubled = kept_rows(when)
    table, when, notes = table[kept].reset_index(drop=True), when[kept], [*notes, *doubled]
    rest = [str(label) for label in table.columns if label not in dated]
    taken = list(dict.fromkeys(named_column(column, rest, raw.where) for column in columns)) or [
        only_column(table, rest, raw.decimal, raw.where)
    ]
    others = table[rest]
    read_one = partial(series_of_column, kind=kind, freq=freq, where=raw.where, notes=notes, decimal=raw.decimal)
    panel = name if len(taken) > 1 else ""
    called = [name] if len(taken) == 1 else [re.sub(r"[/\\]+", "-", label) for label in taken]  # folders are named so
    return [
        joined(replace(read_one(others, when, label, name=own), panel=panel))
        for label, own in zip(taken, called, strict=True)
    ]
