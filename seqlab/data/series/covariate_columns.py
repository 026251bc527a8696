"""Covariates in the columns of a table, taken out of it, with the rows beyond the last value, before it is read."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from seqlab.data.series.column_numbers import numbers_of_column
from seqlab.data.series.covariates import Columns, CovariateNames, Covariates
from seqlab.data.series.file_columns import listed_labels, named_column
from seqlab.data.series.known import Dated
from seqlab.data.series.long_table import names_of_series
from seqlab.data.series.series import Series
from seqlab.errors import DataError, UsageError

MOST_WORDS = 12  # of a column, each of which has an indicator
TRUE, FALSE = {"true", "yes", "y", "t"}, {"false", "no", "n", "f"}


@dataclass(frozen=True, eq=False)
class Beside:
    """The covariates of a table's rows. ids (M,): the series of each row of a long table; None: they are of all."""

    covariates: Covariates
    ids: np.ndarray | None = None

    def joined(self, series: Series) -> Series:
        """A series of the table with its own."""
        found = self.covariates
        if self.ids is None:
            return replace(series, covariates=found)
        rows = self.ids == series.name
        own = replace(
            found,
            dates=found.dates[rows],
            known={name: values[rows] for name, values in found.known.items()},
            past={name: values[rows] for name, values in found.past.items()},
            where=f"series {series.name} of {found.where}",
        )
        return replace(series, covariates=own)


def taken_out(
    table: pd.DataFrame,
    names: CovariateNames,
    where: str,
    *,
    read: Callable[[pd.DataFrame, str], Dated],
    values: Sequence[str] = (),
    who: str = "",
    decimal: str = ".",
) -> tuple[pd.DataFrame, Beside | None]:
    """The table without its covariates and without the rows after the last with a value, and these covariates; as it
    is, and None, where none are asked for.

    read: the reader of its dates. values: the columns of series, all others where none is named. who: of a long table
    the column of the series' names. Raises DataError for a column that is not there or holds no covariate, and
    UsageError for one that is named twice or is of the series itself.
    """
    if not names:
        return table, None
    if not names.columns:
        return table, Beside(Covariates(country=names.holidays, where=where))
    labels = [named_column(name, list(table.columns), where) for name in names.columns]
    values = [named_column(name, list(table.columns), where) for name in values]
    for place, label in enumerate(labels):
        if label in labels[:place]:
            raise UsageError(f"covariate '{label}' is named twice", "name each with one --known or --past")
        if label in (*values, who):
            raise UsageError(f"column '{label}' is the series, and no covariate", "leave it out of --known and --past")
    rest = table.drop(columns=labels)
    dated, when, _ = read(rest, where)
    columns = {label: _columns_of(table[label], label, decimal, where) for label in labels}
    known, past = (
        {name: column for label in some for name, column in columns[label].items()}
        for some in (labels[: len(names.known)], labels[len(names.known) :])
    )
    ids = names_of_series(rest[who]).to_numpy(object, na_value="") if who else None
    of_series = values or [label for label in rest.columns if label not in (*dated, who)]
    ahead = _ahead(rest[of_series], when, ids)
    if ahead.any():
        rest = rest[~ahead].reset_index(drop=True) if dated else rest[~ahead]
    return rest, Beside(Covariates(when, known, past, names.holidays, where), ids)


def _ahead(values: pd.DataFrame, when: np.ndarray, ids: np.ndarray | None) -> np.ndarray:
    """Which rows (M,) are later than the last with any value, of all or of their own series."""
    empty = values.isna()
    for label in values.columns[~values.dtypes.map(pd.api.types.is_numeric_dtype)]:
        empty[label] |= values[label].astype("string").str.strip().eq("").fillna(True).astype(bool)
    there = ~empty.all(axis=1).to_numpy() & ~np.isnat(when)
    dates = pd.Series(when).where(pd.Series(there))
    last = dates.groupby(ids if ids is not None else np.zeros(len(when))).transform("max").to_numpy()
    return ~there & (when > last)


def _columns_of(column: pd.Series, label: str, decimal: str, where: str) -> Columns:
    """The numbers of a covariate, or of a few words one indicator for each, (M,), NaN where nothing is there."""
    if pd.api.types.is_numeric_dtype(column):
        return {label: column.to_numpy(np.float64, na_value=np.nan)}
    values, _, unread = numbers_of_column(column, decimal)
    if not len(unread):
        return {label: values}
    text = column.astype("string").str.strip().reset_index(drop=True)
    text = text.mask(text == "")
    there, lower = text.notna().to_numpy(bool), text.str.lower()
    if set(lower.dropna()) <= TRUE | FALSE:
        return {label: np.where(there, lower.isin(TRUE).to_numpy(bool), np.nan)}
    words = sorted(text.dropna().unique())
    if np.isfinite(values).sum() > len(unread) or len(words) > MOST_WORDS:
        held = f"holds '{str(unread.iloc[0])[:30]}' beside numbers"
        if len(words) > MOST_WORDS >= np.isfinite(values).sum():
            held = f"has {len(words):,} different words: {listed_labels(words, 3)}"
        raise DataError(
            f"covariate '{label}' of {where} {held}",
            f"a covariate holds numbers, true and false, or at most {MOST_WORDS} different words",
        )
    return {f"{label}={word}": np.where(there, (text == word).fillna(False).to_numpy(bool), np.nan) for word in words}
