"""Several series in the rows of one table: which columns tell one from the other."""

from itertools import combinations

import numpy as np
import pandas as pd

from seqlab.data.series.column_words import (
    EXACT_IDENTIFIERS,
    MOST_LOOKED_IN,
    is_clock_name,
    names_series,
    part_of,
    plain,
)

BLOCK = 10  # rows that each of several series has on average, where no name says that there are several
AGAIN = 0.1  # share of rows whose date comes again, from which on it is no fault of the file
FAULTS = 0.01  # share of rows that are still alike where a date and a name tell them apart
MOST = 8  # columns that are tried together


def columns_of_names(table: pd.DataFrame, when: np.ndarray) -> list[str]:
    """The columns that name the series of a table without its dates, which are `when`; none where it is one series, or
    nothing tells one from the other.

    They are those that tell apart rows of one date; else one of identifiers, or one whose entries stand together, each
    in order of time, where all rows do not.
    """
    if table.shape[1] < 2:  # the series itself, whatever it is called
        return []
    known = ~np.isnat(when)
    if not known.all():
        table, when = table[known], when[known]
    steps = np.diff(when).astype(int)
    in_order = bool((steps > 0).all() or (steps < 0).all())
    likeliest = sorted(map(str, table.columns), key=lambda label: not names_series(label))
    names = [
        label
        for label in likeliest[:MOST_LOOKED_IN]
        if not (in_order and not names_series(label)) and _may_be_names(table[label])
    ]
    names.sort(key=lambda label: (not names_series(label), pd.api.types.is_numeric_dtype(table[label])))
    told = [] if in_order else _that_tell_rows_apart(table, when, names)
    if told:
        return told
    for label in names:
        column = table[label]
        few = column.nunique() <= len(column) / BLOCK
        if plain(label) in EXACT_IDENTIFIERS or (names_series(label) and few and _blocks(column) == column.nunique()):
            return [label]
        if few and _begins_again(column, when):
            return [label]
    return []


def _may_be_names(column: pd.Series) -> bool:
    """Whether a column's entries, words or whole numbers, come again and are neither times nor parts of dates."""
    label, known = str(column.name), column.dropna()
    if is_clock_name(label) or part_of(label) or not 1 < known.nunique() <= len(known) / 2:
        return False
    if pd.api.types.is_bool_dtype(column):
        return False
    return not pd.api.types.is_numeric_dtype(column) or bool((known % 1 == 0).all())


def _that_tell_rows_apart(table: pd.DataFrame, when: np.ndarray, names: list[str]) -> list[str]:
    """One or two of the columns with which dates that come again do not; none where few do, or none are such."""
    if len(np.unique(when)) > (1 - AGAIN / 2) * len(when):  # each date that comes again has two rows at least
        return []
    rows = pd.concat([table, pd.Series(when, table.index, name="")], axis=1).drop_duplicates()
    per_date = rows.groupby("")[""].transform("size")
    if not len(rows) or (per_date > 1).mean() <= AGAIN:
        return []
    for count in (1, 2):
        for together in combinations(names[:MOST], count):
            different = rows[[*together]].drop_duplicates()
            sure = any(names_series(label) or not pd.api.types.is_numeric_dtype(table[label]) for label in together)
            if not sure and len(different) > 1.5 * per_date.max():  # a column of values tells rows apart, too
                continue
            if rows.duplicated(["", *together]).mean() <= FAULTS:
                return [*together]
    return []


def _blocks(column: pd.Series) -> int:
    """How many runs of one entry after the other a column has."""
    known = column.dropna().to_numpy()
    return int((known[1:] != known[:-1]).sum()) + 1


def _begins_again(column: pd.Series, when: np.ndarray) -> bool:
    """Whether the rows of each entry of a column stand together in order of time, and all rows do not."""
    there = column.notna().to_numpy()
    names, times = column[there].to_numpy(), when[there]
    new = names[1:] != names[:-1]
    steps = np.diff(times).astype(int)
    begins = any((sign * steps[~new] > 0).all() and (sign * steps[new] < 0).any() for sign in (1, -1))
    return bool(new.sum() == len(set(names)) - 1 and begins)
