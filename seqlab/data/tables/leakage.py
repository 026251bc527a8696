"""Columns of a table that give the target away."""

import numpy as np
import pandas as pd

from seqlab.data.tables.convert import as_words

SAMPLED = 10_000  # rows that show whether all need to be compared


def leaks(frame: pd.DataFrame, target: str) -> list[str]:
    """Warnings of columns that give the target away: equal to it, a linear function of it, another name for it, or with
    a single value of the target for each of their own, which repeat."""
    rows = frame[frame[target].notna()]
    warnings = []
    for name in rows:
        if name == target:
            continue
        some = rows[[name, target]].iloc[:: len(rows) // SAMPLED + 1]
        found = _leak(some[name], some[target])
        if found and len(some) < len(rows):  # what does not hold of a part does not of the whole
            found = _leak(rows[name], rows[target])
        if found:
            warnings.append(f"column '{name}' {found} the target '{target}': it may not be known for new rows")
    return warnings


def _leak(values: pd.Series, target: pd.Series) -> str:
    known = values.notna()
    values, target = values[known], target[known]
    if len(values) < 3:
        return ""
    if all(pd.api.types.is_numeric_dtype(each) and not pd.api.types.is_bool_dtype(each) for each in (values, target)):
        x, y = values.to_numpy(np.float64, na_value=np.nan), target.to_numpy(np.float64, na_value=np.nan)
        if (x == y).all():
            return "equals"
        with np.errstate(all="ignore"):  # huge numbers overflow: no warning
            if len(np.unique(x)) > 2 and len(np.unique(y)) > 2 and abs(np.corrcoef(x, y)[0, 1]) > 1 - 1e-10:
                return "is a linear function of"
    own, theirs = pd.factorize(as_words(values))[0], pd.factorize(as_words(target))[0]
    kinds, classes = int(own.max()) + 1, int(theirs.max()) + 1
    if classes < 2 or kinds > len(own) / 3:
        return ""
    pairs = len(np.unique(own * np.int64(classes) + theirs))
    if pairs == kinds == classes:
        return "equals" if (as_words(values) == as_words(target)).all() else "is another name for"
    return "determines" if pairs == kinds and kinds <= len(own) / 10 else ""
