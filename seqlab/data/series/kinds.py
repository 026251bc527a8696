"""What the numbers of a series are: prices, returns, counts, or levels of any other kind.

It is decided by what the column is called and by what its numbers do, unless whoever reads it says so.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from seqlab.data.series.days import weekday
from seqlab.data.series.series import Series, only_rises
from seqlab.data.series.spacing import spacing
from seqlab.errors import DataError

Kind = Literal["auto", "prices", "levels", "returns", "counts"]
NO_PRICE = 0.01  # share of closes at or below zero above which a column holds no prices
FAULTS = 2  # of them that are faults of a file, whatever their share
FEW_ZEROS = 0.05  # share of the values, up to which the others' relative changes are forecast
NEARLY_ALL = 0.9  # series of a table, whose kind is that of all
OF_WEEKDAY = 0.1  # share of the variance of changes that weekdays explain, above which no market made them
COMES_BACK = -0.25  # correlation of a change with the one before, below which values return as no price does
FEWEST = 60  # changes that tell
PERCENT = 0.2  # median size of a return above which it seems to be written in percent


def are_additive(values: np.ndarray, kind: Kind, is_close: bool, where: str) -> bool:
    """Whether changes of a column's known values (N,) are differences, as far as can be told without their dates.

    Raises DataError where they cannot be of the kind that is asked for.
    """
    low = values <= 0
    if kind == "prices" and low.any():
        raise DataError(
            f"{where} has {int(low.sum()):,} values at or below zero, as {values[low][0]:g}, and prices are above",
            "leave out --kind, or say --kind levels",
        )
    if kind == "counts" and not are_counts(values):
        odd = values[(values < 0) | (values != np.round(values))][0]
        raise DataError(f"{where} holds {odd:g}, and counts are whole numbers from 0 on", "say --kind levels")
    if kind in ("levels", "returns"):  # returns too, until they are compounded
        return True
    if kind == "auto" and is_close and low.sum() <= max(FAULTS, NO_PRICE * len(values)):
        return False
    if kind != "prices" and not is_close and only_rises(values):
        return True
    few_zeros = not (values < 0).any() and low.mean() <= FEW_ZEROS and not is_close
    return bool(low.any()) and not few_zeros


def with_kind(series: Series, kind: Kind, is_close: bool, counts: bool) -> Series:
    """The series with its kind, said where it was decided here. counts: whether its values are whole, from 0 on."""
    if kind == "returns":
        return _compounded(series)
    if kind != "auto":
        return replace(series, kind=kind)
    if not series.additive and (is_close or _trades(series)):
        return replace(series, kind="prices")
    return replace(series, kind="counts" if counts else "levels", notes=(*series.notes, _said(series, counts)))


def of_one_kind(series: Sequence[Series]) -> list[Series]:
    """The series of one column, read alone: where nearly all are of one kind, the others are of that too, if they can
    be; where they clearly differ, each stays what it is."""
    (usual, count), *rest = Counter(one.kind for one in series).most_common()
    if not rest or count < NEARLY_ALL * len(series):
        return [*series]
    return [_as(one, usual) if one.kind != usual else one for one in series]


def _as(series: Series, kind: str) -> Series:
    counts = are_counts(series.close)
    if (kind == "counts" and not counts) or (kind == "prices" and (series.additive or not (series.close > 0).all())):
        return series
    alone = _said(series, series.kind == "counts")
    made = replace(series, kind=kind, notes=tuple(note for note in series.notes if note != alone))
    return made if kind == "prices" else replace(made, notes=(*made.notes, _said(made, kind == "counts")))


def _said(series: Series, counts: bool) -> str:
    """How the values of a series that holds no prices are read, and how to overrule it."""
    values, name = series.adjusted, f"column '{series.column}'"
    what = "whole numbers" if counts else "numbers"
    if series.never_falls and series.additive:
        return f"{name} never falls: nothing below its last value is forecast"
    if not series.additive:
        few = ", but for few zeros" if (series.close == 0).any() else ""
        return f"{name} holds {what} above zero{few} (--kind prices if it is traded)"
    if values.min() >= 0:
        zeros = int((values == 0).sum())
        return f"{name} holds {what}, {zeros:,} of them zero and none below: nothing below zero is forecast"
    low = int((values <= 0).sum())
    rows = f"{low:,} {'value' if low == 1 else 'values'} at or below zero"
    return f"{name} has {rows} (--kind returns if it holds returns)"


def are_counts(values: np.ndarray) -> bool:
    """Whether all values are whole numbers from 0 on."""
    return bool((values >= 0).all() and (values == np.round(values)).all())


def _trades(series: Series) -> bool:
    """Whether values above zero, from Monday to Friday, change as what is traded does: whatever the weekday, and
    without coming back the next day. Rates, funds and indices do; visits and calls do not."""
    found = spacing(series.dates)
    if found.unit != "day" or not 0 < len(found.weekdays) < 7:
        return False
    changes = np.diff(np.log(series.adjusted))
    if len(changes) < FEWEST or not changes.any():
        return True
    changes = changes - changes.mean()
    day = weekday(series.dates[1:])
    means = np.bincount(day, changes, 7) / np.maximum(np.bincount(day, minlength=7), 1)
    total = changes @ changes
    left = changes - means[day]
    explained = 1 - (left @ left) / (len(changes) - 5) / (total / (len(changes) - 1))
    return bool(explained < OF_WEEKDAY and changes[1:] @ changes[:-1] / total > COMES_BACK)


def _compounded(returns: Series) -> Series:
    """The index that a series of returns makes, which is 100 before the first of them."""
    rates, where = returns.close, f"column '{returns.column}' of {returns.name}"
    if (rates <= -1).any():
        at = int(np.flatnonzero(rates <= -1)[0])
        raise DataError(
            f"{where} loses everything in the row of {returns.dates[at]}: a return of {rates[at]:g}",
            "write returns as fractions, -0.01 for a loss of 1 %, or use --kind levels",
        )
    with np.errstate(over="ignore", under="ignore"):
        index = 100 * np.exp(np.cumsum(np.log1p(rates)))
    if not (np.isfinite(index) & (index > 0)).all():
        raise DataError(f"{where} compounds to nothing or past all bounds", "write returns as fractions, 0.01 for 1 %")
    notes = [*returns.notes, "its returns are compounded to an index that is 100 before the first row"]
    usual = float(np.median(np.abs(rates)))
    if usual > PERCENT:
        notes.append(f"half of the returns are larger than {usual:.3g}: are they in percent? Here 1 % is 0.01")
    return replace(returns, close=index, adjusted=index.copy(), additive=False, kind="returns", notes=tuple(notes))
