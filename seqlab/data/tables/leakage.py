"""Columns of a table that give the target away."""

import numpy as np
import pandas as pd

from seqlab.data.tables.arrays import arrays_of
from seqlab.data.tables.condense import condensed
from seqlab.data.tables.convert import as_words

SAMPLED = 10_000  # rows that show whether all need to be compared


def leaks(frame: pd.DataFrame, target: str) -> list[str]:
    """Warnings of columns that give the target away: equal to it, a linear function of it, another name for it, or with
    a single value of the target for each of their own, which repeat."""
    known = frame[target].notna().to_numpy()
    rows = frame if known.all() else frame[known]
    some = rows.iloc[:: len(rows) // SAMPLED + 1]
    wanted = _array(some[target])
    warnings = []
    for name, values in arrays_of(some.drop(columns=target)):
        found = _leak(_array(values), wanted)
        if found and len(some) < len(rows):  # what does not hold of a part does not of the whole
            found = _leak(_array(rows[name]), _array(rows[target]))
        if found:
            warnings.append(f"column '{name}' {found} the target '{target}': it may not be known for new rows")
    return condensed(warnings)


def _array(values: np.ndarray | pd.Series) -> np.ndarray:
    """float64 of numbers, datetime64 of dates, objects of words."""
    if values.dtype.kind == "M" and isinstance(values, np.ndarray):
        return values
    if values.dtype.kind in "iuf":
        return values.astype(float) if isinstance(values, np.ndarray) else values.to_numpy(float, na_value=np.nan)
    return as_words(values)


def _leak(values: np.ndarray, target: np.ndarray) -> str:
    known = ~np.isnan(values) if values.dtype.kind == "f" else values == values  # nan and NaT are not themselves
    if not known.all():
        values, target = values[known], target[known]
    if len(values) < 3:
        return ""
    if values.dtype.kind == target.dtype.kind == "f":
        if (values == target).all():
            return "equals"
        if _is_linear(values, target):
            return "is a linear function of"
    own, kinds = _codes(values)
    if kinds > len(own) / 3:
        return ""
    theirs, classes = _codes(target)
    if classes < 2:
        return ""
    pairs = len(np.unique(own * np.int64(classes) + theirs))
    if pairs == kinds == classes:
        return "equals" if (as_words(values) == as_words(target)).all() else "is another name for"
    return "determines" if pairs == kinds and kinds <= len(own) / 10 else ""


def _is_linear(x: np.ndarray, y: np.ndarray) -> bool:
    with np.errstate(all="ignore"):  # huge numbers overflow: no warning
        if not abs(np.corrcoef(x, y)[0, 1]) > 1 - 1e-10:
            return False
    return len(np.unique(x)) > 2 and len(np.unique(y)) > 2


def _codes(values: np.ndarray) -> tuple[np.ndarray, int]:
    codes, found = pd.factorize(values)
    return codes, len(found)
