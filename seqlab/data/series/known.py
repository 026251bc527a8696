"""What of a table was known on a day in the past: its rows up to then, read as if nothing had followed."""

import io
import re
from collections.abc import Callable

import numpy as np
import pandas as pd

from seqlab.data.series.file_dates import dates_of
from seqlab.data.series.moments import is_of_days_after, last_moment
from seqlab.data.tables.reader import Untyped
from seqlab.data.tables.sniff import has_leading_zeros
from seqlab.errors import DataError

Dated = tuple[list[str], np.ndarray, tuple[str, ...]]  # labels of columns, dates (N,) of the rows, notes


def table_until(
    table: pd.DataFrame,
    where: str,
    last: np.datetime64 | None,
    *,
    read: Callable[[pd.DataFrame, str], Dated] = dates_of,
    retyped: Callable[[pd.DataFrame], pd.DataFrame] = pd.DataFrame.infer_objects,
) -> tuple[pd.DataFrame, Dated]:
    """The rows of a table up to and including the day or the time `last`, all if it is None, and their dates.

    It comes before anything is decided of what the table holds. Of later rows only the writing counts: where they alone
    show that 02/03/2024 is in March, it is. read: the reader of dates. retyped: the columns of fewer rows as they are
    if those are all. Raises DataError where no row is left.
    """
    dated, when, said = read(table, where)
    if last is None or (kept := rows_until(when, last, where)).all():
        return table, (dated, when, said)
    table, when = retyped(table[kept].reset_index(drop=True) if dated else table[kept]), when[kept]
    said = tuple(note for note in said if not is_of_days_after(note, last_moment(last, np.dtype("datetime64[s]"))))
    try:
        alone = read(table, where)
    except DataError:  # read in one way only by what comes later
        return table, (dated, when, said)
    return table, alone if np.array_equal(alone[1], when, equal_nan=True) else (dated, when, said)


def rows_until(when: np.ndarray, last: np.datetime64, where: str) -> np.ndarray:
    """Which rows (N,) of dates are not later than `last`; a row without a date belongs to the one above it. Raises
    DataError where none is."""
    seconds = pd.Series(when.astype("datetime64[s]")).ffill().bfill().to_numpy("datetime64[s]")
    kept = np.isnat(seconds) | (seconds <= last_moment(last, seconds.dtype))
    if not kept.any():
        raise DataError(
            f"{where} has no rows up to {last}", f"they begin on {str(seconds.min()).removesuffix('T00:00:00')}"
        )
    return kept


def numbers_again(table: pd.DataFrame, raw: Untyped) -> pd.DataFrame:
    """The columns of a file's text whose entries are all numbers, now that there are fewer, as the reader of tables
    gives those."""
    if raw.separator == raw.decimal:  # its numbers are all read as text
        return table
    mark = re.escape(raw.decimal)
    plain = re.compile(rf"\s*[-+]?(?:\d+(?:{mark}\d*)?|{mark}\d+)(?:[eE][-+]?\d+)?\s*")
    table = table.copy()
    for label in table.columns[~table.dtypes.map(pd.api.types.is_numeric_dtype)]:
        known = table[label].dropna()
        if all(isinstance(entry, str) and plain.fullmatch(entry) for entry in known) and not has_leading_zeros(known):
            cells = io.StringIO("\n".join([*table[label].fillna(""), ""]))
            table[label] = pd.read_csv(
                cells, names=["x"], sep="\t", decimal=raw.decimal, skipinitialspace=True, skip_blank_lines=False
            )["x"]
    return table
